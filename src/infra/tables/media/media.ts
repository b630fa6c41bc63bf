/**
 * The table of media as the worker uses it. Its hot statements are SQL, since each changes a row, locks
 * others and adds its job at once, for every picture: they are in attempts.ts, known-blobs.ts and requeue.ts.
 * The rest goes through Prisma Client.
 */
import type { MediaErrorCode } from '../../../domain/errors.js';
import type { BlobFacts, HeldBlob } from '../../../domain/media.js';
import type { Pool, Together } from '../../postgres/database.js';
import {
  countDecoding,
  findPending,
  markReady,
  markRefused,
  scheduleRetry,
  type AttemptedMedia,
  type MediaError,
  type NextAttempt,
  type Outcome,
  type PendingMedia,
} from './attempts.js';
import { announce, findBlob, insertUpload, previewLater, type Upload } from './known-blobs.js';
import { postpone, reconcile, retryNow, wakeUnstored } from './requeue.js';

export interface MediaTable {
  /** The media item, if it is still pending. */
  readonly findPending: (id: string) => Promise<PendingMedia | undefined>;
  /** The facts about bytes that are already stored. */
  readonly findBlob: (sha256: string) => Promise<HeldBlob | undefined>;
  /**
   * Announces that the files of the blob are about to be stored: if this process dies before a media item
   * uses them, they are orphans. If the bytes are already stored, their facts are replaced. Returns the blob
   * with the revision of its row.
   */
  readonly announce: (blob: BlobFacts, now: Date) => Promise<HeldBlob>;
  /**
   * Adds a job that makes the previews of stored bytes after `afterMs` milliseconds; `tries` is part of its
   * payload.
   */
  readonly previewLater: (sha256: string, tries: number, afterMs: number) => Promise<void>;
  /**
   * pending → ready, with the blob. `not pending`: bytes that no other media item uses are orphans now.
   * `bytes gone`: the files may have been removed since the blob was found or stored, and nothing has
   * changed.
   */
  readonly markReady: (id: string, blob: HeldBlob) => Promise<Outcome>;
  /** pending → rejected or failed. */
  readonly markRefused: (
    media: AttemptedMedia,
    state: 'rejected' | 'failed',
    error: MediaError,
  ) => Promise<void>;
  /** Records a failed attempt and adds the job of the next one; the media item stays pending. */
  readonly scheduleRetry: (media: AttemptedMedia, next: NextAttempt, error: MediaError) => Promise<void>;
  /** The number of attempts that ended in this error. */
  readonly countFailures: (id: string, code: MediaErrorCode) => Promise<number>;
  /**
   * Counts a decoding that is about to begin; returns how many have begun since an attempt last ended,
   * including this one.
   */
  readonly countDecoding: (id: string) => Promise<number>;
  /** Postpones the job by `afterMs` milliseconds without counting an attempt. */
  readonly postpone: (media: AttemptedMedia, afterMs: number) => Promise<void>;
  /** Replaces an expired link while the media item is pending. */
  readonly replaceSource: (media: AttemptedMedia, url: string, expiresAt: Date | null) => Promise<void>;
  /** rejected or failed → pending, to be downloaded now; false if it is in another state or has no link. */
  readonly retryNow: (id: string, now: Date, together: Together) => Promise<boolean>;
  /**
   * Adds a ready media item that belongs to no message yet. False: the files may have been removed since they
   * were stored.
   */
  readonly addUpload: (upload: Upload, blob: HeldBlob, now: Date) => Promise<boolean>;
  /** Makes all media due that wait because they could not be stored. */
  readonly wakeUnstored: () => Promise<void>;
  /** Returns the channels of those media that are infected, or may turn out to be, by their ids. */
  readonly stillInfected: (ids: readonly string[]) => Promise<ReadonlyMap<string, string>>;
  /** Adds the missing jobs of pending media that have no attempt ahead; returns how many. */
  readonly reconcile: () => Promise<number>;
}

export function createMediaTable(pool: Pool): MediaTable {
  return {
    findPending: (id) => findPending(pool, id),
    findBlob: (sha256) => findBlob(pool, sha256),
    announce: (blob, now) => announce(pool, blob, now),
    previewLater: (sha256, tries, afterMs) => previewLater(pool, sha256, { tries, afterMs }),
    markReady: (id, blob) => markReady(pool, id, blob),
    markRefused: (attempted, state, error) => markRefused(pool, attempted, { state, error }),
    scheduleRetry: (attempted, next, error) => scheduleRetry(pool, attempted, { next, error }),
    countFailures: (id, code) => pool.prisma.mediaAttempt.count({ where: { mediaId: id, errorCode: code } }),
    countDecoding: (id) => countDecoding(pool, id),
    postpone: (attempted, afterMs) => postpone(pool, attempted, afterMs),
    replaceSource: async ({ id, sourceDelivery }, url, expiresAt) => {
      await pool.prisma.media.updateMany({
        where: { id, state: 'pending', sourceDeliveryId: sourceDelivery },
        data: { sourceUrl: url, sourceExpiresAt: expiresAt },
      });
    },
    retryNow: (id, now, together) => retryNow(pool, id, { now, together }),
    addUpload: (upload, blob, now) => insertUpload(pool, { ...upload, blob, now }),
    wakeUnstored: () => wakeUnstored(pool),
    stillInfected: async (ids) => {
      const rows = await pool.prisma.media.findMany({
        where: {
          id: { in: [...ids] },
          OR: [{ state: 'pending' }, { state: 'rejected', errorCode: 'media.infected' }],
        },
        select: { id: true, channel: true },
      });
      return new Map(rows.map(({ id, channel }) => [id, channel]));
    },
    reconcile: () => reconcile(pool),
  };
}
