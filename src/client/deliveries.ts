import { path } from './addresses.js';
import type { Delivery, DeliverySummary, Receipt } from './answers.js';
import { listOf, type List, type PageQuery } from './pages.js';
import type { CallOptions, Transport } from './transport.js';

/** Filters of the list of deliveries. */
export interface DeliveryQuery extends PageQuery {
  readonly channel?: string | undefined;
  readonly outcome?: Delivery['outcome'] | undefined;
}

/** The webhooks of providers, as they were received. */
export interface DeliveryClient {
  readonly list: (query?: DeliveryQuery, options?: CallOptions) => List<DeliverySummary>;
  /** A delivery with its headers and its body. */
  readonly get: (id: string, options?: CallOptions) => Promise<Delivery>;
  /** Parses a delivery again, for example after an update of the service. */
  readonly replay: (id: string, options?: CallOptions) => Promise<Receipt>;
}

export function deliveryClient(transport: Transport): DeliveryClient {
  const { json } = transport;
  return {
    list: (query, options) => listOf(transport, { path: '/v1/deliveries', query: { ...query }, options }),
    get: (id, options) => json({ ...options, method: 'GET', path: path`/v1/deliveries/${id}` }),
    replay: (id, options) => json({ ...options, method: 'POST', path: path`/v1/deliveries/${id}/replay` }),
  };
}
