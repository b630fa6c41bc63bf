/** Gives every request an id, which connects its response with the log, and a span if tracing is enabled. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';

import type { Logger } from '../../infra/logging/logger.js';
import type { Tracing } from '../../infra/observability/tracing.js';

export const requestIdHeader = 'x-request-id';

/**
 * The ids of proxies and tracers. At least one letter is required, because digits alone may be a phone
 * number.
 */
const safeId = /^(?=.*[a-z])[\w-]{8,64}$/i;

/** The id that a proxy has given the request, or a new one. */
export function requestIdOf({ headers }: IncomingMessage): string {
  const given = headers[requestIdHeader];
  return typeof given === 'string' && safeId.test(given) ? given : randomUUID();
}

const problems = new WeakMap<ServerResponse, string>();

/** Notes the error code of a response for the log and the traces. */
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

/** Wraps the app. `isTraced` decides which requests get a span. */
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

/** The pattern of the route, as Express notes it. Never the path, which may contain the id of a person. */
export function routeOf(request: IncomingMessage): string | null {
  const route: unknown = 'route' in request ? request.route : undefined;
  return typeof route === 'object' && route && 'path' in route ? String(route.path) : null;
}
