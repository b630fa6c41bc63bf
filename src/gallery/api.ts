/** The client of the API for the gallery: it uses the session of the browser and the path of the service. */
import { auditClient, tokenClient } from '../client/access.js';
import { channelClient, providerClient } from '../client/channels.js';
import { deliveryClient } from '../client/deliveries.js';
import type { Media } from '../client/answers.js';
import { holdClient } from '../client/holds.js';
import { mediaClient, type UploadOptions } from '../client/media.js';
import { contactClient, messageClient } from '../client/messages.js';
import { operationsClient } from '../client/operations.js';
import { peopleClient } from '../client/people.js';
import { shareClient } from '../client/shares.js';
import { subscriptionClient } from '../client/subscriptions.js';
import { viewClient } from '../client/views.js';
import { createTransport, type Fetch } from '../client/transport.js';
import { sessionClient, userClient, userSessionClient } from '../client/users.js';
import { at } from './base.js';
import { progressFetch } from './progress-fetch.js';

export { InletError } from '../client/problem.js';
export type {
  Alert as AlertView,
  AnnotationChange,
  AuditEntry as AuditEntryView,
  ChannelLimits,
  Channel as ChannelView,
  ChannelWithSecret,
  Connection as ConnectionView,
  DocumentPages,
  DeliverySummary as DeliverySummaryView,
  Fact as FactView,
  Hold as HoldView,
  InletEvent as EventView,
  Invitation as InvitationView,
  Media as MediaView,
  MediaHistory,
  MediaQuery,
  NewHold,
  NewView,
  NotificationDelivery as NotificationDeliveryView,
  OutboundMessage as OutboundView,
  Page,
  Person as PersonView,
  PersonDetails,
  Preview as PreviewView,
  Provider as ProviderView,
  SampleResult,
  SavedView as SavedViewView,
  Session as SessionView,
  SimilarMedia as SimilarView,
  Share as ShareView,
  Stats as StatsView,
  Subscription as SubscriptionView,
  TimelineItem,
  Token as TokenView,
  User as UserView,
  UserSession as UserSessionView,
  UserWithInvitation,
} from '../client/index.js';

let signedOut: () => void = () => undefined;
/** Sets the listener that is called when the service answers that nobody is signed in. */
export function onSignedOut(listener: () => void): void {
  signedOut = listener;
}

/**
 * The path of the service is added here and not by `baseUrl`, because links in events do not have it, and all
 * links must be alike.
 */
const transportBy = (send: Fetch) =>
  createTransport({
    baseUrl: '',
    // The user decides whether to retry.
    retries: 0,
    fetch: async (path, init) => {
      const response = await send(at(path), init);
      if (response.status === 401) signedOut();
      return response;
    },
  });

const transport = transportBy((path, init) => fetch(path, init));

/** The client without its events, because the pages share one event stream. */
export const api = {
  media: mediaClient(transport),
  messages: messageClient(transport),
  people: peopleClient(transport),
  holds: holdClient(transport),
  contacts: contactClient(transport),
  shares: shareClient(transport),
  views: viewClient(transport),
  deliveries: deliveryClient(transport),
  channels: channelClient(transport),
  providers: providerClient(transport),
  subscriptions: subscriptionClient(transport),
  tokens: tokenClient(transport),
  audit: auditClient(transport),
  session: sessionClient(transport),
  sessions: userSessionClient(transport),
  users: userClient(transport),
  stats: operationsClient(transport).stats,
  alerts: operationsClient(transport).alerts,
};

/** Uploads a file and tells the share that has left, from 0 to 1. */
export function uploadWithProgress(
  file: File,
  options: UploadOptions,
  onProgress: (share: number) => void,
): Promise<Media> {
  return mediaClient(transportBy(progressFetch(onProgress))).upload(file, options);
}
