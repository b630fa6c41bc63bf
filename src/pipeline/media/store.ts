/** Turns a staged file into stored bytes with previews, for downloads and for uploads. */
import { AppError } from '../../domain/errors.js';
import { awaitsPreviews, isNotMedia, type BlobFacts, type HeldBlob } from '../../domain/media.js';
import type { MediaKind } from '../../domain/provider.js';
import { readableType } from '../../domain/type-names.js';
import { typeOfFile } from '../../infra/file-types/detect.js';
import { blobKey, keysOf, previewKey, type BlobStore } from '../../infra/files/blob-store.js';
import type { MalwareScanner } from '../../infra/files/malware-scanner.js';
import type { Quarantine } from '../../infra/files/quarantine.js';
import type { StagedFile } from '../../infra/files/staging.js';
import type { EncodedPreview, Previewed } from '../../infra/pictures/encode-previews.js';
import type { ReadMetadata } from '../../infra/pictures/metadata/read-metadata.js';
import type { MediaTable } from '../../infra/tables/media/media.js';
import { createKeyedLock, createLimit } from '../concurrency.js';
import { canHavePreviews, type MakePreviews, type Suspicion } from './previews.js';

interface Scanning {
  readonly scan: MalwareScanner['scan'];
  readonly quarantine: Pick<Quarantine, 'put'>;
}

export interface StoreOptions {
  readonly blobs: BlobStore;
  readonly makePreviews: MakePreviews;
  readonly readMetadata: ReadMetadata;
  readonly table: Pick<MediaTable, 'findBlob' | 'announce' | 'previewLater'>;
  readonly now: () => Date;
  /** If undefined, files are not scanned for malware. */
  readonly scanning?: Scanning | undefined;
}

/** What is expected of the file, and how to treat it. */
export interface Expectation {
  readonly kind: MediaKind;
  /** If true, a busy decoder fails with `media.busy`; by default the file is stored without previews then. */
  readonly canRefetch?: boolean;
  readonly suspicion?: Suspicion;
  /** How often the previews were postponed before. */
  readonly previewAttempts?: number;
  /** The id under which an infected file is quarantined; by default it is deleted. */
  readonly mediaId?: string;
}

/**
 * Stores a staged file with the best possible previews and deletes the staged file. Rejects with a media
 * error for a file that is not kept: an empty file, malware, or a page where media was announced. When it
 * resolves, bytes and previews survive a crash, and the row may be written.
 */
export type Store = (file: StagedFile, expected: Expectation) => Promise<HeldBlob>;

/** Doubled each time, ten waits add up to 17 hours. */
const firstPreviewWaitMs = 60_000;
const maxPreviewAttempts = 10;
/** clamd has ten threads by default. */
const maxConcurrentScans = 8;

export function createStore(options: StoreOptions): Store {
  const refuseMalware = createMalwareRefusal(options.scanning);
  // Identical files that arrive at the same time are decoded and written once.
  const lock = createKeyedLock();
  return async (file, expected) => {
    try {
      if (file.bytes === 0) throw new AppError('media.empty', 'the file is empty');
      await refuseMalware(file, expected);
      return await lock(file.sha256, () => storeFile(options, file, expected));
    } catch (error) {
      await file.discard();
      throw error;
    }
  };
}

/**
 * Rejects for an infected file. Runs before other code reads the bytes, and again for known bytes, because
 * the scanner's signatures change.
 */
function createMalwareRefusal(
  scanning: Scanning | undefined,
): (file: StagedFile, expected: Expectation) => Promise<void> {
  const limitScans = createLimit(maxConcurrentScans);
  return async (file, { mediaId }) => {
    const threat = scanning && (await limitScans(() => scanning.scan(file.path)));
    if (threat === undefined) return;
    if (mediaId !== undefined) await scanning?.quarantine.put(mediaId, file.path);
    throw new AppError('media.infected', `the malware scanner found ${threat}`);
  };
}

/** Moves the file to the store, or deletes it if its bytes are stored already. */
async function storeFile(
  options: StoreOptions,
  file: StagedFile,
  { kind, canRefetch, suspicion, previewAttempts = 0 }: Expectation,
): Promise<HeldBlob> {
  const { blobs, makePreviews, readMetadata, table, now } = options;
  const type = await typeOfFile(file);
  if (isNotMedia(type, kind)) {
    const message = `announced as ${kind}, but the file is ${readableType(type)}`;
    throw new AppError('media.type_mismatch', message, { mayRecover: true });
  }
  const stored = await findStored(options, file.sha256);
  if (stored && isUpToDate(stored, type)) {
    await file.discard();
    return stored;
  }
  const { path, head, sha256, bytes } = file;
  const [{ pictures, warnings }, metadata] = await Promise.all([
    makePreviews({ path, head, type, canRefetch, suspicion }),
    readMetadata({ path, head, type }),
  ]);
  const facts = pictures ? pictureFacts(pictures) : noPicture;
  const blob: BlobFacts = { sha256, type, bytes, ...facts, warnings, metadata };
  const announced = await table.announce(blob, now());
  await Promise.all([
    ...encodedIn(pictures).map(({ size, data }) => blobs.put(previewKey(sha256, size), { data })),
    blobs.put(blobKey(sha256), { file: path, sha256 }),
  ]);
  if (awaitsPreviews(blob) && previewAttempts < maxPreviewAttempts)
    await table.previewLater(sha256, previewAttempts + 1, firstPreviewWaitMs * 2 ** previewAttempts);
  return announced;
}

/** Returns a known blob whose files exist, previews included; deleted files are stored again. */
async function findStored({ blobs, table }: StoreOptions, sha256: string): Promise<HeldBlob | undefined> {
  const stored = await table.findBlob(sha256);
  return stored && (await isStored(blobs, stored)) ? stored : undefined;
}

/** The previews that need a file of their own. */
function encodedIn(pictures: Previewed | undefined): readonly EncodedPreview[] {
  return pictures?.previews.filter((preview) => 'data' in preview) ?? [];
}

/** Whether all files of a blob exist and have the right size. */
async function isStored(blobs: Pick<BlobStore, 'size'>, blob: BlobFacts): Promise<boolean> {
  const [bytes, ...previews] = await Promise.all(keysOf(blob).map((key) => blobs.size(key)));
  return bytes === blob.bytes && previews.every((size) => size !== undefined && size > 0);
}

/**
 * Whether a known blob needs no further processing. An earlier version may have detected another type, and
 * the decoder may have been busy.
 */
function isUpToDate(blob: BlobFacts, typeNow: string): boolean {
  const { type, previews, warnings } = blob;
  const isDone = previews.length > 0 || warnings.length > 0 || !canHavePreviews(type);
  return type === typeNow && isDone && !awaitsPreviews(blob);
}

type PictureFacts = Pick<BlobFacts, 'width' | 'height' | 'thumbhash' | 'perceptualHash' | 'previews'>;

const noPicture: PictureFacts = {
  width: null,
  height: null,
  thumbhash: null,
  perceptualHash: null,
  previews: [],
};

function pictureFacts({ previews, width, height, thumbhash, perceptualHash }: Previewed): PictureFacts {
  return {
    width,
    height,
    thumbhash,
    perceptualHash,
    previews: previews.map(({ size, type, width, height, ranges }) => ({
      size,
      type,
      width,
      height,
      ...(ranges && { ranges }),
    })),
  };
}
