/**
 * A client of the API of Inlet for Node.js and browsers. It needs only `fetch`, streams, `AbortSignal` and Web Crypto. Its types are
 * generated from the schemas of the answers.
 */
import {
  auditClient,
  sessionClient,
  tokenClient,
  type AuditClient,
  type SessionClient,
  type TokenClient,
} from './access.js';
import type { InletEvent } from './answers.js';
import { channelClient, providerClient, type ChannelClient, type ProviderClient } from './channels.js';
import { deliveryClient, type DeliveryClient } from './deliveries.js';
import { eventsOf, type EventOptions } from './events.js';
import { mediaClient, type MediaClient } from './media.js';
import { contactClient, messageClient, type ContactClient, type MessageClient } from './messages.js';
import { operationsClient, type OperationsClient } from './operations.js';
import { subscriptionClient, type SubscriptionClient } from './subscriptions.js';
import { createTransport, type ClientOptions } from './transport.js';

export type { AuditClient, AuditQuery, NewToken, SessionClient, TokenClient } from './access.js';
export type * from './answers.js';
export type { ChannelChange, ChannelClient, NewChannel, ProviderClient } from './channels.js';
export type { DeliveryClient, DeliveryQuery } from './deliveries.js';
export type { EventOptions } from './events.js';
export type {
  ContentOptions,
  EraseOptions,
  LinkOptions,
  MediaClient,
  MediaQuery,
  PreviewSize,
  UploadOptions,
  WaitOptions,
} from './media.js';
export type { ContactClient, MessageClient, MessageQuery, NewMessage, SendOptions } from './messages.js';
export type { HealthClient, OperationsClient, ServiceIndex, StatsOptions } from './operations.js';
export type { List, Page, PageQuery } from './pages.js';
export { InletError, type FieldProblem, type ProblemFacts } from './problem.js';
export type {
  NewSubscription,
  ResendRequest,
  RotateOptions,
  SubscriptionChange,
  SubscriptionClient,
  SubscriptionDeliveryOptions,
} from './subscriptions.js';
export type { CallOptions, ClientOptions, Fetch } from './transport.js';
export { verifyWebhook, type HeaderReader, type VerifyOptions, type WebhookCall } from './webhooks.js';

/** Every call rejects with an {@link InletError} if the service refuses it or does not answer. */
export interface InletClient extends OperationsClient {
  readonly media: MediaClient;
  readonly messages: MessageClient;
  readonly contacts: ContactClient;
  readonly deliveries: DeliveryClient;
  readonly channels: ChannelClient;
  readonly providers: ProviderClient;
  readonly subscriptions: SubscriptionClient;
  readonly tokens: TokenClient;
  readonly audit: AuditClient;
  readonly session: SessionClient;
  /** Events as they happen, until the signal is aborted. After a broken connection they continue after the last one. */
  readonly events: (options?: EventOptions) => AsyncIterable<InletEvent>;
}

export function createClient(options: ClientOptions): InletClient {
  const transport = createTransport(options);
  return {
    ...operationsClient(transport),
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
    events: (which) => eventsOf(transport, which),
  };
}
