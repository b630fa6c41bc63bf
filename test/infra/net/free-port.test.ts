import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';

import { afterEach, expect, test } from '@jest/globals';

import { freePort, isFree } from '../../../src/infra/net/free-port.js';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function take(port: number): Promise<number> {
  const server = createServer().listen(port, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

test('the last free port is found', async () => {
  const from = await freePort();
  const ports = { from, count: 6 };
  const taken = Array.from({ length: 6 }, (_, at) => from + at);
  const free = new Set<number>();
  for (const port of taken) if (await isFree(port)) free.add(port);
  while (free.size > 0) {
    const port = await freePort(ports);
    expect(free.delete(port)).toBe(true);
    await take(port);
  }
});

test('if all are taken, the system chooses one', async () => {
  const from = await take(0);
  const port = await freePort({ from, count: 1 });
  expect(port).not.toBe(from);
  expect(await isFree(port)).toBe(true);
  expect(await isFree(from)).toBe(false);
});
