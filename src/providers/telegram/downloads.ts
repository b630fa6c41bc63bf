/**
 * Downloads: `getFile` names a path, which is served below a URL that contains the token
 * (core.telegram.org/bots/api#getfile). The path holds for at least an hour, so each attempt asks for it
 * again.
 */
import { AppError } from '../../domain/errors.js';
import type { Downloads, HostPattern, HttpResponse } from '../../domain/provider.js';
import { parseRetryAfter } from '../../domain/retry-after.js';
import { fieldsOf, isAbsent } from '../kit/lenient.js';
import { type Bot, methodUrl } from './api.js';

/** Without a bot, files wait until the channel has its token. */
export function downloadsOf(
  bot: Bot | undefined,
  trustedHosts: readonly HostPattern[],
  now: () => Date,
): Downloads {
  if (bot === undefined) return { trustedHosts };
  return {
    trustedHosts,
    resolve: async (reference, http) => {
      const query = new URLSearchParams({ file_id: reference }).toString();
      const response = await http({ method: 'GET', url: `${methodUrl(bot, 'getFile')}?${query}` });
      const path = pathIn(response, now());
      // The link contains the token, so it needs no further credentials and must not be kept.
      return { url: `${bot.apiUrl}/file/bot${bot.token}/${path}`, needsCredentials: false };
    },
  };
}

/** The path of the file, escaped. Throws an AppError if there is none. */
function pathIn(response: HttpResponse, now: Date): string {
  const { ok, result } = fieldsOf(response.body);
  if (response.status !== 200 || ok !== true) throw failureOf(response, now);
  const { file_path: path } = fieldsOf(result);
  if (isAbsent(path)) throw new AppError('media.http_status', 'Telegram names no path of the file');
  const escaped = escapedPath(path);
  if (escaped !== undefined) return escaped;
  throw new AppError(
    'media.no_address',
    'Telegram names a path that cannot be downloaded; a server of the Bot API must not run with --local',
  );
}

const maxPathLength = 1_000;

/**
 * The path with every segment escaped; undefined for one that may lead elsewhere. A server in local mode
 * names absolute paths of its own disk (tdlib/telegram-bot-api @01a3679), which are never opened.
 */
export function escapedPath(path: unknown): string | undefined {
  if (typeof path !== 'string' || path.length > maxPathLength || !path.isWellFormed()) return undefined;
  const segments = path.split('/');
  return segments.every((segment) => /^(?!\.{1,2}$)[^\\:\p{Cc}]+$/u.test(segment))
    ? segments.map(encodeURIComponent).join('/')
    : undefined;
}

/** A wrong token is the operator's to correct, which takes a while. */
const badTokenRetryMs = 600_000;

function failureOf({ status, headers, body }: HttpResponse, now: Date): AppError {
  const { description, parameters } = fieldsOf(body);
  switch (status) {
    case 401:
    case 404:
      return new AppError(
        'media.http_status',
        `Telegram answered ${String(status)}: the token of the bot is wrong`,
        {
          retryAt: new Date(now.getTime() + badTokenRetryMs),
        },
      );
    case 429: {
      const { retry_after: seconds } = fieldsOf(parameters);
      const wait = typeof seconds === 'number' ? String(Math.ceil(seconds)) : headers['retry-after'];
      const retryAt = parseRetryAfter(wait, now);
      return new AppError('media.rate_limited', 'Telegram limits the rate of calls', {
        ...(retryAt !== undefined && { retryAt }),
      });
    }
    case 400:
      // Other texts also stand for passing failures within Telegram (tdlib/telegram-bot-api on_update_file
      // @01a3679).
      return typeof description === 'string' && /file is too big/i.test(description)
        ? new AppError('media.too_large', 'Telegram gives bots files of at most 20 MB')
        : new AppError('media.http_status', 'Telegram does not give the file at the moment');
    default:
      return new AppError('media.http_status', `Telegram answered ${String(status)}`);
  }
}
