/**
 * A client of the API of Inlet for Node.js and browsers. It needs only `fetch`, streams, `AbortSignal` and
 * Web Crypto. Its types are generated from the schemas of the answers.
 */
import { auditClient, tokenClient, type AuditClient, type TokenClient } from './access.js';
import type { InletEvent } from './answers.js';
import { channelClient, providerClient, type ChannelClient, type ProviderClient } from './channels.js';
import { deliveryClient, type DeliveryClient } from './deliveries.js';
import { eventsOf, type EventOptions } from './events.js';
import { mediaClient, type MediaClient } from './media.js';
import { contactClient, messageClient, type ContactClient, type MessageClient } from './messages.js';
import { operationsClient, type OperationsClient } from './operations.js';
import { peopleClient, type PeopleClient } from './people.js';
import { holdClient, type HoldClient } from './holds.js';
import { shareClient, type ShareClient } from './shares.js';
import { subscriptionClient, type SubscriptionClient } from './subscriptions.js';
import { createTransport, type ClientOptions } from './transport.js';
import {
  sessionClient,
  userClient,
  userSessionClient,
  type SessionClient,
  type UserClient,
  type UserSessionClient,
} from './users.js';
import { viewClient, type ViewClient } from './views.js';

export type { AuditClient, AuditQuery, NewToken, TokenClient } from './access.js';
export type * from './answers.js';
export type {
  BackfillOptions,
  ChannelChange,
  ChannelClient,
  NewChannel,
  ProviderClient,
  WebhookSample,
} from './channels.js';
export type { DeliveryClient, DeliveryQuery } from './deliveries.js';
export type { EventOptions } from './events.js';
export type {
  AnnotateOptions,
  AnnotationChange,
  ContentOptions,
  EraseOptions,
  ExportedMedia,
  ExportQuery,
  LinkOptions,
  MediaClient,
  MediaQuery,
  NewFact,
  PreviewSize,
  TagQuery,
  UploadOptions,
  WaitOptions,
} from './media.js';
export type { ContactClient, MessageClient, MessageQuery, NewMessage, SendOptions } from './messages.js';
export type { HealthClient, OperationsClient, ServiceIndex, StatsOptions } from './operations.js';
export type { List, Page, PageQuery } from './pages.js';
export type { PeopleClient, PeopleQuery, TimelineOptions } from './people.js';
export { InletError, type FieldProblem, type ProblemFacts } from './problem.js';
export type { HoldClient, HoldQuery, NewHold } from './holds.js';
export type { NewShare, ShareClient } from './shares.js';
export type {
  NewSubscription,
  ResendRequest,
  RotateOptions,
  SubscriptionChange,
  SubscriptionClient,
  SubscriptionDeliveryOptions,
} from './subscriptions.js';
export type { CallOptions, ClientOptions, Fetch } from './transport.js';
export type {
  AcceptedInvitation,
  Credentials,
  NewUser,
  OwnPasswordChange,
  SessionClient,
  UserChange,
  UserClient,
  UserSessionClient,
  UserSessionQuery,
} from './users.js';
export { verifyWebhook, type HeaderReader, type VerifyOptions, type WebhookCall } from './webhooks.js';
export type { NewView, ViewClient } from './views.js';

/** Every call rejects with an {@link InletError} if the service refuses it or does not answer. */
export interface InletClient extends OperationsClient {
  readonly media: MediaClient;
  readonly messages: MessageClient;
  readonly people: PeopleClient;
  readonly contacts: ContactClient;
  readonly holds: HoldClient;
  readonly shares: ShareClient;
  readonly views: ViewClient;
  readonly deliveries: DeliveryClient;
  readonly channels: ChannelClient;
  readonly providers: ProviderClient;
  readonly subscriptions: SubscriptionClient;
  readonly tokens: TokenClient;
  readonly audit: AuditClient;
  readonly users: UserClient;
  readonly session: SessionClient;
  readonly sessions: UserSessionClient;
  /**
   * Events as they happen, until the signal is aborted. After a broken connection they continue after the
   * last one.
   */
  readonly events: (options?: EventOptions) => AsyncIterable<InletEvent>;
}

export function createClient(options: ClientOptions): InletClient {
  const transport = createTransport(options);
  return {
    ...operationsClient(transport),
    media: mediaClient(transport),
    messages: messageClient(transport),
    people: peopleClient(transport),
    contacts: contactClient(transport),
    holds: holdClient(transport),
    shares: shareClient(transport),
    views: viewClient(transport),
    deliveries: deliveryClient(transport),
    channels: channelClient(transport),
    providers: providerClient(transport),
    subscriptions: subscriptionClient(transport),
    tokens: tokenClient(transport),
    audit: auditClient(transport),
    users: userClient(transport),
    session: sessionClient(transport),
    sessions: userSessionClient(transport),
    events: (which) => eventsOf(transport, which),
  };
}
