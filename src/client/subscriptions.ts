import { path } from './addresses.js';
import type {
  InletEvent,
  NotificationDelivery,
  ResendResult,
  SampleResult,
  Subscription,
  SubscriptionWithSecret,
} from './answers.js';
import { itemsOf } from './pages.js';
import type { CallOptions, Transport } from './transport.js';

/** A subscription to create: a URL that receives events. */
export interface NewSubscription {
  readonly url: string;
  readonly description?: string | null | undefined;
  /** The event types; all if empty. */
  readonly types?: readonly InletEvent['type'][] | undefined;
  /** The channels; all that the token has access to if empty. */
  readonly channels?: readonly string[] | undefined;
}

/** Changes of a subscription; members that are not given stay as they are. */
export interface SubscriptionChange extends Partial<NewSubscription> {
  readonly enabled?: boolean | undefined;
}

/** One event by its id (`evt_…`), or the events of a period; `until` is exclusive, and now by default. */
export type ResendRequest =
  { readonly event: string } | { readonly from: Date | string; readonly until?: Date | string | undefined };

/** Options of {@link SubscriptionClient.rotate}. */
export interface RotateOptions extends CallOptions {
  /** How long the previous secret signs as well; a day by default. */
  readonly overlapSeconds?: number | undefined;
}

/** Options of {@link SubscriptionClient.deliveries}. */
export interface SubscriptionDeliveryOptions extends CallOptions {
  /** 1 to 200; 50 by default. */
  readonly limit?: number | undefined;
}

/** Subscriptions: URLs that receive events. `verifyWebhook` verifies their calls. */
export interface SubscriptionClient {
  readonly list: (options?: CallOptions) => Promise<readonly Subscription[]>;
  readonly get: (id: string, options?: CallOptions) => Promise<Subscription>;
  /** Only this answer and the answer of {@link SubscriptionClient.rotate} contain the signing secret. */
  readonly create: (subscription: NewSubscription, options?: CallOptions) => Promise<SubscriptionWithSecret>;
  readonly change: (id: string, change: SubscriptionChange, options?: CallOptions) => Promise<Subscription>;
  readonly delete: (id: string, options?: CallOptions) => Promise<void>;
  /** Posts a sample event now. */
  readonly test: (id: string, options?: CallOptions) => Promise<SampleResult>;
  /** Generates a new secret. */
  readonly rotate: (id: string, options?: RotateOptions) => Promise<SubscriptionWithSecret>;
  /** Posts events again. `next` in the answer is the start of the next part, if there are more. */
  readonly resend: (id: string, which: ResendRequest, options?: CallOptions) => Promise<ResendResult>;
  /** The posted events with their attempts, newest first. */
  readonly deliveries: (
    id: string,
    options?: SubscriptionDeliveryOptions,
  ) => Promise<readonly NotificationDelivery[]>;
}

export function subscriptionClient(transport: Transport): SubscriptionClient {
  const { json } = transport;
  const at = (id: string) => path`/v1/subscriptions/${id}`;
  return {
    list: (options) => itemsOf(transport, { path: '/v1/subscriptions', options }),
    get: (id, options) => json({ ...options, method: 'GET', path: at(id) }),
    create: (subscription, options) =>
      json({ ...options, method: 'POST', path: '/v1/subscriptions', json: subscription }),
    change: (id, change, options) => json({ ...options, method: 'PATCH', path: at(id), json: change }),
    delete: (id, options) => json({ ...options, method: 'DELETE', path: at(id) }),
    test: (id, options) => json({ ...options, method: 'POST', path: `${at(id)}/test` }),
    rotate: (id, { overlapSeconds, signal, timeoutMs } = {}) =>
      json({ signal, timeoutMs, method: 'POST', path: `${at(id)}/rotate`, json: { overlapSeconds } }),
    resend: (id, which, options) =>
      json({ ...options, method: 'POST', path: `${at(id)}/resend`, json: which }),
    deliveries: (id, { limit, signal, timeoutMs } = {}) =>
      itemsOf(transport, {
        path: `${at(id)}/deliveries`,
        query: { limit },
        options: { signal, timeoutMs },
      }),
  };
}
