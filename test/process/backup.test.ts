/**
 * A backup is made while the service works, and restored elsewhere: nothing that was acknowledged before it
 * is lost.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';

import { afterEach, beforeEach, expect, test } from '@jest/globals';
import pg from 'pg';

import { bytes } from '../../src/demo/media-host.js';
import { photo } from '../../src/demo/photos.js';
import { startSimulator, type Simulator } from '../../src/demo/providers/index.js';
import { providerIds, type ProviderId } from '../../src/demo/providers/registry.js';
import { askingForReceipt } from '../../src/demo/providers/simulated-provider.js';
import { audit, type Claims } from '../../src/prove/auditor/index.js';
import { call, type Answer, type Call, type MediaView, type Receipt } from '../support/client.js';
import { startCompiled } from '../support/program.js';
import {
  describeWithPostgres,
  startSystemPostgres,
  type SystemPostgres,
} from '../support/system-postgres.js';
import { until } from '../support/until.js';
import { startService, token, type RunningService } from './service.js';

type Sent = NonNullable<Claims['webhooks']>[number] & { readonly media: string };
type Asked = NonNullable<Claims['asked']>[number];

let cwd: string;
let simulator: Simulator;
let admin: string;
let settings: Record<string, string>;
let running: RunningService[];
let sent: Sent[];
let asked: Asked[];
beforeEach(async () => {
  sent = [];
  asked = [];
  running = [];
  cwd = await mkdtemp(join(tmpdir(), 'inlet-backup-'));
  // Slow enough for messages to be queued when the backup is made.
  simulator = await startSimulator();
  settings = {
    ...simulator.env(),
    BLIP_MESSAGES_PER_SECOND: '1',
    AUTH_SECRET: 'a secret that is in the backup as well',
  };
  admin = (await token(cwd, ['--scope', 'admin'], settings)).output;
});
afterEach(async () => {
  for (const service of running) await service.kill('SIGTERM');
  await simulator.close();
  await rm(cwd, { recursive: true });
});

async function start(folder: string, more: Record<string, string> = {}): Promise<RunningService> {
  const service = await startService(cwd, { ...settings, ...placesIn(folder), ...more });
  simulator.reportTo(service.url);
  running.push(service);
  return service;
}

const placesIn = (folder: string) => ({
  UPLOADS_DIR: join(cwd, folder, 'uploads'),
  INLET_DIR: join(cwd, folder, 'inlet'),
});
const ask = <Body = unknown>(service: RunningService, path: string, what: Call = {}): Promise<Answer<Body>> =>
  call<Body>(service.url, path, { token: admin, ...what });

let seed = 0;
async function receive(service: RunningService): Promise<Sent> {
  seed += 1;
  const channel = providerIds[seed % providerIds.length] ?? 'blip';
  const file = await photo({ seed, width: 480, height: 360 });
  const provider = simulator.providers[channel];
  const messageId = channel === 'vonage' ? undefined : `message-${String(seed)}`;
  const url = provider.publish(bytes('image/jpeg', file));
  const { path, headers, body } = provider.webhook({
    kind: 'image',
    url,
    from: `55119${String(90_000_000 + seed)}`,
    ...(messageId !== undefined && { id: messageId }),
  });
  const answer = await call<Receipt>(service.url, path, {
    method: 'post',
    raw: body,
    headers: { ...headers, ...askingForReceipt },
  });
  const media = String(answer.body.media[0]);
  const { message } = (await ask<MediaView>(service, `/v1/media/${media}`)).body;
  const one: Sent = {
    channel,
    body,
    messageId: String(message?.id),
    media,
    pictures: [createHash('sha256').update(file).digest('hex')],
    acknowledged: answer.status === 200,
    erased: 'no',
  };
  sent.push(one);
  return one;
}

const settled = async (service: RunningService, media: string): Promise<void> => {
  await until(async () => {
    const { body } = await ask<MediaView>(service, `/v1/media/${media}?wait=30`);
    return body.state !== 'pending';
  }, 90_000);
};

/** Each message has a different recipient, so that duplicates are visible. */
async function send(service: RunningService, channel: ProviderId, media: string): Promise<void> {
  const to = `55219${String(90_000_000 + asked.length)}`;
  const json = {
    channel,
    to: channel === 'blip' ? `${to}@wa.gw.msging.net` : to,
    kind: 'image',
    media: { id: media },
  };
  const { status, body } = await ask<{ id: string }>(service, '/v1/messages', { method: 'post', json });
  expect(status).toBe(202);
  asked.push({ id: body.id, channel, to });
}

const taken = () =>
  providerIds.flatMap((channel) =>
    simulator.providers[channel].api.accepted.map(({ id, to }) => ({ channel, id, to })),
  );
const recipients = (): string[] => taken().map(({ to }) => to.replace(/@.*/, ''));

/** Continues to receive until it is stopped. */
function keepReceiving(service: RunningService): () => Promise<void> {
  const stop = new AbortController();
  const loop = (async () => {
    while (!stop.signal.aborted) await receive(service);
  })();
  return async () => {
    stop.abort();
    await loop;
  };
}

/** Runs the command of the restored service and returns its output. */
async function restored(env: Record<string, string>, ...args: string[]): Promise<string> {
  const program = startCompiled('commands/restored.js', args, { cwd, env: { ...settings, ...env } });
  expect([await program.ended, program.output()]).toEqual([0, expect.any(String)]);
  return program.output();
}

async function query<Row extends pg.QueryResultRow>(databaseUrl: string, text: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  return (await client.query<Row>(text).finally(() => client.end())).rows;
}

const isIdle = async (databaseUrl: string): Promise<boolean> => {
  const [counts] = await query<{ busy: number }>(
    databaseUrl,
    `select (select count(*) from media where state = 'pending')::int
          + (select count(*) from outbound where state in ('queued', 'sending'))::int
          + (select count(*) from notification where seq is null)::int as busy`,
  );
  return counts?.busy === 0;
};

describeWithPostgres('a dump, and a copy of the uploads after it', () => {
  let server: SystemPostgres;
  beforeEach(async () => {
    server = await startSystemPostgres();
  }, 180_000);
  afterEach(() => server.remove());

  test('contain everything that was acknowledged before, and a restored service continues with it', async () => {
    const databaseUrl = await server.create('before');
    const old = await start('old', { DATABASE_URL: databaseUrl });
    for (let count = 0; count < 10; count += 1) await receive(old);
    for (const { media } of sent) await settled(old, media);
    const [first, second, picture] = sent as [Sent, Sent, Sent];
    await ask(old, `/v1/media/${first.media}`, { method: 'delete' });
    for (const channel of providerIds) await send(old, channel, picture.media);
    await until(() => taken().length === providerIds.length, 90_000);
    // At one a second, some of them still wait when the dump is made, also on a slow machine.
    for (let count = 0; count < 20; count += 1) await send(old, 'blip', picture.media);
    const stop = keepReceiving(old);

    const acknowledged = sent.length;
    await server.tool('pg_dump', '--format=custom', `--file=${join(cwd, 'inlet.dump')}`, databaseUrl);
    // Between the two parts of the backup, a picture arrives and another one is erased.
    await settled(old, (await receive(old)).media);
    await ask(old, `/v1/media/${second.media}`, { method: 'delete' });
    const uploads = join(cwd, 'new', 'uploads');
    await cp(join(cwd, 'old', 'uploads'), uploads, {
      recursive: true,
      filter: (from) => basename(from) !== 'tmp',
    });
    await until(() => taken().length > providerIds.length + 1, 90_000);
    await stop();
    await old.kill('SIGTERM');

    const restoredUrl = await server.create('after');
    await server.tool('pg_restore', '--no-owner', `--dbname=${restoredUrl}`, join(cwd, 'inlet.dump'));
    const handed = taken().length;
    const report = await restored({ ...placesIn('new'), DATABASE_URL: restoredUrl }, '--remove-files');
    expect(report).toMatch(/messages that waited +[1-9]\d* are unknown now/);
    expect(report).toMatch(/files without a row +[1-9]\d*, removed/);
    expect(report).toMatch(new RegExp(`media without a file +1: ${second.media}`));

    const fresh = await start('new', { DATABASE_URL: restoredUrl });
    const third = await receive(fresh);
    await settled(fresh, third.media);
    await ask(fresh, `/v1/media/${second.media}`, { method: 'delete' }); // What was erased meanwhile, once more.
    await send(fresh, 'blip', third.media);
    await until(() => recipients().includes(asked.at(-1)?.to ?? ''), 90_000);
    await until(() => isIdle(restoredUrl), 180_000);
    expect(taken()).toHaveLength(handed + 1);
    expect(recipients()).toHaveLength(new Set(recipients()).size);

    const kept = sent.filter((_, place) => place < acknowledged).concat(third);
    for (const { media, pictures } of kept.slice(2)) {
      const content = await ask(fresh, `/v1/media/${media}/content`);
      expect(createHash('sha256').update(content.bytes).digest('hex')).toBe(pictures[0]);
      for (const size of ['small', 'large'])
        expect((await ask(fresh, `/v1/media/${media}/preview?size=${size}`)).status).toBe(200);
    }
    const [last] = await query<{ seq: string }>(restoredUrl, 'select max(seq) as seq from notification');
    expect(Number(last?.seq)).toBeGreaterThan(1_000_000_000);
    await fresh.kill('SIGTERM');
    const { failures, checked } = await audit({
      databaseUrl: restoredUrl,
      uploadsDir: uploads,
      spoolDir: join(cwd, 'new', 'inlet', 'spool'),
      claims: {
        webhooks: sent.map((one) => ({
          ...one,
          acknowledged: kept.includes(one),
          erased: one === first || one === second ? 'yes' : 'no',
        })),
        asked,
        taken: taken(),
      },
    });
    expect(failures).toEqual([]);
    expect(checked.objects).toBeGreaterThan(8);
  }, 240_000);
});

test('an embedded database is copied completely while the service is stopped', async () => {
  const old = await start('old');
  const one = await receive(old);
  await receive(old);
  for (const { media } of sent) await settled(old, media);
  await old.kill('SIGTERM');
  await promisify(execFile)('cp', ['-a', join(cwd, 'old'), join(cwd, 'new')]);
  expect(await restored(placesIn('new'))).toMatch(/waited +0 are[^]*row +0\n[^]*file +0$/m);
  const fresh = await start('new');
  const { status, bytes: content } = await ask(fresh, `/v1/media/${one.media}/content`);
  expect([status, createHash('sha256').update(content).digest('hex')]).toEqual([200, one.pictures[0]]);
  const { media } = await receive(fresh);
  await settled(fresh, media);
  expect((await ask<MediaView>(fresh, `/v1/media/${media}`)).body.state).toBe('ready');
}, 360_000);

test('a database in use is not changed', async () => {
  await start('old');
  const program = startCompiled('commands/restored.js', [], {
    cwd,
    env: { ...settings, ...placesIn('old') },
  });
  expect(await program.ended).toBe(1);
  expect(program.output()).toContain('Inlet is running on this database: stop it first');
}, 360_000);
