/** HTTP pipelining: requests on a connection whose earlier requests have no complete response yet. */
import { AsyncResource } from 'node:async_hooks';
import type { RequestListener } from 'node:http';
import type { Socket } from 'node:net';

export interface PipeliningLimits {
  /** The number of requests that may wait for earlier responses. */
  readonly max: number;
  /** The same for one connection. */
  readonly maxPerConnection: number;
}

/**
 * Starts a request when all earlier responses on its connection were sent. Its own response cannot be sent
 * before that, and Node does not report that such a response is complete or that the connection has ended:
 * the request would occupy its place for as long as the earlier response takes, and forever if the client
 * disconnects.
 *
 * A connection with too many waiting requests is closed, because a response to each of them would be work,
 * and clients that pipeline have to expect it (RFC 9112, 9.3.2).
 */
export function afterEarlierResponses(begin: RequestListener, limits: PipeliningLimits): RequestListener {
  const waiting = new Map<Socket, number>();
  let count = 0;

  const add = (socket: Socket, change: 1 | -1): void => {
    const known = waiting.get(socket);
    if (known === undefined)
      socket.once('close', () => {
        count -= waiting.get(socket) ?? 0;
        waiting.delete(socket);
      });
    waiting.set(socket, (known ?? 0) + change);
    count += change;
  };

  return (request, response) => {
    const { socket } = request;
    if (response.socket) {
      begin(request, response);
      return;
    }
    // Node still delivers requests that it had read before the connection was closed.
    if (socket.destroyed) return;
    if (count >= limits.max || (waiting.get(socket) ?? 0) >= limits.maxPerConnection) {
      socket.destroy();
      return;
    }
    add(socket, 1);
    // Bound, so that a waiting request does not run in the context of the request before it.
    const beginNow = AsyncResource.bind(() => {
      add(socket, -1);
      begin(request, response);
    });
    response.once('socket', beginNow);
  };
}
