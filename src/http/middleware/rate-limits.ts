import { hash } from 'node:crypto';

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

/** The requests of one token within a minute, which begins with the first of them. */
interface Count {
  used: number;
  readonly endsAt: number;
  /** The value of the header `RateLimit-Policy`. */
  readonly policy: string;
}

/**
 * Limits the requests per minute of each token. Every request with a token passes here, so the counts are our
 * own: express-rate-limit takes a tenth of the time of a small answer, for promises and for the digest in the
 * policy. The headers are the same (draft-8).
 */
export function limitByToken(limit: number): RequestHandler {
  const name = `"${String(limit)}-in-1min"`;
  /** The one that began first is the first one. */
  const counts = new Map<string, Count>();
  const begin = (token: string, now: number): Count => {
    for (const [other, { endsAt }] of counts) {
      if (endsAt > now) break;
      counts.delete(other);
    }
    const partition = Buffer.from(hash('sha256', token, 'hex').slice(0, 12)).toString('base64');
    const policy = `${name}; q=${String(limit)}; w=${String(windowMs / 1000)}; pk=:${partition}:`;
    const count = { used: 0, endsAt: now + windowMs, policy };
    counts.set(token, count);
    return count;
  };
  return (_request, response, next) => {
    const { tokenId } = accessOf(response);
    const now = Date.now();
    const known = counts.get(tokenId);
    const count = known && known.endsAt > now ? known : begin(tokenId, now);
    count.used += 1;
    const left = Math.max(0, limit - count.used);
    const seconds = Math.ceil((count.endsAt - now) / 1000);
    response.setHeader('RateLimit', `${name}; r=${String(left)}; t=${String(seconds)}`);
    response.setHeader('RateLimit-Policy', count.policy);
    if (count.used <= limit) next();
    else next(tooMany('too many requests with this token', new Date(count.endsAt)));
  };
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
    handler: refusal(message, windowMs),
  });
}

export interface AttemptLimit {
  readonly windowMs: number;
  readonly limit: number;
  readonly message: string;
  /** Whose attempts are counted together; the address of the caller by default. */
  readonly keyOf?: (request: Request) => string;
  /** Whether the answer is one to a successful attempt; by default, one without an error. */
  readonly isSuccess?: (response: Response) => boolean;
}

/**
 * Limits attempts, for instance with a password. Each is counted before it is judged, so that many at the
 * same moment are no way around the limit; one that succeeds is given back.
 */
export function limitAttempts(options: AttemptLimit): RequestHandler {
  const { windowMs: length, limit, message, keyOf } = options;
  const { isSuccess = ({ statusCode }) => statusCode < 400 } = options;
  return rateLimit({
    windowMs: length,
    limit,
    standardHeaders: false,
    legacyHeaders: false,
    keyGenerator: keyOf ?? callerKeyOf,
    skipSuccessfulRequests: true,
    requestWasSuccessful: (_, response) => isSuccess(response),
    handler: refusal(message, length),
  });
}

function refusal(message: string, length: number): (...handled: Parameters<RequestHandler>) => void {
  return (request, _, next) => {
    const { rateLimit: info } = request as Request & { rateLimit?: { resetTime?: Date } };
    next(tooMany(message, info?.resetTime ?? new Date(Date.now() + length)));
  };
}

function tooMany(message: string, retryAt: Date): AppError {
  return new AppError('request.rate_limited', message, { retryAt });
}
