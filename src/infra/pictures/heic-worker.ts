/**
 * The thread that decodes one HEIC picture (see heic.ts) with libheif and libde265 as WebAssembly, and then
 * ends. Hostile bytes can only harm the memory of that module, which disappears with the thread.
 */
import { closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { createRequire } from 'node:module';
import { parentPort, workerData } from 'node:worker_threads';

import type { MainModule } from 'libheif-js/libheif-wasm/libheif.js';

import type { HeicAnswer, HeicTask } from './heic.js';
import { asTiff } from './tiff.js';
import { boundGrowth, memoriesOf, type MemoryBound } from './wasm-memory.js';

/**
 * Constants of libheif's C interface: `heif_colorspace_RGB`, `heif_chroma_interleaved_RGB` and `_RGBA`,
 * `heif_channel_interleaved`.
 */
const colorspaceRgb = 1;
const chromaRgb = 10;
const chromaRgba = 11;
const channelInterleaved = 10;
/** Profiles of cameras have a few hundred bytes. */
const maxProfileBytes = 1_048_576;

const require = createRequire(import.meta.url);

/** Loads libheif with limited memory: beyond the limit, an allocation fails and the decoding with it. */
function load(bound: MemoryBound): MainModule {
  const code = new WebAssembly.Module(readFileSync(require.resolve('libheif-js/libheif-wasm/libheif.wasm')));
  const silent = (): undefined => undefined;
  const libheif = require('libheif-js/libheif-wasm/libheif.js') as (options: object) => MainModule;
  return libheif({
    print: silent,
    printErr: silent,
    instantiateWasm: (imports: object, receive: (instance: WebAssembly.Instance) => object) => {
      const instance = new WebAssembly.Instance(code, imports);
      for (const memory of memoriesOf(instance.exports)) boundGrowth(memory, bound);
      return receive(instance);
    },
  });
}

function decode({ path, maxPixels }: HeicTask, bound: MemoryBound): HeicAnswer {
  const heif = load(bound);
  // The views are replaced whenever the memory grows.
  const bytes = (): Uint8Array => heif.HEAPU8 as Uint8Array;
  const numberAt = (pointer: number): number => Number((heif.HEAPU32 as Uint32Array)[pointer / 4]);
  const allocate = (size: number): number => {
    const pointer = heif._malloc(size);
    if (pointer === 0) throw new Error('the file does not fit into memory');
    return pointer;
  };
  /** Room for a `heif_error` (code, subcode, text) and for output parameters. */
  const error = allocate(12);
  const answer = allocate(8);
  const succeed = (): void => {
    if (numberAt(error) !== 0)
      throw new Error(`libheif: ${String(numberAt(error))}.${String(numberAt(error + 4))}`);
  };

  const file = openSync(path, 'r');
  const size = fstatSync(file).size;
  const start = allocate(size);
  for (let read = 0; read < size; read += readSync(file, bytes(), start + read, size - read, read));
  closeSync(file);

  const context = heif._heif_context_alloc();
  heif._heif_context_read_from_memory_without_copy(error, context, start, size, 0);
  succeed();
  heif._heif_context_get_primary_image_handle(error, context, answer);
  succeed();
  const handle = numberAt(answer);
  const width = heif._heif_image_handle_get_width(handle);
  const height = heif._heif_image_handle_get_height(handle);
  if (width * height > maxPixels) return { problem: 'too many pixels' };

  const channels: 3 | 4 = heif._heif_image_handle_has_alpha_channel(handle) ? 4 : 3;
  heif._heif_decode_image(error, handle, answer, colorspaceRgb, channels === 4 ? chromaRgba : chromaRgb, 0);
  succeed();
  const image = numberAt(answer);
  const plane = heif._heif_image_get_plane_readonly(image, channelInterleaved, answer);
  const decoded: Plane = {
    width: heif._heif_image_get_width(image, channelInterleaved),
    height: heif._heif_image_get_height(image, channelInterleaved),
    channels,
    stride: numberAt(answer),
    data: bytes().subarray(plane),
  };
  const profileBytes = heif._heif_image_handle_get_raw_color_profile_size(handle);
  const hasProfile = profileBytes > 0 && profileBytes <= maxProfileBytes;
  const profileAt = hasProfile ? allocate(profileBytes) : 0;
  if (hasProfile) {
    heif._heif_image_handle_get_raw_color_profile(error, handle, profileAt);
    succeed();
  }
  const tiff = asTiff({
    ...reduce(decoded),
    premultiplied: heif._heif_image_handle_is_premultiplied_alpha(handle) !== 0,
    profile: bytes().subarray(profileAt, profileAt + (hasProfile ? profileBytes : 0)),
  });
  return { width, height, tiff };
}

interface Plane {
  readonly width: number;
  readonly height: number;
  readonly channels: 3 | 4;
  /** Bytes from one row to the next. */
  readonly stride: number;
  readonly data: Uint8Array;
}

/**
 * The picture stays at least this large. Less than the large preview may have, because twice the pixels would
 * take twice the time.
 */
const minEdge = 1_280;

/**
 * Reduces the picture to less than twice the smallest edge by averaging squares, so that the thread's output
 * is always small.
 */
function reduce({ width, height, channels, stride, data }: Plane) {
  const side = Math.max(1, Math.floor(Math.max(width, height) / minEdge));
  const columns = Math.ceil(width / side);
  const rows = Math.ceil(height / side);
  const pixels = new Uint8Array(columns * rows * channels);
  const sums = new Uint32Array(columns * channels);
  for (let row = 0; row < rows; row++) {
    const lines = Math.min(side, height - row * side);
    sums.fill(0);
    for (let line = row * side; line < row * side + lines; line++) {
      for (let x = 0; x < width; x++) {
        const from = line * stride + x * channels;
        const to = Math.floor(x / side) * channels;
        for (let channel = 0; channel < channels; channel++)
          sums[to + channel] = (sums[to + channel] ?? 0) + (data[from + channel] ?? 0);
      }
    }
    for (let at = 0; at < sums.length; at++) {
      const across = Math.min(side, width - Math.floor(at / channels) * side);
      pixels[row * sums.length + at] = Math.round((sums[at] ?? 0) / (lines * across));
    }
  }
  return { width: columns, height: rows, channels, pixels };
}

function answerOf(task: HeicTask): HeicAnswer {
  const bound: MemoryBound = { maxBytes: task.maxMemoryBytes, isExceeded: false };
  try {
    return decode(task, bound);
  } catch (error) {
    if (bound.isExceeded) return { problem: 'too much memory' };
    return { problem: error instanceof Error ? error.message : 'failed' };
  }
}

const answer = answerOf(workerData as HeicTask);
parentPort?.postMessage(answer, 'tiff' in answer ? [answer.tiff.buffer] : []);
