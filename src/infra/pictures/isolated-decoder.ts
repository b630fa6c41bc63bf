/**
 * Makes previews in a separate process: of pictures that may have killed a process, of damaged ones, of
 * formats that are decoded in JavaScript, and of those that need much memory. A picture there harms nothing
 * else, and it is clear which picture caused a crash. The process is kept for the next picture, but not for
 * long.
 */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

import { AppError, type MediaErrorCode } from '../../domain/errors.js';
import type { MediaWarning } from '../../domain/media.js';
import { cpuMsOf, isStarved } from '../process/cpu-time.js';
import { startLimited } from '../process/limited-process.js';
import { projectFolder } from '../process/project-folder.js';
import type { Previewed } from './encode-previews.js';
import type { HdrColours } from './hdr.js';
import type { PageList, PdfProblem } from './pdf.js';

/** The request to the process: the path of a picture, or its bytes. */
export interface IsolatedTask {
  readonly input: string | Uint8Array;
  /** The colours of a picture with a high dynamic range. */
  readonly hdr?: HdrColours | undefined;
  /** Instead of previews: the list of all pages of a document, or one page, of which the first is 0. */
  readonly pages?: 'all' | number | undefined;
}

/** The pages of a document, or one of them as JPEG. */
export type PagesAnswer = PageList | { readonly jpeg: Uint8Array } | PdfProblem;

/** The response of the process. */
export type IsolatedAnswer =
  PreviewResult | PagesAnswer | { readonly code: MediaErrorCode; readonly message: string };

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
  /** Timeout for a page, for which a reader waits, and behind it the readers of other pages. */
  readonly pageTimeoutMs?: number;
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
   * Makes the best possible previews, even of a damaged picture. Rejects like an image decoder, with
   * `media.crashed` if the process crashed twice or took too long, and with `media.busy` if other processes had
   * its time.
   */
  readonly preview: (input: string | Buffer, hdr?: HdrColours) => Promise<PreviewResult>;
  /**
   * Lists the pages of the document in a file, or draws one of them. Rejects with `media.crashed` if the
   * process crashed twice or took too long, and with `media.busy` if other processes had its time. Once
   * `signal` is aborted, the process is ended.
   */
  readonly pages: (path: string, wanted: 'all' | number, signal: AbortSignal) => Promise<PagesAnswer>;
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
 * The first crash may be a coincidence: a process may be killed for other reasons, for example if the machine
 * is out of memory.
 */
const maxRuns = 2;
/** Another run would take as long again. */
const timedOut: IsolatedAnswer = { code: 'media.crashed', message: 'decoding the picture took too long' };
const pageTimedOut: IsolatedAnswer = { code: 'media.crashed', message: 'rendering the page took too long' };
const starved: IsolatedAnswer = { code: 'media.busy', message: 'the machine had no time to decode the file' };

export function createIsolatedDecoder({
  maxPixels,
  timeoutMs = 30_000,
  pageTimeoutMs = 10_000,
  idleMs = 5_000,
  maxMemoryBytes = defaultMaxMemoryBytes,
}: IsolatedDecoderOptions): IsolatedDecoder {
  const args = ['--single-threaded-gc', program, String(maxPixels), String(maxDecodedBytes)];
  const env = { MALLOC_ARENA_MAX: '2' };
  const processes = createReusedProcess(() => startLimited({ args, maxMemoryBytes, env }), idleMs);
  const ask = async (task: IsolatedTask, signal?: AbortSignal): Promise<IsolatedAnswer | undefined> => {
    const child = processes.take();
    const isPage = task.pages !== undefined;
    const limitMs = isPage ? pageTimeoutMs : timeoutMs;
    const cpuMs = (): number | undefined => (child.pid === undefined ? undefined : cpuMsOf(child.pid));
    const before = cpuMs() ?? 0;
    let late: IsolatedAnswer | undefined;
    const timer = setTimeout(() => {
      const used = cpuMs();
      late = isPage ? pageTimedOut : timedOut;
      if (isStarved(used === undefined ? undefined : used - before, limitMs)) late = starved;
      child.kill('SIGKILL');
    }, limitMs);
    const leave = (): void => {
      child.kill('SIGKILL');
    };
    signal?.addEventListener('abort', leave);
    try {
      const answer = await answerOf(child, task);
      if (answer) processes.putBack(child);
      return answer ?? late;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', leave);
    }
  };

  return {
    preview: async (input, hdr) => {
      for (let time = 0; time < maxRuns; time++) {
        const answer = await ask({ input, hdr });
        if (answer && 'warnings' in answer) return answer;
        if (answer && 'code' in answer) throw new AppError(answer.code, answer.message);
      }
      throw crashed();
    },
    pages: async (input, pages, signal) => {
      for (let time = 0; time < maxRuns && !signal.aborted; time++) {
        const answer = await ask({ input, pages }, signal);
        if (answer && 'code' in answer) throw new AppError(answer.code, answer.message);
        if (answer && !('warnings' in answer)) return answer;
      }
      throw crashed();
    },
    close: processes.close,
  };
}

function crashed(): AppError {
  return new AppError('media.crashed', 'the decoder crashed on this file');
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
