/**
 * The outbound half of the demo: the first photo of each provider is answered with a photo, whose statuses
 * are followed until it is read.
 */
import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';

import type { InletClient, InletEvent } from '../client/index.js';
import { providers } from '../providers/index.js';
import { photo } from './photos.js';
import type { Simulator } from './providers/index.js';
import { providerIds, type ProviderId } from './providers/registry.js';
import type { StepResult } from './run-scenario.js';
import { table } from './table.js';

/** The outcome of one answer. */
export interface AnswerResult {
  readonly provider: ProviderId;
  readonly to: string;
  /** The order is that of arrival. */
  readonly statuses: readonly string[];
  readonly milliseconds: number;
  /** The differences from the expected result. */
  readonly differences: readonly string[];
}

interface Conversation {
  readonly client: InletClient;
  readonly simulator: Simulator;
  /** The picture that was received. */
  readonly received: readonly StepResult[];
}

/**
 * The statuses that an answer may have had when it was read, in the order of their arrival. Reports come as
 * separate requests, which may overtake each other and the provider's own response; a `sent` that was
 * overtaken is not announced.
 */
const reportedStatuses = /^queued(?=.*, read\b)(, (sent|delivered|read))+$/;
/** Of a provider without reports, nothing is heard after it has accepted the message. */
const unreportedStatuses = /^queued, sent$/;
const settledMs = 60_000;
const pollMs = 50;

/** Answers through the client like any program; the statuses arrive as server-sent events. */
export async function answerPictures(conversation: Conversation): Promise<AnswerResult[]> {
  const { client } = conversation;
  const stop = new AbortController();
  const statuses = await listen(client, stop.signal);
  try {
    return await Promise.all(
      providerIds.map((provider, index) => answer({ ...conversation, statuses }, provider, 51 + index)),
    );
  } finally {
    stop.abort();
  }
}

/** The answers as a table for the terminal. */
export function answerTable(results: readonly AnswerResult[]): string {
  return table<AnswerResult>(
    [
      { title: 'provider', value: ({ provider }) => provider },
      { title: 'answered', value: () => 'photo' },
      { title: 'to', value: ({ to }) => to },
      { title: 'status', value: ({ statuses }) => statuses.join(' → ') },
      { title: 'ms', value: ({ milliseconds }) => Math.round(milliseconds), align: 'right' },
      {
        title: 'as expected',
        value: ({ differences }) => (differences.length === 0 ? 'yes' : `NO: ${differences.join('; ')}`),
      },
    ],
    results,
  );
}

type StatusTold = Extract<InletEvent, { readonly type: 'message.status' }>['data'];

/** Collects the events about messages, from the start of the stream. */
async function listen(client: InletClient, signal: AbortSignal): Promise<readonly StatusTold[]> {
  const statuses: StatusTold[] = [];
  const connected = new Promise<void>((onConnected, reject) => {
    const collect = async () => {
      for await (const event of client.events({ type: 'message.status', signal, onConnected }))
        if (event.type === 'message.status') statuses.push(event.data);
    };
    collect().catch(reject);
  });
  await connected;
  return statuses;
}

interface Listening extends Conversation {
  readonly statuses: readonly StatusTold[];
}

async function answer(conversation: Listening, provider: ProviderId, seed: number): Promise<AnswerResult> {
  const started = performance.now();
  const picture = await photo({ seed, width: 1200, height: 900 });
  const outcome = await send(conversation, provider, picture).catch((error: unknown) => ({
    to: '-',
    statuses: [],
    differences: [error instanceof Error ? error.message : String(error)],
  }));
  return { provider, ...outcome, milliseconds: performance.now() - started };
}

async function send(
  { client, simulator, received, statuses }: Listening,
  provider: ProviderId,
  picture: Buffer,
): Promise<Pick<AnswerResult, 'to' | 'statuses' | 'differences'>> {
  const to = await writerOf(client, received, provider);
  const file = new Blob([new Uint8Array(picture)]);
  const { accepted } = simulator.providers[provider].api;
  const before = accepted.length;
  const { id: media } = await client.media.upload(file, { channel: provider, filename: 'thanks.jpg' });
  const { id, status } = await client.messages.send({
    channel: provider,
    to,
    kind: 'image',
    media: { id: media },
    caption: 'Thank you!',
  });
  const deadline = performance.now() + settledMs;
  const told = () => statuses.filter((one) => one.id === id).map((one) => one.status);
  const reports = reportsOf(provider);
  const isLast = (one: string): boolean => isFinal(one) || (!reports && one === 'sent');
  while (!told().some(isLast) && performance.now() < deadline) await delay(pollMs);
  const { error } = await client.messages.get(id);
  const known = [...new Set([String(status), ...told()])];
  const sha256 = createHash('sha256').update(picture).digest('hex');
  const arrived = accepted.slice(before).filter((one) => one.media?.sha256 === sha256);
  return {
    to,
    statuses: known,
    differences: [
      ...((reports ? reportedStatuses : unreportedStatuses).test(known.join(', '))
        ? []
        : [`status is ${known.join(', ')}`]),
      ...(arrived.length === 1 ? [] : [`it arrived ${String(arrived.length)} times`]),
      ...(error === null ? [] : [`${error.code} ${error.message ?? ''}`]),
    ],
  };
}

const reportsOf = (id: ProviderId): boolean =>
  providers.some((provider) => provider.id === id && provider.reports.length > 0);

const isFinal = (status: string): boolean => status === 'read' || status === 'failed' || status === 'unknown';

/** The sender of the first picture of this provider. */
async function writerOf(
  client: InletClient,
  received: readonly StepResult[],
  provider: ProviderId,
): Promise<string> {
  const first = received.find((result) => result.provider === provider && result.state === 'ready');
  const media = first?.mediaId == null ? undefined : await client.media.get(first.mediaId);
  if (!media?.message) throw new Error('there is nobody to answer');
  return media.message.from;
}
