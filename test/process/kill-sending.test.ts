/**
 * A process is killed between the provider's acceptance and its own record of it: nothing is sent twice, and
 * nothing is lost.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';

import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { cloneDatabase, type TestDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';
import { startService, token as issue, webhookSecret, type RunningService } from './service.js';

let cwd: string;
let database: TestDatabase;
let provider: Awaited<ReturnType<typeof startProvider>>;
beforeAll(async () => {
  [cwd, database, provider] = await Promise.all([
    mkdtemp(join(tmpdir(), 'inlet-kill-sending-')),
    cloneDatabase(),
    startProvider(),
  ]);
});
afterAll(async () => {
  provider.close();
  await database.drop();
  await rm(cwd, { recursive: true });
});

/** Accepts everything; while it is silent, it sends no response. */
async function startProvider() {
  const taken: string[] = [];
  const silenced: ServerResponse[] = [];
  let silent = false;
  const server = createServer((request, response) => {
    const answer = (body: unknown): void => {
      const { to } = body as { readonly to: string };
      taken.push(to);
      response.on('error', () => undefined);
      if (silent) silenced.push(response);
      else
        response
          .writeHead(200, { 'content-type': 'application/json' })
          .end(JSON.stringify({ success: true, message_id: `msg-${to}-${String(taken.length)}` }));
    };
    // A kill in the middle of a request cuts it off: it was not taken.
    json(request).then(answer, () => undefined);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return {
    taken,
    url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    beSilent: (wanted: boolean) => {
      silent = wanted;
    },
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

const env = () => ({
  DATABASE_URL: database.connectionString,
  AUTH_SECRET: 'x'.repeat(32),
  UPLOADS_DIR: 'uploads',
  AISOULE_WEBHOOK_SECRET: webhookSecret,
  AISOULE_API_KEY: 'k'.repeat(20),
  AISOULE_API_URL: provider.url,
});

async function send({ url }: RunningService, token: string, to: string): Promise<string> {
  const response = await fetch(`${url}/v1/messages`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'idempotency-key': to },
    // No server answers there, which does not prevent sending.
    body: JSON.stringify({
      channel: 'aisoule',
      to,
      kind: 'image',
      media: { url: 'https://photos.invalid/a.jpg' },
    }),
  });
  expect(response.status).toBe(202);
  return ((await response.json()) as { id: string }).id;
}

const states = async (): Promise<Record<string, string>> => {
  const rows = await database.query<{ recipient: string; state: string }>(
    'select recipient, state from outbound',
  );
  return Object.fromEntries(rows.map(({ recipient, state }) => [recipient, state]));
};

test('messages in progress are unknown afterwards, queued ones are sent, and none is sent twice', async () => {
  const { output: token } = await issue(cwd, ['--scope', 'admin'], env());
  let service = await startService(cwd, env());
  const people: string[] = [];
  for (let kill = 0; kill < 3; kill++) {
    provider.beSilent(true);
    const before = provider.taken.length;
    // More than may be sent at once: some are in progress when the process dies, and some wait.
    for (let each = 0; each < 7; each++) {
      const to = `55119${String(10_000_000 + people.length)}`;
      people.push(to);
      await send(service, token, to);
    }
    await until(() => provider.taken.length >= before + 2);
    expect(await service.kill('SIGKILL')).toBe('SIGKILL');
    provider.beSilent(false);
    service = await startService(cwd, env());
    await until(async () => Object.values(await states()).every((state) => /^(sent|unknown)$/.test(state)));
  }
  // Clients that received no response send the same requests again.
  for (const to of people) await send(service, token, to);
  const now = await states();
  expect(provider.taken).toEqual([...new Set(provider.taken)]);
  // A message whose request was in progress is unknown, too.
  const untaken = people.filter((to) => !provider.taken.includes(to));
  expect(untaken.filter((to) => now[to] !== 'unknown')).toEqual([]);
  expect(Object.keys(now).sort()).toEqual(people.toSorted());
  const unknown = Object.values(now).filter((state) => state === 'unknown').length;
  expect(unknown).toBeGreaterThanOrEqual(6); // Otherwise no process was killed while it sent.
  expect(unknown).toBeLessThan(people.length);
  expect(await service.kill('SIGTERM')).toBe(0);
}, 240_000);
