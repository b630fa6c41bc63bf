/** Calls a service over HTTP and returns its answers in a form that tests can inspect. */
import request from 'supertest';

import { sampleOf, signWebhook } from './signing.js';
import type { TestService } from './test-service.js';

export interface Answer<Body> {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly bytes: Buffer;
  /** The parsed body if it is JSON; otherwise undefined. */
  readonly body: Body;
}

export interface Call {
  readonly method?: 'get' | 'head' | 'post' | 'put' | 'delete' | 'patch' | 'options';
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** A body that is sent unchanged. */
  readonly raw?: Buffer | string;
  /** A body that is sent as JSON. */
  readonly json?: unknown;
}

export async function call<Body = Problem>(
  base: string,
  path: string,
  what: Call = {},
): Promise<Answer<Body>> {
  const { method = 'get', token, headers = {}, raw, json } = what;
  const sending = request(base)[method](path).responseType('blob').redirects(0);
  if (token !== undefined) void sending.set('Authorization', `Bearer ${token}`);
  if (json !== undefined) void sending.set('Content-Type', 'application/json').send(JSON.stringify(json));
  void sending.set(headers);
  // Without this, superagent serializes bytes again if their type is JSON.
  if (raw !== undefined) void sending.serialize((body) => body as string).send(raw);
  const response = await sending;
  const bytes = Buffer.isBuffer(response.body) ? response.body : Buffer.alloc(0);
  return {
    status: response.status,
    headers: response.headers,
    bytes,
    body: (bytes.length > 0 && isJson(response.headers['content-type'])
      ? JSON.parse(bytes.toString('utf8'))
      : undefined) as Body,
  };
}

function isJson(type: unknown): boolean {
  return typeof type === 'string' && /^application\/(problem\+)?json\b/.test(type);
}

export interface WebhookOptions {
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * Posts a webhook with the given proof, or without one. A payload that is neither bytes nor text is sent as
 * JSON.
 */
export async function postUnproven<Body = Problem>(
  { url }: { readonly url: string },
  channel: string,
  { payload, query = {}, headers = {} }: WebhookOptions & { readonly payload: unknown },
): Promise<Answer<Body>> {
  const parameters = new URLSearchParams(query).toString();
  const path = `/webhooks/${channel}${parameters === '' ? '' : `?${parameters}`}`;
  return call<Body>(url, path, {
    method: 'post',
    headers: { 'content-type': 'application/json', ...headers },
    raw: toBytes(payload),
  });
}

/** Posts a webhook with a valid proof, as its provider does. */
export async function postWebhook(
  service: { readonly url: string },
  channel: string,
  payload: unknown,
): Promise<Answer<Receipt>> {
  const bytes = bodyOf(channel, payload);
  return postUnproven<Receipt>(service, channel, {
    payload: bytes,
    ...provenBy(service, channel, { body: bytes }),
  });
}

/** The headers and the query of a webhook with a valid proof, for a caller that accepts receipts only. */
export function provenBy(
  { url }: { readonly url: string },
  channel: string,
  { body, secret }: { readonly body: Buffer; readonly secret?: string },
): Required<WebhookOptions> {
  const proof = signWebhook(channel, body, {
    url: `${url}/webhooks/${channel}`,
    ...(secret !== undefined && { secret }),
  });
  const { contentType = 'application/json' } = sampleOf(channel);
  return {
    query: proof.query,
    headers: { accept: 'application/json', 'content-type': contentType, ...proof.headers },
  };
}

/** The bytes of a payload as its provider writes them: JSON, or a form. Texts stay as they are. */
export function bodyOf(channel: string, payload: unknown): Buffer {
  const isForm = sampleOf(channel).contentType === 'application/x-www-form-urlencoded';
  if (!isForm || typeof payload !== 'object' || payload === null || Buffer.isBuffer(payload))
    return toBytes(payload);
  return Buffer.from(new URLSearchParams(payload as Record<string, string>).toString());
}

/** Posts a webhook with one attachment, and returns the attachment when it is no longer `pending`. */
export async function receive(service: TestService, channel: string, payload: unknown): Promise<MediaView> {
  const { body } = await postWebhook(service, channel, payload);
  return afterPending(service, body.media[0]);
}

/** Returns the media item when it is no longer `pending`, or as it is after a minute. */
export async function afterPending(service: TestService, id: string | undefined): Promise<MediaView> {
  const path = `/v1/media/${String(id)}?wait=20`;
  const token = service.token('media:read');
  const look = async (): Promise<MediaView> => (await call<MediaView>(service.url, path, { token })).body;
  let media = await look();
  // A machine that is busy with other suites takes longer than one request waits.
  for (let again = 0; media.state === 'pending' && again < 2; again += 1) media = await look();
  return media;
}

export interface UploadOptions {
  /** A token that allows uploads by default, unless there are headers with another proof of identity. */
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly file?: Uint8Array;
  readonly filename?: string;
  /** The name of the field that holds the file. */
  readonly field?: string;
  /** The other fields; by default the channel `z-api`. */
  readonly fields?: Readonly<Record<string, string>>;
}

/** Uploads a file as a browser does. */
export async function upload<Body = MediaView>(
  service: TestService,
  {
    file,
    filename = 'file',
    field = 'file',
    fields = { channel: 'z-api' },
    headers,
    ...options
  }: UploadOptions,
): Promise<Answer<Body>> {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.set(name, value);
  if (file !== undefined) form.set(field, new Blob([new Uint8Array(file)]), filename);
  const packed = new Response(form); // It encodes the form as multipart/form-data.
  return call<Body>(service.url, '/v1/media', {
    method: 'post',
    ...(!headers && { token: options.token ?? service.token('messages:send') }),
    headers: { ...headers, 'content-type': packed.headers.get('content-type') ?? '' },
    raw: Buffer.from(await packed.arrayBuffer()),
  });
}

function toBytes(payload: unknown): Buffer {
  if (Buffer.isBuffer(payload)) return payload;
  return Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload));
}

// The shapes of answers, as the API documents them.

export interface Receipt {
  readonly delivery: string;
  readonly outcome: string;
  readonly duplicate: boolean;
  readonly media: readonly string[];
}

export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly errors?: readonly { readonly field: string; readonly message: string }[];
}

export interface Page<Item> {
  readonly items: readonly Item[];
  readonly nextCursor: string | null;
}

export interface MessageFacts {
  readonly id: string;
  readonly from: string;
  readonly to: string | null;
  readonly chat: string | null;
  readonly senderName: string | null;
  readonly caption: string | null;
  readonly sentAt: string | null;
}

export interface PreviewView {
  readonly url: string;
  readonly type: string;
  readonly width: number;
  readonly height: number;
}

export interface MediaView {
  readonly id: string;
  readonly channel: string;
  readonly provider: string;
  readonly direction: string;
  readonly kind: string;
  readonly state: string;
  readonly message: MessageFacts | null;
  readonly receivedAt: string;
  readonly deletedBySenderAt: string | null;
  readonly readyAt: string | null;
  readonly type: string | null;
  readonly bytes: number | null;
  readonly width: number | null;
  readonly height: number | null;
  readonly sha256: string | null;
  readonly filename: string | null;
  readonly thumbhash: string | null;
  readonly previews: Readonly<Partial<Record<'small' | 'large', PreviewView>>>;
  readonly contentUrl: string | null;
  readonly warnings: readonly { readonly code: string; readonly message: string }[];
  readonly metadata: {
    readonly takenAt: string | null;
    readonly camera: string | null;
    readonly latitude: number | null;
    readonly longitude: number | null;
    readonly software: string | null;
  } | null;
  readonly attempts: number;
  readonly nextAttemptAt: string | null;
  readonly error: { readonly code: string; readonly message: string } | null;
}

export interface MessageView extends MessageFacts {
  readonly channel: string;
  readonly provider: string;
  readonly direction: string;
  readonly receivedAt: string;
  readonly status: string | null;
  readonly statusAt: string | null;
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly media: readonly MediaView[];
}

export interface DeliverySummary {
  readonly id: string;
  readonly channel: string;
  readonly provider: string;
  readonly outcome: string;
  readonly reason: string | null;
  readonly receivedAt: string;
}

export interface DeliveryView extends DeliverySummary {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}
