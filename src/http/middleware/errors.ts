import { STATUS_CODES } from 'node:http';
import { types } from 'node:util';

import type { ErrorRequestHandler, RequestHandler, Response } from 'express';

import { AppError, isMediaError, isServiceFault, type RequestErrorCode } from '../../domain/errors.js';
import { ownValue } from '../../domain/own-value.js';
import type { Logger } from '../../infra/logging/logger.js';
import { isDatabaseFailure, isDataRefused } from '../../infra/postgres/errors.js';
import { noteProblem, requestIdIn, routeOf } from './requests.js';

/** Responds with the problem details of RFC 9457. */
export function sendProblem(response: Response, error: AppError): void {
  const { status, code } = error;
  const seconds = retryAfterSeconds(error);
  if (seconds !== undefined) response.set('Retry-After', String(seconds));
  noteProblem(response, code);
  if (status === 401) response.set('WWW-Authenticate', 'Bearer realm="inlet"');
  response.status(status).type('application/problem+json').send(problemText(error));
}

/** The body of the response. */
export function problemText({ status, code, message, fields }: AppError): string {
  return JSON.stringify({
    type: `urn:inlet:problem:${code}`,
    title: STATUS_CODES[status] ?? 'Error',
    status,
    code,
    detail: message,
    ...(fields && { errors: fields }),
  });
}

/** The default delays: most failures of a database or a file store are over soon. */
const retrySeconds: ReadonlyMap<string, number> = new Map([
  ['service.unavailable', 2],
  ['channel.provider_unavailable', 10],
  ['oidc.unavailable', 10],
]);

/** The value of `Retry-After`, if the error has one. */
export function retryAfterSeconds({ code, retryAt }: AppError): number | undefined {
  if (retryAt) return Math.max(1, Math.ceil((retryAt.getTime() - Date.now()) / 1000));
  return retrySeconds.get(code);
}

/**
 * Responds to every failed request: 4xx if the input is at fault, 503 if a dependency failed. Everything else
 * is a fault of this service, which is logged, while the caller only sees `internal`.
 */
export function handleErrors(logger: Logger): ErrorRequestHandler {
  // Express recognises an error handler by its four parameters.
  // eslint-disable-next-line max-params
  return (error: unknown, request, response, next) => {
    const known = translate(error);
    if (known.status >= 500 && known.code !== 'webhook.unsigned') {
      logger.error(
        {
          request: requestIdIn(response),
          method: request.method,
          route: routeOf(request),
          code: known.code,
          err: error,
        },
        'a request failed',
      );
    }
    if (response.headersSent) {
      next(error);
      return;
    }
    sendProblem(response, known);
  };
}

/** Handles the other methods of a path, after its routes: 405 with the list of allowed methods. */
export function allowOnly(methods: string): RequestHandler {
  return (request, response) => {
    response.set('Allow', methods);
    throw new AppError('request.method_not_allowed', `${request.method} is not allowed here; use ${methods}`);
  };
}

export const notFound: RequestHandler = (request) => {
  throw new AppError('request.not_found', `there is no route ${request.method} ${request.path}`);
};

/** Express and its parsers describe an invalid request by `status`. */
const codeOfStatus: Readonly<Record<number, RequestErrorCode>> = {
  400: 'request.invalid',
  404: 'request.not_found',
  405: 'request.method_not_allowed',
  413: 'request.too_large',
  415: 'request.unsupported_type',
};

/** The error as the caller learns of it. */
export function translate(error: unknown): AppError {
  if (error instanceof AppError) return isMediaError(error.code) ? withoutMediaCode(error) : error;
  return dependencyFailure(error) ?? parserFailure(error);
}

function dependencyFailure(error: unknown): AppError | undefined {
  const causes = causesOf(error);
  if (causes.some(isDatabaseFailure)) return unavailable('the database is unavailable', error);
  if (causes.some(isDataRefused))
    return new AppError('request.invalid', 'a value cannot be stored or searched for', { cause: error });
  return isSystemError(error)
    ? unavailable('a file cannot be read or written at the moment', error)
    : undefined;
}

function parserFailure(error: unknown): AppError {
  if (types.isNativeError(error) && error.name === 'URIError')
    return new AppError(
      'request.invalid',
      'the address is not valid: what follows a percent sign is not UTF-8',
      {
        cause: error,
      },
    );
  const status = error instanceof Error && 'status' in error ? Number(error.status) : 500;
  const code = codeOfStatus[status] ?? (status >= 400 && status < 500 ? 'request.invalid' : 'internal');
  return new AppError(code, code === 'internal' ? 'an internal error' : bodyWords(error), { cause: error });
}

/** What the parser of bodies calls the faults that callers make. */
const bodyFaults: Readonly<Record<string, string>> = {
  'entity.parse.failed': 'the body is not a JSON object or list',
  'charset.unsupported': 'the body is not UTF-8: send it without a charset',
  'encoding.unsupported': 'the compression of the body is unknown: use gzip, deflate or br, or none',
  'request.size.invalid': 'the body has not as many bytes as Content-Length says',
  'request.aborted': 'the body ends too early',
};

/** The parser quotes the body in its messages, so they are only kept where this service has written them. */
function bodyWords(error: unknown): string {
  const { type = '', code = '', message, limit } = error as BodyError;
  if (type === 'entity.too.large') return `the body has more than ${String(limit)} bytes`;
  if (type === 'entity.verify.failed') return message;
  // Errors of the decompression have a code only.
  if (/^(?:Z|ZSTD|ERR)_/.test(code)) return 'the compressed body is damaged';
  return ownValue(bodyFaults, type) ?? 'the request is invalid';
}

interface BodyError {
  readonly type?: string;
  readonly code?: string;
  readonly message: string;
  readonly limit?: number;
}

/** The codes of media items describe downloads and are not for responses of the API. */
function withoutMediaCode(error: AppError): AppError {
  return isMediaError(error.code) && isServiceFault(error.code)
    ? unavailable('the file cannot be stored or read at the moment', error)
    : new AppError('internal', 'an internal error', { cause: error });
}

function unavailable(message: string, cause: unknown): AppError {
  return new AppError('service.unavailable', message, { cause });
}

/** The error and its causes, outermost first. */
function causesOf(error: unknown): unknown[] {
  const causes: unknown[] = [];
  for (let one = error; types.isNativeError(one) && causes.length < maxCauses; one = one.cause)
    causes.push(one);
  return causes;
}

const maxCauses = 8;

/** Whether the operating system reported the error: no file handles, no space, a failing disk. */
function isSystemError(error: unknown): boolean {
  return types.isNativeError(error) && 'syscall' in error && 'errno' in error;
}
