/**
 * Extracts the first frame of a video with the system's ffmpeg. Videos are hostile and ffmpeg reads a lot, so
 * it runs in a process with one file, a fixed format, the decoders of phones, no environment, and strict
 * limits.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Readable } from 'node:stream';

import { ownValue } from '../../domain/own-value.js';
import { sendSignalToGroup } from '../process/signals.js';
import type { HdrColours, HdrTransfer } from './hdr.js';

/**
 * The ffmpeg demuxer of each type, so that ffmpeg never guesses. None of them follows links to other files or
 * hosts.
 */
const readers: Readonly<Record<string, string>> = {
  'video/mp4': 'mov',
  'video/quicktime': 'mov',
  'video/x-m4v': 'mov',
  'video/3gpp': 'mov',
  'video/3gpp2': 'mov',
  'video/webm': 'matroska',
  'video/matroska': 'matroska',
  'video/x-matroska': 'matroska',
};
const decoders = 'h264,hevc,vp8,vp9,libvpx,libvpx-vp9,av1,libdav1d,mpeg4,h263';
/** No phone records more than 8K. */
const maxPixels = 7680 * 4320;
/** A frame in 4K as PNG has about 15 MB. */
const maxOutputBytes = 67_108_864;
/** A few lines for each track. */
const maxMessageBytes = 262_144;

/**
 * Limits memory (KB), processor time (s), files that it may open and write, and core dumps, and sets the
 * lowest priority.
 */
const limited =
  'ulimit -v 1048576 && ulimit -t 10 && ulimit -n 32 && ulimit -f 0 && ulimit -c 0 && exec nice -n 19 "$@"';

export interface FrameGrabberOptions {
  /** The path of ffmpeg. */
  readonly ffmpeg: string;
  readonly timeoutMs?: number;
}

export interface GrabbedFrame {
  /** An upright PNG. */
  readonly picture: Buffer;
  /** For a video with a high dynamic range, as phones record by default. */
  readonly hdr: HdrColours | undefined;
}

/**
 * Extracts the first frame of a video in a file; undefined if there is none. A busy machine may not find it
 * in time. Never rejects.
 */
export type FrameGrabber = (path: string, type: string) => Promise<GrabbedFrame | 'out of time' | undefined>;

export function isVideoContainer(type: string): boolean {
  return Object.hasOwn(readers, type);
}

/** Finds a program in the folders of a PATH. */
export function findProgram(name: string, path: string): string | undefined {
  return path
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** On a busy machine, the lowest priority turns half a second of work into twenty. */
const defaultTimeoutMs = 20_000;

export function createFrameGrabber({
  ffmpeg,
  timeoutMs = defaultTimeoutMs,
}: FrameGrabberOptions): FrameGrabber {
  return async (path, type) => {
    const reader = ownValue(readers, type);
    if (reader === undefined) return undefined;
    const child = spawn('/bin/sh', ['-c', limited, 'sh', ffmpeg, ...argumentsFor(path, reader)], {
      cwd: '/',
      env: {},
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true, // A process group, so that everything it starts ends with it.
    });
    return outputOf(child, timeoutMs);
  };
}

function argumentsFor(path: string, reader: string): string[] {
  return [
    '-nostdin',
    '-hide_banner',
    '-loglevel',
    'info',
    '-nostats',
    '-threads',
    '1',
    '-protocol_whitelist',
    'file',
    '-codec_whitelist',
    decoders,
    '-max_pixels',
    String(maxPixels),
    '-probesize',
    '4000000',
    '-analyzeduration',
    '2000000',
    '-f',
    reader,
    '-i',
    `file:${path}`,
    '-map',
    '0:v:0',
    '-frames:v',
    '1',
    '-threads',
    '1',
    '-c:v',
    'png',
    '-compression_level',
    '1',
    '-f',
    'image2pipe',
    'pipe:1',
  ];
}

async function outputOf(child: ChildProcess, timeoutMs: number): ReturnType<FrameGrabber> {
  const picture = gather(child.stdout, maxOutputBytes, () => {
    killGroup(child);
  });
  // Further output is read, so that nothing blocks, and ignored.
  const messages = gather(child.stderr, maxMessageBytes, () => undefined);
  const timeout = { isOver: false };
  const timer = setTimeout(() => {
    timeout.isOver = true;
    killGroup(child);
  }, timeoutMs);
  const succeeded = await new Promise<boolean>((resolve) => {
    child.once('error', () => {
      resolve(false);
    });
    child.once('close', (code) => {
      resolve(code === 0);
    });
  });
  clearTimeout(timer);
  if (timeout.isOver) return 'out of time';
  if (!succeeded || picture.length === 0) return undefined;
  return { picture: Buffer.concat(picture), hdr: hdrIn(Buffer.concat(messages).toString('latin1')) };
}

/** Collects the chunks of a stream up to a limit. Calls `whenFull` for further chunks. */
function gather(stream: Readable | null, maxBytes: number, whenFull: () => void): Buffer[] {
  const chunks: Buffer[] = [];
  let bytes = 0;
  stream?.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > maxBytes) whenFull();
    else chunks.push(chunk);
  });
  return chunks;
}

const transfers: ReadonlyMap<string, HdrTransfer> = new Map([
  ['smpte2084', 'pq'],
  ['arib-std-b67', 'hlg'],
]);

/**
 * The colours of the frame, from ffmpeg's description of its output: `rgb48be(pc, gbr/bt2020/smpte2084)`.
 * ffmpeg knows them from the container or from the coded frames, for any kind of video.
 */
function hdrIn(words: string): HdrColours | undefined {
  const written = words.slice(Math.max(words.indexOf('\nOutput #0'), 0));
  const described = /^ {2}Stream #0:0\b.*?, [a-z\d]+\([^()]*?[\w-]+\/([\w-]+)\/([\w-]+)[,)]/m.exec(written);
  const [, primaries = '', name = ''] = described ?? [];
  const transfer = transfers.get(name);
  return transfer && { transfer, isWide: primaries === 'bt2020' };
}

function killGroup({ pid }: ChildProcess): void {
  if (pid !== undefined) sendSignalToGroup(pid, 'SIGKILL');
}
