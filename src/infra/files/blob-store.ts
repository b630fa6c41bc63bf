/** Bytes by name. Names are made by us from a SHA-256 and never from anything foreign. */
import type { Readable } from 'node:stream';

import type { BlobFacts, PreviewSize } from '../../domain/media.js';

/** Of a file, the digest of what is in it is known (hex). */
export type StoredBytes = { readonly file: string; readonly sha256: string } | { readonly data: Buffer };

export interface BlobStore {
  /** Stores under a key; when it resolves, the bytes survive a crash. The same key always holds the same bytes. A `file` is moved. */
  readonly put: (key: string, bytes: StoredBytes) => Promise<void>;
  /** From `start` to `end`, both included. */
  readonly read: (key: string, range: { readonly start: number; readonly end: number }) => Readable;
  /** Undefined: nothing is there. Like the others, it rejects when a store that is elsewhere does not answer. */
  readonly size: (key: string) => Promise<number | undefined>;
  /** When it resolves, nothing is there under these keys, also after a crash. It need not have been there. */
  readonly remove: (keys: readonly string[]) => Promise<void>;
  /** All keys that there are, in no order. */
  readonly keys: () => AsyncIterable<string>;
  /** Rejects with a `StoreTrouble` when files cannot be kept now. Calls that come while one is under way share its answer. */
  readonly tryOut: () => Promise<void>;
  readonly close: () => void;
}

/** Two levels of folders keep each of them small. */
export function blobKey(sha256: string): string {
  return `blobs/${checked(sha256).slice(0, 2)}/${sha256.slice(2, 4)}/${sha256}`;
}

export function previewKey(sha256: string, size: PreviewSize): string {
  return `previews/${checked(sha256).slice(0, 2)}/${sha256}-${size}`;
}

/** Everything that is stored of a blob. The bytes come first: without them, the rest is stored anew as well. */
export function keysOf({ sha256, previews }: Pick<BlobFacts, 'sha256' | 'previews'>): readonly string[] {
  return [blobKey(sha256), ...previews.map(({ size }) => previewKey(sha256, size))];
}

function checked(sha256: string): string {
  if (!/^[0-9a-f]{64}$/.test(sha256)) throw new Error('not a SHA-256');
  return sha256;
}

/** Under which everything is stored. */
export const keyRoots = ['blobs', 'previews'] as const;

const trialPrefix = 'blobs/trial-';

/** For a file that is there only while a store is tried out. */
export function trialKey(id: string): string {
  return trialPrefix + id;
}

export function isTrialKey(key: string): boolean {
  return key.startsWith(trialPrefix);
}
