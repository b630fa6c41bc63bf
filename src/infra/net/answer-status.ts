/** What the status of a download's answer means for the picture. */
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

const reasons: ReadonlyMap<number, string> = new Map([
  [401, 'the host wants credentials'],
  [403, 'the host refuses access'],
  [404, 'nothing is there'],
  [407, 'a proxy wants credentials'],
  [410, 'it is no longer there'],
  [451, 'the host must not hand it over'],
]);

type HeaderValue = string | string[] | undefined;

export interface Answer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** Whether an answer carries the whole picture. 206 is a part of it, although we did not ask for one, unless the part is all there is. */
export function isWhole({ statusCode, headers }: Answer): boolean {
  if (statusCode !== 206) return statusCode === 200 || statusCode === 203;
  const [, last, total] = /^bytes 0-(\d+)\/(\d+)$/i.exec(headerText(headers['content-range']) ?? '') ?? [];
  return last !== undefined && Number(last) + 1 === Number(total);
}

/** The error for an answer that is not the whole picture. `retryAt` comes from `Retry-After`, counted from `now`. */
export function refusalError(answer: Answer, host: string, now: Date): AppError {
  const { statusCode } = answer;
  const code = finalCodes[statusCode] ?? codeOfClass(statusCode);
  const retryAt = parseRetryAfter(headerText(answer.headers['retry-after']), now);
  return new AppError(code, `${host} ${meaningOf(statusCode)}`, {
    ...(retryAt !== undefined && { retryAt }),
  });
}

/** Any other 4xx is final for this link. Some storage services answer 400 for an expired signature. */
function codeOfClass(statusCode: number): MediaErrorCode {
  return statusCode >= 400 && statusCode < 500 ? 'media.refused' : 'media.http_status';
}

/** The status with its name, and what a person needs to know of it. */
function meaningOf(statusCode: number): string {
  const name = STATUS_CODES[statusCode];
  const answered = `answered ${String(statusCode)}${name === undefined ? '' : ` ${name}`}`;
  const reason = reasons.get(statusCode);
  return reason === undefined ? answered : `${answered}: ${reason}`;
}

/** A header that may be repeated, as the list that its lines are together (RFC 9110, 5.3). */
export function headerList(value: HeaderValue): string | undefined {
  return Array.isArray(value) ? value.join(', ') : value;
}

/** A header that has one value. A host that repeats it by mistake means the first one, as Node reads it, too. */
export function headerText(value: HeaderValue): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

/**
 * A header's text where its bytes are UTF-8, as browsers read a `Location`. Headers are handed over as Latin-1, which turns a letter
 * beyond ASCII into two others.
 */
export function unicodeText(value: HeaderValue): string | undefined {
  const text = headerText(value);
  const bytes = Buffer.from(text ?? '', 'latin1');
  return bytes.toString('latin1') === text && isUtf8(bytes) ? bytes.toString('utf8') : text;
}
