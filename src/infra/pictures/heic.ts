/**
 * Decodes pictures of Apple's phones: sharp as installed by npm cannot decode HEVC, so libheif does it as
 * WebAssembly. Each picture gets its own thread, so that no effect of a picture lasts, its memory is
 * released, and nothing is loaded without such pictures. Starting a thread takes 50 ms, decoding 12
 * megapixels 1.5 seconds.
 */
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';

import { AppError } from '../../domain/errors.js';
import { projectFolder } from '../process/project-folder.js';

export interface DecodedHeic {
  /** The displayed size, rotated and cropped as the file specifies. */
  readonly width: number;
  readonly height: number;
  /**
   * The upright picture as a TIFF, reduced to about the size of the large preview, with its colour profile.
   */
  readonly tiff: Uint8Array<ArrayBuffer>;
}

export interface HeicTask {
  readonly path: string;
  readonly maxPixels: number;
  readonly maxMemoryBytes: number;
}

export type HeicAnswer = DecodedHeic | { readonly problem: string };

export interface HeicDecoderOptions {
  readonly maxPixels: number;
  /** Timeout for one picture. */
  readonly timeoutMs?: number;
  /**
   * Limit of the WebAssembly module: the file, the decoder, and the pixels. 12 megapixels take 96 MB, 24 take
   * 165 MB.
   */
  readonly maxMemoryBytes?: number;
}

/**
 * Decodes the main picture of a file. Rejects with `media.undecodable`, with `media.too_many_pixels`, or with
 * `media.busy` if it took too long: on a crowded machine, that says nothing about the file.
 */
export type HeicDecoder = (path: string) => Promise<DecodedHeic>;

/** Always the built file, even from `src`, because a thread only runs JavaScript. */
const worker = join(projectFolder, 'dist/infra/pictures/heic-worker.js');

export function createHeicDecoder({
  maxPixels,
  timeoutMs = 20_000,
  maxMemoryBytes = 201_326_592,
}: HeicDecoderOptions): HeicDecoder {
  return async (path) => {
    const task: HeicTask = { path, maxPixels, maxMemoryBytes };
    const answer = await runThread(task, timeoutMs);
    if ('tiff' in answer) return answer;
    throw errorOf(answer.problem, maxPixels);
  };
}

function errorOf(problem: string, maxPixels: number): AppError {
  if (problem === 'too many pixels')
    return new AppError('media.too_many_pixels', `the picture has more than ${String(maxPixels)} pixels`);
  if (problem === 'too much memory')
    return new AppError('media.too_many_pixels', 'decoding the picture would take too much memory');
  if (problem === 'out of time') return new AppError('media.busy', 'decoding the picture took too long');
  return new AppError('media.undecodable', 'the picture cannot be decoded', { cause: problem });
}

/** Resolves in time and ends the thread, whatever the thread does. */
async function runThread(task: HeicTask, timeoutMs: number): Promise<HeicAnswer> {
  const thread = new Worker(worker, {
    workerData: task,
    env: {},
    execArgv: [],
    stdin: false,
    stdout: true,
    stderr: true,
    // Limits JavaScript only; WebAssembly has its own limit.
    resourceLimits: { maxOldGenerationSizeMb: 48, maxYoungGenerationSizeMb: 8, stackSizeMb: 2 },
  });
  try {
    return await new Promise<HeicAnswer>((resolve) => {
      const give = (problem: string) => () => {
        resolve({ problem });
      };
      const timer = setTimeout(give('out of time'), timeoutMs);
      thread.once('message', resolve);
      thread.once('error', give('crashed'));
      thread.once('exit', () => {
        clearTimeout(timer);
        resolve({ problem: 'ended' });
      });
    });
  } finally {
    await thread.terminate();
  }
}
