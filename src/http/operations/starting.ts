import type { IncomingMessage, ServerResponse } from 'node:http';

const retryAfterSeconds = '1';

/**
 * Answers health checks while the service starts, which can take a minute when its database is away: the process lives, and is not ready.
 * False for every other request, which waits for the service: some providers send a webhook only once.
 */
export function answeredWhileStarting(request: IncomingMessage, response: ServerResponse): boolean {
  // Below the path of PUBLIC_URL, too, whatever it is.
  const path = request.url?.split('?')[0] ?? '';
  if (path.endsWith('/health/live')) {
    response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' });
    response.end(JSON.stringify({ status: 'ok' }));
    return true;
  }
  if (!path.endsWith('/health/ready')) return false;
  const code = 'service.unavailable';
  response.writeHead(503, {
    'content-type': 'application/problem+json; charset=utf-8',
    'retry-after': retryAfterSeconds,
  });
  response.end(
    JSON.stringify({
      type: `urn:inlet:problem:${code}`,
      title: 'Service Unavailable',
      status: 503,
      code,
      detail: 'the service is starting',
    }),
  );
  return true;
}
