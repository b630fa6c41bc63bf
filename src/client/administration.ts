import type { EventType } from '../domain/event.js';
import type { ChannelView, StatsView } from '../http/shapes/administration.js';
import type {
  NotificationDeliveryView,
  ResendResult,
  SampleResult,
  SubscriptionView,
} from '../http/shapes/event.js';
import type { DeliverySummaryView, DeliveryView } from '../http/shapes/message.js';
import type { ChannelLimits } from '../http/shapes/outbound.js';
import { listOf, type List } from './pages.js';
import { path, type Transport } from './transport.js';

export interface DeliveryQuery {
  readonly channel?: string;
  readonly outcome?: DeliveryView['outcome'];
  readonly limit?: number;
  readonly cursor?: string;
}

export interface Receipt {
  readonly delivery: string;
  readonly outcome: DeliveryView['outcome'];
  readonly duplicate: boolean;
  readonly media: readonly string[];
}

/** The raw webhooks. */
export interface DeliveryClient {
  readonly list: (query?: DeliveryQuery) => List<DeliverySummaryView>;
  readonly get: (id: string) => Promise<DeliveryView>;
  /** Reads it again, as the service understands it now. */
  readonly replay: (id: string) => Promise<Receipt>;
}

export function deliveryClient(transport: Transport): DeliveryClient {
  const { json } = transport;
  return {
    list: (query) => listOf<DeliverySummaryView>(transport, '/v1/deliveries', { ...query }),
    get: (id) => json({ method: 'GET', path: path`/v1/deliveries/${id}` }),
    replay: (id) => json({ method: 'POST', path: path`/v1/deliveries/${id}/replay`, repeatable: true }),
  };
}

export interface ChannelClient {
  readonly list: () => Promise<readonly ChannelView[]>;
  readonly get: (id: string) => Promise<ChannelView>;
  /** What may be sent there. */
  readonly limits: (id: string) => Promise<ChannelLimits>;
}

export function channelClient({ json }: Transport): ChannelClient {
  return {
    list: () => items<ChannelView>(json({ method: 'GET', path: '/v1/channels' })),
    get: (id) => json({ method: 'GET', path: path`/v1/channels/${id}` }),
    limits: (id) => json({ method: 'GET', path: path`/v1/channels/${id}/limits` }),
  };
}

/** Counts of the days until now, 30 when not given. */
export type StatsClient = (query?: { readonly days?: number }) => Promise<StatsView>;

export function statsClient({ json }: Transport): StatsClient {
  return (query) => json({ method: 'GET', path: '/v1/stats', query });
}

export interface NewSubscription {
  readonly url: string;
  readonly description?: string | null;
  /** Empty: all. */
  readonly types?: readonly EventType[];
  /** Empty: all that the token sees. */
  readonly channels?: readonly string[];
}
/** Shown when it is made, and never again. */
export type SubscriptionWithSecret = SubscriptionView & { readonly secret: string };

/** One event by its `evt_...`, or those of a time; `until` is exclusive, and now when not given. */
export type ResendWish =
  { readonly event: string } | { readonly from: Date | string; readonly until?: Date | string };

/** URLs that events are posted to. */
export interface SubscriptionClient {
  readonly list: () => Promise<readonly SubscriptionView[]>;
  readonly get: (id: string) => Promise<SubscriptionView>;
  readonly add: (subscription: NewSubscription) => Promise<SubscriptionWithSecret>;
  readonly change: (
    id: string,
    change: Partial<NewSubscription> & { readonly enabled?: boolean },
  ) => Promise<SubscriptionView>;
  /** Posts a sample now. */
  readonly test: (id: string) => Promise<SampleResult>;
  readonly deliveries: (id: string) => Promise<readonly NotificationDeliveryView[]>;
  /** A new secret. The one before signs too for a day, or as long as is asked for. */
  readonly rotate: (
    id: string,
    options?: { readonly overlapSeconds?: number },
  ) => Promise<SubscriptionWithSecret>;
  /** Posts events again; the answer says how many, and from where on there are more. */
  readonly resend: (id: string, wish: ResendWish) => Promise<ResendResult>;
  readonly remove: (id: string) => Promise<void>;
}

export function subscriptionClient({ json }: Transport): SubscriptionClient {
  const at = (id: string) => path`/v1/subscriptions/${id}`;
  return {
    list: () => items<SubscriptionView>(json({ method: 'GET', path: '/v1/subscriptions' })),
    get: (id) => json({ method: 'GET', path: at(id) }),
    add: (subscription) => json({ method: 'POST', path: '/v1/subscriptions', json: subscription }),
    change: (id, change) => json({ method: 'PATCH', path: at(id), json: change, repeatable: true }),
    test: (id) => json({ method: 'POST', path: `${at(id)}/test` }),
    deliveries: (id) =>
      items<NotificationDeliveryView>(json({ method: 'GET', path: `${at(id)}/deliveries` })),
    rotate: (id, options = {}) => json({ method: 'POST', path: `${at(id)}/rotate`, json: options }),
    resend: (id, wish) => json({ method: 'POST', path: `${at(id)}/resend`, json: wish }),
    remove: (id) => json({ method: 'DELETE', path: at(id) }),
  };
}

async function items<Item>(answer: Promise<unknown>): Promise<readonly Item[]> {
  return ((await answer) as { readonly items: readonly Item[] }).items;
}
