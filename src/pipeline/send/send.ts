/**
 * Sends the queued messages of one channel until none is left. For each channel, a single job runs across all
 * processes; it sends to several recipients at once, with one message in progress for each recipient.
 */
import type { Channel, Channels } from '../../domain/channel.js';
import type { Evaluate } from '../../domain/evaluation.js';
import { paceOf, resendDelayMs } from '../../domain/outbound.js';
import type { Http } from '../../domain/provider.js';
import type { OutboundContent, SendOutcome, Sending } from '../../domain/sending.js';
import { createFaultLog, type FaultLog } from '../../infra/logging/fault-log.js';
import type { Logger } from '../../infra/logging/logger.js';
import { isDatabaseFailure } from '../../infra/postgres/errors.js';
import { retryUntilDone } from '../../infra/process/retry-until-done.js';
import type { Pace, SendError, SendQueue, Waiting } from '../../infra/tables/sending/send-queue.js';

export interface SendJobOptions {
  readonly queue: SendQueue;
  readonly channels: Channels;
  /** Returns the HTTP client for the provider of a channel. */
  readonly http: (channel: Channel) => Http;
  /** Returns the evaluator for the expressions of a channel. */
  readonly evaluate: (channel: Channel) => Evaluate;
  /**
   * Chooses how the provider receives the media; undefined if the media is gone or can no longer be handed
   * over.
   */
  readonly contentOf: (message: Waiting, sending: Sending) => OutboundContent | undefined;
  /** The address of a channel's webhooks. */
  readonly webhookUrlOf: (channel: string) => string;
  readonly logger: Logger;
  /** Called with the outcome of each message. */
  readonly observe: (message: {
    readonly id: string;
    readonly channel: string;
    readonly outcome: SendOutcome['type'];
    readonly milliseconds: number;
  }) => void;
  readonly now: () => Date;
  /** Returns a random number from 0 to 1. */
  readonly chance: () => number;
  readonly stopping: AbortSignal;
}

/**
 * Limits the connections and the memory of one channel: inline bytes are held in memory completely, in base64
 * as well.
 */
const maxInFlight = { link: 16, inline: 4, upload: 4 } as const;
/**
 * The longest wait inside the job while nothing in the channel may be sent; longer waits are left to the
 * queue, so that the job does not occupy a place there.
 */
const maxPauseMs = 2_000;
/** How often the job checks for new messages while others are in progress. */
const pollMs = 100;
const noChannelMs = 60_000;
const noChannelTimeoutMs = 86_400_000;

const interrupted: SendError = {
  code: 'send.interrupted',
  message: 'the service stopped while it sent the message: it is unknown whether the provider received it',
};

const mediaGone: SendError = {
  code: 'send.no_media',
  message: 'the media is gone, or the provider can no longer get it',
};
const unreadable: SendError = { code: 'send.unreadable', message: 'the stored file could not be read' };
/**
 * Can be fixed by an update at the earliest, so the message soon counts as failed; an administrator can send
 * it again.
 */
const fault: SendError = { code: 'send.internal', message: 'a fault of this service' };
const maxFaults = 5;
/** Applies to a message whose adapter fails to describe how it is sent. */
const defaultWay: Way = { way: 'link', pace: { intervalMs: 1_000, aheadMs: 0 } };

interface SendJob extends SendJobOptions {
  readonly reportFault: FaultLog;
}

export function createSend(options: SendJobOptions): (channel: string) => Promise<void> {
  const { queue, channels, logger } = options;
  const job: SendJob = { ...options, reportFault: createFaultLog(logger) };
  return async (id) => {
    const abandoned = await queue.abandon(id, interrupted);
    if (abandoned > 0)
      logger.warn({ channel: id, messages: abandoned }, 'messages were abandoned while they were being sent');
    const channel = channels.active(id);
    const sending = channel?.adapter.sending;
    if (!channel || !sending) await waitForChannel(options, id);
    else await sendAll(job, { channel, sending });
  };
}

/** The channel is disabled, removed, or lacks a setting, all of which may be fixed. */
async function waitForChannel({ queue, now }: SendJobOptions, id: string): Promise<void> {
  const error = { code: 'send.no_channel', message: 'the channel was unable to send for a day' };
  await queue.giveUp(id, new Date(now().getTime() - noChannelTimeoutMs), error);
  if ((await queue.waitForNext(id)) !== undefined) await queue.resume(id, noChannelMs);
}

interface Sender {
  readonly channel: Channel;
  readonly sending: Sending;
}

async function sendAll(job: SendJob, sender: Sender): Promise<void> {
  const { queue, stopping } = job;
  const { id } = sender.channel;
  const inFlight = new Set<Promise<void>>();
  try {
    while (!stopping.aborted) {
      const pause = await sendNext(job, sender, inFlight);
      if (pause === 'done') return;
      if (inFlight.size > 0 || pause.ms <= pause.maxMs) await pauseFor(pause.ms, stopping, inFlight);
      else {
        await queue.resume(id, pause.ms);
        return;
      }
    }
    await queue.resume(id, 0);
  } finally {
    await Promise.all(inFlight);
  }
}

interface Pause {
  readonly ms: number;
  /** Longer waits are left to the queue, where a new message ends them. */
  readonly maxMs: number;
}

/** Starts to send the next message if its time has come. Returns how long to wait before checking again. */
async function sendNext(
  options: SendJob,
  sender: Sender,
  inFlight: Set<Promise<void>>,
): Promise<Pause | 'done'> {
  const { queue } = options;
  const { id } = sender.channel;
  const message = await queue.next(id);
  if (!message) {
    if (inFlight.size > 0) return { ms: pollMs, maxMs: pollMs };
    const ms = await queue.waitForNext(id);
    return ms === undefined ? 'done' : { ms, maxMs: 0 };
  }
  const { way, pace } = wayOf(options, sender, message);
  const recipientMs = await waitForRecipient(options, sender, message);
  if (recipientMs > 0) {
    await queue.defer(message, recipientMs);
    return { ms: 0, maxMs: 0 };
  }
  // The end of another message makes room, also for the next message to its recipient.
  if (inFlight.size >= maxInFlight[way]) return { ms: maxPauseMs, maxMs: maxPauseMs };
  if (!(await queue.claim(message, pace)))
    return { ms: await queue.waitForPace(id, pace), maxMs: maxPauseMs };
  const sent = sendOne(options, sender, message).finally(() => inFlight.delete(sent));
  inFlight.add(sent);
  return { ms: 0, maxMs: 0 };
}

/** The milliseconds until the recipient may get another message; 0 if it may now. */
async function waitForRecipient({ queue }: SendJob, { sending }: Sender, message: Waiting): Promise<number> {
  const intervalMs = sending.recipientIntervalMs?.(message.recipient) ?? 0;
  return intervalMs === 0 ? 0 : queue.waitForRecipient(message, intervalMs);
}

interface Way {
  readonly way: keyof typeof maxInFlight;
  readonly pace: Pace;
}

/** Problems with the message or its adapter are reported and recorded when the message is sent. */
function wayOf({ contentOf }: SendJob, { sending }: Sender, message: Waiting): Way {
  try {
    const way = contentOf(message, sending)?.way ?? 'link';
    return { way, pace: paceOf(sending.limitsFor(message.options).rate) };
  } catch {
    return defaultWay;
  }
}

/** Waits until the time is over, a message in progress ends, or the process shuts down. */
function pauseFor(ms: number, stopping: AbortSignal, inFlight: ReadonlySet<Promise<void>>): Promise<void> {
  if (ms === 0 || stopping.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const finish = (): void => {
      clearTimeout(timer);
      stopping.removeEventListener('abort', finish);
      resolve();
    };
    const timer = setTimeout(finish, ms);
    stopping.addEventListener('abort', finish);
    for (const sent of inFlight) void sent.then(finish);
  });
}

/**
 * Never rejects: the outcome of a message is recorded however long that takes. Otherwise it stays `sending`
 * for the next job.
 */
async function sendOne(options: SendJob, sender: Sender, message: Waiting): Promise<void> {
  const { logger, stopping, observe, reportFault } = options;
  const startedAt = performance.now();
  const outcome = await outcomeOf(options, sender, message);
  const { id, channel } = message;
  observe({ id, channel, outcome: outcome.type, milliseconds: performance.now() - startedAt });
  logger.info({ message: id, channel, outcome: outcome.type }, 'a message was sent');
  await retryUntilDone(() => recordOutcome(options, message, outcome), {
    // During a shutdown, recording is retried for a short time only.
    signal: stopping.aborted ? AbortSignal.timeout(maxPauseMs) : stopping,
    onFailure: (error) => {
      reportFault('the outcome of a message could not be recorded', error, { message: id });
    },
  });
}

async function outcomeOf(job: SendJob, sender: Sender, message: Waiting): Promise<SendOutcome> {
  let content: OutboundContent | undefined;
  try {
    content = job.contentOf(message, sender.sending);
  } catch (error) {
    job.reportFault('a message could not be prepared', error, { message: message.id });
    return { type: 'busy', retryAfterMs: null, ...fault };
  }
  return content ? callAdapter(job, sender, { message, content }) : { type: 'refused', ...mediaGone };
}

async function callAdapter(
  { http, evaluate, webhookUrlOf, reportFault }: SendJob,
  { channel, sending }: Sender,
  { message, content }: { readonly message: Waiting; readonly content: OutboundContent },
): Promise<SendOutcome> {
  const tracked = trackReadFailures(content);
  const { id, recipient, kind, type, bytes, filename, caption, replyTo, options } = message;
  const outbound = {
    id,
    to: recipient,
    kind,
    content: tracked.content,
    type,
    bytes,
    filename,
    caption,
    replyTo,
    options,
    webhookUrl: webhookUrlOf(channel.id),
  };
  let outcome: SendOutcome;
  try {
    outcome = await sending.send(outbound, http(channel), evaluate(channel));
  } catch (error) {
    // The adapter is not to blame for bytes that cannot be read.
    if (!tracked.hasFailed()) reportFault('an adapter threw an error', error, { message: id });
    outcome = { type: 'unknown', message: 'the adapter of the provider failed' };
  }
  // Whatever the adapter returned: without the bytes, no request was sent.
  return tracked.hasFailed() ? { type: 'busy', retryAfterMs: null, ...unreadable } : outcome;
}

function trackReadFailures(content: OutboundContent): { content: OutboundContent; hasFailed: () => boolean } {
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

/**
 * Rejects while the database is unavailable. An outcome that the database refuses is recorded as a fault of
 * this service.
 */
async function recordOutcome(options: SendJob, message: Waiting, outcome: SendOutcome): Promise<void> {
  try {
    await writeOutcome(options, message, outcome);
  } catch (error) {
    if (isDatabaseFailure(error)) throw error;
    options.reportFault('the outcome of a message could not be stored', error, { message: message.id });
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
      const { retryAfterMs, code, message: text, concerns } = outcome;
      const waitingMs = now().getTime() - createdAt.getTime();
      const attempts = message.attempts + 1;
      const afterMs = resendDelayMs({ attempts, waitingMs, retryAfterMs, chance: chance() });
      const error = { code, message: text };
      const blocksChannel = retryAfterMs !== null && concerns !== 'recipient';
      const isOver = code === fault.code && attempts >= maxFaults;
      if (afterMs === undefined || isOver) await queue.ended(id, 'failed', error);
      else await queue.postponed(message, { afterMs, blocksChannel, error });
    }
  }
}
