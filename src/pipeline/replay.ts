/** Reads a kept delivery again, for instance after its parser has learned a new shape. */
import type { Channels } from '../domain/channel.js';
import { AppError } from '../domain/errors.js';
import type { Inbox } from '../infra/inbox.js';
import { parsePayload, toEntry, type Receipt } from './receive.js';

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
): Promise<Receipt> {
  if (delivery.erasedAt) throw new AppError('delivery.erased', 'what the delivery held was erased');
  const channel = channels.known(delivery.channel);
  if (!channel)
    throw new AppError('webhook.unknown_channel', 'the channel of this delivery does not exist any more');
  const rawBody = Buffer.from(delivery.body);
  const payload = parsePayload(rawBody);
  const entry = toEntry(delivery.id, { ...delivery, channel, rawBody, payload });
  return { outcome: entry.outcome, ...(await inbox.recommit(entry)) };
}
