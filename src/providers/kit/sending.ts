/**
 * What the sending halves share: the options' check, and the meaning of an answer. One rule stands above all: nothing that a
 * provider may have taken is ever called `busy`, because what is busy is sent again.
 */
import type { z } from 'zod';

import { AppError } from '../../domain/errors.js';
import type { Http, HttpRequest, HttpResponse, MaybePromise } from '../../domain/provider.js';
import { parseRetryAfter } from '../../domain/retry-after.js';
import type {
  CheckedOptions,
  OutboundMessage,
  Sending,
  SendOptions,
  SendOutcome,
} from '../../domain/sending.js';
import { fieldsOf, firstPresent, type JsonRecord, textOrNull } from './lenient.js';

const longestWordsKept = 300;

/** The check that a schema of options makes; `fit` and `fetch` are the service's own. */
export function optionsCheck(schema: z.ZodType<SendOptions>): Sending['checkOptions'] {
  return (options): CheckedOptions => {
    const own = Object.entries(options).filter(([name]) => name !== 'fit' && name !== 'fetch');
    const checked = schema.safeParse(Object.fromEntries(own));
    if (checked.success) return { ok: true, options: checked.data };
    const problems = checked.error.issues.flatMap((issue) =>
      issue.code === 'unrecognized_keys'
        ? issue.keys.map((key) => ({ field: `options.${key}`, message: 'is not known to this provider' }))
        : [{ field: ['options', ...issue.path].join('.'), message: issue.message }],
    );
    return { ok: false, problems };
  };
}

interface ProviderError {
  readonly code: unknown;
  readonly message: unknown;
}

/** How a provider answers, for {@link ask}. */
export interface Answering {
  /** Its id of the message; undefined where the answer does not say that it has been taken. */
  readonly idIn: (response: HttpResponse) => string | undefined;
  /** Its own code and words, where the body says that something is wrong. */
  readonly errorIn: (body: JsonRecord) => ProviderError | undefined;
  /** What must never be repeated, even where the provider does. */
  readonly secrets: readonly string[];
  readonly now: () => Date;
}

/** Sends with one call. What fails before the call has surely not been sent. */
export function sender(
  requestFor: (message: OutboundMessage) => MaybePromise<HttpRequest | SendOutcome>,
  answering: Answering,
): Sending['send'] {
  return async (message, http) => {
    const request = await prepared(() => requestFor(message));
    return 'type' in request ? request : ask(request, http, answering);
  };
}

/** What `prepare` makes, or that nothing was sent: bytes could not be read, a token could not be signed. */
export async function prepared<T extends object>(prepare: () => MaybePromise<T>): Promise<T | SendOutcome> {
  try {
    return await prepare();
  } catch {
    return { type: 'busy', retryAfterMs: null, code: 'not_prepared', message: 'It could not be made ready' };
  }
}

/** Calls the provider and says what the answer means. Never rejects. */
export async function ask(request: HttpRequest, http: Http, answering: Answering): Promise<SendOutcome> {
  try {
    return meaningOf(await http(request), answering);
  } catch (error) {
    return meaningOfNone(error);
  }
}

/** Whether the request never left decides; of the rest nobody can tell. */
function meaningOfNone(error: unknown): SendOutcome {
  if (!(error instanceof AppError)) return { type: 'unknown', message: 'The call broke off' };
  const { message } = error;
  if (error.requestLeft) return { type: 'unknown', message };
  const code = error.code.replace(/^media\./, '');
  // An address that is forbidden or none stays so until somebody changes the settings.
  return error.retryable
    ? { type: 'busy', retryAfterMs: null, code, message }
    : { type: 'refused', code, message };
}

function meaningOf(response: HttpResponse, answering: Answering): SendOutcome {
  const { status } = response;
  const isOk = status >= 200 && status < 300;
  const messageId = isOk ? answering.idIn(response) : undefined;
  if (messageId !== undefined) return { type: 'accepted', messageId };
  const error = answering.errorIn(fieldsOf(response.body));
  const about = described(error, status, answering.secrets);
  const retryAfterMs = askedWaitMs(response, answering.now());
  if (saysLater(status, retryAfterMs)) return { type: 'busy', retryAfterMs, ...about };
  const isNo = isOk ? error !== undefined : saysNo(status);
  return isNo ? { type: 'refused', ...about } : { type: 'unknown', message: about.message };
}

function described(error: ProviderError | undefined, status: number, secrets: readonly string[]) {
  const code = words(error?.code, secrets) ?? `http_${String(status)}`;
  return { code, message: words(error?.message, secrets) ?? `The provider answered ${String(status)}` };
}

/** 503 as such may come from a proxy that gave up waiting. Who names a time has not begun (RFC 9110, 15.6.4). */
const saysLater = (status: number, retryAfterMs: number | null): boolean =>
  status === 429 || (status === 503 && retryAfterMs !== null);

/** 408 says that the provider stopped reading, not how far it got. */
const saysNo = (status: number): boolean => status >= 400 && status < 500 && status !== 408;

/** By `Retry-After`, or as AISoule writes it into the body (aisoule.com/docs, rate limits). In milliseconds, at most an hour. */
function askedWaitMs({ headers, body }: HttpResponse, now: Date): number | null {
  const { error, retry_after_seconds: inBody } = fieldsOf(body);
  const seconds = firstPresent([fieldsOf(error)['retry_after_seconds'], inBody]);
  const asked =
    headers['retry-after'] ?? (typeof seconds === 'number' ? String(Math.ceil(seconds)) : undefined);
  const at = parseRetryAfter(asked, now);
  return at === undefined ? null : at.getTime() - now.getTime();
}

/** A provider's words, short and without our secrets: some servers repeat the address that was called. */
function words(value: unknown, secrets: readonly string[]): string | undefined {
  const text = typeof value === 'number' ? String(value) : textOrNull(value);
  if (text === null) return undefined;
  const clean = secrets
    .filter((secret) => secret !== '')
    .reduce(
      (rest, secret) => rest.replaceAll(secret, '***').replaceAll(encodeURIComponent(secret), '***'),
      text,
    );
  return textOrNull(clean.slice(0, longestWordsKept)) ?? undefined;
}

/** A JSON object without the fields that are not there. */
export function compact(fields: Readonly<Record<string, unknown>>): JsonRecord {
  return Object.fromEntries(
    // Ours, not a provider's: what is false or blank here is meant.
    // eslint-disable-next-line inlet/foreign-fields
    Object.entries(fields).filter(([, value]) => value !== undefined && value !== null),
  );
}

/** For providers that must be told the type, of a link that says nothing of itself. */
export const typeMissing: SendOutcome = {
  type: 'refused',
  code: 'type_unknown',
  message:
    'The provider must be told the type, and the link does not say it: "options":{"fetch":true} finds it out',
};

/** The link, of a provider that takes nothing else. */
export function linkOf({ content }: OutboundMessage): string {
  if (content.way === 'link') return content.url;
  throw new Error(`this provider takes links, not media ${content.way}`);
}
