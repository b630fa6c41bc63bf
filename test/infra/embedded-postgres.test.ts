import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import pg from 'pg';

import {
  EmbeddedPostgresError,
  startEmbeddedPostgres,
  type EmbeddedPostgres,
} from '../../src/infra/embedded-postgres.js';
import { built, startScript } from '../process/program.js';
import { freePort } from '../../src/demo/service-process.js';
import { until } from '../support/until.js';
import { recogniseNodeErrors } from './realm.js';

recogniseNodeErrors();

let root: string;
let folder: string;
let started: EmbeddedPostgres[];
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'inlet-postgres-'));
  folder = join(root, 'postgres');
  started = [];
});
afterEach(async () => {
  await Promise.all(started.map((server) => server.stop()));
  await rm(root, { recursive: true, force: true });
});

async function start(): Promise<EmbeddedPostgres> {
  const server = await startEmbeddedPostgres(folder);
  started.push(server);
  return server;
}

async function connect(
  server: Pick<EmbeddedPostgres, 'connectionString'>,
  name = 'test',
): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: server.connectionString, application_name: name });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

async function query(server: Pick<EmbeddedPostgres, 'connectionString'>, text: string): Promise<unknown[]> {
  const client = await connect(server);
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

const keepNote = `create table note (text text); insert into note values ('kept')`;
const readNote = 'select text from note';

async function serverPid(): Promise<number> {
  return Number((await readFile(join(folder, 'data', 'postmaster.pid'), 'utf8')).split('\n')[0]);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Starts the server, says where, and stays. */
const starting = (): string => `
  import { startEmbeddedPostgres } from '${built('infra/embedded-postgres.js')}';
  const { connectionString, adopted } = await startEmbeddedPostgres(process.argv[1]);
  console.log((adopted ? 'adopted ' : 'started ') + connectionString + ' .');
  setInterval(() => {}, 1000);
`;

describe('the embedded server', () => {
  test('starts in an empty folder, keeps its data over a restart, and is gone when it is stopped', async () => {
    const first = await start();
    expect(first.adopted).toBe(false);
    await query(first, keepNote);
    const pid = await serverPid();
    await first.stop();
    expect(isAlive(pid)).toBe(false);

    const second = await start();
    expect(second.adopted).toBe(false);
    expect(await query(second, readNote)).toEqual([{ text: 'kept' }]);
  });

  test('listens on loopback only, asks for its password, and keeps that to its owner', async () => {
    const server = await start();
    expect(await query(server, 'show listen_addresses')).toEqual([{ listen_addresses: '127.0.0.1' }]);
    expect(await query(server, 'show unix_socket_directories')).toEqual([{ unix_socket_directories: '' }]);
    const wrong = Object.assign(new URL(server.connectionString), { password: 'guess' }).href;
    await expect(connect({ connectionString: wrong })).rejects.toThrow('password');
    expect((await stat(join(folder, 'password'))).mode & 0o777).toBe(0o600);
    expect((await stat(join(folder, 'data'))).mode & 0o077).toBe(0);
    expect(await readFile(join(folder, 'data', '..', 'server.log'), 'utf8')).not.toContain('guess');
  });

  test('does not give its settings to the server: our secrets are not in its environment', async () => {
    const program = startScript(`process.env.AUTH_SECRET = 'do not tell'; ${starting()}`, [folder]);
    await program.says(/started/);
    const environment = await readFile(`/proc/${String(await serverPid())}/environ`, 'utf8').catch(() => '');
    expect(environment).not.toContain('do not tell');
    await program.kill('SIGKILL');
    await start();
  });
});

describe('a server that is running already', () => {
  test('because its parent was killed, is adopted with its connections, and stopped like our own', async () => {
    const program = startScript(starting(), [folder]);
    const [, url = ''] = await program.says(/started (\S+) \./);
    const client = await connect({ connectionString: url });
    await client.query(keepNote);
    const pid = await serverPid();
    await program.kill('SIGKILL');

    const server = await start();
    expect(server).toMatchObject({ adopted: true, connectionString: url });
    expect(await serverPid()).toBe(pid);
    expect((await client.query(readNote)).rows).toEqual([{ text: 'kept' }]);
    await client.end();
    await server.stop();
    expect(isAlive(pid)).toBe(false);
  });

  test('is shared by two processes that start at once', async () => {
    const programs = [startScript(starting(), [folder]), startScript(starting(), [folder])];
    const said = await Promise.all(programs.map((program) => program.says(/(started|adopted) (\S+) \./)));
    expect(said.map(([, how]) => how).toSorted()).toEqual(['adopted', 'started']);
    expect(said[0]?.[2]).toBe(said[1]?.[2]);
    await Promise.all(programs.map((program) => program.kill('SIGKILL')));
    await start();
  });

  test('stays when another Inlet still uses it', async () => {
    const server = await start();
    const client = await connect(server, 'inlet');
    await server.stop();
    expect(await query(server, 'select 1 as one')).toEqual([{ one: 1 }]);
    await client.end();
    await until(async () => {
      const rows = await query(server, `select 1 from pg_stat_activity where application_name = 'inlet'`);
      return rows.length === 0;
    });
    const pid = await serverPid();
    await server.stop();
    expect(isAlive(pid)).toBe(false);
  });
});

describe('what is left of an earlier server does not keep a new one from starting', () => {
  test('a lock file whose process id belongs to somebody else by now', async () => {
    const first = await start();
    await query(first, keepNote);
    await first.stop();
    const lines = [
      process.pid,
      join(folder, 'data'),
      1_795_255_200,
      await freePort(),
      '',
      '127.0.0.1',
      '',
      '',
    ];
    await writeFile(join(folder, 'data', 'postmaster.pid'), lines.join('\n'));
    const second = await start();
    expect(second.adopted).toBe(false);
    expect(await query(second, readNote)).toEqual([{ text: 'kept' }]);
    expect(isAlive(process.pid)).toBe(true);
  });

  test.each([
    ['empty', ''],
    ['nonsense', 'not\na\nlock\nfile'],
  ])('a lock file that is %s', async (_, content) => {
    await (await start()).stop();
    await writeFile(join(folder, 'data', 'postmaster.pid'), content);
    expect((await start()).adopted).toBe(false);
  });

  test('a data folder that was only half made', async () => {
    await mkdir(join(folder, 'data', 'base'), { recursive: true });
    await writeFile(join(folder, 'data', 'PG_VERSION'), '18\n');
    await writeFile(join(folder, 'data', 'postgresql.conf'), 'half = ');
    await writeFile(join(folder, 'initdb-password'), 'half');
    expect(await query(await start(), 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  test('a start that was killed at any moment', async () => {
    for (const moment of [0, 50, 150, 300, 500]) {
      const program = startScript(`console.log('here');${starting()}`, [folder]);
      await program.says(/here/);
      const since = performance.now();
      await until(() => performance.now() - since >= moment);
      await program.kill('SIGKILL');
    }
    expect(await query(await start(), 'select 1 as one')).toEqual([{ one: 1 }]);
  }, 60_000);

  test('a server of which every process was killed: what was committed is there', async () => {
    const first = await start();
    await query(first, keepNote);
    for (let time = 0; time < 3; time++) {
      const server = await start();
      const client = await connect(server);
      const { rows } = await client.query<{ pid: number }>('select pid from pg_stat_activity');
      await client.query(`insert into note values ('${String(time)}')`);
      for (const pid of [await serverPid(), ...rows.map((row) => row.pid)]) process.kill(pid, 'SIGKILL');
      const again = await start();
      expect(again.adopted).toBe(false);
      expect(await query(again, `select text from note where text = '${String(time)}'`)).toHaveLength(1);
    }
  }, 60_000);

  test('a server whose head was killed while one of its processes was busy', async () => {
    const first = await start();
    await query(first, keepNote);
    const client = await connect(first);
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
    const busy = client.query('select count(*) from generate_series(1, 1e9::bigint)').catch(() => undefined);
    await until(async () => {
      const active = await query(
        first,
        `select 1 from pg_stat_activity where query like '%generate_series%' and state = 'active'`,
      );
      return active.length > 1;
    });
    process.kill(await serverPid(), 'SIGKILL');
    // Two servers on one folder would spoil it: the new one waits for the last process of the old one.
    let isUp = false;
    const second = start().finally(() => (isUp = true));
    await until(async () =>
      (await readFile(join(folder, 'server.log'), 'utf8')).includes('shared memory block'),
    );
    expect(isUp).toBe(false);
    process.kill(rows[0]?.pid ?? 0, 'SIGKILL');
    expect(await query(await second, readNote)).toEqual([{ text: 'kept' }]);
    await busy;
  }, 60_000);
});

describe('a folder that cannot be used is said', () => {
  test('when it cannot be made', async () => {
    await writeFile(join(root, 'file'), '');
    const attempt = startEmbeddedPostgres(join(root, 'file', 'postgres'));
    await expect(attempt).rejects.toBeInstanceOf(EmbeddedPostgresError);
    await expect(attempt).rejects.toThrow(`cannot make the folder ${join(root, 'file', 'postgres')}`);
  });

  test('when it is a file', async () => {
    await writeFile(folder, '');
    await expect(startEmbeddedPostgres(folder)).rejects.toBeInstanceOf(EmbeddedPostgresError);
  });
});
