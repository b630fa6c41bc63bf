/**
 * Programs in separate processes, which can be killed. They use the build that global-setup.ts has brought up
 * to date.
 */
import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { afterAll } from '@jest/globals';

import { surroundings } from '../../src/demo/service-process.js';
import { sendSignal } from '../../src/infra/process/signals.js';

export const projectFolder = join(import.meta.dirname, '../..');

/** The URL of a compiled module, for an import in a program. */
export function built(file: string): string {
  return pathToFileURL(join(projectFolder, 'dist', file)).href;
}

const running = new Set<Program>();
/** The timeout of a shutdown, which is longer than that of a service. */
const shutdownMs = 20_000;
/**
 * Ends the programs that are still running, first with SIGTERM: a killed program leaves its own children
 * running, as the demo does with its service. This hook runs before those of the test file that imports this
 * module.
 */
afterAll(async () => {
  await Promise.all([...running].map(endProgram));
}, 2 * shutdownMs);

async function endProgram(program: Program): Promise<void> {
  const timer = setTimeout(() => void program.kill('SIGKILL'), shutdownMs);
  try {
    await program.kill('SIGTERM');
  } catch {
    await program.kill('SIGKILL'); // In its own namespace, a part of it may still be running.
  } finally {
    clearTimeout(timer);
  }
}

export interface Program {
  readonly pid: number;
  /** Its output and error output so far. */
  readonly output: () => string;
  /** Resolves when its output matches; rejects if it ends before. */
  readonly says: (pattern: RegExp) => Promise<RegExpExecArray>;
  /** Resolves with the exit status or the signal when it has ended and its output is complete. */
  readonly ended: Promise<number | NodeJS.Signals>;
  /** Sends a signal and waits for the end. */
  readonly kill: (signal: NodeJS.Signals) => Promise<number | NodeJS.Signals>;
}

interface Launch {
  readonly cwd: string;
  /** Its settings; by default the unchanged environment of the tests. */
  readonly env?: Readonly<Record<string, string>>;
  /** Makes it process 1 of its own namespace, as in a container; see {@link canBeProcess1}. */
  readonly asProcess1?: boolean;
}

/** Arguments of `unshare`: a process namespace that ends with the program. */
const inNamespace: readonly string[] = ['--pid', '--fork', '--kill-child', '--'];

/** Whether the system and the rights of the tests allow a program to be process 1 of a namespace. */
export function canBeProcess1(): boolean {
  return spawnSync('unshare', [...inNamespace, 'true']).status === 0;
}

/** Runs the source text of a module. `args` are in `process.argv` from index 1. */
export function startScript(source: string, args: readonly string[] = []): Program {
  return start(['--input-type=module', '--eval', source, '--', ...args], { cwd: projectFolder });
}

/** Runs a compiled module as the scripts of package.json do, with only these settings. */
export function startCompiled(file: string, args: readonly string[], launch: Launch): Program {
  return start([join(projectFolder, 'run.mjs'), file, ...args], launch);
}

/** Runs a program of an installed package, with only these settings if there are any. */
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
  const hear = (text: string): void => {
    printed += text;
    for (const listener of listeners) listener();
  };
  // A piece of the output may end in the middle of a character.
  child.stdout.setEncoding('utf8').on('data', hear);
  child.stderr.setEncoding('utf8').on('data', hear);
  const ended = new Promise<number | NodeJS.Signals>((resolve, reject) => {
    child.once('error', reject);
    // `close` comes after the last output. A grandchild that keeps the pipes open would delay it; PostgreSQL
    // does not.
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
      if (asProcess1 && signal !== 'SIGKILL') sendSignal(onlyChildOf(child.pid ?? 0), signal);
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
