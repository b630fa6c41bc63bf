/**
 * SIGTERM in the middle of everything: the process ends in time, and answered requests are stored at the next
 * start, once.
 */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test } from '@jest/globals';

import { bytes, startMediaHost, type MediaHost } from '../../src/demo/media-host.js';
import { uniquePhotos } from '../../src/demo/photos.js';
import { call, type MediaView, type Receipt } from '../support/client.js';
import { nowhere, picture } from '../support/payloads.js';
import { until } from '../support/until.js';
import { startPostgres, type PostgresServer } from '../../src/prove/postgres-server.js';
import { startService, token as issue, webhookSecret, type RunningService } from './service.js';

let cwd: string;
let postgres: PostgresServer;
let host: MediaHost;
let silent: Awaited<ReturnType<typeof startSilentHost>>;
let service: RunningService;
let token: string;
beforeEach(async () => {
  [cwd, postgres, host, silent] = await Promise.all([
    mkdtemp(join(tmpdir(), 'inlet-shutdown-')),
    startPostgres(),
    startMediaHost(),
    startSilentHost(),
  ]);
  service = await start();
  token = (await issue(cwd, ['--scope', 'admin'], env())).output;
}, 180_000);
afterEach(async () => {
  await service.kill('SIGKILL');
  silent.close();
  await Promise.all([postgres.remove(), host.close()]);
  await rm(cwd, { recursive: true });
});

/** Receives every request and answers none: a media host, a provider and a subscriber in one. */
async function startSilentHost() {
  const asked: string[] = [];
  const server = createServer((request) => {
    request.resume();
    asked.push(request.url ?? '');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const name = `127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  return {
    name,
    asked: (path: string) => asked.filter((url) => url.startsWith(path)).length,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

const env = (): Record<string, string> => ({
  DATABASE_URL: postgres.connectionString,
  AUTH_SECRET: 'x'.repeat(32),
  AISOULE_WEBHOOK_SECRET: webhookSecret,
  AISOULE_API_KEY: 'k'.repeat(20),
  AISOULE_API_URL: `http://${silent.name}/provider`,
  LOG_LEVEL: 'info',
  FETCH_ALLOW_PRIVATE_HOSTS: `${host.host},${silent.name}`,
});
const start = (): Promise<RunningService> => startService(cwd, env());

/** Every caption that was answered with 200. */
let acknowledged: string[] = [];

async function receive(caption: string, url: string): Promise<string> {
  const { status, body } = await call<Receipt>(service.url, `/webhooks/z-api?token=${webhookSecret}`, {
    method: 'post',
    json: picture('z-api', { messageId: caption, caption, url }),
  });
  expect([caption, status]).toEqual([caption, 200]);
  acknowledged.push(caption);
  return body.media[0] ?? '';
}

/** Sends webhooks one after another as long as they are answered. */
async function keepReceiving(name: string): Promise<void> {
  for (let place = 0; ; place += 1) await receive(`${name} ${String(place)}`, nowhere);
}

const post = (path: string, json: unknown) =>
  call<{ id: string }>(service.url, path, { method: 'post', token, json });
const listen = (path: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(service.url + path, { headers: { authorization: `Bearer ${token}`, ...headers } });

/** A file larger than all buffers between the service and a client that does not read. */
async function storeLargeFile(): Promise<string> {
  const form = new FormData();
  form.set('channel', 'aisoule');
  form.set('kind', 'document');
  form.set('file', new Blob([Buffer.alloc(40_000_000, 'a')]), 'large.txt');
  const headers = { authorization: `Bearer ${token}` };
  const answer = await fetch(`${service.url}/v1/media`, { method: 'POST', headers, body: form });
  expect(answer.status).toBe(201);
  return ((await answer.json()) as MediaView).id;
}

/** The first half of a webhook, on a connection that stays open. */
async function sendHalf(): Promise<void> {
  const socket = connect(Number(new URL(service.url).port), '127.0.0.1');
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  const head = `POST /webhooks/z-api?token=${webhookSecret} HTTP/1.1\r\nhost: x\r\ncontent-length: 900\r\n\r\n`;
  socket.write(`${head}{"half": `);
}

interface Busy {
  readonly hanging: string;
  readonly waiting: Promise<Response | undefined>;
  readonly told: Promise<string>;
  readonly senders: Promise<unknown>[];
  readonly message: string;
}

/** Resolves when every kind of work is in progress. */
async function keepBusy(): Promise<Busy> {
  const large = await storeLargeFile();
  await post('/v1/subscriptions', { url: `http://${silent.name}/subscriber` });
  const told = listen('/v1/events')
    .then((answer) => answer.text())
    .catch(String);
  const hanging = await receive('hangs', `http://${silent.name}/picture`);
  const { body: message } = await post('/v1/messages', {
    channel: 'aisoule',
    to: '5511999990000',
    kind: 'image',
    media: { url: 'https://photos.invalid/a.jpg' },
  });
  const waiting = listen(`/v1/media/${hanging}?wait=30`).catch(() => undefined);
  await listen(`/v1/media/${large}/content`); // The client does not read the response.
  await sendHalf();
  const photos = await uniquePhotos(24, { seed: 7, width: 1600, height: 1200 });
  for (let index = 0; index < 24; index += 1) {
    const url = host.serve(`/photo/${String(index)}`, bytes('image/jpeg', photos.at(index)));
    await receive(`photo ${String(index)}`, url);
  }
  const senders = ['a', 'b', 'c', 'd'].map((name) => keepReceiving(name).catch((error: unknown) => error));
  const isAsked = (path: string) => until(() => silent.asked(path) > 0, 90_000);
  await Promise.all(['/picture', '/provider', '/subscriber'].map(isAsked));
  return { hanging, waiting, told, senders, message: message.id };
}

async function expectAllOnce({ message, hanging }: Busy): Promise<void> {
  const captions = () =>
    postgres.query<{ caption: string; media: string; state: string }>(
      `select caption, media.id as media, state from message left join media on message_row_id = message.id
       where caption is not null`,
    );
  await until(async () => (await captions()).length >= acknowledged.length, 90_000);
  const pending = async () => (await captions()).filter(({ state }) => state === 'pending');
  await until(async () => (await pending()).length <= 1, 180_000);
  expect((await pending()).map(({ media }) => media)).toEqual([hanging]);
  const found = await captions();
  expect(new Set(found.map(({ caption }) => caption)).size).toBe(found.length);
  expect(found.map(({ caption }) => caption)).toEqual(expect.arrayContaining(acknowledged));
  const ready = found.filter(({ state }) => state === 'ready').map(({ caption }) => caption);
  expect(ready.length).toBe(acknowledged.filter((caption) => caption.startsWith('photo')).length);
  // The provider may have accepted the message: it is reported as unknown, and not sent again.
  await until(async () => (await stateOf(message)) === 'unknown', 90_000);
  expect(silent.asked('/provider')).toBe(1);
}

async function stateOf(message: string): Promise<string | undefined> {
  const rows = await postgres.query<{ state: string }>(`select state from outbound where id = '${message}'`);
  return rows[0]?.state;
}

/** The answer to clients that wait for news, which is unknown without a database. */
interface News {
  readonly waiting: string;
  readonly stream: string;
}
const newsOf = async ({ waiting, told }: Busy): Promise<News> => {
  const answer = (await (await waiting)?.json()) as { state?: string } | undefined;
  return { waiting: answer?.state ?? 'nothing', stream: (await told).slice(0, 6) };
};
const givenUp = '"what":"running jobs","msg":"did not stop in time and was abandoned"';
const anything: unknown = expect.anything();

const databases = {
  'that answers': {
    before: () => undefined,
    after: () => undefined,
    news: { waiting: 'pending', stream: 'retry:' },
    givesUp: false,
  },
  'that hangs': {
    news: anything,
    givesUp: true,
    before: () => {
      postgres.halt();
    },
    after: () => {
      postgres.resume();
    },
  },
  'that is gone': {
    before: () => postgres.stop(),
    after: () => postgres.start(),
    // A job may just have started to wait for a connection.
    news: anything,
    givesUp: anything,
  },
} as const;

test.each(Object.keys(databases) as (keyof typeof databases)[])(
  'with a database %s it ends within ten seconds, and nothing is lost or doubled',
  async (kind) => {
    acknowledged = [];
    const busy = await keepBusy();
    const before = acknowledged.length;
    await until(() => acknowledged.length > before + 20, 90_000);
    await databases[kind].before();
    const asked = performance.now();
    const status = await service.kill('SIGTERM');
    const took = performance.now() - asked;
    expect([status, took < 10_000 ? 'in time' : `after ${String(took)} ms`]).toEqual([0, 'in time']);
    for (const error of await Promise.all(busy.senders))
      expect(String(error)).toMatch(/ECONN|EPIPE|socket hang up/);
    expect(await newsOf(busy)).toEqual(databases[kind].news);
    expect(service.output().includes(givenUp)).toEqual(databases[kind].givesUp);
    await databases[kind].after();
    service = await start();
    await expectAllOnce(busy);
    expect(await service.kill('SIGTERM')).toBe(0);
  },
  360_000,
);
