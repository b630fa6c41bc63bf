import type { IncomingMessage, ServerResponse } from 'node:http';

const retryAfterSeconds = '1';

/**
 * Answers health checks while the service starts, which may take a minute if the database is unavailable: the
 * process is alive but not ready. Returns false for every other request, which waits for the service, because
 * some providers send a webhook only once.
 */
export function answeredWhileStarting(request: IncomingMessage, response: ServerResponse): boolean {
  // Also matches below the path of PUBLIC_URL.
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
