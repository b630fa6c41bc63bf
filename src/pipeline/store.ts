/** From a staged file to stored bytes with previews: used for what is fetched and for what is uploaded. */
import { AppError } from '../domain/errors.js';
import { typeFitsKind, type BlobFacts } from '../domain/media.js';
import type { MediaKind } from '../domain/provider.js';
import { blobKey, keysOf, previewKey, type BlobStore } from '../infra/blob-store.js';
import { sniffType } from '../infra/file-types.js';
import type { Previewed } from '../infra/images.js';
import type { MalwareScanner } from '../infra/malware-scanner.js';
import type { MediaTable } from '../infra/media-table.js';
import type { Quarantine } from '../infra/quarantine.js';
import type { StagedFile } from '../infra/staging.js';
import { createKeyedLock, createLimit } from './concurrency.js';
import type { MakePreviews, Suspicion } from './previews.js';

interface Scanning {
  readonly scan: MalwareScanner['scan'];
  readonly quarantine: Pick<Quarantine, 'put'>;
}

export interface StoreOptions {
  readonly blobs: BlobStore;
  readonly makePreviews: MakePreviews;
  readonly table: Pick<MediaTable, 'findBlob' | 'announce'>;
  readonly now: () => Date;
  /** Undefined: files are not scanned for malware. */
  readonly scanning?: Scanning | undefined;
}

/** What the bytes must be. */
export interface Expectation {
  readonly kind: MediaKind;
  /** Declared by the sender; hex. */
  readonly sha256: string | null;
  /** Whether they are brought again when a decoder is busy; by default they are kept without previews then. */
  readonly comesBack?: boolean;
  readonly suspicion?: Suspicion;
  /** The media as which an infected file is kept aside; by default it is not kept. */
  readonly mediaId?: string;
}

/**
 * Checks a staged file, makes its previews and stores it all; the file is gone afterwards. Rejects with the media error that
 * names what is wrong with the bytes. When it resolves, bytes and previews survive a crash, and the row may be written.
 */
export type Store = (file: StagedFile, expected: Expectation) => Promise<BlobFacts>;

/** clamd has ten threads unless told otherwise. */
const scansAtOnce = 8;

export function createStore({ blobs, makePreviews, table, now, scanning }: StoreOptions): Store {
  const limitScans = createLimit(scansAtOnce);
  // The same bytes that arrive twice at once are decoded and written once.
  const lock = createKeyedLock();

  /** Bytes that are known and there; a file that somebody has removed is stored again. */
  const findStored = async (sha256: string): Promise<BlobFacts | undefined> => {
    const known = await table.findBlob(sha256);
    return known && (await blobs.has(blobKey(sha256))) ? known : undefined;
  };

  const store = async (file: StagedFile, expected: Expectation): Promise<BlobFacts> => {
    const { kind, comesBack, suspicion } = expected;
    const known = await findStored(file.sha256);
    const type = known?.type ?? (await sniffType(file.head));
    if (!typeFitsKind(type, kind)) {
      throw new AppError('media.type_mismatch', `announced as ${kind}, but the bytes are ${type}`);
    }
    if (known) return known;
    const pictures = await makePreviews({ path: file.path, type, kind, comesBack, suspicion });
    const previews = pictures?.previews ?? [];
    const blob = {
      ...{ sha256: file.sha256, type, bytes: file.bytes },
      ...(pictures ? pictureFacts(pictures) : noPicture),
    };
    await table.announce(blob, now());
    await Promise.all([
      ...previews.map(({ size, data }) => blobs.put(previewKey(file.sha256, size), { data })),
      blobs.put(blobKey(file.sha256), { file: file.path, sha256: file.sha256 }),
    ]);
    return blob;
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
      if (file.bytes === 0) throw new AppError('media.empty', 'the answer had no bytes');
      if (expected.sha256 !== null && expected.sha256 !== file.sha256) {
        throw new AppError('media.hash_mismatch', 'the bytes are not those whose SHA-256 was announced');
      }
      await refuseMalware(file, expected);
      return await lock(file.sha256, () => store(file, expected));
    } finally {
      await file.discard();
    }
  };
}

/** Whether everything that is stored of a blob is there. */
export async function isStored(blobs: Pick<BlobStore, 'has'>, blob: BlobFacts): Promise<boolean> {
  const found = await Promise.all(keysOf(blob).map((key) => blobs.has(key)));
  return found.every(Boolean);
}

type PictureFacts = Pick<BlobFacts, 'width' | 'height' | 'thumbhash' | 'previews'>;

const noPicture: PictureFacts = { width: null, height: null, thumbhash: null, previews: [] };

function pictureFacts({ width, height, thumbhash, previews }: Previewed): PictureFacts {
  return {
    ...{ width, height, thumbhash },
    previews: previews.map((preview) => ({
      ...{ size: preview.size, type: preview.type, width: preview.width, height: preview.height },
    })),
  };
}
