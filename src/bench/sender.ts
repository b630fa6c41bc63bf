/**
 * Sends webhooks at fixed times from a separate process: the next one leaves when it is due, whatever
 * happened to earlier ones. The duration of a response counts from the time at which its webhook was due. A
 * stall of the service therefore affects all callers in that time and not just one.
 */
import type { Socket } from 'node:net';

import { onAnswers, openConnection } from './load.js';

/** The requests arrive in parts, each as its bytes in Latin-1; the last message contains the rate. */
export type Order =
  { readonly requests: readonly string[] } | { readonly port: number; readonly perSecond: number };

export interface Sent {
  /** Milliseconds until each response, in the order in which the webhooks were due. -1 if there was none. */
  readonly took: readonly number[];
  /** 0: the connection ended without a response. */
  readonly statuses: readonly number[];
  /** The order is that of the responses. */
  readonly bodies: readonly string[];
  readonly connections: number;
}

/** Further webhooks wait for a connection, and their time counts. */
const maxConnections = 1_000;
/** How long the last responses are awaited. */
const timeoutMs = 20_000;

const requests: Buffer[] = [];

async function sendAll(port: number, perSecond: number): Promise<Sent> {
  const took = requests.map(() => -1);
  const statuses = requests.map(() => 0);
  const bodies = requests.map(() => '');
  let sent = 0;
  let answered = 0;
  const started = performance.now();
  const dueAt = (index: number): number => started + (index * 1_000) / perSecond;

  return new Promise((resolve) => {
    const end = (): void => {
      clearInterval(clock);
      clearTimeout(timeout);
      connections.close();
      resolve({ took, statuses, bodies, connections: connections.open() });
    };
    const connections = createConnections(port, (index, answer) => {
      if (answer) {
        took[index] = performance.now() - dueAt(index);
        statuses[index] = answer.status;
        bodies[index] = answer.body;
      }
      answered += 1;
      if (answered === requests.length) end();
    });
    const clock = setInterval(() => {
      for (const now = performance.now(); sent < requests.length && dueAt(sent) <= now; sent += 1)
        connections.send(sent);
    }, 1);
    const timeout = setTimeout(end, (requests.length * 1_000) / perSecond + timeoutMs);
  });
}

/** Receives the response to a request; undefined if its connection ended without one. */
type Settle = (index: number, answer?: { readonly status: number; readonly body: string }) => void;

interface Connections {
  /** Sends a request on a connection that is idle, a new one, or the first that becomes idle. */
  readonly send: (index: number) => void;
  /** The number of connections that are open or being opened. */
  readonly open: () => number;
  /** Closes the idle ones. */
  readonly close: () => void;
}

function createConnections(port: number, settle: Settle): Connections {
  const idle: Socket[] = [];
  const waiting: number[] = [];
  const under = new Map<Socket, number>();
  let open = 0;
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
      settle(index, { status, body });
      free(socket);
    });
    socket
      .on('error', () => undefined)
      .on('close', () => {
        open -= 1;
        idle.splice(0, idle.length, ...idle.filter((one) => one !== socket));
        const index = under.get(socket);
        if (index === undefined) return;
        under.delete(socket);
        settle(index);
      });
    free(socket);
  };
  return {
    open: () => open,
    close: () => {
      for (const socket of idle) socket.destroy();
    },
    send: (index) => {
      const socket = idle.pop();
      if (socket) {
        use(socket, index);
        return;
      }
      waiting.push(index);
      if (open >= maxConnections) return;
      open += 1;
      connect().catch(() => {
        open -= 1;
      });
    },
  };
}

process.on('message', (order: Order) => {
  if ('requests' in order) {
    requests.push(...order.requests.map((text) => Buffer.from(text, 'latin1')));
    process.send?.({ held: requests.length });
  } else void sendAll(order.port, order.perSecond).then((sent) => process.send?.(sent));
});
process.once('disconnect', () => process.exit(0));
process.send?.({ ready: true });
