/**
 * Downloads of WhatsApp media by Meta's own ids (developers.facebook.com, business-phone-numbers/media, 16
 * June 2026): the Graph API gives a link that lives for five minutes, and the link needs the same access
 * token. For Meta itself, and for providers whose webhooks contain Meta's ids.
 */
import { matchesHost } from '../../domain/channel.js';
import { AppError } from '../../domain/errors.js';
import type {
  Downloads,
  HeaderRecord,
  HttpResponse,
  MediaSource,
  ResolvedLink,
} from '../../domain/provider.js';
import { parseRetryAfter } from '../../domain/retry-after.js';
import { hostOf } from './define-provider.js';
import { linkTo, referenceTo } from './events.js';
import { address, dateFromSeconds, fieldsOf, identifier } from './lenient.js';
import { bearerOf, graphErrorIn, graphVersion, isAccessError, isRateError } from './meta-graph.js';
import type { MetaFile } from './meta-message.js';

/** The host of the links that the Graph API gives. */
const fileHost = 'lookaside.fbsbx.com';

/** Ids are digits. Anything else in a path could lead elsewhere. */
const usableId = /^[\w-]{1,255}$/;

/**
 * How long a channel waits before it asks again with a token that was refused: Meta blocks clients
 * that fail often (docs.360dialog.com: 20 errors within an hour, for half an hour).
 */
const wrongTokenWaitMs = 900_000;
/** How long a channel waits after too many calls, if Meta names no time. */
const tooManyWaitMs = 60_000;

interface MetaAccess {
  readonly accessToken: string;
  readonly apiUrl: string;
  readonly now: () => Date;
}

/** The hosts that serve files to those with an access token. */
export function metaHosts(apiUrl: string): readonly string[] {
  return [hostOf(apiUrl), fileHost];
}

/** Downloads with an access token, which is sent to `hosts` only. */
export function metaDownloads(
  { accessToken, apiUrl, now }: MetaAccess,
  hosts: readonly string[],
): Required<Pick<Downloads, 'authorize' | 'resolve'>> {
  const headers = bearerOf(accessToken);
  return {
    authorize: (url): HeaderRecord => (matchesHost(url, hosts) ? headers : {}),
    resolve: async (id, http) => {
      if (!usableId.test(id)) throw new AppError('media.no_address', 'the id of the file is not one of Meta');
      const url = `${apiUrl}/${graphVersion}/${encodeURIComponent(id)}`;
      return linkIn(await http({ method: 'GET', url, headers }), now());
    },
  };
}

/** A link to one of `hosts` needs the token. The id leads to another link once this one has expired. */
export function metaSource({ url, id }: MetaFile, hosts: readonly string[]): MediaSource | undefined {
  const reference = identifier(id);
  const link = webAddress(url);
  if (link === undefined) return referenceTo(reference) ?? linkTo(url);
  const expiresAt = dateFromSeconds(link.searchParams.get('ext'));
  return linkTo(url, { expiresAt, needsCredentials: matchesHost(link, hosts), reference });
}

export function isAtHosts(url: unknown, hosts: readonly string[]): boolean {
  const link = webAddress(url);
  return link !== undefined && matchesHost(link, hosts);
}

function webAddress(url: unknown): URL | undefined {
  const text = address(url);
  const link = text !== undefined && URL.canParse(text) ? new URL(text) : undefined;
  return link !== undefined && /^https?:$/.test(link.protocol) ? link : undefined;
}

function linkIn(response: HttpResponse, now: Date): ResolvedLink {
  const { status, body } = response;
  if (status !== 200) throw failureOf(response, now);
  const link = webAddress(fieldsOf(body)['url']);
  if (link !== undefined) return { url: link.href, needsCredentials: true };
  throw new AppError('media.http_status', 'Meta gave no link for the file');
}

/** Texts of Meta are left out, because they may repeat the request. */
function failureOf({ status, headers, body }: HttpResponse, now: Date): AppError {
  const { code, subcode } = graphErrorIn(fieldsOf(body)) ?? {};
  const answered = `Meta answered ${String(status)}${code === undefined ? '' : `, code ${String(code)}`}`;
  if (code === 100 && subcode === 33) return new AppError('media.gone', `${answered}: it has no such file`);
  const named = parseRetryAfter(headers['retry-after'], now);
  const later = (ms: number): { retryAt: Date } => ({ retryAt: named ?? new Date(now.getTime() + ms) });
  if (status === 401 || isAccessError(code)) {
    const message = `${answered}: it does not accept the access token of this channel`;
    return new AppError('media.http_status', message, later(wrongTokenWaitMs));
  }
  if (status === 429 || isRateError(code))
    return new AppError('media.rate_limited', `${answered}: too many calls`, later(tooManyWaitMs));
  return new AppError('media.http_status', answered, named && { retryAt: named });
}
