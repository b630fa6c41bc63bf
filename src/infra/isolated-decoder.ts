/**
 * Previews made in a process of their own, for pictures that a process may have died of: what such a picture does to a decoder
 * happens to nobody else, and leaves no doubt which picture it was. The process is kept for the next picture, though not for long.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

import { AppError, type MediaErrorCode } from '../domain/errors.js';
import type { ImageDecoder, Previewed } from './images.js';

/** What the process is sent: the path of a picture, or its bytes. */
export interface IsolatedTask {
  readonly input: string | Uint8Array;
}

/** What it answers. */
export type IsolatedAnswer =
  { readonly previewed: Previewed } | { readonly code: MediaErrorCode; readonly message: string };

export interface IsolatedDecoderOptions {
  readonly maxPixels: number;
  /** Of one picture. */
  readonly timeoutMs?: number;
  /** For which the process waits for another picture. */
  readonly idleMs?: number;
}

export interface IsolatedDecoder {
  /** Makes the previews. Rejects as an image decoder does, and with `media.crashed` when the process died of it twice. */
  readonly preview: ImageDecoder['preview'];
  /** Ends the process that waits for the next picture. */
  readonly close: () => void;
}

/** From `src` and from `dist` it is the built one: a process of Node's runs JavaScript only. */
const program = join(import.meta.dirname, '../../dist/infra/isolated-decoder-process.js');
/** The first end may have been chance: a process may be killed for other reasons, as when the machine is out of memory. */
const tries = 2;

export function createIsolatedDecoder({
  maxPixels,
  timeoutMs = 60_000,
  idleMs = 5_000,
}: IsolatedDecoderOptions): IsolatedDecoder {
  let idle: { readonly child: ChildProcess; readonly timer: NodeJS.Timeout } | undefined;
  const start = (): ChildProcess => {
    const child = fork(program, [String(maxPixels)], {
      ...{ env: { MALLOC_ARENA_MAX: '2' }, execArgv: ['--single-threaded-gc'], serialization: 'advanced' },
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    child.on('error', () => undefined); // Whoever waits for an answer hears of it as well.
    child.once('exit', () => {
      if (idle?.child === child) take();
    });
    return child;
  };
  const take = (): ChildProcess | undefined => {
    clearTimeout(idle?.timer);
    const child = idle?.child;
    idle = undefined;
    return child;
  };
  const close = (): void => {
    take()?.kill('SIGKILL');
  };
  const putBack = (child: ChildProcess): void => {
    close(); // One is enough.
    idle = { child, timer: setTimeout(close, idleMs).unref() };
  };

  const ask = async (task: IsolatedTask): Promise<IsolatedAnswer | undefined> => {
    const child = take() ?? start();
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
    try {
      const answer = await answerOf(child, task);
      if (answer) putBack(child);
      return answer;
    } finally {
      clearTimeout(timer);
    }
  };

  return {
    preview: async (input) => {
      for (let time = 0; time < tries; time++) {
        const answer = await ask({ input });
        if (answer && 'previewed' in answer) return answer.previewed;
        if (answer) throw new AppError(answer.code, answer.message);
      }
      throw new AppError('media.crashed', 'the decoder died of it, twice');
    },
    close,
  };
}

/** Undefined when the process ended instead. Rejects when there is no process. */
async function answerOf(child: ChildProcess, task: IsolatedTask): Promise<IsolatedAnswer | undefined> {
  const settled = new AbortController();
  const { signal } = settled;
  const ended = once(child, 'exit', { signal }).then(() => undefined);
  const answered = once(child, 'message', { signal }).then(([answer]) => answer as IsolatedAnswer);
  ended.catch(() => undefined);
  answered.catch(() => undefined);
  // A process that has just ended cannot be sent anything; its end is heard of next.
  child.send(task, () => undefined);
  try {
    return await Promise.race([ended, answered]);
  } finally {
    settled.abort();
  }
}
