/**
 * Sends webhooks by the clock, in a process of its own: the next one goes out when it is its time, whatever has become of those
 * before it. How long an answer took counts from the moment at which its webhook should have gone out. So a service that stalls
 * is seen by all who would have called meanwhile, and not by one.
 */
import type { Socket } from 'node:net';

import { onAnswers, openConnection } from '../../bench/load.js';

/** What is to be sent comes in pieces, each as its bytes in Latin 1; the last message says how fast. */
export type Order =
  { readonly requests: readonly string[] } | { readonly port: number; readonly perSecond: number };

export interface Sent {
  /** Milliseconds until each answer, in the order in which the webhooks were due. -1: there was none. */
  readonly took: readonly number[];
  /** 0: the connection ended without an answer. */
  readonly statuses: readonly number[];
  /** As they were answered. */
  readonly bodies: readonly string[];
  readonly connections: number;
}

/** Beyond it webhooks wait for a connection, and their time runs all the same. */
const mostConnections = 1_000;
/** How long the last answers are waited for. */
const patienceMs = 20_000;

const requests: Buffer[] = [];

async function sendAll(port: number, perSecond: number): Promise<Sent> {
  const took = requests.map(() => -1);
  const statuses = requests.map(() => 0);
  const bodies = requests.map(() => '');
  const idle: Socket[] = [];
  const waiting: number[] = [];
  let sent = 0;
  let open = 0;
  let answered = 0;
  const started = performance.now();
  const dueAt = (index: number): number => started + (index * 1_000) / perSecond;

  return new Promise((resolve) => {
    const end = (): void => {
      clearInterval(clock);
      clearTimeout(patience);
      for (const socket of idle) socket.destroy();
      resolve({ took, statuses, bodies, connections: open });
    };
    const settled = (): void => {
      answered += 1;
      if (answered === requests.length) end();
    };
    const under = new Map<Socket, number>();
    const use = (socket: Socket, index: number): void => {
      under.set(socket, index);
      socket.write(requests[index] ?? Buffer.alloc(0));
    };
    const free = (socket: Socket): void => {
      const next = waiting.shift();
      if (next === undefined) idle.push(socket);
      else use(socket, next);
    };
    const connect = async (): Promise<void> => {
      const socket = await openConnection(port);
      onAnswers(socket, (status, body) => {
        const index = under.get(socket) ?? 0;
        under.delete(socket);
        took[index] = performance.now() - dueAt(index);
        statuses[index] = status;
        bodies[index] = body;
        settled();
        free(socket);
      });
      socket
        .on('error', () => undefined)
        .on('close', () => {
          open -= 1;
          idle.splice(0, idle.length, ...idle.filter((one) => one !== socket));
          if (under.delete(socket)) settled();
        });
      free(socket);
    };
    const send = (index: number): void => {
      const socket = idle.pop();
      if (socket) {
        use(socket, index);
        return;
      }
      waiting.push(index);
      if (open >= mostConnections) return;
      open += 1;
      connect().catch(() => {
        open -= 1;
      });
    };
    const clock = setInterval(() => {
      for (const now = performance.now(); sent < requests.length && dueAt(sent) <= now; sent += 1) send(sent);
    }, 1);
    const patience = setTimeout(end, (requests.length * 1_000) / perSecond + patienceMs);
  });
}

process.on('message', (order: Order) => {
  if ('requests' in order) {
    requests.push(...order.requests.map((text) => Buffer.from(text, 'latin1')));
    process.send?.({ held: requests.length });
  } else void sendAll(order.port, order.perSecond).then((sent) => process.send?.(sent));
});
process.once('disconnect', () => process.exit(0));
process.send?.({ ready: true });
