/** A start without settings, and its end. */
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { request, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

import { afterEach, beforeEach, expect, test } from '@jest/globals';

import { bytes, startMediaHost } from '../../src/demo/media-host.js';
import { photo } from '../../src/demo/photos.js';
import { call, type MediaView, type Page, type Receipt } from '../support/client.js';
import { startHostileHost } from '../support/hostile-host.js';
import { picture } from '../support/payloads.js';
import { until } from '../support/until.js';
import { startService, token, webhookSecret, type RunningService } from './service.js';

let cwd: string;
let running: RunningService[];
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'inlet-life-'));
  running = [];
});
afterEach(async () => {
  // Processes that a test has stopped are gone already; after a failure, the rest ends with its database.
  for (const one of running) await one.kill('SIGTERM');
  await rm(cwd, { recursive: true });
});

async function start(env: Readonly<Record<string, string>> = {}): Promise<RunningService> {
  const service = await startService(cwd, env);
  running.push(service);
  return service;
}

const lockFile = (): string => join(cwd, '.inlet', 'postgres', 'data', 'postmaster.pid');

async function receive(service: RunningService, url: string): Promise<string> {
  const { status, body } = await call<Receipt>(service.url, `/webhooks/z-api?token=${webhookSecret}`, {
    method: 'post',
    json: picture('z-api', { url }),
  });
  expect(status).toBe(200);
  return body.media[0] ?? '';
}

/** A busy machine may once take longer than the two seconds within which the service has to know. */
async function untilReady({ url }: RunningService): Promise<void> {
  await until(async () => (await call(url, '/health/ready')).status === 200);
}

async function stop(service: RunningService): Promise<number> {
  const asked = performance.now();
  expect(await service.kill('SIGTERM')).toBe(0);
  return performance.now() - asked;
}

test('a start without settings works, keeps its secret and its pictures, and exits cleanly', async () => {
  const host = await startMediaHost();
  const url = host.serve('/picture', bytes('image/jpeg', await photo({ seed: 1, width: 320, height: 240 })));
  const first = await start({ FETCH_ALLOW_PRIVATE_HOSTS: host.host });
  expect(first.output()).toMatch(/channels {2}z-api/);
  expect(first.output()).toMatch(/database {2}embedded PostgreSQL\n/);
  const secretFile = join(cwd, '.inlet', 'auth-secret');
  expect((await stat(secretFile)).mode & 0o777).toBe(0o600);
  const secret = await readFile(secretFile, 'utf8');
  expect(secret.length).toBeGreaterThanOrEqual(32);
  expect(first.output()).not.toContain(secret);

  const { output: admin } = await token(cwd, ['--scope', 'media:read']);
  const id = await receive(first, url);
  const arrived = await until(async () => {
    const { body } = await call<MediaView>(first.url, `/v1/media/${id}?wait=10`, { token: admin });
    return body.state !== 'pending' && body;
  });
  expect(arrived).toMatchObject({ id, state: 'ready', width: 320 });
  expect((await call(first.url, '/v1/media')).status).toBe(401);

  expect(await stop(first)).toBeLessThan(10_000);
  expect(existsSync(lockFile())).toBe(false);

  const second = await start();
  expect(await readFile(secretFile, 'utf8')).toBe(secret);
  const page = await call<Page<MediaView>>(second.url, '/v1/media', { token: admin });
  expect(page.body.items).toMatchObject([{ id, state: 'ready' }]);
  expect(await stop(second)).toBeLessThan(10_000);
  await host.close();
}, 180_000);

test('SIGTERM ends the service in time with its database, although a host hangs and a client waits', async () => {
  const hostile = await startHostileHost();
  const service = await start({ FETCH_ALLOW_PRIVATE_HOSTS: hostile.host });
  const id = await receive(service, hostile.url('/hang'));
  await until(() => hostile.requests.length > 0);
  const { output: admin } = await token(cwd, ['--scope', 'media:read']);
  const waiting = call(service.url, `/v1/media/${id}?wait=30`, { token: admin }).catch(() => undefined);
  await untilReady(service);

  expect(await stop(service)).toBeLessThan(8_000);
  expect(existsSync(lockFile())).toBe(false);
  await waiting;

  // The next process takes up the interrupted work.
  const asked = hostile.requests.length;
  const next = await start({ FETCH_ALLOW_PRIVATE_HOSTS: hostile.host });
  await until(() => hostile.requests.length > asked);
  await hostile.close();
  await stop(next);
}, 180_000);

test('SIGTERM lets a webhook in transit be received and answered, and accepts no other', async () => {
  const service = await start({ PROCESS_MODE: 'api', LOG_LEVEL: 'info' });
  const body = JSON.stringify(picture('z-api'));
  const sending = request(`${service.url}/webhooks/z-api?token=${webhookSecret}`, {
    method: 'POST',
    agent: false,
    headers: { expect: '100-continue', 'content-type': 'application/json', 'content-length': body.length },
  });
  const answer = once(sending, 'response') as Promise<[IncomingMessage]>;
  sending.flushHeaders();
  await once(sending, 'continue'); // The service has read its head and waits for its body.
  sending.write(body.slice(0, 100));

  const ending = service.kill('SIGTERM');
  await service.says(/stopping/);
  await until(async () => {
    const outcome = await receive(service, 'http://127.0.0.1:1/y').catch((error: unknown) => String(error));
    return outcome.includes('ECONNREFUSED');
  });
  sending.end(body.slice(100));
  const [response] = await answer;
  expect(response.statusCode).toBe(200);
  expect(JSON.parse(await text(response))).toMatchObject({ outcome: 'accepted', duplicate: false });
  expect(await ending).toBe(0);
}, 180_000);

test('readiness during the shutdown is reported as not ready', async () => {
  const service = await start({ LOG_LEVEL: 'info' });
  const socket = connect(Number(new URL(service.url).port), '127.0.0.1');
  await once(socket, 'connect');
  socket.write('GET /health/ready HTTP/1.1\r\nhost: x\r\n'); // Its last line is still to come.
  await untilReady(service);
  const ending = service.kill('SIGTERM');
  await service.says(/"stopping"/);
  socket.end('connection: close\r\n\r\n');
  const answer = await text(socket);
  expect(answer).toMatch(/^HTTP\/1\.1 503 /);
  expect(answer).toContain('"detail":"the process is shutting down"');
  expect(await ending).toBe(0);
}, 180_000);

test('a second start in the same folder shares the database of the first one, and leaves it running', async () => {
  const first = await start();
  const second = await start();
  expect(second.output()).toContain('already running, adopted');
  await stop(second);
  await untilReady(first);
  await stop(first);
  expect(existsSync(lockFile())).toBe(false);
}, 180_000);
