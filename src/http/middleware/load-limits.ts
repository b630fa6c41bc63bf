/**
 * How many requests of the API are under way at once. Without these bounds one caller's burst takes the connections to the database, the
 * memory and the main thread, and webhooks, jobs and every other caller wait.
 */
import { AsyncResource } from 'node:async_hooks';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';

import type { RequestHandler, Response } from 'express';

import { AppError } from '../../domain/errors.js';
import type { Logger } from '../../infra/logging/logger.js';
import { accessOf } from './authenticate.js';
import { problemText, sendProblem } from './errors.js';
import { afterAnswersAhead } from './pipelining.js';
import { createPlaces, type PlaceLimits, type Refusal } from './places.js';
import { requestIdHeader, requestIdOf } from './requests.js';
import { inTurns } from './turns.js';

/** Begins requests in turns, and refuses those that are too many to wait before the app, which costs several times as much. */
export interface Turns {
  readonly inFrontOf: (app: RequestListener) => RequestListener;
}

/** Bounds for each kind of request. Behind `authenticate`, or behind what stands for it: callers are told apart by their tokens. */
export interface LoadLimits {
  /** Requests that ask the database and answer at once. */
  readonly query: RequestHandler;
  /** Requests that are answered with the bytes of a file. They last as long as the caller takes to read. */
  readonly download: RequestHandler;
  /** Requests whose body is a file. They last as long as the caller takes to send. */
  readonly upload: RequestHandler;
  /** Requests that wait for something to happen. They hold nothing but their connection. */
  readonly listen: RequestHandler;
}

/**
 * The API has five connections to the database (see `poolSizes` in database.ts): a few more requests than that keep them busy, and more
 * would only fill the main thread. An answer of fifty media takes some 3 ms of it, so 400 waiting requests are worked off in one or two
 * seconds. A waiting request takes about 20 KB, and a download up to 150 KB.
 */
const bounds = {
  query: { working: 10, workingOfOne: 6, present: 1_000, presentOfOne: 400, waitMs: 5_000, slowMs: 2_000 },
  download: {
    working: 256,
    workingOfOne: 128,
    present: 1_000,
    presentOfOne: 400,
    waitMs: 5_000,
    slowMs: Infinity,
  },
  upload: {
    working: 16,
    workingOfOne: 8,
    present: 200,
    presentOfOne: 100,
    waitMs: 5_000,
    slowMs: Infinity,
  },
  listen: {
    working: 5_000,
    workingOfOne: 2_500,
    present: 5_000,
    presentOfOne: 2_500,
    waitMs: 0,
    slowMs: Infinity,
  },
} as const satisfies Readonly<Record<keyof LoadLimits, PlaceLimits>>;

/** Requests that have not been authenticated yet. Each takes about 10 KB, and a turn is 1 to 3 ms. */
const waiting = { most: 3_000, mostOfOne: 1_000 } as const;

/** Requests that were sent before the ones ahead of them are answered. Each takes about 10 KB. */
const sentAhead = { most: 1_000, mostOfOne: 32 } as const;

/** Soon: what was in the way takes a second or two. */
const retryAfterMs = 1_000;
const logEveryMs = 10_000;

/** A caller that reads nothing of its answer for so long is cut off. */
const stalledMs = 60_000;

export function createLoadLimits(logger: Logger): LoadLimits & Turns {
  const refused = createRefusalLog(logger);
  const limit = (kind: keyof LoadLimits): RequestHandler => {
    const places = createPlaces(bounds[kind]);
    return (_request, response, next) => {
      // The caller went away while its token was checked. The end of its place would never be heard of.
      if (response.destroyed) return;
      const visit = places.visit(accessOf(response).tokenId, {
        // Bound: a request that waited is not to run in the context of the one whose place it takes.
        entered: AsyncResource.bind(() => {
          next();
        }),
        refused: (by) => {
          refused(kind);
          sendProblem(response, problemOf(by));
        },
      });
      // The work has ended when the answer is complete, though the caller may take long to read it.
      response.once('prefinish', () => {
        visit.finished();
        cutOffWhenStalled(response);
      });
      response.once('close', visit.gone);
    };
  };
  return {
    query: limit('query'),
    download: limit('download'),
    upload: limit('upload'),
    listen: limit('listen'),
    inFrontOf: (app) => {
      const inOrder = inTurns(app, waiting, (by, request, response) => {
        refused('early');
        refuseEarly(by, request, response);
      });
      const others = afterAnswersAhead(inOrder, sentAhead);
      return (request, response) => {
        const begin = isHealthCheck(request) ? app : others;
        begin(request, response);
      };
    },
  };
}

/** A check that is refused, or waits, would have a process ended that only has much to do. */
function isHealthCheck({ url = '' }: IncomingMessage): boolean {
  // With the whole address, as a proxy may ask (RFC 9112, 3.2.2).
  return /^(?:https?:\/\/[^/?#]*)?\/health\//i.test(url);
}

/** The same answer as the app's. */
function refuseEarly(by: Refusal, request: IncomingMessage, response: ServerResponse): void {
  const problem = problemOf(by);
  const body = problemText(problem);
  response
    .writeHead(problem.status, {
      'content-type': 'application/problem+json; charset=utf-8',
      'content-length': Buffer.byteLength(body),
      'retry-after': String(retryAfterMs / 1_000),
      'x-content-type-options': 'nosniff',
      [requestIdHeader]: requestIdOf(request),
    })
    .end(body);
}

function cutOffWhenStalled(response: Response): void {
  if (!response.writableFinished) response.setTimeout(stalledMs);
}

function problemOf(by: Refusal): AppError {
  const retryAt = new Date(Date.now() + retryAfterMs);
  if (by === 'caller')
    return new AppError('request.too_many_at_once', 'too many requests at once with this token', { retryAt });
  const message = by === 'slowness' ? 'requests take longer than they should' : 'too many requests at once';
  return new AppError('service.unavailable', message, { retryAt });
}

/** One line for many refusals: a line for each would be work that a burst makes. */
function createRefusalLog(logger: Logger): (kind: string) => void {
  const counts = new Map<string, number>();
  let timer: NodeJS.Timeout | undefined;
  const write = (): void => {
    timer = undefined;
    logger.warn({ refused: Object.fromEntries(counts) }, 'requests were refused: too many at once');
    counts.clear();
  };
  return (kind) => {
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
    timer ??= setTimeout(write, logEveryMs).unref();
  };
}
