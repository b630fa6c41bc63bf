/** Decides what the status of a download's response means for the picture. */
import { isUtf8 } from 'node:buffer';
import { STATUS_CODES } from 'node:http';

import { AppError, type MediaErrorCode } from '../../domain/errors.js';
import { parseRetryAfter } from '../../domain/retry-after.js';

const finalCodes: Readonly<Record<number, MediaErrorCode>> = {
  204: 'media.empty',
  205: 'media.empty',
  404: 'media.gone',
  408: 'media.http_status',
  410: 'media.gone',
  425: 'media.http_status',
  429: 'media.rate_limited',
};

const explanations: ReadonlyMap<number, string> = new Map([
  [401, 'the host requires credentials'],
  [403, 'the host refuses access'],
  [404, 'the file does not exist'],
  [407, 'a proxy requires credentials'],
  [410, 'the file was removed'],
  [451, 'the host may not deliver it for legal reasons'],
]);

type HeaderValue = string | string[] | undefined;

export interface Response {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/**
 * Whether the response contains the whole picture. A 206 is a part that was not asked for, unless it covers
 * the whole file.
 */
export function isWhole({ statusCode, headers }: Response): boolean {
  if (statusCode !== 206) return statusCode === 200 || statusCode === 203;
  const [, lastByte, total] =
    /^bytes 0-(\d+)\/(\d+)$/i.exec(headerText(headers['content-range']) ?? '') ?? [];
  return lastByte !== undefined && Number(lastByte) + 1 === Number(total);
}

/**
 * The error for a response without the whole picture. `retryAt` comes from `Retry-After`, counted from `now`.
 */
export function refusalError(response: Response, host: string, now: Date): AppError {
  const { statusCode } = response;
  const code = finalCodes[statusCode] ?? codeOfClass(statusCode);
  const retryAt = parseRetryAfter(headerText(response.headers['retry-after']), now);
  return new AppError(code, `${host} ${describe(statusCode)}`, {
    ...(retryAt !== undefined && { retryAt }),
  });
}

/** Any other 4xx is final for this link. Some storage services answer 400 for an expired signature. */
function codeOfClass(statusCode: number): MediaErrorCode {
  return statusCode >= 400 && statusCode < 500 ? 'media.refused' : 'media.http_status';
}

/** The status with its name and an explanation for people. */
function describe(statusCode: number): string {
  const name = STATUS_CODES[statusCode];
  const status = `answered ${String(statusCode)}${name === undefined ? '' : ` ${name}`}`;
  const reason = explanations.get(statusCode);
  return reason === undefined ? status : `${status}: ${reason}`;
}

/** The combined value of a header that may be repeated (RFC 9110, 5.3). */
export function headerList(value: HeaderValue): string | undefined {
  return Array.isArray(value) ? value.join(', ') : value;
}

/**
 * The value of a header that has a single value. If a host repeats it by mistake, the first one counts, as in
 * Node.
 */
export function headerText(value: HeaderValue): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

/**
 * The text of a header whose bytes are UTF-8, as browsers read a `Location`. Node passes headers on as
 * Latin-1, which turns each non-ASCII letter into several characters.
 */
export function unicodeText(value: HeaderValue): string | undefined {
  const text = headerText(value);
  const bytes = Buffer.from(text ?? '', 'latin1');
  return bytes.toString('latin1') === text && isUtf8(bytes) ? bytes.toString('utf8') : text;
}
