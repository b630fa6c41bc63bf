/** Stores bytes under keys. Keys are derived from a SHA-256 and never contain foreign text. */
import type { Readable } from 'node:stream';

import { previewSizes, type BlobFacts, type ByteRange, type PreviewSize } from '../../domain/media.js';

/** The bytes to store. The SHA-256 of a file is known, in hex. */
export type StoredBytes = { readonly file: string; readonly sha256: string } | { readonly data: Buffer };

export interface BlobStore {
  /**
   * Stores bytes under a key; when it resolves, they survive a crash. The same key always has the same bytes.
   * A `file` is moved.
   */
  readonly put: (key: string, bytes: StoredBytes) => Promise<void>;
  /** Reads the bytes of a range. */
  readonly read: (key: string, range: ByteRange) => Readable;
  /**
   * Undefined if there are no bytes under the key. Like the others, it rejects if a remote store does not
   * respond.
   */
  readonly size: (key: string) => Promise<number | undefined>;
  /**
   * The same as `size`, at once, for files that were read lately: the system then has their entries in
   * memory. Absent where the answer may take long, because the store or its folder is at another machine.
   */
  readonly sizeAtOnce?: (key: string) => number | undefined;
  /**
   * An address at which anybody can read the bytes for some minutes, with these headers. Absent if the store
   * has no such addresses, or if the settings do not allow them.
   */
  readonly link?: (key: string, headers: LinkOptions) => Promise<string>;
  /**
   * When it resolves, nothing is stored under these keys, even after a crash. Missing keys are not an error.
   */
  readonly remove: (keys: readonly string[]) => Promise<void>;
  /** All existing keys, in no particular order. */
  readonly keys: () => AsyncIterable<string>;
  /** Rejects with a `StorageProblem` if files cannot be stored now. Calls during a probe share its result. */
  readonly probe: () => Promise<void>;
  readonly close: () => void;
}

/** The headers that a store sends with the bytes. */
export interface LinkOptions {
  readonly type: string;
  readonly disposition: string;
  readonly cacheControl: string;
}

/** Two levels of folders keep each folder small. */
export function blobKey(sha256: string): string {
  return `blobs/${validated(sha256).slice(0, 2)}/${sha256.slice(2, 4)}/${sha256}`;
}

export function previewKey(sha256: string, size: PreviewSize): string {
  return `previews/${validated(sha256).slice(0, 2)}/${sha256}-${size}`;
}

/**
 * The keys under which the files of a blob must exist. The bytes come first: if they are missing, the
 * previews are stored again as well.
 */
export function keysOf({ sha256, previews }: Pick<BlobFacts, 'sha256' | 'previews'>): readonly string[] {
  const files = previews.filter(({ ranges }) => !ranges);
  return [blobKey(sha256), ...files.map(({ size }) => previewKey(sha256, size))];
}

/**
 * The keys under which files of a blob may exist. Another version may have stored the same bytes with a
 * preview in a file of its own where the row now names parts of the stored file.
 */
export function possibleKeysOf(sha256: string): readonly string[] {
  return [blobKey(sha256), ...previewSizes.map((size) => previewKey(sha256, size))];
}

function validated(sha256: string): string {
  if (!/^[0-9a-f]{64}$/.test(sha256)) throw new Error('not a SHA-256');
  return sha256;
}

/** The roots of all keys. */
export const keyRoots = ['blobs', 'previews'] as const;

const trialPrefix = 'blobs/trial-';

/** The key of a file that exists only during a probe. */
export function trialKey(id: string): string {
  return trialPrefix + id;
}

export function isTrialKey(key: string): boolean {
  return key.startsWith(trialPrefix);
}
