import type { OutboundState } from '../domain/outbound.js';
import type { MediaKind } from '../domain/provider.js';
import type { MessageView } from '../http/shapes/message.js';
import type { OutboundView } from '../http/shapes/outbound.js';
import { listOf, type List } from './pages.js';
import { path, type Transport } from './transport.js';

export interface NewMessage {
  readonly channel: string;
  /** As the channel's limits describe it. */
  readonly to: string;
  readonly kind: MediaKind;
  /** A media of the service (received or uploaded), a foreign link, or `data:image/png;base64,…`. */
  readonly media: { readonly id: string } | { readonly url: string } | { readonly data: string };
  readonly caption?: string | null;
  readonly filename?: string | null;
  /** The provider's id of the message that is answered. */
  readonly replyTo?: string | null;
  /** `fit`, `fetch`, and those of the channel's provider. */
  readonly options?: { readonly fit?: boolean; readonly fetch?: boolean } & Readonly<Record<string, unknown>>;
}

export interface MessageQuery {
  readonly channel?: string;
  readonly state?: OutboundState;
  readonly to?: string;
  readonly limit?: number;
  readonly cursor?: string;
}

export interface SendOptions {
  /** By default a new one for each call, so that a call made again after a broken connection sends nothing twice. */
  readonly idempotencyKey?: string;
  readonly signal?: AbortSignal;
}

/** Messages that are sent from here; {@link find} knows all others, too. */
export interface MessageClient {
  /** Resolves when the message is queued; its status tells the rest. */
  readonly send: (message: NewMessage, options?: SendOptions) => Promise<OutboundView>;
  readonly get: (id: string) => Promise<OutboundView>;
  readonly list: (query?: MessageQuery) => List<OutboundView>;
  /** Sends again what has failed, or what nobody knows of: the person may get that twice. */
  readonly retry: (id: string) => Promise<OutboundView>;
  /** A message, received or sent, by the provider's own id. */
  readonly find: (channel: string, messageId: string) => Promise<MessageView>;
}

export function messageClient(transport: Transport): MessageClient {
  const { json } = transport;
  return {
    send: (message, { idempotencyKey = crypto.randomUUID(), signal } = {}) =>
      json({
        method: 'POST',
        path: '/v1/messages',
        json: message,
        signal,
        headers: { 'idempotency-key': idempotencyKey },
        repeatable: true,
      }),
    get: (id) => json({ method: 'GET', path: path`/v1/messages/${id}` }),
    list: (query) => listOf<OutboundView>(transport, '/v1/messages', { ...query }),
    retry: (id) => json({ method: 'POST', path: path`/v1/messages/${id}/retry` }),
    find: (channel, messageId) => json({ method: 'GET', path: path`/v1/messages/${channel}/${messageId}` }),
  };
}
