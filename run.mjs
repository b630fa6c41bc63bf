/**
 * Starts a compiled program with the settings of the runtime, which a process cannot give itself: `node run.mjs main.js`.
 * What they are good for is explained in docs/deployment.md. This file also runs on older versions of Node.js, so that they get an answer.
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = import.meta.dirname ?? fileURLToPath(new URL('.', import.meta.url));
const exitConfig = 78;
const lookForParentMs = 500;

/** Options of Node.js. */
export const flags = [
  '--single-threaded-gc',
  '--max-semi-space-size=8',
  '--heap-growing-percent=130',
  '--expose-gc',
];

/** Environment variables; what the caller has set already stays. */
export const environment = { UV_THREADPOOL_SIZE: '8', MALLOC_ARENA_MAX: '2' };

/**
 * Replaces this process by a program in `dist`, where the system can do that; else waits for it and hands signals on. With `endsWithParent`
 * the program is told to end when the parent of this process has ended.
 */
export function launch(program, args, { endsWithParent = false } = {}) {
  const node = findNode();
  if (node === undefined) {
    console.error(
      `Inlet needs Node.js ${oldest()} or newer, and this is ${process.versions.node}: install a newer one.`,
    );
    process.exit(exitConfig);
  }
  const words = [...process.execArgv, ...flags, join(root, 'dist', program), ...args];
  const env = { ...environment, ...process.env };
  if (typeof process.execve === 'function' && process.platform !== 'win32' && !endsWithParent) {
    // Replacing the process is marked as experimental; nothing of this process is left to be warned.
    process.emitWarning = () => undefined;
    process.execve(node, [node, ...words], env);
  }
  const child = spawn(node, words, { env, stdio: 'inherit' });
  waitFor(child);
  if (endsWithParent) watchParent(child);
}

/** The running Node.js if it is new enough, else the one that the lock file installs for development. */
function findNode() {
  if (isEnough(process.versions.node)) return process.execPath;
  const { optionalDependencies = {} } = readJson('node_modules/inlet-node/package.json') ?? {};
  const platform = `${process.platform}-${process.arch}`;
  const name = Object.keys(optionalDependencies).find((dependency) => dependency.endsWith(platform));
  const locked = join(root, 'node_modules', String(name), 'bin', 'node');
  return existsSync(locked) ? locked : undefined;
}

function isEnough(version) {
  const [major, minor] = version.split('.').map(Number);
  const [leastMajor, leastMinor] = oldest().split('.').map(Number);
  return major > leastMajor || (major === leastMajor && minor >= leastMinor);
}

function oldest() {
  return readJson('package.json').engines.node.replace('>=', '');
}

function readJson(file) {
  const path = join(root, file);
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined;
}

function watchParent(child) {
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) child.kill('SIGTERM');
  }, lookForParentMs);
}

/** Ends as the child ends. */
function waitFor(child) {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.once('error', (error) => {
    console.error(`Inlet cannot start: ${error.message}`);
    process.exit(1);
  });
  child.once('exit', (code, signal) => {
    process.exit(signal === null ? code : 128 + constants.signals[signal]);
  });
}

const started = process.argv[1];
if (started !== undefined && realpathSync(started) === fileURLToPath(import.meta.url)) {
  const [program, ...args] = process.argv.slice(2);
  if (program === undefined || !existsSync(join(root, 'dist', program))) {
    console.error(
      `There is no program ${program ?? 'without a name'} in dist: run npm run build, or look at package.json.`,
    );
    process.exit(64);
  }
  launch(program, args);
}
