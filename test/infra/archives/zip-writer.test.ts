import { createWriteStream } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { directoryRecord, endOfArchive, localHeader } from '../../../src/infra/archives/zip-records.js';
import { createZipWriter, type ZipWriter } from '../../../src/infra/archives/zip-writer.js';
import { openScratchFile } from '../../../src/infra/files/scratch-file.js';
import { checkArchive, unpack } from '../../support/archives.js';
import { describeWith } from '../../support/programs.js';

const modifiedAt = new Date('2026-11-21T10:00:00.000Z');

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'inlet-zip-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** Writes an archive to a file. */
async function archiveIn(path: string, fill: (zip: ZipWriter) => Promise<void>): Promise<void> {
  const out = createWriteStream(path);
  const directory = await openScratchFile(join(folder, 'scratch'));
  const zip = createZipWriter(async (bytes) => {
    if (!out.write(bytes)) await once(out, 'drain');
  }, directory);
  await fill(zip);
  await zip.finish();
  await directory.close();
  out.end();
  await once(out, 'close');
}

async function archiveOf(fill: (zip: ZipWriter) => Promise<void>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const directory = await openScratchFile(join(folder, 'scratch'));
  const zip = createZipWriter((bytes) => {
    chunks.push(bytes);
    return Promise.resolve();
  }, directory);
  await fill(zip);
  await zip.finish();
  await directory.close();
  return Buffer.concat(chunks);
}

async function* chunksOf(...texts: string[]): AsyncGenerator<Buffer, void> {
  for (const text of texts) yield await Promise.resolve(Buffer.from(text));
}

describeWith('unzip', 'archives', () => {
  it('contain files from memory, from streams and as compressed texts', async () => {
    const archive = await archiveOf(async (zip) => {
      await zip.addBytes({ name: 'a/known.bin', modifiedAt }, Buffer.from('known before'));
      await zip.addBytes({ name: 'a/empty.bin', modifiedAt }, Buffer.alloc(0));
      const stream = { name: 'b/peça 🌹 وردة.txt', modifiedAt, expectedBytes: 6 };
      expect(await zip.addStream(stream, chunksOf('str', 'eam'))).toMatchObject({ bytes: 6 });
      const text = { name: 'text.txt', modifiedAt, expectedBytes: 1 };
      await zip.addText(text, chunksOf('long '.repeat(10_000), 'text'));
    });
    const { files } = await unpack(archive);
    const texts = [...files].map(([name, bytes]) => [name, bytes.toString()]);
    expect(Object.fromEntries(texts)).toEqual({
      'a/known.bin': 'known before',
      'a/empty.bin': '',
      'b/peça 🌹 وردة.txt': 'stream',
      'text.txt': `${'long '.repeat(10_000)}text`,
    });
    expect(archive.length).toBeLessThan(2_000);
  });

  it('have more entries than 16 bits count, with one part of the directory in memory at a time', async () => {
    const path = join(folder, 'many.zip');
    const before = process.memoryUsage().heapUsed;
    await archiveIn(path, async (zip) => {
      for (let count = 0; count < 70_000; count += 1)
        await zip.addBytes({ name: `files/${String(count)}.txt`, modifiedAt }, Buffer.from('x'));
    });
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(200e6);
    expect(await checkArchive(path)).toContain('unzip');
  });

  it('stay well-formed if a file cannot be read to its end, and say so', async () => {
    const failing = (async function* () {
      yield await Promise.resolve(Buffer.from('begin'));
      throw new Error('the disk is broken');
    })();
    let added: unknown;
    const archive = await archiveOf(async (zip) => {
      added = await zip.addStream({ name: 'cut.bin', modifiedAt, expectedBytes: 100 }, failing);
      await zip.addBytes({ name: 'next.bin', modifiedAt }, Buffer.from('next'));
    });
    expect(added).toMatchObject({ bytes: 5, failure: new Error('the disk is broken') });
    const { files } = await unpack(archive);
    expect([...files].map(([name, bytes]) => [name, bytes.toString()]).sort()).toEqual([
      ['cut.bin', 'begin'],
      ['next.bin', 'next'],
    ]);
  });

  it('fail if a text cannot be made', async () => {
    const failing = (async function* () {
      yield await Promise.resolve(Buffer.from('begin'));
      throw new Error('no more text');
    })();
    const text = { name: 'text.txt', modifiedAt, expectedBytes: 1 };
    await expect(archiveOf((zip) => zip.addText(text, failing))).rejects.toThrow('no more text');
  });
});

describe('sizes beyond 32 bits', () => {
  const large = {
    name: Buffer.from('large.bin'),
    modifiedAt,
    offset: 5_000_000_000,
    isDeflated: false,
    isStreamed: true,
    isLarge: true,
    checksum: 1,
    storedBytes: 6_000_000_000,
    bytes: 7_000_000_000,
  };

  it('stand in the field that ZIP64 adds', () => {
    const record = directoryRecord(large);
    const field = record.indexOf(Buffer.from([1, 0, 24, 0]));
    expect([4, 12, 20].map((at) => Number(record.readBigUInt64LE(field + at)))).toEqual([
      7_000_000_000, 6_000_000_000, 5_000_000_000,
    ]);
    expect([20, 24, 42].map((at) => record.readUInt32LE(at))).toEqual(Array(3).fill(0xffff_ffff));
    expect(localHeader(large).readUInt16LE(4)).toBe(45);
  });

  it('have an end of the directory of their own', () => {
    const end = endOfArchive({ entries: 3, offset: 5_000_000_000, bytes: 300 });
    expect(end.readUInt32LE(0)).toBe(0x0606_4b50);
    expect(Number(end.readBigUInt64LE(64))).toBe(5_000_000_300);
    expect(end.readUInt32LE(end.length - 6)).toBe(0xffff_ffff);
  });
});

it('a scratch file has no name, and gives back what it was given', async () => {
  const scratch = join(folder, 'scratch');
  const file = await openScratchFile(scratch);
  const parts = Array.from({ length: 100 }, (_, index) => Buffer.alloc(10_007, index));
  for (const part of parts) await file.append(part);
  expect(await readdir(scratch)).toEqual([]);
  const read: Buffer[] = [];
  for await (const chunk of file.read()) read.push(chunk);
  expect(Buffer.concat(read).equals(Buffer.concat(parts))).toBe(true);
  expect(file.bytes()).toBe(1_000_700);
  await file.close();
});
