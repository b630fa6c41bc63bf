/**
 * The database stops or hangs, and the process is killed: webhooks that were answered with 200 are finally
 * stored, once.
 */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test } from '@jest/globals';

import { call, type Receipt } from '../support/client.js';
import { picture } from '../support/payloads.js';
import { until } from '../support/until.js';
import { startPostgres, type PostgresServer } from '../../src/prove/postgres-server.js';
import { startService, webhookSecret, type RunningService } from './service.js';

let cwd: string;
let postgres: PostgresServer;
let service: RunningService;
/** The caption of the message and the id of its media item, in the order of the answers. */
let acknowledged: [caption: string, media: string | undefined][];
beforeEach(async () => {
  acknowledged = [];
  [cwd, postgres] = await Promise.all([mkdtemp(join(tmpdir(), 'inlet-spool-process-')), startPostgres()]);
  service = await start();
}, 60_000);
afterEach(async () => {
  await service.kill('SIGKILL');
  await postgres.remove();
  await rm(cwd, { recursive: true });
});

const start = (): Promise<RunningService> =>
  startService(cwd, {
    DATABASE_URL: postgres.connectionString,
    AUTH_SECRET: 'x'.repeat(32),
    PROCESS_MODE: 'api',
  });

async function send(caption: string): Promise<void> {
  const { status, body } = await call<Receipt>(service.url, `/webhooks/z-api?token=${webhookSecret}`, {
    method: 'post',
    json: picture('z-api', { messageId: caption, caption }),
  });
  expect([caption, status, body.outcome, body.duplicate]).toEqual([caption, 200, 'accepted', false]);
  acknowledged.push([caption, body.media[0]]);
}

async function sendAll(name: string, count: number): Promise<void> {
  for (let place = 0; place < count; place += 1) await send(`${name} ${String(place)}`);
}

const ready = () => call(service.url, '/health/ready');
const spooled = async (): Promise<string[]> => readdir(join(cwd, '.inlet', 'spool')).catch(() => []);

interface Row {
  readonly caption: string;
  readonly media: string;
}

/** In the order of arrival, by id and by time of receipt. */
const rows = (): Promise<Row[]> =>
  postgres.query<Row>(`select caption, media.id as media from message join media on message_row_id = message.id
                       order by media.received_at, media.id`);

async function expectEachOnce(): Promise<void> {
  await until(async () => (await rows().catch(() => [])).length >= acknowledged.length, 30_000);
  await until(async () => (await spooled()).length === 0, 30_000);
  const found = await rows();
  expect(found.map(({ caption, media }) => [caption, media])).toEqual(acknowledged);
  const [counts] = await postgres.query<{ deliveries: number; jobs: number }>(
    `select (select count(*)::int from delivery) as deliveries, (select count(*)::int from graphile_worker._private_jobs) as jobs`,
  );
  expect(counts).toEqual({ deliveries: acknowledged.length, jobs: acknowledged.length });
}

test('a hanging database delays one sender by two seconds, and the next ones not at all', async () => {
  await sendAll('before', 5);
  postgres.halt();
  const asked = performance.now();
  // They are in one batch or wait for it, so none is answered later than the others.
  await send('first');
  expect(performance.now() - asked).toBeGreaterThan(1_900);
  expect(performance.now() - asked).toBeLessThan(4_000);
  const since = performance.now();
  await sendAll('hanging', 40);
  expect(performance.now() - since).toBeLessThan(4_000);
  expect((await ready()).body.detail).toBe('database: away, spooling');
  postgres.resume();
  await until(async () => (await ready()).status === 200, 20_000);
  await sendAll('after', 5);
  await expectEachOnce();
  expect(await service.kill('SIGTERM')).toBe(0);
}, 90_000);

test('webhooks are accepted while the database is stopped, and stored when it is available again', async () => {
  await sendAll('before', 5);
  await postgres.stop();
  await sendAll('away', 60);
  expect((await ready()).body.detail).toBe('database: away, spooling');
  expect(await spooled()).not.toEqual([]);
  await postgres.start();
  await until(async () => (await ready()).status === 200, 20_000);
  await sendAll('after', 5);
  await expectEachOnce();
  expect(service.output()).not.toMatch(/Ana|5511|look/);
}, 90_000);

test('a process that is killed while it spools has spooled every webhook that it answered', async () => {
  await sendAll('before', 5);
  await postgres.stop();
  for (let time = 0; time < 3; time += 1) {
    const name = `killed ${String(time)}`;
    const before = acknowledged.length;
    // Webhooks are sent until the service is gone; unanswered ones may be stored or not, and are sent again
    // below.
    const sending = sendAll(name, 10_000).catch((error: unknown) => error);
    await until(() => acknowledged.length > before + 20 + 7 * time);
    await service.kill('SIGKILL');
    expect(String(await sending)).toMatch(/ECONN|socket hang up/);
    const unanswered = `${name} ${String(acknowledged.length - before)}`;
    await postgres.start();
    service = await start();
    await until(async () => (await spooled()).length === 0, 20_000);
    const known = await postgres.query<Row>(
      `select caption, media.id as media from message join media on message_row_id = message.id where caption = '${unanswered}'`,
    );
    for (const { caption, media } of known) acknowledged.push([caption, media]);
    await expectEachOnce();
    await postgres.stop();
  }
  await postgres.start();
}, 120_000);

test('a process that is killed while it replays continues in order', async () => {
  await send('before');
  // Each webhook takes some time, so that the process can be killed in the middle.
  await postgres.query(
    `create function slow() returns trigger language plpgsql as 'begin perform pg_sleep(0.004); return new; end';
     create trigger slow before insert on delivery for each row execute function slow()`,
  );
  await postgres.stop();
  await sendAll('spooled', 600);
  await postgres.start();
  const found = await until(async () => {
    const some = await rows();
    return some.length > 1 && some;
  }, 20_000);
  await service.kill('SIGKILL');
  expect(found.length).toBeLessThan(600);
  // The oldest was replayed first.
  expect(found.map(({ caption, media }) => [caption, media])).toEqual(acknowledged.slice(0, found.length));
  expect(await spooled()).not.toEqual([]);
  service = await start();
  await expectEachOnce();
}, 120_000);
