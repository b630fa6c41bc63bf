/** The client of the API as the gallery uses it: with the session of the browser, at the place where the service stands. */
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
/** The listener is called whenever the service says that nobody is signed in. */
export function onSignedOut(listener: () => void): void {
  signedOut = listener;
}

/** The path of the service is added here and not by `baseUrl`: media that events bring have links without it, and all are to be alike. */
const transport = createTransport({
  baseUrl: '',
  // The person decides whether to try again.
  retries: 0,
  fetch: async (path, init) => {
    const response = await fetch(at(path), init);
    if (response.status === 401) signedOut();
    return response;
  },
});

/** All of the client but its events: the pages share one stream of them. */
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
