/** The API as the gallery uses it. Its types are those that the server answers with. */
import type {
  AuditEntryView,
  ChannelView,
  ChannelWithSecret,
  ProviderView,
  SessionView,
  StatsView,
  TokenView,
} from '../http/shapes/administration.js';
import type {
  NotificationDeliveryView,
  ResendResult,
  SampleResult,
  SubscriptionView,
} from '../http/shapes/event.js';
import type { ErasedView, MediaHistory, MediaView } from '../http/shapes/media.js';
import type { DeliverySummaryView, DeliveryView, MessageView } from '../http/shapes/message.js';
import type { ChannelLimits, OutboundView } from '../http/shapes/outbound.js';
import { at } from './base.js';

export type {
  AuditEntryView,
  ChannelLimits,
  ChannelView,
  ChannelWithSecret,
  DeliverySummaryView,
  DeliveryView,
  MediaHistory,
  MediaView,
  NotificationDeliveryView,
  OutboundView,
  ProviderView,
  SampleResult,
  SessionView,
  StatsView,
  SubscriptionView,
  TokenView,
};

export interface Page<Item> {
  readonly items: readonly Item[];
  readonly nextCursor: string | null;
}

/** What the service answered instead of what was asked for; `message` is the problem's detail. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, detail: string) {
    super(detail);
    this.status = status;
    this.code = code;
  }
}

export type Query = Readonly<Record<string, string | number | undefined>>;

let signedOut: () => void = () => undefined;
/** Is called whenever the service says that nobody is signed in. */
export function onSignedOut(listener: () => void): void {
  signedOut = listener;
}

interface Sent {
  /** A form is sent as such, anything else as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

async function call<Answer>(method: string, path: string, { body, headers }: Sent = {}): Promise<Answer> {
  const isForm = body instanceof FormData;
  const response = await fetch(at(path), {
    method,
    headers: {
      Accept: 'application/json',
      // Says that it is this page that asks: another site's page cannot send it.
      'X-Inlet-Request': '1',
      ...(body !== undefined && !isForm && { 'Content-Type': 'application/json' }),
      ...headers,
    },
    body: body === undefined ? null : isForm ? body : JSON.stringify(body),
  }).catch(() => {
    throw new ApiError(0, 'offline', 'The service does not answer. Is it running, and are you online?');
  });
  if (response.ok) return (response.status === 204 ? undefined : await response.json()) as Answer;
  const error = await problemOf(response);
  if (error.status === 401) signedOut();
  throw error;
}

async function problemOf(response: Response): Promise<ApiError> {
  const problem: unknown = await response.json().catch(() => undefined);
  const read = (name: string): string | undefined => {
    const value: unknown = typeof problem === 'object' && problem ? Reflect.get(problem, name) : undefined;
    return typeof value === 'string' ? value : undefined;
  };
  const detail = read('detail') ?? `The service answered ${String(response.status)}.`;
  return new ApiError(response.status, read('code') ?? 'unknown', sentence(detail));
}

/** Details of problems are written to go on a line of their own: here they stand as sentences. */
function sentence(text: string): string {
  const begun = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}

function withQuery(path: string, query: Query): string {
  const given = Object.entries(query).flatMap(([name, value]) =>
    value === undefined || value === '' ? [] : [[name, String(value)]],
  );
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given).toString()}`;
}

const get = <Answer>(path: string, query: Query = {}): Promise<Answer> => call('GET', withQuery(path, query));
const post = <Answer>(path: string, body: unknown = {}): Promise<Answer> => call('POST', path, { body });
const patch = <Answer>(path: string, body: unknown): Promise<Answer> => call('PATCH', path, { body });
const remove = <Answer>(path: string): Promise<Answer> => call('DELETE', path);
const part = encodeURIComponent;

export type NewChannel = { readonly id?: string; readonly provider: string; readonly name?: string } & {
  readonly settings: Readonly<Record<string, string>>;
};
export interface NewSubscription {
  readonly url: string;
  readonly description?: string;
  readonly types?: readonly string[];
  readonly channels?: readonly string[];
}
export interface NewToken {
  readonly name: string;
  readonly scopes: readonly string[];
  readonly channels?: readonly string[];
  readonly expiresIn?: number;
}

export interface NewMessage {
  readonly channel: string;
  readonly to: string;
  readonly kind: MediaView['kind'];
  readonly media: { readonly id: string };
  readonly caption?: string;
  readonly filename?: string;
  readonly options: Readonly<Record<string, unknown>>;
}

export const api = {
  session: () => get<SessionView>('/v1/session'),
  signIn: (token: string) => post<SessionView>('/v1/session', { token }),
  signOut: () => remove<undefined>('/v1/session'),

  media: (query: Query) => get<Page<MediaView>>('/v1/media', query),
  mediaById: (id: string) => get<MediaView>(`/v1/media/${part(id)}`),
  history: (id: string) => get<MediaHistory>(`/v1/media/${part(id)}/history`),
  link: (id: string, expiresIn: number) =>
    post<{ readonly url: string; readonly expiresAt: string }>(`/v1/media/${part(id)}/link`, { expiresIn }),
  retry: (id: string) => post<MediaView>(`/v1/media/${part(id)}/retry`),
  eraseMedia: (id: string) => remove<ErasedView>(`/v1/media/${part(id)}`),
  eraseContact: (channel: string, contact: string) =>
    remove<ErasedView>(`/v1/contacts/${part(channel)}/${part(contact)}`),

  deliveries: (query: Query) => get<Page<DeliverySummaryView>>('/v1/deliveries', query),
  delivery: (id: string) => get<DeliveryView>(`/v1/deliveries/${part(id)}`),
  replay: (id: string) => post<{ readonly outcome: string }>(`/v1/deliveries/${part(id)}/replay`),
  stats: (days: number) => get<StatsView>('/v1/stats', { days }),

  channels: () => get<Page<ChannelView>>('/v1/channels'),
  providers: () => get<{ readonly items: readonly ProviderView[] }>('/v1/providers'),
  addChannel: (channel: NewChannel) => post<ChannelWithSecret>('/v1/channels', channel),
  changeChannel: (id: string, change: { readonly enabled?: boolean; readonly name?: string }) =>
    patch<ChannelView>(`/v1/channels/${part(id)}`, change),
  rotateChannel: (id: string) => post<ChannelWithSecret>(`/v1/channels/${part(id)}/rotate`),
  deleteChannel: (id: string) => remove<undefined>(`/v1/channels/${part(id)}`),

  subscriptions: () => get<Page<SubscriptionView>>('/v1/subscriptions'),
  addSubscription: (subscription: NewSubscription) =>
    post<SubscriptionView & { readonly secret: string }>('/v1/subscriptions', subscription),
  testSubscription: (id: string) => post<SampleResult>(`/v1/subscriptions/${part(id)}/test`),
  enableSubscription: (id: string) =>
    patch<SubscriptionView>(`/v1/subscriptions/${part(id)}`, { enabled: true }),
  rotateSubscription: (id: string) =>
    post<SubscriptionView & { readonly secret: string }>(`/v1/subscriptions/${part(id)}/rotate`),
  subscriptionDeliveries: (id: string) =>
    get<{ readonly items: readonly NotificationDeliveryView[] }>(`/v1/subscriptions/${part(id)}/deliveries`, {
      limit: 20,
    }),
  resendEvent: (id: string, event: string) =>
    post<ResendResult>(`/v1/subscriptions/${part(id)}/resend`, { event }),
  deleteSubscription: (id: string) => remove<undefined>(`/v1/subscriptions/${part(id)}`),

  tokens: (query: Query = {}) => get<Page<TokenView>>('/v1/tokens', query),
  addToken: (token: NewToken) => post<TokenView & { readonly token: string }>('/v1/tokens', token),
  revokeToken: (id: string) => remove<TokenView>(`/v1/tokens/${part(id)}`),

  upload: (form: FormData) => call<MediaView>('POST', '/v1/media', { body: form }),
  /** The same key again sends nothing again. */
  send: (message: NewMessage, key: string) =>
    call<OutboundView>('POST', '/v1/messages', { body: message, headers: { 'Idempotency-Key': key } }),
  sent: (query: Query) => get<Page<OutboundView>>('/v1/messages', query),
  message: (channel: string, messageId: string) =>
    get<MessageView>(`/v1/messages/${part(channel)}/${part(messageId)}`),
  sendAgain: (id: string) => post<OutboundView>(`/v1/messages/${part(id)}/retry`),
  limits: (channel: string) => get<ChannelLimits>(`/v1/channels/${part(channel)}/limits`),

  audit: (query: Query) => get<Page<AuditEntryView>>('/v1/audit', query),
} as const;
