import type { Request, RequestHandler, Response } from 'express';
import { rateLimit } from 'express-rate-limit';

import { AppError } from '../../domain/errors.js';
import { accessOf } from './authenticate.js';
import { callerKeyOf } from './client-address.js';

const windowMs = 60_000;

/** Runs the second handler after the first one has let the request pass. */
export function inTurn(first: RequestHandler, second: RequestHandler): RequestHandler {
  return (request, response, next) => {
    void first(request, response, (error?: unknown) => {
      if (error === undefined) void second(request, response, next);
      else next(error);
    });
  };
}

/** Resolves if the limit lets the request pass, and rejects with its refusal if not. */
export function letPass(limit: RequestHandler, request: Request, response: Response): Promise<void> {
  return new Promise((resolve, reject) => {
    void limit(request, response, (error?: unknown) => {
      // All limits of this service refuse with an `AppError`.
      const refusal = error as Error | undefined;
      if (refusal) reject(refusal);
      else resolve();
    });
  });
}

/** Limits the requests per minute of each token. */
export function limitByToken(limit: number): RequestHandler {
  return rateLimit({
    windowMs,
    limit,
    standardHeaders: 'draft-8',
    legacyHeaders: false,
    keyGenerator: (_, response) => accessOf(response).tokenId,
    handler: (request, _, next) => {
      next(tooMany(request, 'too many requests with this token'));
    },
  });
}

/**
 * Limits the failures per minute of each address. It is only called after a failure, so a verified sender is
 * never limited: some providers send each event only once.
 */
export function limitFailures(limit: number, message: string): RequestHandler {
  return rateLimit({
    windowMs,
    limit,
    standardHeaders: false,
    legacyHeaders: false,
    keyGenerator: callerKeyOf,
    handler: (request, _, next) => {
      next(tooMany(request, message));
    },
  });
}

function tooMany(request: Request, message: string): AppError {
  const info = (request as Request & { rateLimit?: { resetTime?: Date } }).rateLimit;
  return new AppError('request.rate_limited', message, {
    retryAt: info?.resetTime ?? new Date(Date.now() + windowMs),
  });
}
