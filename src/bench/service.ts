/** The service under test in a separate process, beside simulated providers. */
import { fork, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { startSimulator, type Simulator } from '../demo/providers/index.js';
import { makeToken, startService, surroundings } from '../demo/service-process.js';
import { freePort } from '../infra/net/free-port.js';

export interface BenchService {
  readonly simulator: Simulator;
  readonly baseUrl: string;
  readonly port: number;
  readonly pid: number | undefined;
  /** The last lines of its output. */
  readonly lastOutput: () => string;
  /** The header of an administrator. */
  readonly authorization: string;
  readonly get: (path: string) => Promise<Response>;
  readonly post: (path: string) => Promise<Response>;
  /** Current and peak memory in megabytes since the start; null if the system does not report it. */
  readonly memory: () => Memory | null;
  /** Resets the peak. Does nothing if the system does not support it. */
  readonly forgetPeak: () => void;
  /** The folder of its own data, including the embedded database. */
  readonly inletDir: string;
  readonly uploadsDir: string;
  /**
   * A second process on the same database with different settings. It ends with the service at the latest.
   */
  readonly beside: (settings: Record<string, string>) => Promise<Sibling>;
  readonly stop: () => Promise<void>;
}

export interface Memory {
  readonly now: number;
  /**
   * The part of `now` that is not pages of files, such as those of the executable of Node.js, which all
   * processes share.
   */
  readonly anonymous: number;
  readonly peak: number;
}

export type Sibling = Pick<BenchService, 'port' | 'pid' | 'memory' | 'stop'>;

export async function startBenchService(
  environment: NodeJS.ProcessEnv,
  settings: Record<string, string> = {},
): Promise<BenchService> {
  const folder = await mkdtemp(join(tmpdir(), 'inlet-bench-'));
  const simulator = await startSimulator();
  const port = await freePort();
  const inletDir = join(folder, 'inlet');
  const env = {
    ...surroundings(environment),
    ...simulator.env(),
    NODE_ENV: 'production',
    HOST: '127.0.0.1',
    PORT: String(port),
    LOG_LEVEL: 'warn',
    INLET_DIR: inletDir,
    UPLOADS_DIR: join(folder, 'uploads'),
    AUTH_SECRET: randomBytes(32).toString('hex'),
    ...settings,
  };
  const service = startService({ env, cwd: folder, port });
  await service.ready();
  const authorization = `Bearer ${await makeToken({ env, cwd: folder })}`;
  const siblings: Sibling[] = [];
  return {
    simulator,
    baseUrl: service.baseUrl,
    port,
    pid: service.pid,
    lastOutput: service.lastOutput,
    authorization,
    get: (path) => fetch(service.baseUrl + path, { headers: { authorization } }),
    post: (path) => fetch(service.baseUrl + path, { method: 'POST', headers: { authorization } }),
    memory: () => memoryOf(service.pid),
    forgetPeak: () => {
      forgetPeakOf(service.pid);
    },
    inletDir,
    uploadsDir: env.UPLOADS_DIR,
    beside: async (others) => {
      const port = await freePort();
      const { pid, ready, stop } = startService({
        env: { ...env, PORT: String(port), ...others },
        cwd: folder,
        port,
      });
      const sibling = { port, pid, stop, memory: () => memoryOf(pid) };
      siblings.push(sibling);
      await ready();
      return sibling;
    },
    stop: async () => {
      await Promise.all(siblings.map((sibling) => sibling.stop()));
      await service.stop();
      await simulator.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The memory of a process by its id. */
export function memoryOf(pid: number | undefined): Memory | null {
  try {
    const status = readFileSync(`/proc/${String(pid)}/status`, 'utf8');
    const megabytes = (name: string): number =>
      Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]) / 1024;
    return { now: megabytes('VmRSS'), anonymous: megabytes('RssAnon'), peak: megabytes('VmHWM') };
  } catch {
    return null;
  }
}

/** Linux resets the peak when a 5 is written there (proc(5)). */
function forgetPeakOf(pid: number | undefined): void {
  try {
    writeFileSync(`/proc/${String(pid)}/clear_refs`, '5');
  } catch {
    // The peak then counts since the start.
  }
}

/** A helper process that communicates by messages; it ends when it is released. */
export interface Companion {
  readonly ask: (message: object) => Promise<Record<string, unknown>>;
  readonly first: Record<string, unknown>;
  readonly stop: () => void;
}

export async function startCompanion(entry: string): Promise<Companion> {
  const child = fork(new URL(entry, import.meta.url), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const first = await answerOf(child);
  return {
    first,
    ask: (message) => {
      const answer = answerOf(child);
      child.send(message);
      return answer;
    },
    stop: () => {
      child.disconnect();
    },
  };
}

function answerOf(child: ChildProcess): Promise<Record<string, unknown>> {
  return new Promise((resolve, reject) => {
    const ended = (): void => {
      reject(new Error('a helper process ended'));
    };
    child.once('exit', ended).once('message', (message) => {
      child.off('exit', ended);
      resolve(message as Record<string, unknown>);
    });
  });
}
