/**
 * The processes under test, and their ends: always a kill -9, of the service, its parts, its PostgreSQL, or
 * everything at once.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { memoryOf } from '../../bench/service.js';
import { makeToken, startService, surroundings, type ServiceProcess } from '../../demo/service-process.js';
import { freePort } from '../../infra/net/free-port.js';
import { sendSignal } from '../../infra/process/signals.js';

/** How the service is divided into processes. */
export type Layout = 'one process' | 'api and worker';
export type Victim = 'everything' | 'service' | 'database' | 'api' | 'worker';

export interface Fleet {
  readonly baseUrl: string;
  readonly inletDir: string;
  readonly uploadsDir: string;
  readonly token: string;
  /**
   * Starts what is not running, including PostgreSQL. Resolves when everything is ready; rejects if a process
   * ends before.
   */
  readonly start: (layout: Layout) => Promise<void>;
  /** Resolves when they are gone. */
  readonly kill: (victim: Victim) => Promise<void>;
  /** The memory of all its processes since the first start, in megabytes. */
  readonly peakMb: () => number;
  /** Deletes everything. */
  readonly end: () => Promise<void>;
}

type Mode = 'all' | 'api' | 'worker';

const modes: Readonly<Record<Layout, readonly Mode[]>> = {
  'one process': ['all'],
  'api and worker': ['api', 'worker'],
};
const victims: Readonly<Record<Victim, readonly Mode[]>> = {
  everything: ['all', 'api', 'worker'],
  service: ['all', 'api', 'worker'],
  database: [],
  api: ['api'],
  worker: ['worker'],
};

/** Waits for the first start. */
export async function startFleet(
  environment: NodeJS.ProcessEnv,
  settings: Readonly<Record<string, string>>,
): Promise<Fleet> {
  const cwd = await mkdtemp(join(tmpdir(), 'inlet-kills-'));
  const inletDir = join(cwd, 'inlet');
  const uploadsDir = join(cwd, 'uploads');
  const port = await freePort();
  const env = {
    ...surroundings(environment),
    NODE_ENV: 'production',
    HOST: '127.0.0.1',
    PORT: String(port),
    LOG_LEVEL: 'warn',
    INLET_DIR: inletDir,
    UPLOADS_DIR: uploadsDir,
    AUTH_SECRET: randomBytes(32).toString('hex'),
    ...settings,
  };
  const processes = createProcesses((mode) =>
    startService({ env: { ...env, PROCESS_MODE: mode }, cwd, port }),
  );
  const kill = async (victim: Victim): Promise<void> => {
    const dying = victims[victim].map(processes.kill);
    if (victim === 'everything' || victim === 'database') dying.push(killPostgres(inletDir));
    await Promise.all(dying);
  };
  const fleet = {
    baseUrl: `http://127.0.0.1:${String(port)}`,
    inletDir,
    uploadsDir,
    kill,
    start: async (layout: Layout) => {
      await Promise.all(modes[layout].map(processes.launch));
    },
    peakMb: processes.peakMb,
    end: async () => {
      await kill('everything');
      await rm(cwd, { recursive: true, force: true });
    },
  };
  await fleet.start('one process');
  return { ...fleet, token: await makeToken({ env, cwd }) };
}

interface Processes {
  /** Starts the process of this mode unless it is running; resolves when it is ready. */
  readonly launch: (mode: Mode) => Promise<void>;
  readonly kill: (mode: Mode) => Promise<void>;
  /** The highest memory of any of them so far, in megabytes. */
  readonly peakMb: () => number;
}

/** At most one process of each mode. */
function createProcesses(startProcess: (mode: Mode) => ServiceProcess): Processes {
  const running = new Map<Mode, ServiceProcess>();
  let peak = 0;
  return {
    launch: async (mode) => {
      if (running.has(mode)) return;
      const one = startProcess(mode);
      running.set(mode, one);
      void one.ended.then(() => running.delete(mode));
      await one.ready().catch((error: unknown) => {
        throw new Error(`${String(error)}: ${one.lastOutput()}`);
      });
    },
    kill: async (mode) => {
      const one = running.get(mode);
      if (one?.pid === undefined) return;
      peak = Math.max(peak, memoryOf(one.pid)?.peak ?? 0);
      sendSignal(one.pid, 'SIGKILL');
      await one.ended;
      running.delete(mode);
    },
    peakMb: () => Math.max(peak, ...[...running.values()].map(({ pid }) => memoryOf(pid)?.peak ?? 0)),
  };
}

/** The server with all its processes. It may not exist while it starts or after it died. */
async function killPostgres(inletDir: string): Promise<void> {
  const file = join(inletDir, 'postgres', 'data', 'postmaster.pid');
  const pid = Number((await readFile(file, 'utf8').catch(() => '')).split('\n')[0]);
  if (!(pid > 1) || !(await isPostgres(pid))) return;
  const children = await readFile(`/proc/${String(pid)}/task/${String(pid)}/children`, 'utf8').catch(
    () => '',
  );
  const pids = [pid, ...children.trim().split(' ').filter(Boolean).map(Number)];
  for (const one of pids) sendSignal(one, 'SIGKILL');
  while ((await Promise.all(pids.map(isPostgres))).some(Boolean)) await delay(5);
}

/** Detected by the command line, which a process loses when it ends. */
async function isPostgres(pid: number): Promise<boolean> {
  return (await readFile(`/proc/${String(pid)}/cmdline`, 'utf8').catch(() => '')).includes('postgres');
}
