/** What the status of a download's answer means for the picture. */
import { AppError, type MediaErrorCode } from '../domain/errors.js';
import { parseRetryAfter } from '../domain/retry-after.js';

const finalCodes: Readonly<Record<number, MediaErrorCode>> = {
  204: 'media.empty',
  205: 'media.empty',
  404: 'media.gone',
  408: 'media.http_status',
  410: 'media.gone',
  425: 'media.http_status',
  429: 'media.rate_limited',
};

export interface Answer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** Only these carry the whole picture; 206 is a part of it, although we did not ask for a part. */
export function isWhole(statusCode: number): boolean {
  return statusCode === 200 || statusCode === 203;
}

/** The error for an answer that is not the whole picture. `retryAt` comes from `Retry-After`, counted from `now`. */
export function refusalError(answer: Answer, host: string, now: Date): AppError {
  const { statusCode } = answer;
  const code = finalCodes[statusCode] ?? codeOfClass(statusCode);
  const retryAt = parseRetryAfter(headerText(answer.headers['retry-after']), now);
  return new AppError(code, `${host} answered ${statusCode.toString()}`, {
    ...(retryAt !== undefined && { retryAt }),
  });
}

/** Any other 4xx is final for this link. Some storage services answer 400 for an expired signature. */
function codeOfClass(statusCode: number): MediaErrorCode {
  return statusCode >= 400 && statusCode < 500 ? 'media.refused' : 'media.http_status';
}

/** A header as one text, the way Node joins repeated ones. */
export function headerText(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(', ') : value;
}
