import { setImmediate as nextTurn } from 'node:timers/promises';
import { createServer, request } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

import { expect, test } from '@jest/globals';

import { watchAccepting } from '../../../src/http/middleware/accepting.js';

function stage() {
  let accept = (): void => undefined;
  let now = 0;
  const log: string[] = [];
  const { afterwards } = watchAccepting({
    onConnection: (accepted) => {
      accept = accepted;
    },
    clock: () => now,
  });
  return {
    log,
    accept: () => {
      accept();
    },
    ask: (name: string) => {
      afterwards(() => log.push(name));
    },
    pass: (ms: number) => {
      now += ms;
    },
  };
}

test('work begins at once while no connection is accepted', () => {
  const { ask, log } = stage();
  ask('1');
  expect(log).toEqual(['1']);
});

test('work waits for the first turn without a new connection, and begins in its order, once in a turn', async () => {
  const { accept, ask, log } = stage();
  accept();
  ask('1');
  for (let turn = 0; turn < 3; turn += 1) {
    await nextTurn();
    accept();
  }
  ask('2');
  expect(log).toEqual([]);
  await nextTurn();
  await nextTurn();
  expect(log).toEqual(['1']);
  await nextTurn();
  expect(log).toEqual(['1', '2']);
  await nextTurn();
  ask('3');
  expect(log).toEqual(['1', '2', '3']);
});

test('connections without end put work off for 50 ms at most', async () => {
  const { accept, ask, log, pass } = stage();
  accept();
  for (const name of ['1', '2', '3']) {
    ask(name);
    pass(49);
    await nextTurn();
    expect(log).not.toContain(name);
    accept();
    pass(1);
    await nextTurn();
    expect(log).toContain(name);
    accept();
  }
});

test('the connections of a server are noticed', async () => {
  const { afterwards } = watchAccepting();
  const began: boolean[] = [];
  const server = createServer((_request, response) => response.end());
  server.on('connection', () => {
    // Node.js tells of a connection right after this event.
    process.nextTick(() => {
      let isRunning = false;
      afterwards(() => {
        isRunning = true;
      });
      began.push(isRunning);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const asking = request({ port, host: '127.0.0.1', agent: false }).end();
  await once(asking, 'response');
  expect(began).toEqual([false]);
  server.close();
  server.closeAllConnections();
});
