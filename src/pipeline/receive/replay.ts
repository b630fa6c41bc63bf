/** Parses a stored delivery again, for example after its parser was improved. */
import type { Channels } from '../../domain/channel.js';
import { AppError } from '../../domain/errors.js';
import type { Together } from '../../infra/postgres/database.js';
import type { Inbox } from '../../infra/tables/inbox/inbox.js';
import { parsePayload, toEntry, type Receipt } from './receive.js';

/** Returns the ids of the messages in a stored delivery, or undefined if it cannot be parsed. */
export function messageIdsIn(
  { id, ...delivery }: Omit<StoredDelivery, 'erasedAt'>,
  channels: Pick<Channels, 'any'>,
): string[] | undefined {
  const channel = channels.any(delivery.channel);
  if (!channel) return undefined;
  const rawBody = Buffer.from(delivery.body);
  try {
    const entry = toEntry(id, { ...delivery, channel, rawBody, payload: parsePayload(rawBody) });
    if (entry.outcome === 'malformed') return undefined;
    return [...entry.messages, ...entry.statuses, ...entry.deletions].map((row) => row.message_id);
  } catch {
    return undefined;
  }
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
 * original age.
 */
export async function replay(
  delivery: StoredDelivery,
  { inbox, channels }: { readonly inbox: Pick<Inbox, 'recommit'>; readonly channels: Channels },
  together: Together,
): Promise<Receipt> {
  if (delivery.erasedAt) throw new AppError('delivery.erased', 'the contents of this delivery were erased');
  const channel = channels.any(delivery.channel);
  if (!channel)
    throw new AppError('webhook.unknown_channel', 'the channel of this delivery no longer exists');
  const rawBody = Buffer.from(delivery.body);
  const payload = parsePayload(rawBody);
  const entry = toEntry(delivery.id, { ...delivery, channel, rawBody, payload });
  return { outcome: entry.outcome, ...(await inbox.recommit(entry, together)) };
}
