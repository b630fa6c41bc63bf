/** Compares files with rows: every object and preview exists completely, and every file has a row. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { pipeline } from 'node:stream/promises';

import sharp from 'sharp';

import type { Preview } from '../../domain/media.js';
import { blobKey, keysOf, previewKey } from '../../infra/files/blob-store.js';
import { eachOf } from '../wire.js';
import type { Finding } from './finding.js';
import type { BlobRecord, Records } from './records.js';

export interface Files {
  readonly uploadsDir: string;
  /** Younger files and orphans may be in use or waiting for the sweep; milliseconds. */
  readonly minAgeMs: number;
}

/** Reads all bytes of all objects. */
export async function inspectFiles({ blobs, media }: Records, files: Files): Promise<Finding[]> {
  const findings: Finding[] = [];
  const used = new Set(media.map(({ sha256 }) => sha256));
  const isOld = (at: Date | number): boolean => Date.now() - Number(at) >= files.minAgeMs;
  for (const { sha256, orphanedAt } of blobs) {
    if (used.has(sha256)) continue;
    if (orphanedAt === null)
      findings.push({ kind: 'orphaned', what: `object ${sha256} has no user, and nobody will remove it` });
    else if (isOld(orphanedAt))
      findings.push({ kind: 'orphaned', what: `object ${sha256} is to be removed, and was not` });
  }
  const known = new Set<string>();
  for (const blob of blobs) for (const key of keysOf(blob)) known.add(key);
  for (const file of await filesBelow(files.uploadsDir))
    if (!known.has(file) && (await isThere(join(files.uploadsDir, file), isOld)))
      findings.push({ kind: 'orphaned', what: `the file ${file} belongs to nobody` });
  // Objects that are being deleted may be gone already, the bytes first.
  const kept = blobs.filter(({ orphanedAt }) => orphanedAt === null);
  await eachOf(kept, 4, async (blob) => {
    findings.push(...(await inspectObject(blob, files.uploadsDir)));
  });
  return findings;
}

/** The service's folders for files, including temporary ones; names are relative to the folder. */
async function filesBelow(uploadsDir: string): Promise<string[]> {
  const folders = ['blobs', 'previews', 'tmp'].map(async (name) => {
    const folder = join(uploadsDir, name);
    const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => relative(uploadsDir, join(entry.parentPath, entry.name)));
  });
  return (await Promise.all(folders)).flat();
}

async function isThere(path: string, isOld: (at: number) => boolean): Promise<boolean> {
  const facts = await stat(path).catch(() => undefined);
  return facts !== undefined && isOld(facts.mtimeMs);
}

async function inspectObject(
  { sha256, bytes, previews }: BlobRecord,
  uploadsDir: string,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  const found = await digestOf(join(uploadsDir, blobKey(sha256)));
  if (!found) findings.push({ kind: 'lost', what: `the file of object ${sha256} is not there` });
  else if (found.sha256 !== sha256 || found.bytes !== bytes)
    findings.push({ kind: 'wrong bytes', what: `the file of object ${sha256} has other bytes` });
  for (const preview of previews) {
    const { size, width, height } = preview;
    const name = `the ${size} preview of object ${sha256}`;
    const picture = await previewBytes(join(uploadsDir, previewPath(sha256, preview)), preview);
    if (!picture) findings.push({ kind: 'lost', what: `${name} is not there` });
    else if (!(await decodes(picture, { width, height })))
      findings.push({
        kind: 'wrong bytes',
        what: `${name} is not a picture of ${String(width)}x${String(height)}`,
      });
  }
  return findings;
}

/** The file that contains the preview. */
function previewPath(sha256: string, { size, ranges }: Preview): string {
  return ranges ? blobKey(sha256) : previewKey(sha256, size);
}

/** Undefined if there is no file. */
async function previewBytes(path: string, { ranges }: Preview): Promise<Buffer | undefined> {
  const bytes = await readFile(path).catch(() => undefined);
  if (!bytes || !ranges) return bytes;
  return Buffer.concat(ranges.map(({ start, end }) => bytes.subarray(start, end + 1)));
}

async function digestOf(path: string): Promise<{ sha256: string; bytes: number } | undefined> {
  const hash = createHash('sha256');
  const stream = createReadStream(path);
  try {
    await pipeline(stream, hash);
    return { sha256: hash.digest('hex'), bytes: stream.bytesRead };
  } catch {
    return undefined;
  }
}

async function decodes(
  picture: Buffer,
  wanted: { readonly width: number; readonly height: number },
): Promise<boolean> {
  try {
    const { info } = await sharp(picture, { failOn: 'warning' }).raw().toBuffer({ resolveWithObject: true });
    return info.width === wanted.width && info.height === wanted.height;
  } catch {
    return false;
  }
}
