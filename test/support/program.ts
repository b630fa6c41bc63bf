/** Programs in processes of their own, so that they can be killed. They see the build that global-setup.ts brought up to date. */
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { afterAll } from '@jest/globals';

import { surroundings } from '../../src/demo/service-process.js';

export const projectFolder = join(import.meta.dirname, '../..');

/** The address of a compiled module, to be imported by a program. */
export function built(file: string): string {
  return pathToFileURL(join(projectFolder, 'dist', file)).href;
}

const running = new Set<Program>();
/** Longer than a service takes to stop. */
const shutdownMs = 20_000;
/**
 * Ends the programs that are still running. They are asked first: a program that is killed leaves behind what it has started, as the demo
 * does with its service. This hook runs before those of the test file that imports this module.
 */
afterAll(async () => {
  await Promise.all([...running].map(endProgram));
}, 2 * shutdownMs);

async function endProgram(program: Program): Promise<void> {
  const timer = setTimeout(() => void program.kill('SIGKILL'), shutdownMs);
  try {
    await program.kill('SIGTERM');
  } catch {
    await program.kill('SIGKILL'); // In a namespace of its own it may have ended in part.
  } finally {
    clearTimeout(timer);
  }
}

export interface Program {
  readonly pid: number;
  /** What it has printed so far, complaints included. */
  readonly output: () => string;
  /** Resolves when it has printed this; rejects when it ends before. */
  readonly says: (pattern: RegExp) => Promise<RegExpExecArray>;
  /** Resolves with the exit status or the signal when it has ended and everything it printed has been read. */
  readonly ended: Promise<number | NodeJS.Signals>;
  /** Sends a signal and waits for the end. */
  readonly kill: (signal: NodeJS.Signals) => Promise<number | NodeJS.Signals>;
}

interface Launch {
  readonly cwd: string;
  /** Settings; absent: the environment of the tests as it is. */
  readonly env?: Readonly<Record<string, string>>;
  /** Makes it process 1 of a namespace of its own, as in a container; see {@link canBeProcess1}. */
  readonly asProcess1?: boolean;
}

/** Arguments of `unshare`: a process namespace that ends with the program. */
const inNamespace: readonly string[] = ['--pid', '--fork', '--kill-child', '--'];

/** Whether this system and our rights let us make a program process 1 of a namespace. */
export function canBeProcess1(): boolean {
  return spawnSync('unshare', [...inNamespace, 'true']).status === 0;
}

/** Runs a module that is written down in the test. `args` are in `process.argv` from index 1. */
export function startScript(source: string, args: readonly string[] = []): Program {
  return start(['--input-type=module', '--eval', source, '--', ...args], { cwd: projectFolder });
}

/** Runs a compiled module as the scripts of package.json do, with these settings and no others. */
export function startCompiled(file: string, args: readonly string[], launch: Launch): Program {
  return start([join(projectFolder, 'run.mjs'), file, ...args], launch);
}

/** Runs a program that a package brings along, with these settings and no others if there are any. */
export function startPackaged(
  file: string,
  args: readonly string[],
  env?: Readonly<Record<string, string>>,
): Program {
  const cwd = projectFolder;
  return start([file, ...args], env === undefined ? { cwd } : { cwd, env });
}

function start(args: readonly string[], { cwd, env, asProcess1 = false }: Launch): Program {
  const surrounding = process.env;
  const program = asProcess1 ? 'unshare' : process.execPath;
  const words = asProcess1 ? [...inNamespace, process.execPath, ...args] : args;
  const child = spawn(program, words, {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: env === undefined ? surrounding : { ...surroundings(surrounding), ...env },
  });
  let printed = '';
  const listeners = new Set<() => void>();
  const hear = (chunk: Buffer): void => {
    printed += chunk.toString('utf8');
    for (const listener of listeners) listener();
  };
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  const ended = new Promise<number | NodeJS.Signals>((resolve, reject) => {
    child.once('error', reject);
    // `close` comes after the last output. A grandchild that holds the pipes open (PostgreSQL does not) would keep it away.
    child.once('close', (code, signal) => {
      resolve(signal ?? code ?? 0);
    });
  });
  const started: Program = {
    pid: child.pid ?? 0,
    output: () => printed,
    ended,
    says: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const match = pattern.exec(printed);
          if (!match) return;
          listeners.delete(look);
          resolve(match);
        };
        listeners.add(look);
        look();
        ended.then((how) => {
          reject(new Error(`It ended (${String(how)}) without saying ${String(pattern)}:\n${printed}`));
        }, reject);
      }),
    kill: (signal) => {
      if (asProcess1 && signal !== 'SIGKILL') process.kill(onlyChildOf(child.pid ?? 0), signal);
      else child.kill(signal);
      return ended;
    },
  };
  running.add(started);
  const forget = (): boolean => running.delete(started);
  ended.then(forget, forget);
  return started;
}

function onlyChildOf(pid: number): number {
  const children = readFileSync(`/proc/${String(pid)}/task/${String(pid)}/children`, 'utf8').trim();
  if (children === '') throw new Error(`the process ${String(pid)} has no child`);
  return Number(children);
}
