/** The client of the API for the gallery: it uses the session of the browser and the path of the service. */
import { auditClient, sessionClient, tokenClient } from '../client/access.js';
import { channelClient, providerClient } from '../client/channels.js';
import { deliveryClient } from '../client/deliveries.js';
import { mediaClient } from '../client/media.js';
import { contactClient, messageClient } from '../client/messages.js';
import { operationsClient } from '../client/operations.js';
import { subscriptionClient } from '../client/subscriptions.js';
import { createTransport } from '../client/transport.js';
import { at } from './base.js';

export { InletError } from '../client/problem.js';
export type {
  AuditEntry as AuditEntryView,
  ChannelLimits,
  Channel as ChannelView,
  ChannelWithSecret,
  DeliverySummary as DeliverySummaryView,
  InletEvent as EventView,
  Media as MediaView,
  MediaHistory,
  MediaQuery,
  NotificationDelivery as NotificationDeliveryView,
  OutboundMessage as OutboundView,
  Page,
  Provider as ProviderView,
  SampleResult,
  Session as SessionView,
  Stats as StatsView,
  Subscription as SubscriptionView,
  Token as TokenView,
} from '../client/index.js';

let signedOut: () => void = () => undefined;
/** Sets the listener that is called when the service answers that nobody is signed in. */
export function onSignedOut(listener: () => void): void {
  signedOut = listener;
}

/** The path of the service is added here and not by `baseUrl`, because links in events do not have it, and all links must be alike. */
const transport = createTransport({
  baseUrl: '',
  // The user decides whether to retry.
  retries: 0,
  fetch: async (path, init) => {
    const response = await fetch(at(path), init);
    if (response.status === 401) signedOut();
    return response;
  },
});

/** The client without its events, because the pages share one event stream. */
export const api = {
  media: mediaClient(transport),
  messages: messageClient(transport),
  contacts: contactClient(transport),
  deliveries: deliveryClient(transport),
  channels: channelClient(transport),
  providers: providerClient(transport),
  subscriptions: subscriptionClient(transport),
  tokens: tokenClient(transport),
  audit: auditClient(transport),
  session: sessionClient(transport),
  stats: operationsClient(transport).stats,
};
