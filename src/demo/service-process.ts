import { spawn, type ChildProcessByStdio } from 'node:child_process';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

type Environment = Readonly<Record<string, string | undefined>>;

export interface ServiceProcess {
  readonly baseUrl: string;
  readonly pid: number | undefined;
  /** Settles when the process ends by itself or is stopped. */
  readonly ended: Promise<string>;
  /** The last lines of its output. */
  readonly lastOutput: () => string;
  /**
   * Resolves when `/health/ready` reports it, or a worker, which does not listen, prints it; rejects if the
   * process ends before or takes too long.
   */
  readonly ready: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

interface Launch {
  readonly env: Environment;
  /** The working directory, outside the project, so that no `.env` there has an effect. */
  readonly cwd: string;
  readonly port: number;
  /** The compiled entry point; by default the service's own. */
  readonly entry?: URL;
}

const readyMs = 120_000;
const drainMs = 15_000;
const outputMs = 1_000;
const maxOutputCharacters = 8_000;

/**
 * The environment variables that a program needs. Settings of the service are not included: the demo has its
 * own.
 */
const inherited =
  /^(PATH|HOME|USER|LOGNAME|USERNAME|USERPROFILE|APPDATA|LOCALAPPDATA|SYSTEMROOT|COMSPEC|PATHEXT|TEMP|TMP|TMPDIR|LANG|LC_\w+|TZ|LD_LIBRARY_PATH|NODE_OPTIONS|NODE_V8_COVERAGE|LOG_LEVEL|UV_THREADPOOL_SIZE|MALLOC_ARENA_MAX)$/i;

/** The part of an environment that does not concern the service. */
export function surroundings(env: Environment): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => {
      const [name, value] = entry;
      return value !== undefined && inherited.test(name);
    }),
  );
}

/** Starts the compiled service. Returns at once. */
export function startService({ env, cwd, port, entry }: Launch): ServiceProcess {
  const child = spawnNode(entry ?? new URL('../main.js', import.meta.url), [], { env, cwd });
  const baseUrl = `http://127.0.0.1:${String(port)}`;
  let output = '';
  const keep = (chunk: Buffer) => {
    output = (output + chunk.toString('utf8')).slice(-maxOutputCharacters);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  let running = true;
  const ended = whenEnded(child).then((how) => {
    running = false;
    return how;
  });

  return {
    baseUrl,
    pid: child.pid,
    ended,
    lastOutput: () => output.trimEnd(),
    ready: async () => {
      const deadline = Date.now() + readyMs;
      const isWorker = env['PROCESS_MODE'] === 'worker';
      const looksReady = async (): Promise<boolean> =>
        isWorker ? output.includes('Inlet is ready (worker)') : isReady(baseUrl);
      while (!(await looksReady())) {
        if (!running) throw new Error(`The service ended (${await ended})`);
        if (Date.now() > deadline) throw new Error(`The service is not ready after ${String(readyMs)} ms`);
        await Promise.race([ended, delay(100)]);
      }
    },
    stop: async () => {
      child.kill('SIGTERM');
      const timeout = new AbortController();
      const hurry = delay(drainMs, undefined, { signal: timeout.signal }).then(
        () => child.kill('SIGKILL'),
        () => false,
      );
      await ended;
      timeout.abort();
      await hurry;
    },
  };
}

/** Runs the token command with the service's settings: the token is its last line of output. */
export async function makeToken({ env, cwd, entry }: Omit<Launch, 'port'>): Promise<string> {
  const command = entry ?? new URL('../commands/token.js', import.meta.url);
  const child = spawnNode(command, ['--scope', 'admin'], { env, cwd });
  let printed = '';
  let complaints = '';
  child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString('utf8')));
  child.stderr.on('data', (chunk: Buffer) => (complaints += chunk.toString('utf8')));
  const how = await whenEnded(child);
  const token = printed.trim().split('\n').at(-1)?.trim() ?? '';
  if (how !== 'code 0' || token === '') {
    throw new Error(`The token command ended (${how})\n${printed}${complaints}`.trimEnd());
  }
  return token;
}

type Child = ChildProcessByStdio<null, Readable, Readable>;

function spawnNode(entry: URL, args: readonly string[], { env, cwd }: Pick<Launch, 'env' | 'cwd'>): Child {
  const child = spawn(process.execPath, [...process.execArgv, fileURLToPath(entry), ...args], {
    env,
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  // It would outlive this process otherwise, together with its PostgreSQL.
  const end = (): void => {
    child.kill('SIGTERM');
  };
  process.once('exit', end);
  child.once('exit', () => process.off('exit', end));
  return child;
}

/**
 * `close` follows the last output and is worth waiting for; but a process that outlives its parent can keep
 * the pipes open forever, so the wait is short.
 */
function whenEnded(child: Child): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => {
      resolve(error.message);
    });
    child.once('exit', (code, signal) => {
      const how = signal === null ? `code ${String(code)}` : `signal ${signal}`;
      const settle = () => {
        resolve(how);
      };
      child.once('close', settle);
      setTimeout(settle, outputMs).unref();
    });
  });
}

async function isReady(baseUrl: string): Promise<boolean> {
  try {
    const response = await fetch(`${baseUrl}/health/ready`, { signal: AbortSignal.timeout(2_000) });
    await response.body?.cancel();
    return response.status === 200;
  } catch {
    return false;
  }
}
