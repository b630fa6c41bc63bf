/** Every request has an id, by which its answer and its lines in the log find each other, and a span where traces are wanted. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';

import type { Logger } from '../../infra/logging/logger.js';
import type { Tracing } from '../../infra/observability/tracing.js';

export const requestIdHeader = 'x-request-id';

/** Of proxies and tracers: letters, digits and hyphens, with a letter, since digits alone may be somebody's phone number. */
const safeId = /^(?=.*[a-z])[\w-]{8,64}$/i;

/** The id that a proxy in front has given the request, or one that is made. */
export function requestIdOf({ headers }: IncomingMessage): string {
  const given = headers[requestIdHeader];
  return typeof given === 'string' && safeId.test(given) ? given : randomUUID();
}

const problems = new WeakMap<ServerResponse, string>();

/** The answer is a problem with this code. */
export function noteProblem(response: ServerResponse, code: string): void {
  problems.set(response, code);
}

/** The id that {@link followRequests} gave the request. */
export function requestIdIn(response: ServerResponse): string {
  return String(response.getHeader(requestIdHeader));
}

export interface RequestServices {
  readonly logger: Logger;
  readonly tracing: Pick<Tracing, 'request'>;
}

/** Stands in front of the app. `isTraced` says of which requests a span is wanted. */
export function followRequests(
  { logger, tracing }: RequestServices,
  isTraced: (request: IncomingMessage) => boolean,
  app: RequestListener,
): RequestListener {
  return (request, response) => {
    const since = performance.now();
    const requestId = requestIdOf(request);
    response.setHeader(requestIdHeader, requestId);
    const handle = (answered: Parameters<Parameters<Tracing['request']>[1]>[0]): void => {
      response.once('close', () => {
        const answer = {
          method: request.method ?? '',
          route: routeOf(request),
          status: statusOf(response),
          code: problems.get(response) ?? null,
        };
        answered(answer);
        const milliseconds = Math.round(performance.now() - since);
        logger.debug({ request: requestId, ...answer, milliseconds }, 'a request was answered');
      });
      app(request, response);
    };
    if (isTraced(request)) tracing.request(request.headers['traceparent'] as string | undefined, handle);
    else handle(() => undefined);
  };
}

/** 499, as proxies call it: the client closed the connection before the response was ready. */
function statusOf({ headersSent, statusCode }: ServerResponse): number {
  return headersSent ? statusCode : 499;
}

/** The route's pattern, never the path: a path may hold a contact's id. Express notes it at the request. */
export function routeOf(request: IncomingMessage): string | null {
  const route: unknown = 'route' in request ? request.route : undefined;
  return typeof route === 'object' && route && 'path' in route ? String(route.path) : null;
}
