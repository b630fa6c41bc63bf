/** Reads a kept delivery again, for instance after its parser has learned a new shape. */
import type { Channels } from '../../domain/channel.js';
import { AppError } from '../../domain/errors.js';
import type { Together } from '../../infra/postgres/database.js';
import type { Inbox } from '../../infra/tables/inbox/inbox.js';
import { parsePayload, toEntry, type Receipt } from './receive.js';

/** Ids of the messages that a kept delivery speaks of; undefined where it cannot be read. */
export function messageIdsIn(
  { id, ...delivery }: Omit<KeptDelivery, 'erasedAt'>,
  channels: Pick<Channels, 'known'>,
): string[] | undefined {
  const channel = channels.known(delivery.channel);
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

export interface KeptDelivery {
  readonly id: string;
  readonly channel: string;
  readonly body: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
  readonly receivedAt: Date;
  readonly erasedAt: Date | null;
}

/** What exists already stays as it is; what was not understood before is added. Links keep the age they have. */
export async function replay(
  delivery: KeptDelivery,
  { inbox, channels }: { readonly inbox: Pick<Inbox, 'recommit'>; readonly channels: Channels },
  together: Together,
): Promise<Receipt> {
  if (delivery.erasedAt) throw new AppError('delivery.erased', 'what the delivery held was erased');
  const channel = channels.known(delivery.channel);
  if (!channel)
    throw new AppError('webhook.unknown_channel', 'the channel of this delivery does not exist any more');
  const rawBody = Buffer.from(delivery.body);
  const payload = parsePayload(rawBody);
  const entry = toEntry(delivery.id, { ...delivery, channel, rawBody, payload });
  return { outcome: entry.outcome, ...(await inbox.recommit(entry, together)) };
}
