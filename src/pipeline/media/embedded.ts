/** Reads files that webhooks themselves contain, from the stored webhooks. */
import type { Channel } from '../../domain/channel.js';
import { decodeEmbedded, valueAt, type EmbeddedPlace } from '../../domain/embedded.js';
import { AppError } from '../../domain/errors.js';
import type { FindDelivery, KeptDelivery } from '../../infra/tables/deliveries.js';
import { payloadOf } from '../receive/receive.js';

export interface EmbeddedContext {
  /** Undefined if the channel no longer exists. */
  readonly channel: Channel | undefined;
  readonly maxBytes: number;
}

/**
 * Rejects with `media.gone` if the webhook was erased, or if its channel no longer reads it as before, and
 * with the errors of {@link decodeEmbedded}.
 */
export type ReadEmbedded = (place: EmbeddedPlace, context: EmbeddedContext) => Promise<Buffer>;

export function createReadEmbedded(findDelivery: FindDelivery): ReadEmbedded {
  return async ({ contentHash, pointer }, { channel, maxBytes }) => {
    if (!channel)
      throw new AppError('media.busy', 'the channel, which knows how to read its webhooks, does not exist');
    const delivery = await findDelivery({ channel: channel.id, contentHash });
    const text = delivery && textIn(delivery, channel, pointer);
    if (text === undefined || text === null)
      throw new AppError('media.gone', 'the webhook that contained the file is no longer there');
    return decodeEmbedded(text, maxBytes);
  };
}

function textIn({ body, headers }: KeptDelivery, channel: Channel, pointer: string): string | undefined {
  try {
    const value = valueAt(payloadOf(channel, body, headers), pointer);
    return typeof value === 'string' ? value : undefined;
  } catch {
    return undefined; // The settings of the channel have changed, so that the body has another format.
  }
}
