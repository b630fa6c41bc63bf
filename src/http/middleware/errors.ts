import { STATUS_CODES } from 'node:http';

import type { ErrorRequestHandler, RequestHandler, Response } from 'express';

import { AppError, type RequestErrorCode } from '../../domain/errors.js';
import type { Logger } from '../../infra/logger.js';
import { noteProblem, requestIdIn, routeOf } from '../requests.js';

/** Answers with RFC 9457 problem details. */
export function sendProblem(response: Response, error: AppError): void {
  const { status, code, message, fields, retryAt } = error;
  if (retryAt)
    response.set('Retry-After', String(Math.max(1, Math.ceil((retryAt.getTime() - Date.now()) / 1000))));
  noteProblem(response, code);
  if (status === 401) response.set('WWW-Authenticate', 'Bearer realm="inlet"');
  response
    .status(status)
    .type('application/problem+json')
    .send(
      JSON.stringify({
        type: `urn:inlet:problem:${code}`,
        title: STATUS_CODES[status] ?? 'Error',
        status,
        code,
        detail: message,
        ...(fields && { errors: fields }),
      }),
    );
}

/** Whatever goes wrong ends here. What follows from input is 4xx; the rest is ours, logged, and the caller sees only `internal`. */
export function handleErrors(logger: Logger): ErrorRequestHandler {
  // Express recognises an error handler by its four parameters.
  // eslint-disable-next-line max-params
  return (error: unknown, request, response, next) => {
    const known = translate(error);
    if (known.status >= 500 && known.code !== 'webhook.unsigned') {
      logger.error(
        {
          ...{ request: requestIdIn(response), method: request.method, route: routeOf(request) },
          ...{ code: known.code, err: error },
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
  if (error instanceof AppError) return error;
  const status = error instanceof Error && 'status' in error ? Number(error.status) : 500;
  const code = codeOfStatus[status] ?? (status >= 400 && status < 500 ? 'request.invalid' : 'internal');
  return new AppError(code, code === 'internal' ? 'an internal error' : 'the request is not understood', {
    cause: error,
  });
}
