import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import pg from 'pg';

import { freePort } from '../../../../src/infra/net/free-port.js';
import {
  EmbeddedPostgresError,
  startEmbeddedPostgres,
  type EmbeddedPostgres,
} from '../../../../src/infra/postgres/embedded/server.js';
import { isRunning, sendSignal, sendSignalToGroup } from '../../../../src/infra/process/signals.js';
import { built, startScript } from '../../../support/program.js';
import { until } from '../../../support/until.js';
import { recogniseNodeErrors } from '../../net/realm.js';

recogniseNodeErrors();

let root: string;
let folder: string;
let started: EmbeddedPostgres[];
let told: string[];
const tell = (sentence: string): void => void told.push(sentence);
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'inlet-postgres-'));
  folder = join(root, 'postgres');
  started = [];
  told = [];
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

/** The folder of a server that has kept a note and was stopped. It is made once, because that takes long. */
let model: string;
beforeAll(async () => {
  model = await mkdtemp(join(tmpdir(), 'inlet-postgres-model-'));
  const server = await startEmbeddedPostgres(model);
  await query(server, keepNote);
  await server.stop();
}, 180_000);
afterAll(() => rm(model, { recursive: true, force: true }));

/** Makes the folder that of a server which was stopped. */
async function hadServer(): Promise<void> {
  await promisify(execFile)('cp', ['-a', model, folder]);
}

/** Starts a server that has started before, and has the note. */
async function startAgain(): Promise<EmbeddedPostgres> {
  await hadServer();
  return start();
}

async function serverPid(): Promise<number> {
  return Number((await readFile(join(folder, 'data', 'postmaster.pid'), 'utf8')).split('\n')[0]);
}

/** Starts the server, says where, and stays. */
const starting = (): string => `
  import { startEmbeddedPostgres } from '${built('infra/postgres/embedded/server.js')}';
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
    expect(isRunning(pid)).toBe(false);

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

  test('has a port that systems give to no outgoing connection, so that it can be had again', async () => {
    const { connectionString } = await start();
    const port = Number(new URL(connectionString).port);
    expect(port).toBeGreaterThanOrEqual(20_000);
    expect(port).toBeLessThan(30_000);
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
    await until(() => !isRunning(pid)); // Not our child: it takes its lock file away a moment before it ends.
  });

  test('is shared by two processes that start at once', async () => {
    const programs = [startScript(starting(), [folder]), startScript(starting(), [folder])];
    const said = await Promise.all(programs.map((program) => program.says(/(started|adopted) (\S+) \./)));
    expect(said.map(([, how]) => how).toSorted()).toEqual(['adopted', 'started']);
    expect(said[0]?.[2]).toBe(said[1]?.[2]);
    await Promise.all(programs.map((program) => program.kill('SIGKILL')));
    await start();
  });

  test('is stopped although the file that says who holds it was damaged', async () => {
    const server = await startAgain();
    await writeFile(join(folder, 'holder'), '');
    await server.stop();
    await expect(serverPid()).rejects.toThrow('ENOENT');
  });

  test('stays when another Inlet still uses it', async () => {
    const server = await startAgain();
    const program = startScript(starting(), [folder]);
    await program.says(/adopted (\S+) \./);
    await server.stop();
    expect(await query(server, 'select 1 as one')).toEqual([{ one: 1 }]);
    const pid = await serverPid();
    await program.kill('SIGKILL');
    await (await start()).stop();
    await until(() => !isRunning(pid));
  });

  test('is stopped although a connection of the work is still busy', async () => {
    const server = await startAgain();
    const client = await connect(server, 'inlet');
    const busy = client.query('select pg_sleep(60)').catch(() => undefined);
    const pid = await serverPid();
    await server.stop();
    expect(isRunning(pid)).toBe(false);
    await busy;
  });

  test('and ends while it is kept up, is there again at the same address', async () => {
    await hadServer();
    const server = await startEmbeddedPostgres(folder, { keepUp: true, tell });
    started.push(server);
    for (let time = 0; time < 2; time++) {
      const pid = await serverPid();
      sendSignal(pid, 'SIGKILL');
      await until(async () => (await serverPid().catch(() => pid)) !== pid, 90_000);
      await until(async () => (await query(server, readNote).catch(() => [])).length === 1, 90_000);
    }
    expect(told).toContain('the embedded PostgreSQL has ended, starting it again');
  }, 270_000);
});

describe('the data', () => {
  test('are never used by a second server: a start waits for the lock, and says who holds it', async () => {
    await hadServer();
    const lock = join(folder, 'lock');
    const holder = spawn('flock', [lock, 'sh', '-c', 'echo held; exec sleep 100'], { detached: true });
    await once(holder.stdout, 'data');
    await expect(startEmbeddedPostgres(folder, { waitMs: 300 })).rejects.toThrow(
      `${join(folder, 'data')} is used by another process, and only one PostgreSQL may use it`,
    );
    let isUp = false;
    const waiting = start().finally(() => (isUp = true));
    const since = performance.now();
    await until(() => performance.now() - since > 500);
    expect(isUp).toBe(false);
    sendSignalToGroup(holder.pid, 'SIGKILL');
    expect((await waiting).adopted).toBe(false);
  }, 90_000);

  test.each([
    ['empty', ''],
    ['short', 'abc'],
    ['of other data', 'f'.repeat(48)],
  ])('are opened again when the password file is %s', async (_, content) => {
    await hadServer();
    await writeFile(join(folder, 'password'), content);
    const second = await startEmbeddedPostgres(folder, { tell });
    started.push(second);
    expect(await query(second, readNote)).toEqual([{ text: 'kept' }]);
    expect(told.join()).toContain('differed from the file beside it');
    expect((await readFile(join(folder, 'password'), 'utf8')).trim()).toHaveLength(48);
  });

  test('are kept when the mark of earlier versions is missing', async () => {
    await hadServer();
    await rm(join(folder, 'data', 'initialised'));
    expect(await query(await start(), readNote)).toEqual([{ text: 'kept' }]);
    expect((await stat(join(folder, 'data', 'initialised'))).isFile()).toBe(true);
  });

  test('are closed to the group that a volume was given to', async () => {
    await hadServer();
    await chmod(join(folder, 'data'), 0o770);
    expect(await query(await start(), 'select 1 as one')).toEqual([{ one: 1 }]);
    expect((await stat(join(folder, 'data'))).mode & 0o777).toBe(0o700);
  });

  test('have no server left after a start that failed', async () => {
    await hadServer();
    await writeFile(join(folder, 'data', 'pg_hba.conf'), 'host all all 127.0.0.1/32 reject\n');
    const attempt = start();
    await expect(attempt).rejects.toBeInstanceOf(EmbeddedPostgresError);
    await expect(attempt).rejects.toThrow('does not let Inlet in');
    await expect(serverPid()).rejects.toThrow('ENOENT');
  });
});

describe('a port that is taken before the server listens at it is left to its owner', () => {
  /** The first port that is chosen is this one. */
  async function startAt(port: number): Promise<EmbeddedPostgres> {
    const chosen = [port];
    const server = await startEmbeddedPostgres(folder, {
      choosePort: () => Promise.resolve(chosen.shift() ?? freePort()),
    });
    started.push(server);
    return server;
  }

  test.each([
    ['closes', (socket: Socket) => socket.destroy()],
    ['says nothing', () => undefined],
  ])(
    'by a program that %s',
    async (_, answer) => {
      const sockets: Socket[] = [];
      const other = createServer((socket) => {
        sockets.push(socket.on('error', () => undefined));
        answer(socket);
      }).listen(0, '127.0.0.1');
      await once(other, 'listening');
      try {
        const server = await startAt((other.address() as AddressInfo).port);
        expect(await query(server, 'select 1 as one')).toEqual([{ one: 1 }]);
      } finally {
        other.close();
        for (const socket of sockets) socket.destroy();
      }
    },
    180_000,
  );

  test('by the server of another folder', async () => {
    const other = await startEmbeddedPostgres(join(root, 'other'));
    started.push(other);
    const server = await startAt(Number(new URL(other.connectionString).port));
    expect(server.connectionString).not.toBe(other.connectionString);
    expect(await query(server, 'select 1 as one')).toEqual([{ one: 1 }]);
    expect(await query(other, 'select 1 as one')).toEqual([{ one: 1 }]);
  }, 180_000);
});

describe('what is left of an earlier server does not keep a new one from starting', () => {
  test('a lock file whose process id belongs to somebody else by now', async () => {
    await hadServer();
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
    expect(isRunning(process.pid)).toBe(true);
  });

  test.each([
    ['empty', ''],
    ['nonsense', 'not\na\nlock\nfile'],
  ])('a lock file that is %s', async (_, content) => {
    await hadServer();
    await writeFile(join(folder, 'data', 'postmaster.pid'), content);
    expect((await start()).adopted).toBe(false);
  });

  test('a data folder that was only half made', async () => {
    await mkdir(join(folder, 'data', 'base'), { recursive: true });
    await writeFile(join(folder, 'data', 'PG_VERSION'), '18\n');
    await writeFile(join(folder, 'data', 'postgresql.conf'), 'half = ');
    await writeFile(join(folder, 'initdb-password'), 'half');
    const server = await startEmbeddedPostgres(folder, { tell });
    started.push(server);
    expect(await query(server, 'select 1 as one')).toEqual([{ one: 1 }]);
    const [aside = ''] = (await readdir(folder)).filter((name) => name.startsWith('data.set-aside-'));
    expect(await readFile(join(folder, aside, 'postgresql.conf'), 'utf8')).toBe('half = ');
    expect(told.join()).toContain(`it was moved to ${join(folder, aside)}`);
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
  }, 180_000);

  test('a server of which every process was killed: what was committed is there', async () => {
    await startAgain();
    for (let time = 0; time < 3; time++) {
      const server = await start();
      const client = await connect(server);
      const { rows } = await client.query<{ pid: number }>('select pid from pg_stat_activity');
      await client.query(`insert into note values ('${String(time)}')`);
      for (const pid of [await serverPid(), ...rows.map((row) => row.pid)]) sendSignal(pid, 'SIGKILL');
      const again = await start();
      expect(again.adopted).toBe(false);
      expect(await query(again, `select text from note where text = '${String(time)}'`)).toHaveLength(1);
    }
  }, 180_000);

  test('a server whose head was killed while one of its processes was busy', async () => {
    const first = await startAgain();
    const client = await connect(first);
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
    // Busy for hours, without the gigabytes on the disk that one long series would take.
    const series = 'generate_series(1, 100000)';
    const busy = client.query(`select count(*) from ${series}, ${series} as other`).catch(() => undefined);
    await until(async () => {
      const active = await query(
        first,
        `select 1 from pg_stat_activity where query like '%generate_series%' and state = 'active'`,
      );
      return active.length > 1;
    });
    sendSignal(await serverPid(), 'SIGKILL');
    // Two servers on one folder would spoil it: the new one waits for the last process of the old one.
    let isUp = false;
    const second = start().finally(() => (isUp = true));
    const since = performance.now();
    await until(() => performance.now() - since > 1_000);
    expect(isUp).toBe(false);
    sendSignal(rows[0]?.pid, 'SIGKILL');
    expect(await query(await second, readNote)).toEqual([{ text: 'kept' }]);
    await busy;
  }, 180_000);
});

describe('data that cannot be used are reported, kept as they are, and have no server left', () => {
  /** The sentence that the next start ends with. */
  async function refusal(): Promise<string> {
    const attempt = start();
    await expect(attempt).rejects.toBeInstanceOf(EmbeddedPostgresError);
    await expect(serverPid()).rejects.toThrow();
    return attempt.then(
      () => '',
      (error: unknown) => (error as Error).message,
    );
  }

  test.each(['PG_VERSION', 'global/pg_control'])(
    'when %s is lost of data that were whole once',
    async (name) => {
      await hadServer();
      const data = join(folder, 'data');
      const kept = (await readdir(data)).sort();
      await truncate(join(data, name));
      expect(await refusal()).toBe(
        `INLET_DIR: the data of the embedded PostgreSQL in ${data} are damaged, PG_VERSION or global/pg_control is missing or ` +
          'empty: restore a backup, or move the folder away to begin with an empty database',
      );
      expect((await readdir(data)).sort()).toEqual(kept);
    },
  );

  test('with what the server has died of', async () => {
    await hadServer();
    const log = join(folder, 'data', 'pg_wal');
    for (const name of (await readdir(log)).filter((each) => /^\d/.test(each)))
      await truncate(join(log, name));
    expect(await refusal()).toMatch(
      /^INLET_DIR: .* did not start \(exit 1; PANIC: .*could not locate a valid checkpoint record.*\): look at .*server\.log/,
    );
  });

  test('at once, when the server starts and cannot use them', async () => {
    await hadServer();
    await truncate(join(folder, 'data', 'global', 'pg_filenode.map'));
    expect(await refusal()).toMatch(
      /^INLET_DIR: the embedded PostgreSQL cannot use its data in .* \(XX001: .*pg_filenode\.map/,
    );
  }, 60_000);

  test('when a folder is in the place of a file', async () => {
    await hadServer();
    for (const name of [
      'holder',
      'lock',
      'password',
      'server.log',
      'data/initialised',
      'data/postmaster.pid',
    ]) {
      const place = join(folder, name);
      const aside = join(root, 'aside');
      const isThere = existsSync(place);
      if (isThere) await rename(place, aside);
      await mkdir(place);
      const sentence = await refusal();
      expect(sentence).toMatch(/^INLET_DIR: .*(is a folder|cannot be used \(\w+\)): /);
      expect(sentence).toContain(place);
      await rm(place, { recursive: true });
      if (isThere) await rename(aside, place);
    }
    await start();
  });
});

test('a start that is broken off while the server starts leaves none', async () => {
  const stopping = new AbortController();
  const attempt = startEmbeddedPostgres(folder, { signal: stopping.signal });
  await until(() => existsSync(join(folder, 'data', 'postmaster.pid')), 60_000);
  stopping.abort(new Error('broken off'));
  const server = await attempt.catch(() => undefined);
  await server?.stop(); // It may have been there already.
  await expect(serverPid()).rejects.toThrow('ENOENT');
});

describe('a folder that cannot be used is said', () => {
  test('when it cannot be made', async () => {
    await writeFile(join(root, 'file'), '');
    const attempt = startEmbeddedPostgres(join(root, 'file', 'postgres'));
    await expect(attempt).rejects.toBeInstanceOf(EmbeddedPostgresError);
    await expect(attempt).rejects.toThrow(`cannot create the folder ${join(root, 'file', 'postgres')}`);
  });

  test('when it is a file', async () => {
    await writeFile(folder, '');
    await expect(startEmbeddedPostgres(folder)).rejects.toBeInstanceOf(EmbeddedPostgresError);
  });
});
