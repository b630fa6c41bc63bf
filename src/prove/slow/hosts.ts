/**
 * Hosts that send one byte a second. Each has an address in its own network, so that they appear unrelated.
 */
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface SlowHosts {
  /** `ADDRESS:PORT` of each. */
  readonly hosts: readonly string[];
  /** The number of running downloads. */
  readonly underWay: () => number;
  readonly close: () => void;
}

const everyMs = 1_000;
const promisedBytes = 100_000;
const perBlock = 200;

/** All addresses of 127.0.0.0/8 reach this machine on Linux. */
function addressOf(index: number): string {
  return `127.${String(1 + Math.floor(index / perBlock))}.${String(1 + (index % perBlock))}.1`;
}

export async function startSlowHosts(count: number): Promise<SlowHosts> {
  const timers = new Set<NodeJS.Timeout>();
  const drip: RequestListener = (_request, response) => {
    response.writeHead(200, { 'content-type': 'image/jpeg', 'content-length': promisedBytes }).flushHeaders();
    const timer = setInterval(() => response.write('x'), everyMs);
    timers.add(timer);
    response.on('error', () => undefined);
    response.on('close', () => {
      clearInterval(timer);
      timers.delete(timer);
    });
  };
  const servers = await Promise.all(
    Array.from({ length: count }, (_, index) => listen(createServer(drip), addressOf(index))),
  );
  return {
    hosts: servers.map(hostOf),
    underWay: () => timers.size,
    close: () => {
      for (const server of servers) {
        server.closeAllConnections();
        server.close();
      }
    },
  };
}

function listen(server: Server, address: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    server.once('error', reject).listen(0, address, () => {
      resolve(server);
    });
  });
}

function hostOf(server: Server): string {
  const { address, port } = server.address() as AddressInfo;
  return `${address}:${String(port)}`;
}
