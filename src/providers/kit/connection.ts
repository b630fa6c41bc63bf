/** Code that connections share: calls about webhooks, and the comparison of addresses. */
import { AppError } from '../../domain/errors.js';
import type { Http, HttpRequest, HttpResponse } from '../../domain/provider.js';
import { parseRetryAfter } from '../../domain/retry-after.js';
import { cleanText } from './clean-text.js';
import { asRecord, fieldsOf, type JsonRecord } from './lenient.js';

/** Longer text is no address that a person could use. */
const maxAddressLength = 2_048;

/** Whom a call asks, and how its answers are read. */
export interface Asked {
  /** The name of the provider as people write it. */
  readonly provider: string;
  /** The provider's own words about an error; absent if the body reports none. */
  readonly problemIn: (body: JsonRecord) => unknown;
  /** Secrets that no message repeats. */
  readonly secrets: readonly string[];
  readonly now: () => Date;
}

/**
 * Returns the body of a successful answer. Rejects with `channel.provider_refused` if the provider refuses
 * the call, with `channel.provider_unavailable` if it cannot answer now or its answer is no JSON object, and
 * with what {@link Http} rejects with.
 */
export async function askProvider(request: HttpRequest, http: Http, asked: Asked): Promise<JsonRecord> {
  const response = await http(request);
  const body = asRecord(response.body);
  const { provider, secrets } = asked;
  const words = cleanText(asked.problemIn(fieldsOf(response.body)), secrets);
  const said = words === undefined ? '' : `: ${words}`;
  const status = String(response.status);
  if (isTemporary(response.status))
    throw new AppError('channel.provider_unavailable', `${provider} answered ${status}${said}`, {
      ...retryAtOf(response, asked.now()),
    });
  if (response.status >= 400)
    throw new AppError('channel.provider_refused', `${provider} refused the call (${status})${said}`);
  if (response.status >= 300 || body === undefined) throw notUnderstood(provider);
  if (words !== undefined)
    throw new AppError('channel.provider_refused', `${provider} refused the call${said}`);
  return body;
}

/** The error for an answer that lacks what the provider documents. */
export function notUnderstood(provider: string): AppError {
  return new AppError(
    'channel.provider_unavailable',
    `${provider} answered something that Inlet does not understand: check the address of its API`,
  );
}

/** Whether the same call may succeed later. */
const isTemporary = (status: number): boolean =>
  status >= 500 || status === 408 || status === 425 || status === 429;

function retryAtOf({ headers }: HttpResponse, now: Date): { readonly retryAt?: Date } {
  const retryAt = parseRetryAfter(headers['retry-after'], now);
  return retryAt === undefined ? {} : { retryAt };
}

/** One of several changes that connect a channel. */
export interface Change {
  /** What is different afterwards, as part of a sentence. */
  readonly result: string;
  readonly make: () => Promise<unknown>;
}

/**
 * Makes changes one after the other. The provider keeps the changes that it made before one failed, so the
 * error names them.
 */
export async function makeChanges(changes: readonly Change[]): Promise<void> {
  const made: string[] = [];
  for (const { result, make } of changes) {
    try {
      await make();
    } catch (error) {
      throw error instanceof AppError && made.length > 0 ? halfDone(error, made) : error;
    }
    made.push(result);
  }
}

function halfDone(error: AppError, made: readonly string[]): AppError {
  const { code, message, retryAt } = error;
  return new AppError(code, `${message}; changed before that: ${made.join(', ')}`, {
    cause: error,
    ...(retryAt && { retryAt }),
  });
}

/**
 * An address for people: without user name, query and fragment, which may hold secrets. Null if it is no web
 * address.
 */
export function shownAddress(address: unknown): string | null {
  const url = webAddress(address);
  return url === undefined ? null : url.origin + url.pathname;
}

/** Whether an address leads to the webhook, apart from its query. */
export function leadsTo(webhookUrl: string, address: unknown): boolean {
  return shownAddress(address) === shownAddress(webhookUrl);
}

/** A parameter of an address; undefined if it does not occur exactly once. */
export function parameterOf(address: unknown, name: string): string | undefined {
  const [value, ...more] = webAddress(address)?.searchParams.getAll(name) ?? [];
  return more.length === 0 ? value : undefined;
}

function webAddress(address: unknown): URL | undefined {
  if (typeof address !== 'string' || address.length > maxAddressLength || !URL.canParse(address))
    return undefined;
  const url = new URL(address);
  return /^https?:$/.test(url.protocol) ? url : undefined;
}
