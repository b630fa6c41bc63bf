/**
 * A client of the service's API, for any program that has `fetch`: Node 20 or later, and browsers. Its types are those that
 * the service answers with.
 */
import type { EventView } from '../http/shapes/event.js';
import {
  channelClient,
  deliveryClient,
  statsClient,
  subscriptionClient,
  type ChannelClient,
  type DeliveryClient,
  type StatsClient,
  type SubscriptionClient,
} from './administration.js';
import { eventsOf, type EventOptions } from './events.js';
import { mediaClient, type MediaClient } from './media.js';
import { messageClient, type MessageClient } from './messages.js';
import { createTransport, type ClientOptions } from './transport.js';

export { InletError } from './problem.js';
export type { ClientOptions } from './transport.js';

/** Every call rejects with an `InletError` when it is refused or not answered. */
export interface InletClient {
  readonly media: MediaClient;
  readonly messages: MessageClient;
  readonly deliveries: DeliveryClient;
  readonly channels: ChannelClient;
  readonly stats: StatsClient;
  readonly subscriptions: SubscriptionClient;
  /** What happens, as it happens, until the signal ends it; broken connections are made anew and miss nothing. */
  readonly events: (options?: EventOptions) => AsyncIterable<EventView>;
}

export function createClient(options: ClientOptions): InletClient {
  const transport = createTransport(options);
  return {
    media: mediaClient(transport),
    messages: messageClient(transport),
    deliveries: deliveryClient(transport),
    channels: channelClient(transport),
    stats: statsClient(transport),
    subscriptions: subscriptionClient(transport),
    events: (which) => eventsOf(transport, which),
  };
}
