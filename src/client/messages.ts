import { path } from './addresses.js';
import type { Erased, Media, Message, OutboundMessage, QueuedMessage } from './answers.js';
import { eraseRequest, type EraseOptions } from './media.js';
import { listOf, type List, type PageQuery } from './pages.js';
import type { CallOptions, Transport } from './transport.js';

/** A message to send. */
export interface NewMessage {
  readonly channel: string;
  /** The recipient, in the form that the limits of the channel describe. */
  readonly to: string;
  readonly kind: Media['kind'];
  /** A media item of the service (received or uploaded), a foreign link, or `data:image/png;base64,…`. */
  readonly media: { readonly id: string } | { readonly url: string } | { readonly data: string };
  readonly caption?: string | null | undefined;
  readonly filename?: string | null | undefined;
  /** The provider's id of the message that this message replies to. */
  readonly replyTo?: string | null | undefined;
  /**
   * `fit` (convert a picture that breaks a limit), `fetch` (store a foreign link), and the options of the
   * provider.
   */
  readonly options?: Readonly<Record<string, unknown>> | undefined;
}

/** Filters of the list of sent messages. */
export interface MessageQuery extends PageQuery {
  readonly channel?: string | undefined;
  readonly state?: OutboundMessage['state'] | undefined;
  readonly to?: string | undefined;
}

/** Options of {@link MessageClient.send}. */
export interface SendOptions extends CallOptions {
  /**
   * Calls with the same key send one message within a day. By default the client generates a key for each
   * call, which covers its own retries. A program that may repeat the call itself must set a key.
   */
  readonly idempotencyKey?: string | undefined;
}

/** Messages that are sent through the API. {@link MessageClient.byProviderId} finds received ones, too. */
export interface MessageClient {
  /** Resolves when the message is queued; `state` and `status` show its progress. */
  readonly send: (message: NewMessage, options?: SendOptions) => Promise<QueuedMessage>;
  readonly list: (query?: MessageQuery, options?: CallOptions) => List<OutboundMessage>;
  readonly get: (id: string, options?: CallOptions) => Promise<OutboundMessage>;
  /** Sends a `failed` or `unknown` message again. The recipient may receive an unknown message twice. */
  readonly retry: (id: string, options?: CallOptions) => Promise<OutboundMessage>;
  /** A received or sent message by the provider's id. */
  readonly byProviderId: (channel: string, messageId: string, options?: CallOptions) => Promise<Message>;
}

export function messageClient(transport: Transport): MessageClient {
  const { json } = transport;
  return {
    send: (message, { idempotencyKey = crypto.randomUUID(), signal, timeoutMs } = {}) =>
      json({ signal, timeoutMs, method: 'POST', path: '/v1/messages', json: message, idempotencyKey }),
    list: (query, options) => listOf(transport, { path: '/v1/messages', query: { ...query }, options }),
    get: (id, options) => json({ ...options, method: 'GET', path: path`/v1/messages/${id}` }),
    retry: (id, options) => json({ ...options, method: 'POST', path: path`/v1/messages/${id}/retry` }),
    byProviderId: (channel, messageId, options) =>
      json({ ...options, method: 'GET', path: path`/v1/messages/${channel}/${messageId}` }),
  };
}

/** People who write to the business or receive messages. */
export interface ContactClient {
  /** Erases everything that the person sent or received in the channel. */
  readonly erase: (channel: string, contact: string, options?: EraseOptions) => Promise<Erased>;
}

export function contactClient({ json }: Transport): ContactClient {
  return {
    erase: (channel, contact, options) =>
      json(eraseRequest(path`/v1/contacts/${channel}/${contact}`, options)),
  };
}
