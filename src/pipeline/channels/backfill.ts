/**
 * Fetches the messages whose webhooks did not arrive, from providers that still have them and send each
 * webhook only once. A fetched message is stored like a webhook whose body is what the provider lists, so
 * that a replay reads it too.
 */
import type { Channel } from '../../domain/channel.js';
import type { MissedMessage, MissedPage, Period } from '../../domain/connection.js';
import { AppError } from '../../domain/errors.js';
import type { Http, InboundMessage } from '../../domain/provider.js';
import type { Audit } from '../../infra/tables/audit.js';
import type { KnownMessages } from '../../infra/tables/known-messages.js';
import type { Receive } from '../receive/receive.js';
import { inWordsOfChannels } from './connect.js';
import { recorded } from './recorded.js';
import type { ChannelRegistry } from './registry.js';

export interface BackfillReport {
  /** The messages with media that the provider has listed. */
  readonly found: number;
  /** Those of them that had not arrived and are stored now. */
  readonly stored: number;
  /** Those of them whose media the provider does not tell. */
  readonly failed: number;
  /** Whether the provider has listed everything. */
  readonly complete: boolean;
  /** The end of the period that is left, for the next call; null if nothing is left. */
  readonly until: Date | null;
}

interface BackfillRequest extends Period {
  readonly id: string;
}

/**
 * Rejects with `channel.not_found`, `channel.not_connectable`, `channel.provider_refused`,
 * `channel.provider_unavailable` or `webhook.not_stored`; what was stored until then stays. `actor` is the id
 * of the token that is used.
 */
export type Backfill = (request: BackfillRequest, actor: string) => Promise<BackfillReport>;

interface BackfillDependencies {
  readonly channels: Pick<ChannelRegistry, 'entry'>;
  readonly http: (channel: Channel) => Http;
  readonly known: KnownMessages;
  readonly receive: Receive;
  readonly audit: Pick<Audit, 'record'>;
  readonly now: () => Date;
  /** Aborted when the process shuts down; a running call then ends early. */
  readonly stopping: AbortSignal;
  /** How long a call may take before it ends, in milliseconds. */
  readonly maxMs?: number;
}

/** Shorter than callers wait. */
const standardMaxMs = 20_000;

export function createBackfill(dependencies: BackfillDependencies): Backfill {
  const { channels, http, audit, stopping, maxMs = standardMaxMs } = dependencies;
  return async ({ id, since, until }, actor) => {
    const entry = channels.entry(id);
    if (!entry) throw new AppError('channel.not_found', 'there is no such channel');
    if (!entry.enabled)
      throw new AppError('channel.not_connectable', 'the channel is disabled: enable it first');
    const { channel } = entry;
    const missed = channel?.adapter.connection?.missed;
    if (!channel || !missed) throw new AppError('channel.not_connectable', noMissedMessages);
    const end = performance.now() + maxMs;
    const run: Run = {
      channel,
      since,
      hasTime: () => performance.now() < end && !stopping.aborted,
      count: { found: 0, stored: 0, failed: 0 },
      left: until ?? null,
    };
    return recorded(audit, {
      actor,
      action: 'channel.backfill',
      channel: id,
      success: 'fetched',
      details: () => ({
        since: since.toISOString(),
        ...(until && { until: until.toISOString() }),
        ...run.count,
      }),
      run: async () => {
        const pages = missed({ since, until }, http(channel));
        const complete = await inWordsOfChannels(() => storePages(dependencies, run, pages));
        return { ...run.count, complete, until: complete ? null : run.left };
      },
    });
  };
}

/** The progress of one call. */
interface Run {
  readonly channel: Channel;
  readonly since: Date;
  readonly hasTime: () => boolean;
  readonly count: { found: number; stored: number; failed: number };
  /** When the newest message was sent that is left; null if that is unknown. */
  left: Date | null;
}

/** Returns whether there was time for all pages. */
async function storePages(
  dependencies: BackfillDependencies,
  run: Run,
  pages: AsyncIterable<MissedPage>,
): Promise<boolean> {
  for await (const { messages, oldest } of pages) {
    run.count.found += messages.length;
    const ids = messages.map(({ messageId }) => messageId);
    const arrived = await dependencies.known.arrived(run.channel.id, ids);
    for (const message of messages.filter(({ messageId }) => !arrived.has(messageId))) {
      if (!run.hasTime()) {
        run.left = message.sentAt ?? run.left;
        return false;
      }
      await storeOne(dependencies, run, message);
    }
    run.left = oldest ?? run.left;
    if (!run.hasTime()) return false;
  }
  return true;
}

/** One message that the provider refuses must not keep the older ones away. */
async function storeOne(
  dependencies: BackfillDependencies,
  { channel, since, count }: Run,
  message: MissedMessage,
): Promise<void> {
  try {
    if (await storeMissed(dependencies, channel, { message, since })) count.stored += 1;
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'channel.provider_refused') throw error;
    count.failed += 1;
  }
}

const noMissedMessages =
  'the provider of this channel does not list earlier messages, or the channel lacks the settings for it';

interface Missed {
  readonly message: MissedMessage;
  readonly since: Date;
}

/** Returns whether the message has media that are stored now. What was erased does not come back. */
async function storeMissed(
  { known, receive, now }: BackfillDependencies,
  channel: Channel,
  { message, since }: Missed,
): Promise<boolean> {
  const rawBody = Buffer.from(JSON.stringify(await message.payload()));
  const payload: unknown = JSON.parse(rawBody.toString('utf8'));
  const receivedAt = now();
  const messages = channel.adapter.parse(payload, receivedAt).filter((event) => event.type === 'message');
  for (const one of messages) {
    const people = { channel: channel.id, contacts: contactsOf(one) };
    if (await known.isErased(people, one.sentAt ?? since)) return false;
  }
  const headers = { 'content-type': 'application/json' };
  const { outcome, duplicate } = await stored(() =>
    receive({ channel, rawBody, payload, headers, receivedAt }),
  );
  return outcome === 'accepted' && !duplicate;
}

function contactsOf({ from, to, chat }: InboundMessage): string[] {
  return [from, to, chat].filter((contact) => contact !== null);
}

async function stored<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (cause) {
    throw new AppError('webhook.not_stored', 'a message could not be stored; try again later', { cause });
  }
}
