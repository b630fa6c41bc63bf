/** Verifies calls of subscriptions, which the service signs as Standard Webhooks specifies. */
import { baseOf, parseAnswer } from './addresses.js';
import type { InletEvent } from './answers.js';
import { InletError } from './problem.js';

/** An object such as the `Headers` of a `Request`. */
export interface HeaderReader {
  readonly get: (name: string) => string | null;
}

/** A call as it was received. */
export interface WebhookCall {
  /**
   * The `Headers` of a `Request`, or the `headers` of a request of Node.js, whose names are in lower case.
   */
  readonly headers: HeaderReader | Readonly<Record<string, string | readonly string[] | undefined>>;
  /**
   * The raw body: the signature covers its bytes, so JSON that was parsed and written again does not pass.
   */
  readonly body: string | Uint8Array | ArrayBuffer;
}

/** Options of {@link verifyWebhook}. */
export interface VerifyOptions {
  /** The secret of the subscription (`whsec_…`), or several while secrets are rotated. */
  readonly secrets: string | readonly string[];
  /** The largest accepted difference between the clocks, in seconds; 300 by default. */
  readonly toleranceSeconds?: number | undefined;
  /** The address of the service, which makes the links in the event absolute. */
  readonly baseUrl?: string | undefined;
  /** Replaces the clock. */
  readonly now?: (() => Date) | undefined;
}

const standardToleranceSeconds = 300;

/**
 * Resolves to the event of a call if the call has a valid signature and is recent. Rejects with an {@link
 * InletError} otherwise: `webhook.unsigned` (400), `webhook.stale` (401), `webhook.forged` (401) or
 * `webhook.unreadable` (400).
 *
 * An event may arrive twice, with the same `id`. Ids grow from event to event.
 */
export async function verifyWebhook(call: WebhookCall, options: VerifyOptions): Promise<InletEvent> {
  const id = headerOf(call, 'webhook-id');
  const timestamp = headerOf(call, 'webhook-timestamp');
  const signatures = headerOf(call, 'webhook-signature').split(' ');
  checkAge(Number(timestamp), options);
  const body =
    typeof call.body === 'string' ? new TextEncoder().encode(call.body) : new Uint8Array(call.body);
  const signed = joined(new TextEncoder().encode(`${id}.${timestamp}.`), body);
  const secrets = typeof options.secrets === 'string' ? [options.secrets] : options.secrets;
  const expected = await Promise.all(secrets.map((secret) => signatureOf(signed, secret)));
  const isValid = signatures.some((signature) => expected.some((one) => isSame(one, signature)));
  if (!isValid) throw refused('forged', 401, 'The call is not signed with any of the secrets');
  return eventIn(body, options.baseUrl);
}

function refused(code: string, status: number, detail: string): InletError {
  return new InletError(detail, { code: `webhook.${code}`, status });
}

function headerOf({ headers }: WebhookCall, name: `webhook-${'id' | 'timestamp' | 'signature'}`): string {
  const value = isReader(headers) ? headers.get(name) : headers[name];
  if (typeof value === 'string' && value !== '') return value;
  throw refused('unsigned', 400, `The header ${name} is missing`);
}

function isReader(headers: WebhookCall['headers']): headers is HeaderReader {
  return typeof headers.get === 'function';
}

/** An old call may be a recording that an attacker repeats. */
function checkAge(
  seconds: number,
  { toleranceSeconds = standardToleranceSeconds, now }: VerifyOptions,
): void {
  const current = (now?.() ?? new Date()).getTime() / 1000;
  if (Math.abs(current - seconds) <= toleranceSeconds) return;
  throw refused('stale', 401, 'The call is too old, or the clocks differ too much');
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(first.length + second.length);
  whole.set(first);
  whole.set(second, first.length);
  return whole;
}

/** The signature in the format of the header: `v1,` and the HMAC in Base64. */
async function signatureOf(signed: Uint8Array<ArrayBuffer>, secret: string): Promise<string> {
  const key = await crypto.subtle.importKey(
    'raw',
    keyBytes(secret),
    { name: 'HMAC', hash: 'SHA-256' },
    false,
    ['sign'],
  );
  const digest = new Uint8Array(await crypto.subtle.sign('HMAC', key, signed));
  return `v1,${btoa(String.fromCharCode(...digest))}`;
}

function keyBytes(secret: string): Uint8Array<ArrayBuffer> {
  try {
    const bytes = Uint8Array.from(atob(secret.replace(/^whsec_/, '')), (byte) => byte.charCodeAt(0));
    if (bytes.length > 0) return bytes;
  } catch {
    // The secret is not Base64. The error of `atob` is dropped because the secret must not get into an error.
  }
  throw new TypeError('A secret is the text that begins with whsec_, as the service has shown it');
}

/** Compares in constant time. */
function isSame(expected: string, actual: string): boolean {
  if (actual.length !== expected.length) return false;
  let difference = 0;
  for (let index = 0; index < expected.length; index += 1)
    difference |= expected.charCodeAt(index) ^ actual.charCodeAt(index);
  return difference === 0;
}

function eventIn(body: Uint8Array, baseUrl: string | undefined): InletEvent {
  try {
    const event = parseAnswer(new TextDecoder('utf-8', { fatal: true }).decode(body), baseOf(baseUrl ?? ''));
    if (isEvent(event)) return event;
  } catch {
    // The body is signed but is not JSON.
  }
  throw refused('unreadable', 400, 'The call is signed, but its body is not an event');
}

function isEvent(value: unknown): value is InletEvent {
  if (typeof value !== 'object' || value === null) return false;
  const { id, type, data } = value as Partial<InletEvent>;
  return typeof id === 'string' && typeof type === 'string' && typeof data === 'object';
}
