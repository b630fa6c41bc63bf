/** Starts Node.js programs whose memory the operating system limits. */
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';

export interface LimitedProgram {
  /** The options of Node.js, the file of the program, and its arguments. */
  readonly args: readonly string[];
  /** The memory beside the code of Node.js itself, in bytes. A program that needs more ends. */
  readonly maxMemoryBytes: number;
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Counts only memory that is written to: Node.js reserves much more (which `ulimit -v` would count). A lower
 * existing limit stays.
 */
const limited = 'ulimit -d "$1" 2>/dev/null; shift; exec "$@"';

const reservedCodeBytes = readReservedCodeBytes();

/**
 * Starts a program that talks over an IPC channel only. The child never emits an unhandled error: the
 * caller notices its exit.
 */
export function startLimited({ args, maxMemoryBytes, env = {} }: LimitedProgram): ChildProcess {
  const kilobytes = String(Math.ceil((maxMemoryBytes + reservedCodeBytes) / 1024));
  const child = spawn('/bin/sh', ['-c', limited, 'sh', kilobytes, process.execPath, ...args], {
    env,
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  child.on('error', () => undefined);
  return child;
}

/**
 * The number of bytes that V8 reserves for its code. Node.js 24 maps 509 MB as writable at once, and the
 * limit counts them although nearly none of them is used. A process with the same binary reserves the same.
 */
function readReservedCodeBytes(): number {
  try {
    const maps = readFileSync('/proc/self/maps', 'utf8');
    return [...maps.matchAll(/^([0-9a-f]+)-([0-9a-f]+) rwxp/gm)]
      .map(([, start = '0', end = '0']) => parseInt(end, 16) - parseInt(start, 16))
      .reduce((sum, bytes) => sum + bytes, 0);
  } catch {
    return 0; // Other systems do not have this file, nor this limit.
  }
}
