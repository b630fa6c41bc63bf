/**
 * Sends what waits in one channel, for as long as there is something. One job at a time does so for a channel, in all
 * processes together; it has several messages under way at once, one for each recipient.
 */
import type { Channel, Channels } from '../domain/channel.js';
import { paceOf, sendAgainAfter } from '../domain/outbound.js';
import type { Http } from '../domain/provider.js';
import type { OutboundContent, SendOutcome, Sending } from '../domain/sending.js';
import { keepTrying } from '../infra/keep-trying.js';
import type { Logger } from '../infra/logger.js';
import type { SendError, SendQueue, Waiting } from '../infra/send-queue.js';

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

export function createSend(options: SendJobOptions): (channel: string) => Promise<void> {
  const { queue, channels, logger } = options;
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

async function sendAll(options: SendJobOptions, sender: Sender): Promise<void> {
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
  options: SendJobOptions,
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
  // One that ends makes room, also for the next of its recipient.
  const content = options.contentOf(message, sender.sending);
  if (underWay.size >= mostUnderWay[content?.way ?? 'link'])
    return { ms: longestPauseMs, most: longestPauseMs };
  const pace = paceOf(sender.sending.limitsFor(message.options).rate);
  if (!(await queue.claim(message, pace)))
    return { ms: await queue.waitForPace(id, pace), most: longestPauseMs };
  const sent = sendOne(options, sender, message).finally(() => underWay.delete(sent));
  underWay.add(sent);
  return { ms: 0, most: 0 };
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
async function sendOne(options: SendJobOptions, sender: Sender, message: Waiting): Promise<void> {
  const { logger, stopping, observe } = options;
  const since = performance.now();
  const outcome = await outcomeOf(options, sender, message);
  const { id, channel } = message;
  observe({ id, channel, outcome: outcome.type, milliseconds: performance.now() - since });
  logger.info({ message: id, channel, outcome: outcome.type }, 'a message was handed over');
  await keepTrying(() => writeDown(options, message, outcome), {
    // When the process is to end, once more is tried and no longer.
    signal: stopping.aborted ? AbortSignal.timeout(longestPauseMs) : stopping,
    failed: (error) => {
      logger.error({ message: id, err: error }, 'what became of a message could not be written down');
    },
  });
}

async function outcomeOf(
  { contentOf, http }: SendJobOptions,
  { channel, sending }: Sender,
  message: Waiting,
): Promise<SendOutcome> {
  const content = contentOf(message, sending);
  if (!content) return { type: 'refused', ...noMedia };
  const reading = watched(content);
  const { id, recipient, kind, type, bytes, filename, caption, replyTo, options } = message;
  const outcome = await sending
    .send(
      {
        ...{ id, to: recipient, kind, content: reading.content, type, bytes },
        ...{ filename, caption, replyTo, options },
      },
      http(channel),
    )
    .catch((): SendOutcome => ({ type: 'unknown', message: 'the adapter broke down' }));
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

async function writeDown(options: SendJobOptions, message: Waiting, outcome: SendOutcome): Promise<void> {
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
      if (afterMs === undefined) await queue.ended(id, 'failed', error);
      else await queue.postponed(message, { afterMs, blocksChannel: retryAfterMs !== null, error });
    }
  }
}
