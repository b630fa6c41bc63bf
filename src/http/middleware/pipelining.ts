/** Requests that a client sends ahead, on a connection whose earlier requests are not answered yet (HTTP pipelining). */
import { AsyncResource } from 'node:async_hooks';
import type { RequestListener } from 'node:http';
import type { Socket } from 'node:net';

export interface PipeliningLimits {
  /** Requests that may wait behind the answers ahead of them. */
  readonly most: number;
  /** The same for one connection. */
  readonly mostOfOne: number;
}

/**
 * Begins a request when all answers ahead of it have left its connection. Its own answer cannot leave before, and Node does not say of
 * such an answer that it is complete, nor that the connection has ended: the request would keep what it holds for as long as the answer
 * ahead takes, and for good when the client goes away.
 *
 * A connection with too many waiting requests is closed. To answer each of them would be work, and a client that sends ahead has to expect
 * it (RFC 9112, 9.3.2).
 */
export function afterAnswersAhead(begin: RequestListener, limits: PipeliningLimits): RequestListener {
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
    // What Node had read before the connection was closed still comes here.
    if (socket.destroyed) return;
    if (count >= limits.most || (waiting.get(socket) ?? 0) >= limits.mostOfOne) {
      socket.destroy();
      return;
    }
    add(socket, 1);
    // Bound: a request that waits is not to run in the context of the one before it.
    const beginNow = AsyncResource.bind(() => {
      add(socket, -1);
      begin(request, response);
    });
    response.once('socket', beginNow);
  };
}
