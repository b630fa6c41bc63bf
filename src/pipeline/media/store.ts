/** From a staged file to stored bytes with previews: used for what is fetched and for what is uploaded. */
import { AppError } from '../../domain/errors.js';
import { awaitsPreviews, isNoMedia, type BlobFacts, type HeldBlob } from '../../domain/media.js';
import type { MediaKind } from '../../domain/provider.js';
import { typeOfFile } from '../../infra/file-types/detect.js';
import { blobKey, keysOf, previewKey, type BlobStore } from '../../infra/files/blob-store.js';
import type { MalwareScanner } from '../../infra/files/malware-scanner.js';
import type { Quarantine } from '../../infra/files/quarantine.js';
import type { StagedFile } from '../../infra/files/staging.js';
import type { Previewed } from '../../infra/pictures/decoder.js';
import type { MediaTable } from '../../infra/tables/media/media.js';
import { createKeyedLock, createLimit } from '../concurrency.js';
import { isShown, type MakePreviews, type Suspicion } from './previews.js';

interface Scanning {
  readonly scan: MalwareScanner['scan'];
  readonly quarantine: Pick<Quarantine, 'put'>;
}

export interface StoreOptions {
  readonly blobs: BlobStore;
  readonly makePreviews: MakePreviews;
  readonly table: Pick<MediaTable, 'findBlob' | 'announce' | 'previewLater'>;
  readonly now: () => Date;
  /** Undefined: files are not scanned for malware. */
  readonly scanning?: Scanning | undefined;
}

/** What the bytes should be. */
export interface Expectation {
  readonly kind: MediaKind;
  /** Whether they are brought again when a decoder is busy; by default they are kept without previews then. */
  readonly comesBack?: boolean;
  readonly suspicion?: Suspicion;
  /** How often its previews were to be made later. */
  readonly previewTries?: number;
  /** The media as which an infected file is kept aside; by default it is not kept. */
  readonly mediaId?: string;
}

/**
 * Stores a staged file with its previews, as good as they can be made; the file is gone afterwards. Rejects with a media error for what is
 * not kept: an empty file, malware, and a page where a picture was announced. When it resolves, bytes and previews survive a crash, and the
 * row may be written.
 */
export type Store = (file: StagedFile, expected: Expectation) => Promise<HeldBlob>;

/** Doubled each time, ten waits are 17 hours. */
const firstPreviewWaitMs = 60_000;
const mostPreviewTries = 10;
/** clamd has ten threads unless told otherwise. */
const scansAtOnce = 8;

export function createStore({ blobs, makePreviews, table, now, scanning }: StoreOptions): Store {
  const limitScans = createLimit(scansAtOnce);
  // The same bytes that arrive twice at once are decoded and written once.
  const lock = createKeyedLock();

  /** Bytes that are known and there, with their previews; what somebody has removed is stored again. */
  const findStored = async (sha256: string): Promise<HeldBlob | undefined> => {
    const known = await table.findBlob(sha256);
    return known && (await isStored(blobs, known)) ? known : undefined;
  };

  const store = async (file: StagedFile, expected: Expectation): Promise<HeldBlob> => {
    const { kind, comesBack, suspicion, previewTries = 0 } = expected;
    const type = await typeOfFile(file);
    if (isNoMedia(type, kind)) {
      const message = `announced as ${kind}, but the bytes are ${type}`;
      throw new AppError('media.type_mismatch', message, { mayPass: true });
    }
    const known = await findStored(file.sha256);
    if (known && isLookedAt(known, type)) return known;
    const { path, head } = file;
    const { pictures, warnings } = await makePreviews({ path, head, type, comesBack, suspicion });
    const previews = pictures?.previews ?? [];
    const blob = {
      sha256: file.sha256,
      type,
      bytes: file.bytes,
      ...(pictures ? pictureFacts(pictures) : noPicture),
      warnings,
    };
    const announced = await table.announce(blob, now());
    await Promise.all([
      ...previews.map(({ size, data }) => blobs.put(previewKey(file.sha256, size), { data })),
      blobs.put(blobKey(file.sha256), { file: file.path, sha256: file.sha256 }),
    ]);
    if (awaitsPreviews(blob) && previewTries < mostPreviewTries)
      await table.previewLater(file.sha256, previewTries + 1, firstPreviewWaitMs * 2 ** previewTries);
    return announced;
  };

  /** Before anything else reads the bytes; and again for bytes that are known, since what is known of malware changes. */
  const refuseMalware = async (file: StagedFile, { mediaId }: Expectation): Promise<void> => {
    const found = scanning && (await limitScans(() => scanning.scan(file.path)));
    if (found === undefined) return;
    if (mediaId !== undefined) await scanning?.quarantine.put(mediaId, file.path);
    throw new AppError('media.infected', `the malware scanner found ${found}`);
  };

  return async (file, expected) => {
    try {
      if (file.bytes === 0) throw new AppError('media.empty', 'the file is empty');
      await refuseMalware(file, expected);
      return await lock(file.sha256, () => store(file, expected));
    } finally {
      await file.discard();
    }
  };
}

/** Whether everything that is stored of a blob is there, and whole as far as its size tells. */
async function isStored(blobs: Pick<BlobStore, 'size'>, blob: BlobFacts): Promise<boolean> {
  const [bytes, ...previews] = await Promise.all(keysOf(blob).map((key) => blobs.size(key)));
  return bytes === blob.bytes && previews.every((size) => size !== undefined && size > 0);
}

/**
 * Whether there is nothing to be found out of bytes that are known: an earlier version may have taken them for something else, and the
 * decoder may have had no time for them.
 */
function isLookedAt(blob: BlobFacts, typeNow: string): boolean {
  const { type, previews, warnings } = blob;
  const isDone = previews.length > 0 || warnings.length > 0 || !isShown(type);
  return type === typeNow && isDone && !awaitsPreviews(blob);
}

type PictureFacts = Pick<BlobFacts, 'width' | 'height' | 'thumbhash' | 'previews'>;

const noPicture: PictureFacts = { width: null, height: null, thumbhash: null, previews: [] };

function pictureFacts({ width, height, thumbhash, previews }: Previewed): PictureFacts {
  return {
    width,
    height,
    thumbhash,
    previews: previews.map((preview) => ({
      size: preview.size,
      type: preview.type,
      width: preview.width,
      height: preview.height,
    })),
  };
}
