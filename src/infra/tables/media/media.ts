/**
 * The table of media as the worker uses it. Its hot statements are SQL, since each changes a row, locks others and adds its job at once, for
 * every picture: they are in attempts.ts, known-blobs.ts and requeue.ts. The rest goes through Prisma Client.
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
  /** The media, when it is still pending. */
  readonly findPending: (id: string) => Promise<PendingMedia | undefined>;
  /** What is known of bytes that are stored already. */
  readonly findBlob: (sha256: string) => Promise<HeldBlob | undefined>;
  /**
   * The files of the blob are about to be stored: should this process die before they have a user, they are orphans. Where the bytes are
   * there already, this is what is known of them now. Answers the revision of its row.
   */
  readonly announce: (blob: BlobFacts, now: Date) => Promise<HeldBlob>;
  /** Has the previews of stored bytes made later, after so many milliseconds; `tries` goes with the job. */
  readonly previewLater: (sha256: string, tries: number, afterMs: number) => Promise<void>;
  /**
   * pending → ready, with the blob. `not pending`: bytes that nobody else has are orphans then. `bytes gone`: the files may have been
   * removed since the blob was found or stored, and nothing has changed.
   */
  readonly markReady: (id: string, blob: HeldBlob) => Promise<Outcome>;
  /** pending → rejected or failed. */
  readonly markRefused: (
    media: AttemptedMedia,
    state: 'rejected' | 'failed',
    error: MediaError,
  ) => Promise<void>;
  /** Stays pending: the attempt and its error are written down together with the job of the next attempt. */
  readonly scheduleRetry: (media: AttemptedMedia, next: NextAttempt, error: MediaError) => Promise<void>;
  /** How many attempts have ended in this error. */
  readonly countFailures: (id: string, code: MediaErrorCode) => Promise<number>;
  /** Its decoding is about to begin; answers how many have begun since an attempt last had an end, this one included. */
  readonly countDecoding: (id: string) => Promise<number>;
  /** Stays pending, no attempt counted: the job is put off for so many milliseconds. */
  readonly postpone: (media: AttemptedMedia, afterMs: number) => Promise<void>;
  /** A fresh link in place of an expired one, while it is pending. */
  readonly replaceSource: (media: AttemptedMedia, url: string, expiresAt: Date | null) => Promise<void>;
  /** rejected or failed → pending, to be fetched now; false when it is in another state or has no source. */
  readonly retryNow: (id: string, now: Date, together: Together) => Promise<boolean>;
  /** A ready media that belongs to no message yet. False: the files may have been removed since they were stored. */
  readonly addUpload: (upload: Upload, blob: HeldBlob, now: Date) => Promise<boolean>;
  /** Pictures that wait because they could not be stored are due now. */
  readonly wakeUnstored: () => Promise<void>;
  /** Those of these media whose file is infected, or may be about to be found infected. */
  readonly stillInfected: (ids: readonly string[]) => Promise<ReadonlySet<string>>;
  /** Gives pending media that have neither a job nor a future attempt their job back; answers how many. */
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
        select: { id: true },
      });
      return new Set(rows.map(({ id }) => id));
    },
    reconcile: () => reconcile(pool),
  };
}
