/**
 * The files of a spool. The name of a segment consists of the time of its first webhook, its mark (see
 * record.ts) and its state: `.open` while its writer appends, `.whole` when the writer has finished it,
 * `.left` when another process took it over and its end may be torn, `.damaged` when its webhooks are
 * replayed but some of its bytes could not be read, `.aside` for one webhook that the database refuses
 * although it stores others.
 */
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';

import { ignoreMissing, isMissing } from '../files/missing-file.js';
import { markBytes } from './record.js';

/** A segment that is still to be committed. */
export interface SegmentFile {
  readonly name: string;
  readonly path: string;
  readonly bytes: number;
  readonly modifiedMs: number;
}

const timeDigits = 15;
const segmentName = new RegExp(
  `^\\d{${String(timeDigits)}}-[0-9a-f]{${String(2 * markBytes)}}\\.(open|whole|left)$`,
);
const asideName = new RegExp(`^\\d{${String(timeDigits)}}-[0-9a-f]{${String(2 * markBytes)}}\\.aside$`);

/** The segments that are still to be committed, oldest first. */
export async function listSegments(folder: string): Promise<SegmentFile[]> {
  const found: SegmentFile[] = [];
  for (const name of (await namesIn(folder)).filter((fileName) => segmentName.test(fileName)).sort()) {
    const path = join(folder, name);
    const facts = await lstat(path).catch(ignoreMissing);
    // The file may have been renamed and would be missed.
    if (!facts) return listSegments(folder);
    found.push({ name, path, bytes: facts.size, modifiedMs: facts.mtimeMs });
  }
  return found;
}

/** The number of webhooks that were set aside. */
export async function countAside(folder: string): Promise<number> {
  return (await namesIn(folder)).filter((name) => asideName.test(name)).length;
}

/** The name of a new file; `time` in milliseconds since 1970. */
export function segmentFileName(time: number, mark: Buffer, state: 'open' | 'aside'): string {
  return `${String(time).padStart(timeDigits, '0')}-${mark.toString('hex')}.${state}`;
}

export function markOf(name: string): Buffer {
  return Buffer.from(name.slice(timeDigits + 1).split('.')[0] ?? '', 'hex');
}

/** The time at which the first webhook of the segment was received. */
export function receivedAtOf({ name }: SegmentFile): Date {
  return new Date(Number(name.slice(0, timeDigits)));
}

export function withState(path: string, state: 'whole' | 'left' | 'damaged'): string {
  return path.replace(/\.[a-z]+$/, `.${state}`);
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}
