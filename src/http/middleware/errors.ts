import { STATUS_CODES } from 'node:http';
import { types } from 'node:util';

import type { ErrorRequestHandler, RequestHandler, Response } from 'express';

import { AppError, isMediaError, isServiceFault, type RequestErrorCode } from '../../domain/errors.js';
import type { Logger } from '../../infra/logging/logger.js';
import { isDatabaseFailure, isDataRefused } from '../../infra/postgres/errors.js';
import { noteProblem, requestIdIn, routeOf } from './requests.js';

/** Answers with RFC 9457 problem details. */
export function sendProblem(response: Response, error: AppError): void {
  const { status, code } = error;
  const seconds = retryAfterSeconds(error);
  if (seconds !== undefined) response.set('Retry-After', String(seconds));
  noteProblem(response, code);
  if (status === 401) response.set('WWW-Authenticate', 'Bearer realm="inlet"');
  response.status(status).type('application/problem+json').send(problemText(error));
}

/** The body of the answer. */
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

/** For an answer that does not know better: most troubles of a database or a store of files are over soon. */
const usualRetrySeconds = 2;

function retryAfterSeconds({ code, retryAt }: AppError): number | undefined {
  if (retryAt) return Math.max(1, Math.ceil((retryAt.getTime() - Date.now()) / 1000));
  return code === 'service.unavailable' ? usualRetrySeconds : undefined;
}

/**
 * Every failure of a request is answered here. What follows from input is 4xx, and a dependency that fails is 503. The rest is our fault:
 * it is logged, and the caller sees only `internal`.
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

/** For `router.all` behind the routes of a path: every other method is answered with those that it knows. */
export function allowOnly(methods: string): RequestHandler {
  return (request, response) => {
    response.set('Allow', methods);
    throw new AppError('request.method_not_allowed', `this does not know ${request.method}`);
  };
}

export const notFound: RequestHandler = (request) => {
  throw new AppError('request.not_found', `there is no ${request.method} ${request.path}`);
};

/** Express and its parsers say what is wrong with a request by `status` and `type`. */
const codeOfStatus: Readonly<Record<number, RequestErrorCode>> = {
  400: 'request.invalid',
  404: 'request.not_found',
  405: 'request.method_not_allowed',
  413: 'request.too_large',
  415: 'request.unsupported_type',
};

function translate(error: unknown): AppError {
  if (error instanceof AppError) return isMediaError(error.code) ? outOfPlace(error) : error;
  return dependencyFailure(error) ?? parserFailure(error);
}

function dependencyFailure(error: unknown): AppError | undefined {
  const causes = causesOf(error);
  if (causes.some(isDatabaseFailure)) return unavailable('the database does not answer as it should', error);
  if (causes.some(isDataRefused))
    return new AppError('request.invalid', 'a value cannot be stored or searched for', { cause: error });
  return isSystemError(error) ? unavailable('a file cannot be read or written now', error) : undefined;
}

function parserFailure(error: unknown): AppError {
  const status = error instanceof Error && 'status' in error ? Number(error.status) : 500;
  const code = codeOfStatus[status] ?? (status >= 400 && status < 500 ? 'request.invalid' : 'internal');
  return new AppError(code, code === 'internal' ? 'an internal error' : 'the request is not understood', {
    cause: error,
  });
}

/** A code that says what became of a picture is no answer to a request. */
function outOfPlace(error: AppError): AppError {
  return isMediaError(error.code) && isServiceFault(error.code)
    ? unavailable('the file could not be stored or read now', error)
    : new AppError('internal', 'an internal error', { cause: error });
}

function unavailable(message: string, cause: unknown): AppError {
  return new AppError('service.unavailable', message, { cause });
}

/** The error and what it was caused by, from the outside in. */
function causesOf(error: unknown): unknown[] {
  const causes: unknown[] = [];
  for (let one = error; types.isNativeError(one) && causes.length < mostCauses; one = one.cause)
    causes.push(one);
  return causes;
}

const mostCauses = 8;

/** What Node reports when the operating system refuses something: no file handles, no space, a disk that fails. */
function isSystemError(error: unknown): boolean {
  return types.isNativeError(error) && 'syscall' in error && 'errno' in error;
}
