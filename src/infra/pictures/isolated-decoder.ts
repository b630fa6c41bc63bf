/**
 * Makes previews in a separate process: of pictures that may have killed a process, of damaged ones, of
 * formats that are decoded in JavaScript, and of those that need much memory. A picture there harms nothing
 * else, and it is clear which picture caused a crash. The process is kept for the next picture, but not for
 * long.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { AppError, type MediaErrorCode } from '../../domain/errors.js';
import type { MediaWarning } from '../../domain/media.js';
import { projectFolder } from '../process/project-folder.js';
import type { Previewed } from './encode-previews.js';
import type { HdrColours } from './hdr.js';

/** The request to the process: the path of a picture, or its bytes. */
export interface IsolatedTask {
  readonly input: string | Uint8Array;
  /** For a picture with a high dynamic range. */
  readonly hdr?: HdrColours | undefined;
}

/** The response of the process. */
export type IsolatedAnswer = PreviewResult | { readonly code: MediaErrorCode; readonly message: string };

/** The previews of a file. */
export interface PreviewResult {
  /** Undefined if there is nothing to see, or if it cannot be displayed. */
  readonly pictures: Previewed | undefined;
  /** Why there are no previews, or no good ones, of a file that should have them. */
  readonly warnings: readonly MediaWarning[];
}

export interface IsolatedDecoderOptions {
  readonly maxPixels: number;
  /** Timeout for one picture. */
  readonly timeoutMs?: number;
  /** How long the process waits for another picture. */
  readonly idleMs?: number;
  /**
   * The memory limit of the process, so that the machine does not run out of memory. A picture that needs
   * more kills the process.
   */
  readonly maxMemoryBytes?: number;
}

export interface IsolatedDecoder {
  /**
   * Makes the best possible previews, even of a damaged picture. Rejects like an image decoder, and with
   * `media.crashed` if the process crashed twice.
   */
  readonly preview: (input: string | Buffer, hdr?: HdrColours) => Promise<PreviewResult>;
  /** Ends the process that waits for the next picture. */
  readonly close: () => void;
}

/** Always the built file, even from `src`, because Node runs JavaScript only. */
const program = join(projectFolder, 'dist/infra/pictures/isolated-decoder-process.js');
/** Pictures of 50 megapixels take 750 MB as AVIF, and 300 as progressive JPEG. */
const maxDecodedBytes = 800_000_000;
/** The process needs some memory besides that for pictures. */
const defaultMaxMemoryBytes = 1_200_000_000;
/**
 * Counts only memory that is written to: Node.js reserves much more (which `ulimit -v` would count). A lower
 * existing limit stays.
 */
const limited = 'ulimit -d "$1" 2>/dev/null; shift; exec "$@"';
/**
 * The number of bytes that V8 reserves for its code. Node.js 24 maps 509 MB as writable at once, and the limit
 * counts them although nearly none of them is used. A process with the same binary reserves the same.
 */
function reservedCodeBytes(): number {
  try {
    const maps = readFileSync('/proc/self/maps', 'utf8');
    return [...maps.matchAll(/^([0-9a-f]+)-([0-9a-f]+) rwxp/gm)]
      .map(([, start = '0', end = '0']) => parseInt(end, 16) - parseInt(start, 16))
      .reduce((sum, bytes) => sum + bytes, 0);
  } catch {
    return 0; // Other systems do not have this file, nor this limit.
  }
}

/**
 * The first crash may be a coincidence: a process may be killed for other reasons, for example if the machine
 * is out of memory.
 */
const maxRuns = 2;
/** Another run would take as long again. */
const timedOut: IsolatedAnswer = { code: 'media.crashed', message: 'decoding the picture took too long' };

export function createIsolatedDecoder({
  maxPixels,
  timeoutMs = 30_000,
  idleMs = 5_000,
  maxMemoryBytes = defaultMaxMemoryBytes,
}: IsolatedDecoderOptions): IsolatedDecoder {
  const codeBytes = reservedCodeBytes();
  const processes = createReusedProcess(
    () => startProcess({ maxPixels, maxMemoryBytes: maxMemoryBytes + codeBytes }),
    idleMs,
  );
  const ask = async (task: IsolatedTask): Promise<IsolatedAnswer | undefined> => {
    const child = processes.take();
    const timeout = { isOver: false };
    const timer = setTimeout(() => {
      timeout.isOver = true;
      child.kill('SIGKILL');
    }, timeoutMs);
    try {
      const answer = await answerOf(child, task);
      if (answer) processes.putBack(child);
      return answer ?? (timeout.isOver ? timedOut : undefined);
    } finally {
      clearTimeout(timer);
    }
  };

  return {
    preview: async (input, hdr) => {
      for (let time = 0; time < maxRuns; time++) {
        const answer = await ask({ input, hdr });
        if (answer && 'warnings' in answer) return answer;
        if (answer) throw new AppError(answer.code, answer.message);
      }
      throw new AppError('media.crashed', 'the decoder crashed twice on this file');
    },
    close: processes.close,
  };
}

/** Keeps a process that has answered for the next task, but not for long. */
interface ReusedProcess {
  /** The idle process, or a new one. */
  readonly take: () => ChildProcess;
  readonly putBack: (child: ChildProcess) => void;
  /** Ends the idle process. */
  readonly close: () => void;
}

function createReusedProcess(start: () => ChildProcess, idleMs: number): ReusedProcess {
  let idle: { readonly child: ChildProcess; readonly timer: NodeJS.Timeout } | undefined;
  const claimIdle = (): ChildProcess | undefined => {
    clearTimeout(idle?.timer);
    const child = idle?.child;
    idle = undefined;
    return child;
  };
  const close = (): void => {
    claimIdle()?.kill('SIGKILL');
  };
  const startNew = (): ChildProcess => {
    const child = start();
    child.once('exit', () => {
      if (idle?.child === child) claimIdle();
    });
    return child;
  };
  return {
    take: () => claimIdle() ?? startNew(),
    putBack: (child) => {
      close(); // One idle process is enough.
      idle = { child, timer: setTimeout(close, idleMs).unref() };
    },
    close,
  };
}

function startProcess({
  maxPixels,
  maxMemoryBytes,
}: {
  readonly maxPixels: number;
  readonly maxMemoryBytes: number;
}): ChildProcess {
  const kilobytes = String(Math.ceil(maxMemoryBytes / 1024));
  const command = [
    process.execPath,
    '--single-threaded-gc',
    program,
    String(maxPixels),
    String(maxDecodedBytes),
  ];
  const child = spawn('/bin/sh', ['-c', limited, 'sh', kilobytes, ...command], {
    env: { MALLOC_ARENA_MAX: '2' },
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  child.on('error', () => undefined); // The code that waits for the response receives the error as well.
  return child;
}

/** Undefined if the process ended instead. Rejects if there is no process. */
async function answerOf(child: ChildProcess, task: IsolatedTask): Promise<IsolatedAnswer | undefined> {
  const settled = new AbortController();
  const { signal } = settled;
  const ended = once(child, 'exit', { signal }).then(() => undefined);
  const answered = once(child, 'message', { signal }).then(([answer]) => answer as IsolatedAnswer);
  ended.catch(() => undefined);
  answered.catch(() => undefined);
  // Sending to a process that has just ended fails; its exit event follows.
  child.send(task, () => undefined);
  try {
    return await Promise.race([ended, answered]);
  } finally {
    settled.abort();
  }
}
