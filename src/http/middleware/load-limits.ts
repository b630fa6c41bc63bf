/**
 * Limits the requests of the API that are in progress at once. Without these limits, a burst of one caller
 * occupies the database connections, the memory and the main thread, while webhooks, jobs and all other
 * callers wait.
 */
import { AsyncResource } from 'node:async_hooks';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';

import type { RequestHandler } from 'express';

import { AppError } from '../../domain/errors.js';
import type { Logger } from '../../infra/logging/logger.js';
import { watchAccepting } from './accepting.js';
import { accessOf } from './authenticate.js';
import { problemText } from './errors.js';
import { afterEarlierResponses } from './pipelining.js';
import { createPlaces, type PlaceLimits, type Refusal } from './places.js';
import { noteProblem, requestIdHeader, requestIdOf } from './requests.js';
import { inTurns } from './turns.js';

/**
 * Starts requests in turns. Requests that cannot wait are refused before Express, which is several times
 * cheaper.
 */
export interface Turns {
  readonly inFrontOf: (app: RequestListener) => RequestListener;
}

/** One limit for each kind of request, after authentication: callers are distinguished by their tokens. */
export interface LoadLimits {
  /** Requests that query the database and respond immediately. */
  readonly query: RequestHandler;
  /**
   * Requests for single rows, whose statement they share with others (see shared-reads.ts): they occupy no
   * database connection.
   */
  readonly read: RequestHandler;
  /** Requests for the bytes of a file. They last until the caller has read the bytes. */
  readonly download: RequestHandler;
  /** Requests with a file in the body. They last until the caller has sent it. */
  readonly upload: RequestHandler;
  /** Downloads of many media. Each keeps the store and the database busy for as long as it lasts. */
  readonly export: RequestHandler;
  /** Requests that wait for an event. They occupy only their connection. */
  readonly listen: RequestHandler;
}

/**
 * The API has five database connections (see `poolSizes` in database.ts). A few more requests keep them busy;
 * even more would only occupy the main thread. A page of fifty media takes about 3 ms of it, so 400 waiting
 * requests are processed in one or two seconds. A waiting request occupies about 20 KB, a download up to 150
 * KB.
 */
const bounds = {
  query: { working: 10, workingOfOne: 6, present: 1_000, presentOfOne: 400, waitMs: 5_000, slowMs: 2_000 },
  read: { working: 256, workingOfOne: 128, present: 1_000, presentOfOne: 400, waitMs: 5_000, slowMs: 2_000 },
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
  // Nobody waits for a place: an export may take hours.
  export: {
    working: 4,
    workingOfOne: 2,
    present: 4,
    presentOfOne: 2,
    waitMs: 0,
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

/** Limits for requests before authentication. Each occupies about 10 KB, and a turn takes 1 to 3 ms. */
const waiting = { max: 3_000, maxPerCaller: 1_000 } as const;

/** Limits for pipelined requests that wait for earlier responses. Each occupies about 10 KB. */
const pipelined = { max: 1_000, maxPerConnection: 32 } as const;

/** Short, because a full queue is processed in one or two seconds. */
const retryMs = 1_000;
const exportRetryMs = 30_000;
const logIntervalMs = 10_000;

/** A caller that reads nothing of its response for this long is disconnected. */
const stalledMs = 60_000;

export function createLoadLimits(logger: Logger): LoadLimits & Turns {
  const noteRefusal = createRefusalLog(logger);
  const accepting = watchAccepting();
  const limit = (kind: keyof LoadLimits): RequestHandler => {
    const places = createPlaces(bounds[kind]);
    return (request, response, next) => {
      // The caller disconnected while its token was checked, so no event would ever free its place.
      if (response.destroyed) return;
      // A request that waited is not to run in the context of the one whose place it takes.
      const context = new AsyncResource('InletRequest');
      const visit = places.visit(accessOf(response).tokenId, {
        entered: () => {
          const begin = (): void => {
            if (!response.destroyed) context.runInAsyncScope(next);
          };
          // The answer to any other kind takes less time than to accept a connection, or waits.
          if (kind === 'query') accepting.afterwards(begin);
          else begin();
        },
        refused: (by) => {
          noteRefusal(kind);
          refuse({ by, retryMs: kind === 'export' ? exportRetryMs : retryMs }, request, response);
        },
      });
      // The work ends when the response is complete, although the caller may take long to read it.
      response.once('prefinish', () => {
        visit.finished();
        disconnectIfStalled(response);
      });
      response.once('close', visit.gone);
    };
  };
  return {
    query: limit('query'),
    read: limit('read'),
    download: limit('download'),
    upload: limit('upload'),
    export: limit('export'),
    listen: limit('listen'),
    inFrontOf: (app) => {
      const inOrder = inTurns(app, waiting, (by, request, response) => {
        noteRefusal('early');
        refuse({ by, retryMs }, request, response);
      });
      const limited = afterEarlierResponses(inOrder, pipelined);
      return (request, response) => {
        const handle = isHealthCheck(request) ? app : limited;
        handle(request, response);
      };
    },
  };
}

/** If a health check waited or was refused, a process that is merely busy would be killed. */
function isHealthCheck({ url = '' }: IncomingMessage): boolean {
  // A proxy may send the absolute URL (RFC 9112, 3.2.2).
  return /^(?:https?:\/\/[^/?#]*)?\/health\//i.test(url);
}

interface RefusedRequest {
  readonly by: Refusal;
  readonly retryMs: number;
}

/** Answers as the error handler of the app does, before Express and without a line in the log for each. */
function refuse(refused: RefusedRequest, request: IncomingMessage, response: ServerResponse): void {
  const problem = problemOf(refused);
  noteProblem(response, problem.code);
  const body = problemText(problem);
  response
    .writeHead(problem.status, {
      'content-type': 'application/problem+json; charset=utf-8',
      'content-length': Buffer.byteLength(body),
      'retry-after': String(refused.retryMs / 1_000),
      'x-content-type-options': 'nosniff',
      [requestIdHeader]: requestIdOf(request),
    })
    .end(body);
}

function disconnectIfStalled(response: ServerResponse): void {
  if (!response.writableFinished) response.setTimeout(stalledMs);
}

function problemOf({ by, retryMs }: RefusedRequest): AppError {
  const retryAt = new Date(Date.now() + retryMs);
  if (by === 'caller')
    return new AppError('request.too_many_at_once', 'too many requests at once with this token', { retryAt });
  const message = by === 'slowness' ? 'requests take longer than usual' : 'too many requests at once';
  return new AppError('service.unavailable', message, { retryAt });
}

/** Writes one line for many refusals, so that a burst does not fill the log. */
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
    timer ??= setTimeout(write, logIntervalMs).unref();
  };
}
