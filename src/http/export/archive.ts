/** Writes the archive of an export: the files, and behind them two manifests that name every media item. */
import { buffer } from 'node:stream/consumers';

import { AppError } from '../../domain/errors.js';
import { createZipWriter, type ZipWriter } from '../../infra/archives/zip-writer.js';
import { blobKey, type BlobStore } from '../../infra/files/blob-store.js';
import type { ScratchFile } from '../../infra/files/scratch-file.js';
import type { Staging } from '../../infra/files/staging.js';
import type { BlobRecord, MediaRecord } from '../../infra/tables/media/records.js';
import type { RouteServices } from '../services.js';
import { factView } from '../media/facts.js';
import { mediaView } from '../views/media.js';
import { archivePath } from './names.js';
import { csvHead, csvRow, jsonLine, type ExportRow, type Omission } from './rows.js';
import type { Source } from './source.js';

export type ArchiveServices = Pick<RouteServices, 'blobs' | 'facts' | 'lookup' | 'now' | 'staging'>;

/** Where the export goes, and what was written so far. */
export interface Target {
  /** Resolves when the reader can take more. */
  readonly write: (bytes: Buffer) => Promise<void>;
  /** Rejects once the token of the reader has ended or is revoked. */
  readonly mayContinue: () => Promise<void>;
  readonly counts: { media: number; files: number };
}

/** Larger files are added while they are read. */
const maxBufferedBytes = 1024 * 1024;
/** If the store rejects so many files in a row, the store is at fault and not a file. */
const maxFailuresInRow = 20;

export function writeArchive(
  services: ArchiveServices,
  { pages, texts }: Source,
  target: Target,
): Promise<void> {
  const { staging, now } = services;
  return withScratch(staging, (directory) =>
    withScratch(staging, async (manifest) => {
      const zip = createZipWriter(target.write, directory);
      const addFile = createFileAdder(services, zip);
      for await (const page of pages) {
        for (const { id } of page) {
          await target.mayContinue();
          const row = await addFile(id, target.counts.media + 1);
          if (!row) continue;
          target.counts.media += 1;
          if (row.file !== null) target.counts.files += 1;
          await manifest.append(Buffer.from(jsonLine(row)));
        }
      }
      const text = { modifiedAt: now(), expectedBytes: 2 * manifest.bytes() };
      await zip.addText({ name: 'manifest.jsonl', ...text }, manifest.read());
      await zip.addText({ name: 'manifest.csv', ...text }, csvOf(manifest.read()));
      if (texts) await zip.addText({ name: 'messages.jsonl', ...text }, bytesOf(texts));
      await zip.finish();
    }),
  );
}

async function withScratch(staging: Staging, work: (file: ScratchFile) => Promise<void>): Promise<void> {
  const file = await staging.scratch();
  try {
    await work(file);
  } finally {
    await file.close();
  }
}

type AddFile = (id: string, number: number) => Promise<ExportRow | undefined>;

/**
 * Adds the file of a media item and returns its row of the manifest; undefined if there is no such media item
 * any more. Each is read again right before: a slow client may take hours for those before it, and what was
 * erased in the meantime must not leave.
 */
function createFileAdder({ blobs, facts, lookup }: ArchiveServices, zip: ZipWriter): AddFile {
  let failuresInRow = 0;
  const read = async (blob: BlobRecord): Promise<Content | undefined> => {
    try {
      const content = await openContent(blobs, blob);
      failuresInRow = 0;
      return content;
    } catch (cause) {
      failuresInRow += 1;
      if (failuresInRow < maxFailuresInRow) return undefined;
      throw new AppError('service.unavailable', 'the store rejects every file', { cause });
    }
  };
  return async (id, number) => {
    const media = await lookup.media(id);
    if (!media) return undefined;
    if (media.state !== 'ready' || !media.blob) return rowOf(media, omissionOf(media));
    const content = await read(media.blob);
    if (!content) {
      const latest = (await lookup.media(id)) ?? media;
      return rowOf(latest, omissionOf(latest));
    }
    const file = { name: archivePath(mediaView(media), number), modifiedAt: momentOf(media) };
    const isComplete = await content.addTo(zip, file);
    const found = (await facts.of([id])).get(id) ?? [];
    const row = rowOf(media, isComplete ? null : 'incomplete');
    return { ...row, file: file.name, facts: found.map(factView) };
  };
}

/** The row of a media item without a file and without facts. */
function rowOf(media: MediaRecord, omitted: Omission | null): ExportRow {
  return { ...mediaView(media), file: null, omitted, facts: [] };
}

/** Why a media item whose file is not there has none. */
function omissionOf({ state }: MediaRecord): Omission {
  if (state === 'erased') return 'erased';
  return state === 'ready' ? 'unreadable' : 'not_ready';
}

function momentOf({ message, receivedAt }: MediaRecord): Date {
  return message?.sentAt ?? receivedAt;
}

interface Content {
  /** Resolves to whether the whole file was added. */
  readonly addTo: (
    zip: ZipWriter,
    file: { readonly name: string; readonly modifiedAt: Date },
  ) => Promise<boolean>;
}

/** Undefined if the bytes are gone or cut short; rejects if they cannot be read. */
async function openContent(blobs: BlobStore, { sha256, bytes }: BlobRecord): Promise<Content | undefined> {
  const key = blobKey(sha256);
  if (bytes === 0 || (await blobs.size(key)) !== bytes) return undefined;
  const whole = { start: 0, end: bytes - 1 };
  if (bytes > maxBufferedBytes) {
    return {
      addTo: async (zip, file) => {
        const added = await zip.addStream({ ...file, expectedBytes: bytes }, blobs.read(key, whole));
        return added.failure === undefined && added.bytes === bytes;
      },
    };
  }
  const data = await buffer(blobs.read(key, whole));
  if (data.length !== bytes) return undefined;
  return {
    addTo: async (zip, file) => {
      await zip.addBytes(file, data);
      return true;
    },
  };
}

/** The manifest as CSV, of its JSON lines. */
async function* csvOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
  yield Buffer.from(csvHead);
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    yield Buffer.from(lines.map((line) => csvRow(JSON.parse(line) as ExportRow)).join(''));
  }
}

async function* bytesOf(texts: AsyncIterable<string>): AsyncGenerator<Buffer, void> {
  for await (const text of texts) if (text !== '') yield Buffer.from(text);
}
