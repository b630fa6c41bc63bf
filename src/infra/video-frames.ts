/**
 * The first frame of a video, by the ffmpeg of the system. Videos are hostile and ffmpeg reads a great deal, so it is a process
 * that is given one file, the format to read it as, the decoders of telephones, no environment, and little of everything else.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Which reader of ffmpeg's reads what; it never gets to guess. Neither of them follows links to other files or hosts. */
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
/** Nobody's telephone films larger than 8K. */
const mostPixels = 7680 * 4320;
/** A frame in 4K as PNG has about 15 MB. */
const mostOutputBytes = 67_108_864;

/** Bounds memory (KB), processor time (s), files that it may open and write, and core dumps; the lowest priority. */
const limited =
  'ulimit -v 1048576 && ulimit -t 10 && ulimit -n 32 && ulimit -f 0 && ulimit -c 0 && exec nice -n 19 "$@"';

export interface FrameGrabberOptions {
  /** Path of ffmpeg. */
  readonly ffmpeg: string;
  readonly timeoutMs?: number;
}

/** The first frame of a video in a file, upright, as a PNG; undefined where there is none, or none in time. Never rejects. */
export type FrameGrabber = (path: string, type: string) => Promise<Buffer | undefined>;

export function isVideoContainer(type: string): boolean {
  return type in readers;
}

/** Where a program is in the folders of a PATH. */
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

export function createFrameGrabber({ ffmpeg, timeoutMs = 10_000 }: FrameGrabberOptions): FrameGrabber {
  return async (path, type) => {
    const reader = readers[type];
    if (reader === undefined) return undefined;
    const child = spawn('/bin/sh', ['-c', limited, 'sh', ffmpeg, ...argumentsFor(path, reader)], {
      ...{ cwd: '/', env: {}, stdio: ['ignore', 'pipe', 'ignore'] },
      detached: true, // A process group of its own, so that whatever it starts ends with it.
    });
    return outputOf(child, timeoutMs);
  };
}

function argumentsFor(path: string, reader: string): string[] {
  return [
    ...['-nostdin', '-hide_banner', '-loglevel', 'quiet', '-threads', '1'],
    ...['-protocol_whitelist', 'file', '-codec_whitelist', decoders, '-max_pixels', String(mostPixels)],
    ...['-probesize', '4000000', '-analyzeduration', '2000000'],
    ...['-f', reader, '-i', `file:${path}`],
    ...['-map', '0:v:0', '-frames:v', '1', '-threads', '1'],
    ...['-c:v', 'png', '-compression_level', '1', '-f', 'image2pipe', 'pipe:1'],
  ];
}

async function outputOf(child: ChildProcess, timeoutMs: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const timer = setTimeout(() => {
    killGroup(child);
  }, timeoutMs);
  child.stdout?.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > mostOutputBytes) killGroup(child);
    else chunks.push(chunk);
  });
  const succeeded = await new Promise<boolean>((resolve) => {
    child.once('error', () => {
      resolve(false);
    });
    child.once('close', (code) => {
      resolve(code === 0);
    });
  });
  clearTimeout(timer);
  return succeeded && bytes > 0 ? Buffer.concat(chunks) : undefined;
}

function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended in this moment.
  }
}
