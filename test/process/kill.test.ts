/** The most important guarantee: acknowledged webhooks are stored, whatever happens to the process. */
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import sharp from 'sharp';

import { seededRandom } from '../../src/demo/random.js';
import { uniquePhotos, type UniquePhotos } from '../../src/demo/photos.js';
import { picture } from '../support/payloads.js';
import { cloneDatabase, type TestDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';
import { startService, webhookSecret, type RunningService } from './service.js';

const kills = 12;
const random = seededRandom(20_261_121);

let cwd: string;
let database: TestDatabase;
let photos: UniquePhotos;
let host: Awaited<ReturnType<typeof startSlowHost>>;
beforeAll(async () => {
  [cwd, database, photos] = await Promise.all([
    mkdtemp(join(tmpdir(), 'inlet-kill-')),
    cloneDatabase(),
    uniquePhotos(10_000, { width: 320, height: 240 }),
  ]);
  host = await startSlowHost();
});
afterAll(async () => {
  await last?.kill('SIGKILL');
  host.close();
  await database.drop();
  await rm(cwd, { recursive: true });
});

/** Gives every person a picture (by its number), half of them at once and the rest later. */
async function startSlowHost() {
  const timers = new Set<NodeJS.Timeout>();
  const send = (response: ServerResponse, content: Buffer): void => {
    response.writeHead(200, { 'content-length': content.length });
    response.write(content.subarray(0, content.length / 2));
    const timer = setTimeout(() => {
      timers.delete(timer);
      response.end(content.subarray(content.length / 2));
    }, 150 * random());
    timers.add(timer);
  };
  const server = createServer((request, response) => {
    response.on('error', () => undefined);
    send(response, photos.at(Number(request.url?.slice(1))));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    name: `127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    close: () => {
      for (const timer of timers) clearTimeout(timer);
      server.closeAllConnections();
      server.close();
    },
  };
}

const start = (): Promise<RunningService> =>
  startService(cwd, {
    DATABASE_URL: database.connectionString,
    AUTH_SECRET: 'x'.repeat(32),
    UPLOADS_DIR: 'uploads',
    FETCH_ALLOW_PRIVATE_HOSTS: host.name,
  });

/** The time limit of the whole test. */
const patienceMs = 60_000;

let sent = 0;
let last: RunningService | undefined;

/** Sends webhooks one after another until the service is gone. Records the acknowledged pictures. */
async function sendOn(service: RunningService, acknowledged: Map<string, number>): Promise<void> {
  for (;;) {
    const number = sent++;
    const payload = picture('z-api', {
      url: `http://${host.name}/${String(number)}`,
      caption: String(number),
    });
    try {
      const response = await fetch(`${service.url}/webhooks/z-api?token=${webhookSecret}`, {
        method: 'POST',
        body: JSON.stringify(payload),
        headers: { 'content-type': 'application/json' },
      });
      const { media } = (await response.json()) as { readonly media: readonly string[] };
      expect(response.status).toBe(200);
      acknowledged.set(media[0] ?? '', number);
    } catch (error) {
      if (/^(TypeError|SyntaxError)$/.test((error as Error).name)) return; // The service is gone.
      throw error;
    }
  }
}

async function filesUnder(folder: string): Promise<string[]> {
  const entries = await readdir(join(cwd, 'uploads', folder), { withFileTypes: true, recursive: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

const sha256 = (content: Buffer): string => createHash('sha256').update(content).digest('hex');

test(`a process that is killed ${String(kills)} times in a burst of webhooks loses none that it acknowledged`, async () => {
  const acknowledged = new Map<string, number>();
  let halfDone = 0;
  for (let time = 0; time < kills; time++) {
    const service = (last = await start());
    const sending = Array.from({ length: 4 }, () => sendOn(service, acknowledged));
    const before = acknowledged.size;
    const enough = 5 + Math.floor(random() * 40);
    await until(() => acknowledged.size >= before + enough, patienceMs);
    expect(await service.kill('SIGKILL')).toBe('SIGKILL');
    await Promise.all(sending);
    halfDone += (await filesUnder('tmp').catch(() => [])).length;
  }
  expect(halfDone).toBeGreaterThan(0); // Otherwise no process was killed in the middle of its work.

  last = await start();
  for (const id of acknowledged.keys()) await until(() => isReady(id), patienceMs);
  // Webhooks that were stored but not acknowledged arrive too, and repeated work reaches its end.
  await until(async () => (await pending()) === 0, patienceMs);
  await until(async () => (await jobs()) === 0, patienceMs);
  expect(await last.kill('SIGTERM')).toBe(0);

  const rows = await database.query<{ id: string; sha256: string; caption: string }>(
    `select media.id, media.sha256, caption from media join message on message.id = message_row_id`,
  );
  const expected = [...acknowledged].map(([id, number]) => [id, sha256(photos.at(number)), String(number)]);
  const found = new Map(rows.map((row) => [row.id, [row.id, row.sha256, row.caption]]));
  expect(expected.map(([id = '']) => found.get(id))).toEqual(expected);
  // Each webhook once: the captions are its numbers.
  expect(new Set(rows.map(({ caption }) => caption)).size).toBe(rows.length);
  const [counts] = await database.query<{ deliveries: number; messages: number; states: string[] }>(
    `select (select count(*)::int from delivery) as deliveries, (select count(*)::int from message) as messages,
            array(select distinct state from media) as states`,
  );
  expect(counts).toEqual({ deliveries: rows.length, messages: rows.length, states: ['ready'] });

  const blobs = await filesUnder('blobs');
  for (const file of blobs) expect(sha256(await readFile(file))).toBe(basename(file));
  expect(new Set(blobs.map((file) => basename(file)))).toEqual(new Set(rows.map((row) => row.sha256)));
  const previews = await filesUnder('previews');
  expect(previews).toHaveLength(2 * blobs.length);
  await Promise.all(previews.map((file) => sharp(file, { failOn: 'warning' }).raw().toBuffer()));
}, 240_000);

async function isReady(id: string): Promise<boolean> {
  const [row] = await database.query<{ state: string }>('select state from media where id = $1', [id]);
  return row?.state === 'ready';
}

const pending = (): Promise<number> => count(`media where state <> 'ready'`);
const jobs = (): Promise<number> => count('graphile_worker._private_jobs');

async function count(rows: string): Promise<number> {
  const [row] = await database.query<{ count: number }>(`select count(*)::int as count from ${rows}`);
  return row?.count ?? -1;
}
