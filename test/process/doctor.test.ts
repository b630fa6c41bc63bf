/** `inlet doctor` on real settings, databases and folders: it explains, and leaves everything as it was. */
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import pg from 'pg';

import { startPostgres, type PostgresServer } from '../../src/prove/postgres-server.js';
import { startPgBouncer } from '../support/pgbouncer.js';
import { startRecordingApi, type RecordingApi } from '../providers/recording-api.js';
import { oidcSettings, startIdentityProvider } from '../support/identity-provider.js';
import { startCompiled } from '../support/program.js';
import { describeWith } from '../support/programs.js';
import { startS3Server } from '../support/s3-server.js';
import { startService, token as runToken, webhookSecret } from './service.js';

let cwd: string;
let postgres: PostgresServer;
beforeAll(async () => {
  postgres = await startPostgres();
}, 180_000);
afterAll(() => postgres.remove());
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'inlet-doctor-'));
});
afterEach(() => rm(cwd, { recursive: true }));

const secret = 'a secret of more than thirty-two characters';

interface Examined {
  readonly status: number | NodeJS.Signals;
  readonly lines: readonly string[];
  /** The lines of one subject, without it. */
  readonly about: (subject: string) => readonly string[];
}

async function examine(env: Readonly<Record<string, string>> = {}): Promise<Examined> {
  const program = startCompiled('commands/doctor.js', [], { cwd, env: { PORT: '0', ...env } });
  const status = await program.ended;
  const lines = program.output().trim().split('\n');
  const found = lines.map((line) => /^(ok|warning|problem) +(\S+) +(.+)$/.exec(line));
  return {
    status,
    lines,
    about: (subject) =>
      found.flatMap((match) => (match?.[2] === subject ? [`${String(match[1])}: ${String(match[3])}`] : [])),
  };
}

const everything = async (): Promise<string[]> => (await readdir(cwd, { recursive: true })).sort();

test('an empty folder without settings is reported as ready for a start, and stays empty', async () => {
  const { status, lines, about } = await examine();
  expect(status).toBe(0);
  expect(lines.at(-1)).toBe('Inlet can start.');
  expect(about('settings')).toEqual([expect.stringMatching(/^ok: /)]);
  expect(about('secret')).toEqual([
    `ok: there is none yet; the first start makes one in ${join(cwd, '.inlet')}`,
  ]);
  expect(about('database')).toEqual([
    `ok: the embedded PostgreSQL in ${join(cwd, '.inlet/postgres')} is started with the service`,
  ]);
  expect(about('UPLOADS_DIR')).toEqual([`ok: ${join(cwd, 'uploads')}; the first start makes it`]);
  expect(lines.filter((line) => line.startsWith('problem'))).toEqual([]);
  expect(await everything()).toEqual([]);
});

test('every invalid setting has its own line, without its value', async () => {
  await writeFile(join(cwd, 'file'), '');
  const { status, lines, about } = await examine({
    NODE_ENV: 'prod',
    PORT: 'abc',
    AUTH_SECRET: 'hunter2',
    UPLOADS_DIR: 'file',
    UPLOAD_DIR: 'x',
  });
  expect(status).toBe(1);
  expect(about('settings')).toEqual([
    'problem: NODE_ENV: must be development, production or test',
    'problem: PORT: must be a number',
    'problem: AUTH_SECRET: needs at least 32 characters',
    'problem: UPLOADS_DIR: is a file; name a folder',
  ]);
  expect(lines.at(-1)).toBe(
    'Inlet cannot start: solve the 4 problems first. Everything else is checked when the settings are right.',
  );
  expect(lines.join('\n')).not.toContain('hunter2');
  expect(await everything()).toEqual(['file']);
});

describe('a database of its own', () => {
  const settings = (url: string): Record<string, string> => ({ DATABASE_URL: url, AUTH_SECRET: secret });
  const changed = (change: Partial<URL>): string =>
    Object.assign(new URL(postgres.connectionString), change).href;

  test('is checked before the first start, which must still migrate it, and after it', async () => {
    await postgres.query('create database examined');
    const url = changed({ pathname: '/examined' });
    const before = await examine(settings(url));
    expect(before.status).toBe(0);
    expect(before.about('database')).toEqual([expect.stringMatching(/^ok: PostgreSQL \d+\.\d+ answers, /)]);
    expect(before.about('privileges')).toEqual(['ok: the user of the database may do what it has to']);
    expect(before.about('migrations')).toEqual([expect.stringMatching(/^ok: the next start applies \d+: /)]);
    expect(before.about('clock')).toEqual([expect.stringMatching(/^ok: .+Z, as in the database$/)]);

    const service = await startService(cwd, settings(url));
    const { port } = new URL(service.url);
    const while_ = await examine({ ...settings(url), PORT: port });
    expect(while_.about('migrations')).toEqual(['ok: the tables are up to date']);
    expect(while_.about('PORT')).toEqual([`ok: Inlet is running at 127.0.0.1:${port}`]);
    expect(while_.status).toBe(0);
    expect(await service.kill('SIGTERM')).toBe(0);
  }, 180_000);

  test('whose user lacks rights is a problem, and so is an unavailable one', async () => {
    await postgres.query('create database guarded');
    await postgres.query(`create role visitor login password 'secret-of-the-visitor'`);
    const visitor = changed({
      username: 'visitor',
      password: 'secret-of-the-visitor',
      pathname: '/guarded',
    });
    const guarded = await examine(settings(visitor));
    expect(guarded.status).toBe(1);
    expect(guarded.about('privileges')).toEqual([
      'problem: the user of the database lacks CREATE on the database, and CREATE on the schema: see "The database" in docs/operations.md',
    ]);
    expect(guarded.lines.join('\n')).not.toContain('secret-of-the-visitor');

    const away = await examine(settings(changed({ port: '1' })));
    expect(away.status).toBe(1);
    expect(away.about('database')).toEqual([
      'problem: DATABASE_URL: no server listens at its host and port (ECONNREFUSED)',
    ]);
  }, 180_000);

  test('that a later version has changed causes a warning', async () => {
    await postgres.query('create database newer');
    const url = changed({ pathname: '/newer' });
    const service = await startService(cwd, settings(url));
    expect(await service.kill('SIGTERM')).toBe(0);
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query(`update _prisma_migrations set migration_name = '29990101000000_later'
      where migration_name = (select max(migration_name) from _prisma_migrations)`);
    await client.end();
    const { about } = await examine(settings(url));
    expect(about('migrations')).toEqual([expect.stringMatching(/^warning: a later version of Inlet/)]);
  }, 180_000);

  describeWith('pgbouncer', 'behind a pooler', (program) => {
    test('in transaction mode is a problem', async () => {
      const server = postgres.connectionString;
      const pooler = await startPgBouncer({ program, server, mode: 'transaction', size: 20 });
      try {
        const { status, about } = await examine(settings(pooler.connectionString));
        expect(status).toBe(1);
        expect(about('database')).toEqual([
          expect.stringMatching(
            /^problem: DATABASE_URL: points to a pooler in transaction or statement mode/,
          ),
        ]);
      } finally {
        await pooler.stop();
      }
    }, 180_000);
  });
});

test('folders and the scanner are tested, and stay unchanged', async () => {
  await mkdir(join(cwd, 'uploads'));
  const scanner = await answering('PONG\0');
  try {
    const { status, about } = await examine({ CLAMD_HOST: hostOf(scanner) });
    expect(status).toBe(0);
    expect(about('UPLOADS_DIR')).toEqual([`ok: files can be written to ${join(cwd, 'uploads')}`]);
    expect(about('CLAMD_HOST')).toEqual(['ok: the malware scanner answers']);
    expect(about('disk')).toHaveLength(2);
  } finally {
    scanner.close();
  }
  expect(await everything()).toEqual(['uploads']);

  await writeFile(join(cwd, 'uploads', 'blobs'), '');
  const broken = await examine({ CLAMD_HOST: '127.0.0.1:1' });
  expect(broken.status).toBe(1);
  expect(broken.about('UPLOADS_DIR')).toEqual([
    expect.stringMatching(/^problem: .+a file has the name of a required folder/),
  ]);
  expect(broken.about('CLAMD_HOST')).toEqual([expect.stringMatching(/^warning: .+ does not answer/)]);
});

test('a bucket is tested, and its problem is reported', async () => {
  const store = await startS3Server();
  try {
    const env = { ...store.env, AWS_ACCESS_KEY_ID: 'S3RVER', AWS_SECRET_ACCESS_KEY: 'S3RVER' };
    const right = await examine(env);
    expect(right.about('bucket')).toEqual([expect.stringMatching(/^ok: files can be written to /)]);
    const wrong = await examine({ ...env, S3_BUCKET: 'nowhere' });
    expect(wrong.status).toBe(1);
    expect(wrong.about('bucket')).toEqual([expect.stringMatching(/^problem: .+NoSuchBucket/)]);
  } finally {
    await store.stop();
  }
}, 180_000);

test('channels are listed with their URLs, and an unusable public URL causes a warning', async () => {
  const provider = await answering(
    'HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n',
  );
  const env = {
    ZAPI_WEBHOOK_SECRET: webhookSecret,
    ZAPI_API_URL: `http://${hostOf(provider)}`,
    PORT: '3999',
  };
  try {
    const unset = await examine(env);
    expect(unset.about('PUBLIC_URL')).toEqual([expect.stringMatching(/^warning: is not set/)]);
    expect(unset.about('channel')).toEqual([
      'ok: z-api receives webhooks at http://127.0.0.1:3999/webhooks/z-api, and cannot send, since settings for that are missing',
    ]);
    expect(unset.about('provider')).toEqual([`ok: the API of z-api answers at http://${hostOf(provider)}`]);
    expect(unset.lines.join('\n')).not.toContain(webhookSecret);
  } finally {
    provider.close();
  }
  const set = await examine({ ...env, PUBLIC_URL: 'http://inlet.internal/media' });
  expect(set.about('PUBLIC_URL')).toEqual([expect.stringMatching(/^warning: .+ only this network reaches/)]);
  expect(set.about('channel').join()).toContain('http://inlet.internal/media/webhooks/z-api');
  expect(set.about('provider')).toEqual([expect.stringMatching(/^warning: .+ does not answer/)]);
  expect(set.status).toBe(0);
});

describe('the providers of channels', () => {
  let api: RecordingApi;
  beforeAll(async () => {
    api = await startRecordingApi();
  });
  beforeEach(() => {
    api.requests.length = 0;
    api.answers.length = 0;
  });
  afterAll(() => api.close());

  const publicUrl = 'https://inlet.example.com';
  const token = 'a-token-of-the-instance';
  const environment = () => ({
    PUBLIC_URL: publicUrl,
    ZAPI_WEBHOOK_SECRET: webhookSecret,
    ZAPI_INSTANCE_ID: '3C01',
    ZAPI_TOKEN: token,
    ZAPI_API_URL: api.origin,
  });
  /** The answer of Z-API about an instance whose webhooks lead to a channel. */
  const leadingTo = (address: string, connected = true) => {
    const url = `${address}?token=${webhookSecret}`;
    const addresses = {
      deliveryCallbackUrl: url,
      messageStatusCallbackUrl: url,
      receivedCallbackUrl: url,
    };
    return { status: 200, body: { id: '3C01', token, connected, ...addresses } };
  };
  const advice = (id: string) => `: choose Connect in the gallery, or call POST /v1/channels/${id}/connect.`;

  test.each([
    [
      'calls the channel',
      () => leadingTo(`${publicUrl}/webhooks/z-api`),
      'ok: the provider of z-api calls it.',
    ],
    [
      'calls another address',
      () => leadingTo('https://other.example.com/hook'),
      `warning: the provider of z-api calls https://other.example.com/hook instead of ${publicUrl}/webhooks/z-api${advice('z-api')}`,
    ],
    [
      'calls none',
      () => ({ status: 200, body: { id: '3C01' } }),
      `warning: the provider of z-api calls no address${advice('z-api')}`,
    ],
    [
      'has a failure',
      () => leadingTo(`${publicUrl}/webhooks/z-api`, false),
      'warning: the provider of z-api reports: The instance is not connected to WhatsApp: scan its QR code in the panel of Z-API.',
    ],
    [
      'refuses',
      () => ({ status: 403, body: { error: `${token} is not allowed` } }),
      'warning: the provider of z-api cannot be asked about its webhook: Z-API refused the call (403): *** is not allowed; check the settings of the channel',
    ],
  ])('are asked, and one that %s is named', async (_what, answer, finding) => {
    // The first call is the one that only looks whether the API responds.
    api.answers.push({ status: 404 }, answer());
    const { status, lines, about } = await examine(environment());
    expect(status).toBe(0);
    expect(about('connection')[0]?.slice(0, finding.length)).toBe(finding);
    for (const value of [token, webhookSecret]) expect(lines.join('\n')).not.toContain(value);
    expect(api.requests.map(({ method }) => method)).toEqual(['HEAD', 'GET']);
  });

  test('are asked about channels that were added at run time, too', async () => {
    await postgres.query('create database connected');
    const url = Object.assign(new URL(postgres.connectionString), { pathname: '/connected' }).href;
    const hosts = new URL(api.origin).host;
    const started = { DATABASE_URL: url, AUTH_SECRET: secret, FETCH_ALLOW_PRIVATE_HOSTS: hosts };
    const env = { ...started, PUBLIC_URL: publicUrl };
    const service = await startService(cwd, started);
    const { output } = await runToken(cwd, ['--scope', 'admin'], env);
    const settings = { webhookSecret, instanceId: '3C01', token, apiUrl: api.origin };
    const answer = await fetch(`${service.url}/v1/channels`, {
      method: 'POST',
      headers: { authorization: `Bearer ${output}`, 'content-type': 'application/json' },
      body: JSON.stringify({ id: 'recife', provider: 'z-api', settings }),
    });
    expect(answer.status).toBe(201);
    expect(await service.kill('SIGTERM')).toBe(0);

    api.answers.push(leadingTo('https://other.example.com/hook'));
    const right = await examine(env);
    expect(right.about('channel')).toEqual([`ok: recife receives webhooks at ${publicUrl}/webhooks/recife`]);
    expect(right.about('connection')).toEqual([
      expect.stringMatching(
        /^warning: the provider of recife calls https:\/\/other\.example\.com\/hook instead of /,
      ),
    ]);
    const wrong = await examine({ ...env, AUTH_SECRET: `another ${secret}` });
    expect(wrong.about('channel')).toEqual([
      expect.stringMatching(/^warning: recife cannot work: its settings cannot be decrypted/),
    ]);
    expect(wrong.status).toBe(0);
  }, 180_000);
});

describe('the identity provider', () => {
  const knows = (issuer: string, host: string) => ({
    ...oidcSettings(issuer),
    PUBLIC_URL: 'http://localhost:1',
    FETCH_ALLOW_PRIVATE_HOSTS: host,
  });

  test('that answers is named with the redirect address that it needs', async () => {
    const provider = await startIdentityProvider();
    provider.serve({ url: 'http://localhost:1' });
    const { about, status } = await examine(knows(provider.issuer, new URL(provider.issuer).host));
    await provider.close();
    expect(status).toBe(0);
    expect(about('OIDC_ISSUER')).toEqual([
      `ok: ${provider.issuer} answers; the client inlet there needs the redirect address http://localhost:1/v1/sign-in/oidc/callback`,
    ]);
  });

  test('that does not answer, or calls itself otherwise, causes a warning', async () => {
    const provider = await startIdentityProvider();
    provider.serve({ url: 'http://localhost:1' });
    const { host, port } = new URL(provider.issuer);
    const otherName = `http://localhost:${port}`;
    const { about, status } = await examine(knows(otherName, new URL(otherName).host));
    await provider.close();
    expect(status).toBe(0);
    expect(about('OIDC_ISSUER')).toEqual([
      expect.stringMatching(/^warning: nobody can sign in with http:\/\/localhost.*exactly as the provider/),
    ]);
    const gone = await examine(knows(provider.issuer, host));
    expect(gone.status).toBe(0);
    expect(gone.about('OIDC_ISSUER')).toEqual([
      expect.stringMatching(/^warning: nobody can sign in .*let this machine reach it/),
    ]);
  });
});

test('a port in use is a problem', async () => {
  const other = await answering('');
  try {
    const { status, about } = await examine({ PORT: String((other.address() as AddressInfo).port) });
    expect(status).toBe(1);
    expect(about('PORT')).toEqual([expect.stringMatching(/^problem: .+ is used by another program/)]);
  } finally {
    other.close();
  }
});

test('arguments are refused', async () => {
  const program = startCompiled('commands/doctor.js', ['--fix'], { cwd });
  expect(await program.ended).toBe(64);
  expect(program.output()).toContain('usage: npm run inlet -- doctor\n');
});

/** A server that says one thing to every caller and hangs up. */
async function answering(words: string): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.end(words));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return server;
}

function hostOf(server: Server): string {
  return `127.0.0.1:${String((server.address() as AddressInfo).port)}`;
}
