import { AsyncLocalStorage } from 'node:async_hooks';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

import { afterEach, beforeEach, expect, test } from '@jest/globals';
import express from 'express';
import { pino } from 'pino';

import { setAccess } from '../../../src/http/middleware/authenticate.js';
import { createLoadLimits } from '../../../src/http/middleware/load-limits.js';
import { until } from '../../support/until.js';

let server: Server;
let port: number;
let begun: string[];
let letGo: () => void;
let checking: Promise<void> | undefined;
let arrived: number;
let left: number;
let sockets: Socket[];
const contexts = new AsyncLocalStorage<string>();
const seen: [string, string | undefined][] = [];

/** `/hang` is answered when `letGo` is called, everything else at once; all of it by the same caller. */
beforeEach(async () => {
  begun = [];
  sockets = [];
  checking = undefined;
  arrived = 0;
  left = 0;
  const hanging = new Promise<void>((resolve) => (letGo = resolve));
  const limits = createLoadLimits(pino({ level: 'silent' }));
  const app = express();
  app.get('/health/live', (_, response) => response.json('alive'));
  app.use(async (_, response, next) => {
    arrived += 1;
    response.once('close', () => {
      left += 1;
    });
    setAccess(response, { tokenId: 'one', scopes: [], channels: null });
    await checking;
    next();
  });
  app.get('/stream', limits.listen, (_, response) => void response.write('begins'));
  app.get('/*path', limits.query, async (request, response) => {
    begun.push(request.path);
    seen.push([request.path, contexts.getStore()]);
    if (request.path.startsWith('/hang')) await hanging;
    response.json(request.path);
  });
  const front = limits.inFrontOf(app);
  server = createServer((request, response) => {
    contexts.run(request.url ?? '', () => {
      front(request, response);
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  ({ port } = server.address() as AddressInfo);
});
afterEach(async () => {
  letGo();
  for (const socket of sockets) socket.destroy();
  server.closeAllConnections();
  await new Promise((closed) => server.close(closed));
});

/** Sends all requests at once, on one connection, and collects what comes back. */
function send(...paths: string[]): { readonly socket: Socket; readonly text: () => string } {
  const socket = connect(port, '127.0.0.1');
  sockets.push(socket);
  let text = '';
  socket.on('data', (chunk) => (text += chunk.toString()));
  socket.on('error', () => undefined);
  socket.write(paths.map((path) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`).join(''));
  return { socket, text: () => text };
}

const statusOf = async (path: string): Promise<number> =>
  (await fetch(`http://127.0.0.1:${String(port)}${path}`, { headers: { connection: 'close' } })).status;

test('what is sent behind a stream holds no place, and never begins when the client goes away', async () => {
  const { socket, text } = send('/stream', ...Array.from({ length: 10 }, (_, at) => `/behind/${String(at)}`));
  await until(() => text().includes('begins'));
  expect(await statusOf('/other')).toBe(200);
  socket.destroy();
  await delay(50);
  expect(begun).toEqual(['/other']);
  expect(await statusOf('/another')).toBe(200);
});

test('what is sent ahead is answered in its order', async () => {
  const { text } = send('/hang', '/1', '/2', '/3');
  await until(() => begun.length > 0);
  await delay(20);
  expect(begun).toEqual(['/hang']);
  letGo();
  await until(() => text().includes('"/3"'));
  expect(text().match(/"\/\w+"/g)).toEqual(['"/hang"', '"/1"', '"/2"', '"/3"']);
});

test('a connection that sends too many ahead is closed, and others are served', async () => {
  const { socket } = send('/stream', ...Array.from({ length: 500 }, () => '/behind'));
  await once(socket, 'close');
  expect(begun).toEqual([]);
  const many = Array.from({ length: 60 }, () =>
    send('/stream', ...Array.from({ length: 30 }, () => '/behind')),
  );
  await until(() => many.some(({ socket: one }) => one.closed));
  expect(await statusOf('/other')).toBe(200);
  for (const { socket: one } of many) one.destroy();
  await until(() => left === arrived);
  const { text } = send('/1', '/2');
  await until(() => text().includes('"/2"'));
});

test('a client that goes away while its token is checked leaves no place taken', async () => {
  let checked = (): void => undefined;
  checking = new Promise((resolve) => (checked = resolve));
  const gone = Array.from({ length: 450 }, () => send('/gone'));
  await until(() => arrived === gone.length);
  for (const { socket } of gone) socket.destroy();
  await until(() => left === gone.length);
  checked();
  await delay(50);
  expect(await statusOf('/other')).toBe(200);
  expect(begun).toEqual(['/other']);
});

test('a request that waited for a place has its own context', async () => {
  const all = Array.from({ length: 12 }, (_, at) => `/hang/${String(at)}`);
  const answers = all.map((path) => send(path));
  await until(() => begun.length >= 6);
  letGo();
  await until(() => answers.every(({ text }) => text().includes('200 OK')));
  expect(seen.filter(([path, context]) => path !== context)).toEqual([]);
});

test('a health check may name the whole address', async () => {
  Array.from({ length: 7 }, () => send('/hang'));
  await until(() => begun.length >= 6);
  const { text } = send(`http://127.0.0.1:${String(port)}/health/live`);
  await until(() => text().includes('alive'));
});
