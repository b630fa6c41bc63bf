/**
 * Previews made in a process of their own: of pictures that a process may have died of, of damaged ones, of formats that are decoded in
 * JavaScript, and of those that take much memory. What a picture does to a decoder there happens to nobody else, and leaves no doubt which
 * picture it was. The process is kept for the next picture, though not for long.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

import { AppError, type MediaErrorCode } from '../../domain/errors.js';
import type { MediaWarning } from '../../domain/media.js';
import { projectFolder } from '../process/project-folder.js';
import type { Previewed } from './decoder.js';
import type { HdrColours } from './hdr.js';

/** What the process is sent: the path of a picture, or its bytes. */
export interface IsolatedTask {
  readonly input: string | Uint8Array;
  /** Of a picture with a high dynamic range. */
  readonly hdr?: HdrColours | undefined;
}

/** What it answers. */
export type IsolatedAnswer = Looked | { readonly code: MediaErrorCode; readonly message: string };

/** What could be made of a file. */
export interface Looked {
  /** Undefined where there is nothing to see, or it cannot be shown. */
  readonly pictures: Previewed | undefined;
  /** Why there are no previews though there is something to see, or no good ones. */
  readonly warnings: readonly MediaWarning[];
}

export interface IsolatedDecoderOptions {
  readonly maxPixels: number;
  /** Of one picture. */
  readonly timeoutMs?: number;
  /** For which the process waits for another picture. */
  readonly idleMs?: number;
  /** What the process may hold, so that the machine does not run out of memory. What needs more kills it. */
  readonly maxMemoryBytes?: number;
}

export interface IsolatedDecoder {
  /**
   * Makes the previews, of a damaged picture as well as that can be done. Rejects as an image decoder does, and with `media.crashed` when
   * the process died of it twice.
   */
  readonly preview: (input: string | Buffer, hdr?: HdrColours) => Promise<Looked>;
  /** Ends the process that waits for the next picture. */
  readonly close: () => void;
}

/** From `src` and from `dist` it is the built one: a process of Node's runs JavaScript only. */
const program = join(projectFolder, 'dist/infra/pictures/isolated-decoder-process.js');
/** Pictures of 50 megapixels take 750 MB as AVIF, and 300 as progressive JPEG. */
const heldBytes = 800_000_000;
/** Beside what it holds of pictures, the process needs some for itself. */
const defaultMaxMemoryBytes = 1_200_000_000;
/** Counts what is written to only: Node.js sets much more aside (`ulimit -v` would count that). Where there is a lower limit, it stays. */
const limited = 'ulimit -d "$1" 2>/dev/null; shift; exec "$@"';
/** The first end may have been chance: a process may be killed for other reasons, as when the machine is out of memory. */
const tries = 2;
/** It would take as long again. */
const tooSlow: IsolatedAnswer = { code: 'media.crashed', message: 'decoding it took too long' };

export function createIsolatedDecoder({
  maxPixels,
  timeoutMs = 30_000,
  idleMs = 5_000,
  maxMemoryBytes = defaultMaxMemoryBytes,
}: IsolatedDecoderOptions): IsolatedDecoder {
  let idle: { readonly child: ChildProcess; readonly timer: NodeJS.Timeout } | undefined;
  const start = (): ChildProcess => {
    const kilobytes = String(Math.ceil(maxMemoryBytes / 1024));
    const command = [process.execPath, '--single-threaded-gc', program, String(maxPixels), String(heldBytes)];
    const child = spawn('/bin/sh', ['-c', limited, 'sh', kilobytes, ...command], {
      env: { MALLOC_ARENA_MAX: '2' },
      serialization: 'advanced',
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
    const patience = { isOver: false };
    const timer = setTimeout(() => {
      patience.isOver = true;
      child.kill('SIGKILL');
    }, timeoutMs);
    try {
      const answer = await answerOf(child, task);
      if (answer) putBack(child);
      return answer ?? (patience.isOver ? tooSlow : undefined);
    } finally {
      clearTimeout(timer);
    }
  };

  return {
    preview: async (input, hdr) => {
      for (let time = 0; time < tries; time++) {
        const answer = await ask({ input, hdr });
        if (answer && 'warnings' in answer) return answer;
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
