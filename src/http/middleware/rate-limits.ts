import type { RequestHandler, Request } from 'express';
import { ipKeyGenerator, rateLimit } from 'express-rate-limit';

import { AppError } from '../../domain/errors.js';
import { accessOf } from './authenticate.js';

const windowMs = 60_000;

/** So many requests a minute for each token. */
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
 * So many failures a minute from one address. It is asked after something has failed, so whoever proves to be right is never
 * limited: some providers send each event only once.
 */
export function limitFailures(limit: number, message: string): RequestHandler {
  return rateLimit({
    windowMs,
    limit,
    standardHeaders: false,
    legacyHeaders: false,
    keyGenerator: (request) => ipKeyGenerator(request.ip ?? ''),
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
