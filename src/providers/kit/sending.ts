/**
 * Code that the sending halves share: validation of options, and the meaning of responses. The most important
 * rule: a message that the provider may have accepted is never `busy`, because busy messages are sent again.
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
import { wordsOf } from '../../domain/issue-words.js';
import { cleanText } from './clean-text.js';
import { fieldsOf, type JsonRecord } from './lenient.js';

/** Creates the validation from a schema of options; `fit` and `fetch` belong to the service. */
export function optionsCheck(schema: z.ZodType<SendOptions>): Sending['checkOptions'] {
  return (options): CheckedOptions => {
    const own = Object.entries(options).filter(([name]) => name !== 'fit' && name !== 'fetch');
    const checked = schema.safeParse(Object.fromEntries(own));
    if (checked.success) return { ok: true, options: checked.data };
    const problems = checked.error.issues.flatMap((issue) =>
      issue.code === 'unrecognized_keys'
        ? issue.keys.map((key) => ({ field: `options.${key}`, message: 'is unknown to this provider' }))
        : [{ field: ['options', ...issue.path].join('.'), message: wordsOf(issue) }],
    );
    return { ok: false, problems };
  };
}

export interface ProviderError {
  readonly code: unknown;
  readonly message: unknown;
}

/** How to read a provider's responses, for {@link callProvider}. */
export interface ResponseReader {
  /** The provider's id of the message; undefined if the response does not confirm the message. */
  readonly idIn: (response: HttpResponse) => string | undefined;
  /** The provider's own code and message, if the body reports an error. */
  readonly errorIn: (body: JsonRecord) => ProviderError | undefined;
  /**
   * The meaning of a reported error, for providers whose codes say more than the HTTP status. Undefined
   * leaves the decision to the status. `busy` is right only if the provider certainly has not accepted the
   * message.
   */
  readonly meaningOf?: (
    error: ProviderError,
    status: number,
  ) => Extract<SendOutcome['type'], 'busy' | 'refused' | 'unknown'> | undefined;
  /** Whether an error that is `busy` concerns only messages to the same recipient. */
  readonly concernsRecipient?: (error: ProviderError) => boolean;
  /** The seconds to wait that a body names, if it names any. */
  readonly waitIn?: (body: JsonRecord) => unknown;
  /** Secrets that must never be repeated, even if the provider does so. */
  readonly secrets: readonly string[];
  readonly now: () => Date;
}

/** Sends a message to an API whose requests need no expression. */
export type SendMessage = (message: OutboundMessage, http: Http) => Promise<SendOutcome>;

/** Sends with one call. A failure before the call means that nothing was sent. */
export function sender(
  requestFor: (message: OutboundMessage) => MaybePromise<HttpRequest | SendOutcome>,
  reader: ResponseReader,
): SendMessage {
  return async (message, http) => {
    const request = await tryPrepare(() => requestFor(message));
    return 'type' in request ? request : callProvider(request, http, reader);
  };
}

/**
 * Returns the result of `prepare`, or `busy` if it fails: bytes could not be read, or a token could not be
 * signed.
 */
export async function tryPrepare<T extends object>(prepare: () => MaybePromise<T>): Promise<T | SendOutcome> {
  try {
    return await prepare();
  } catch {
    return {
      type: 'busy',
      retryAfterMs: null,
      code: 'not_prepared',
      message: 'the message could not be prepared',
    };
  }
}

/** Calls the provider and returns the meaning of the response. Never rejects. */
export async function callProvider(
  request: HttpRequest,
  http: Http,
  reader: ResponseReader,
): Promise<SendOutcome> {
  try {
    return outcomeOf(await http(request), reader);
  } catch (error) {
    return outcomeOfFailedCall(error);
  }
}

/** The outcome is only known if the request never left. */
function outcomeOfFailedCall(error: unknown): SendOutcome {
  if (!(error instanceof AppError)) return { type: 'unknown', message: 'the call was aborted' };
  const { message } = error;
  if (error.requestLeft) return { type: 'unknown', message };
  const code = error.code.replace(/^media\./, '');
  // A forbidden or invalid URL stays so until the settings change.
  return error.retryable
    ? { type: 'busy', retryAfterMs: null, code, message }
    : { type: 'refused', code, message };
}

function outcomeOf(response: HttpResponse, reader: ResponseReader): SendOutcome {
  const { status } = response;
  const isOk = status >= 200 && status < 300;
  const messageId = isOk ? reader.idIn(response) : undefined;
  if (messageId !== undefined) return { type: 'accepted', messageId };
  const error = reader.errorIn(fieldsOf(response.body));
  const described = describeError(error, status, reader.secrets);
  const retryAfterMs = requestedDelayMs(response, reader);
  const meaning =
    (error && reader.meaningOf?.(error, status)) ?? meaningOfStatus(status, error, retryAfterMs);
  if (meaning === 'busy') return { type: 'busy', retryAfterMs, ...described, ...concernOf(error, reader) };
  return meaning === 'refused'
    ? { type: 'refused', ...described }
    : { type: 'unknown', message: described.message };
}

/** Nothing, if the whole channel has to wait. */
function concernOf(
  error: ProviderError | undefined,
  { concernsRecipient }: ResponseReader,
): Pick<Extract<SendOutcome, { type: 'busy' }>, 'concerns'> {
  return error !== undefined && concernsRecipient?.(error) === true ? { concerns: 'recipient' } : {};
}

function meaningOfStatus(
  status: number,
  error: ProviderError | undefined,
  retryAfterMs: number | null,
): 'busy' | 'refused' | 'unknown' {
  if (isRetryLater(status, retryAfterMs)) return 'busy';
  const isOk = status >= 200 && status < 300;
  return (isOk ? error !== undefined : isRejection(status)) ? 'refused' : 'unknown';
}

function describeError(error: ProviderError | undefined, status: number, secrets: readonly string[]) {
  const code = cleanText(error?.code, secrets) ?? `http_${String(status)}`;
  return { code, message: cleanText(error?.message, secrets) ?? `the provider answered ${String(status)}` };
}

/**
 * A plain 503 may come from a proxy that timed out. A server that names a time has not started (RFC 9110,
 * 15.6.4).
 */
const isRetryLater = (status: number, retryAfterMs: number | null): boolean =>
  status === 429 || (status === 503 && retryAfterMs !== null);

/** 408 says that the provider stopped reading, but not how much it had read. */
const isRejection = (status: number): boolean => status >= 400 && status < 500 && status !== 408;

/** The delay from `Retry-After`, or from the body. In milliseconds, at most an hour. */
function requestedDelayMs(
  { headers, body }: HttpResponse,
  { waitIn, now: clock }: ResponseReader,
): number | null {
  const now = clock();
  const seconds = waitIn?.(fieldsOf(body));
  const header =
    headers['retry-after'] ?? (typeof seconds === 'number' ? String(Math.ceil(seconds)) : undefined);
  const at = parseRetryAfter(header, now);
  return at === undefined ? null : at.getTime() - now.getTime();
}

/** A JSON object without absent fields. */
export function compact(fields: Readonly<Record<string, unknown>>): JsonRecord {
  return Object.fromEntries(
    // These are the service's own values, so false and blank values are intended.
    // eslint-disable-next-line inlet/foreign-fields
    Object.entries(fields).filter(([, value]) => value !== undefined && value !== null),
  );
}

/** The outcome for providers that require the type, if a link has none. */
export const typeMissing: SendOutcome = {
  type: 'refused',
  code: 'type_unknown',
  message:
    'this provider requires the type, which the link does not reveal: set "options":{"fetch":true} to detect it',
};

/** The link, for providers that accept nothing else. */
export function linkOf({ content }: OutboundMessage): string {
  if (content.way === 'link') return content.url;
  throw new Error(`this provider accepts links, not ${content.way}`);
}
