/**
 * Sends what waits in one channel, for as long as there is something. One job at a time does so for a channel, in all
 * processes together; it has several messages under way at once, one for each recipient.
 */
import type { Channel, Channels } from '../../domain/channel.js';
import { paceOf, sendAgainAfter } from '../../domain/outbound.js';
import type { Http } from '../../domain/provider.js';
import type { OutboundContent, SendOutcome, Sending } from '../../domain/sending.js';
import { createFaultLog, type FaultLog } from '../../infra/logging/fault-log.js';
import type { Logger } from '../../infra/logging/logger.js';
import { isDatabaseFailure } from '../../infra/postgres/errors.js';
import { keepTrying } from '../../infra/process/keep-trying.js';
import type { Pace, SendError, SendQueue, Waiting } from '../../infra/tables/sending/send-queue.js';

export interface SendJobOptions {
  readonly queue: SendQueue;
  readonly channels: Channels;
  /** By which a channel's provider is called. */
  readonly http: (channel: Channel) => Http;
  /** How the provider gets at the media; undefined: it is gone, or cannot be handed over any more. */
  readonly contentOf: (message: Waiting, sending: Sending) => OutboundContent | undefined;
  readonly logger: Logger;
  /** Hears what came of each message that was handed over. */
  readonly observe: (message: {
    readonly id: string;
    readonly channel: string;
    readonly outcome: SendOutcome['type'];
    readonly milliseconds: number;
  }) => void;
  readonly now: () => Date;
  /** From 0 to 1. */
  readonly chance: () => number;
  readonly stopping: AbortSignal;
}

/** Bounds the connections of one channel, and its memory: bytes that go along are held whole, in base64 as well. */
const mostUnderWay = { link: 16, inline: 4, upload: 4 } as const;
/** While nothing in the channel may be sent; longer ones are left to the queue, so that they hold no place in it. */
const longestPauseMs = 2_000;
/** While messages are under way, others may be added. */
const lookAgainMs = 100;
const noChannelMs = 60_000;
const patienceMs = 86_400_000;

const interrupted: SendError = {
  code: 'send.interrupted',
  message: 'the service ended while the message was on its way: nobody knows whether the provider has it',
};

const noMedia: SendError = {
  code: 'send.no_media',
  message: 'the media is gone, or there is no way to hand it over any more',
};
const unreadable: SendError = { code: 'send.unreadable', message: 'the bytes could not be read' };
/** It passes with an update at the earliest: it is to be seen soon, and the message can be sent again by hand. */
const fault: SendError = { code: 'send.internal', message: 'a fault of this service' };
const mostFaults = 5;
/** For a message whose adapter does not say how it is sent. */
const usualWay: Way = { way: 'link', pace: { intervalMs: 1_000, aheadMs: 0 } };

interface SendJob extends SendJobOptions {
  readonly reportFault: FaultLog;
}

export function createSend(given: SendJobOptions): (channel: string) => Promise<void> {
  const { queue, channels, logger } = given;
  const options: SendJob = { ...given, reportFault: createFaultLog(logger) };
  return async (id) => {
    const left = await queue.abandon(id, interrupted);
    if (left > 0) logger.warn({ channel: id, messages: left }, 'messages were left on their way');
    const channel = channels.find(id);
    const sending = channel?.adapter.sending;
    if (!channel || !sending) await waitForChannel(options, id);
    else await sendAll(options, { channel, sending });
  };
}

/** It is disabled or removed, or has lost a setting: that may be mended. */
async function waitForChannel({ queue, now }: SendJobOptions, id: string): Promise<void> {
  const error = { code: 'send.no_channel', message: 'the channel could not send for a day' };
  await queue.giveUp(id, new Date(now().getTime() - patienceMs), error);
  if ((await queue.waitForNext(id)) !== undefined) await queue.resume(id, noChannelMs);
}

interface Sender {
  readonly channel: Channel;
  readonly sending: Sending;
}

async function sendAll(options: SendJob, sender: Sender): Promise<void> {
  const { queue, stopping } = options;
  const { id } = sender.channel;
  const underWay = new Set<Promise<void>>();
  try {
    while (!stopping.aborted) {
      const pause = await sendNext(options, sender, underWay);
      if (pause === 'done') return;
      if (underWay.size > 0 || pause.ms <= pause.most) await pauseFor(pause.ms, stopping, underWay);
      else {
        await queue.resume(id, pause.ms);
        return;
      }
    }
    await queue.resume(id, 0);
  } finally {
    await Promise.all(underWay);
  }
}

interface Pause {
  readonly ms: number;
  /** A longer one than this is left to the queue, where a new message ends it. */
  readonly most: number;
}

/** Begins to send the next message, if its time has come; answers how long to wait before looking again. */
async function sendNext(
  options: SendJob,
  sender: Sender,
  underWay: Set<Promise<void>>,
): Promise<Pause | 'done'> {
  const { queue } = options;
  const { id } = sender.channel;
  const message = await queue.next(id);
  if (!message) {
    if (underWay.size > 0) return { ms: lookAgainMs, most: lookAgainMs };
    const ms = await queue.waitForNext(id);
    return ms === undefined ? 'done' : { ms, most: 0 };
  }
  const { way, pace } = wayOf(options, sender, message);
  // One that ends makes room, also for the next of its recipient.
  if (underWay.size >= mostUnderWay[way]) return { ms: longestPauseMs, most: longestPauseMs };
  if (!(await queue.claim(message, pace)))
    return { ms: await queue.waitForPace(id, pace), most: longestPauseMs };
  const sent = sendOne(options, sender, message).finally(() => underWay.delete(sent));
  underWay.add(sent);
  return { ms: 0, most: 0 };
}

interface Way {
  readonly way: keyof typeof mostUnderWay;
  readonly pace: Pace;
}

/** What is wrong with the message or its adapter shows, and is written down, when it is sent. */
function wayOf({ contentOf }: SendJob, { sending }: Sender, message: Waiting): Way {
  try {
    const way = contentOf(message, sending)?.way ?? 'link';
    return { way, pace: paceOf(sending.limitsFor(message.options).rate) };
  } catch {
    return usualWay;
  }
}

/** Until the time is over, or one of those under way, or the process is to end. */
function pauseFor(ms: number, stopping: AbortSignal, underWay: ReadonlySet<Promise<void>>): Promise<void> {
  if (ms === 0 || stopping.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const over = (): void => {
      clearTimeout(timer);
      stopping.removeEventListener('abort', over);
      resolve();
    };
    const timer = setTimeout(over, ms);
    stopping.addEventListener('abort', over);
    for (const sent of underWay) void sent.then(over);
  });
}

/** Never rejects: what became of a message is written down, however long that takes, or it stays `sending` for the next job. */
async function sendOne(options: SendJob, sender: Sender, message: Waiting): Promise<void> {
  const { logger, stopping, observe, reportFault } = options;
  const since = performance.now();
  const outcome = await outcomeOf(options, sender, message);
  const { id, channel } = message;
  observe({ id, channel, outcome: outcome.type, milliseconds: performance.now() - since });
  logger.info({ message: id, channel, outcome: outcome.type }, 'a message was handed over');
  await keepTrying(() => writeDown(options, message, outcome), {
    // When the process is to end, once more is tried and no longer.
    signal: stopping.aborted ? AbortSignal.timeout(longestPauseMs) : stopping,
    failed: (error) => {
      reportFault('what became of a message could not be written down', error, { message: id });
    },
  });
}

async function outcomeOf(job: SendJob, sender: Sender, message: Waiting): Promise<SendOutcome> {
  let content: OutboundContent | undefined;
  try {
    content = job.contentOf(message, sender.sending);
  } catch (error) {
    job.reportFault('a message could not be made ready', error, { message: message.id });
    return { type: 'busy', retryAfterMs: null, ...fault };
  }
  return content ? handOver(job, sender, { message, content }) : { type: 'refused', ...noMedia };
}

async function handOver(
  { http, reportFault }: SendJob,
  { channel, sending }: Sender,
  { message, content }: { readonly message: Waiting; readonly content: OutboundContent },
): Promise<SendOutcome> {
  const reading = watched(content);
  const { id, recipient, kind, type, bytes, filename, caption, replyTo, options } = message;
  const wanted = {
    id,
    to: recipient,
    kind,
    content: reading.content,
    type,
    bytes,
    filename,
    caption,
    replyTo,
    options,
  };
  let outcome: SendOutcome;
  try {
    outcome = await sending.send(wanted, http(channel));
  } catch (error) {
    // Bytes that cannot be read are no fault of the adapter's.
    if (!reading.hasFailed()) reportFault('an adapter broke down', error, { message: id });
    outcome = { type: 'unknown', message: 'the adapter broke down' };
  }
  // Whatever the adapter made of it: without the bytes, no request went out.
  return reading.hasFailed() ? { type: 'busy', retryAfterMs: null, ...unreadable } : outcome;
}

function watched(content: OutboundContent): { content: OutboundContent; hasFailed: () => boolean } {
  let failed = false;
  if (content.way === 'link') return { content, hasFailed: () => failed };
  const data = async (): Promise<Uint8Array> => {
    try {
      return await content.data();
    } catch (error) {
      failed = true;
      throw error;
    }
  };
  return { content: { ...content, data }, hasFailed: () => failed };
}

/** Rejects while the database does not take it. What it will never take is written down as our fault. */
async function writeDown(options: SendJob, message: Waiting, outcome: SendOutcome): Promise<void> {
  try {
    await writeOutcome(options, message, outcome);
  } catch (error) {
    if (isDatabaseFailure(error)) throw error;
    options.reportFault('what became of a message could not be kept', error, { message: message.id });
    const mayBeSent = outcome.type === 'accepted' || outcome.type === 'unknown';
    await options.queue.ended(message.id, mayBeSent ? 'unknown' : 'failed', fault);
  }
}

async function writeOutcome(options: SendJob, message: Waiting, outcome: SendOutcome): Promise<void> {
  const { queue, now, chance } = options;
  const { id, createdAt } = message;
  switch (outcome.type) {
    case 'accepted':
      await queue.accepted(message, outcome.messageId);
      return;
    case 'refused':
      await queue.ended(id, 'failed', outcome);
      return;
    case 'unknown':
      await queue.ended(id, 'unknown', { code: 'send.unanswered', message: outcome.message });
      return;
    case 'busy': {
      const { retryAfterMs, code, message: words } = outcome;
      const waitingMs = now().getTime() - createdAt.getTime();
      const attempts = message.attempts + 1;
      const afterMs = sendAgainAfter({ attempts, waitingMs, retryAfterMs, chance: chance() });
      const error = { code, message: words };
      const isOver = code === fault.code && attempts >= mostFaults;
      if (afterMs === undefined || isOver) await queue.ended(id, 'failed', error);
      else await queue.postponed(message, { afterMs, blocksChannel: retryAfterMs !== null, error });
    }
  }
}
