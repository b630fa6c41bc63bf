/** Parses a stored delivery again, for example after its parser was improved. */
import type { Channel, Channels } from '../../domain/channel.js';
import { AppError } from '../../domain/errors.js';
import { notYetEvaluated, type Receipt } from '../../domain/receipt.js';
import type { Together } from '../../infra/postgres/database.js';
import type { InboxEntry } from '../../infra/tables/inbox/entry.js';
import type { Inbox } from '../../infra/tables/inbox/inbox.js';
import { payloadOf, toEntry, translated, type EvaluateFor } from './receive.js';

/** Returns the ids of the messages in a stored delivery, or undefined if it cannot be parsed. */
export async function messageIdsIn(
  delivery: Omit<StoredDelivery, 'erasedAt'>,
  { channels, evaluate }: ReadDependencies,
): Promise<string[] | undefined> {
  const channel = channels.any(delivery.channel);
  if (!channel) return undefined;
  try {
    const entry = await entryOf(delivery, channel, evaluate);
    if (entry.outcome === 'malformed') return undefined;
    return [...entry.messages, ...entry.statuses, ...entry.deletions].map((row) => row.message_id);
  } catch {
    return undefined;
  }
}

/** Until a replay is worth another try. */
const retryMs = 10_000;

export interface ReadDependencies {
  readonly channels: Pick<Channels, 'any'>;
  readonly evaluate: EvaluateFor;
}

export interface StoredDelivery {
  readonly id: string;
  readonly channel: string;
  readonly body: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
  readonly receivedAt: Date;
  readonly erasedAt: Date | null;
}

/**
 * Existing rows stay as they are, and rows that were not understood before are added. Links keep their
 * original age. Rejects with `service.unavailable` if it cannot be read now: what it is known as stays.
 */
export async function replay(
  delivery: StoredDelivery & { readonly provider: string },
  { inbox, channels, evaluate }: ReadDependencies & { readonly inbox: Pick<Inbox, 'recommit'> },
  together: Together,
): Promise<Receipt> {
  if (delivery.erasedAt) throw new AppError('delivery.erased', 'the contents of this delivery were erased');
  const channel = channels.any(delivery.channel);
  // A channel with the same id may have been added since, for another provider.
  if (channel?.provider !== delivery.provider)
    throw new AppError('webhook.unknown_channel', 'the channel of this delivery no longer exists');
  const entry = await entryOf(delivery, channel, evaluate);
  if (entry.reason === notYetEvaluated) {
    const retryAt = new Date(Date.now() + retryMs);
    throw new AppError('service.unavailable', 'the expression cannot be evaluated now', { retryAt });
  }
  return { outcome: entry.outcome, ...(await inbox.recommit(entry, together)) };
}

/** Everything that a stored delivery contains, as its channel reads it now. Throws if it cannot be read. */
export async function entryOf(
  { id, ...delivery }: Omit<StoredDelivery, 'erasedAt'>,
  channel: Channel,
  evaluate: EvaluateFor,
): Promise<InboxEntry> {
  const rawBody = Buffer.from(delivery.body);
  const payload = payloadOf(channel, rawBody, delivery.headers);
  return toEntry(id, await translated({ ...delivery, channel, rawBody, payload }, evaluate));
}
