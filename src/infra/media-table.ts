/** The account of every attachment: statements of the worker, each one transaction with the job it needs. */
import type pg from 'pg';

import type { MediaErrorCode } from '../domain/errors.js';
import type { BlobFacts, Preview } from '../domain/media.js';
import type { MediaKind } from '../domain/provider.js';
import { topics } from './notifications.js';
import { transaction } from './database.js';
import { releaseBlobs } from './orphans.js';
import { discardTask, fetchTask, maxJobAttempts } from './tasks.js';

/** What the worker needs to know of a media that is to be fetched. */
export interface PendingMedia {
  readonly id: string;
  readonly channel: string;
  readonly kind: MediaKind;
  readonly url: string;
  readonly expiresAt: Date | null;
  readonly needsCredentials: boolean;
  readonly sha256: string | null;
  readonly attempts: number;
}

export interface MediaTable {
  /** The media, when it is still pending. */
  readonly findPending: (id: string) => Promise<PendingMedia | undefined>;
  /** What is known of bytes that are stored already. */
  readonly findBlob: (sha256: string) => Promise<BlobFacts | undefined>;
  /** The files of the blob are about to be stored: should this process die before they have a user, they are orphans. */
  readonly announce: (blob: BlobFacts, now: Date) => Promise<void>;
  /** pending → ready, with the blob. False when it is not pending any more: then bytes that nobody else has are orphans. */
  readonly markReady: (id: string, blob: BlobFacts, now: Date) => Promise<boolean>;
  /** Takes back {@link markReady} or {@link addUpload}: fetched again, or gone when it cannot be. */
  readonly undoReady: (id: string, blob: BlobFacts, now: Date) => Promise<void>;
  /** pending → rejected or failed. */
  readonly markRefused: (id: string, state: 'rejected' | 'failed', error: MediaError) => Promise<void>;
  /** Stays pending: the attempt and its error are written down together with the job of the next attempt. */
  readonly scheduleRetry: (id: string, next: NextAttempt, error: MediaError) => Promise<void>;
  /** Its decoding is about to begin; answers how many have begun since an attempt last had an end, this one included. */
  readonly countDecoding: (id: string) => Promise<number>;
  /** Stays pending, no attempt counted: the job is put off for so many milliseconds. */
  readonly postpone: (id: string, afterMs: number) => Promise<void>;
  /** A fresh link in place of an expired one, while it is pending. */
  readonly replaceSource: (id: string, url: string, expiresAt: Date | null) => Promise<void>;
  /** rejected or failed → pending, to be fetched now; false when it is in another state or has no source. */
  readonly retryNow: (id: string, now: Date) => Promise<boolean>;
  /** A ready media that belongs to no message yet. */
  readonly addUpload: (upload: Upload, blob: BlobFacts, now: Date) => Promise<void>;
  /** Gives pending media that have neither a job nor a future attempt their job back; answers how many. */
  readonly reconcile: () => Promise<number>;
}

export interface Upload {
  readonly id: string;
  readonly channel: string;
  readonly provider: string;
  readonly kind: MediaKind;
  readonly filename: string | null;
}

/** By the clock of this process; the job goes by that of the database, and waits as long as it is from `now` to `at`. */
export interface NextAttempt {
  readonly at: Date;
  readonly now: Date;
}

export interface MediaError {
  readonly code: MediaErrorCode;
  readonly message: string;
}

/** Adds the job of the media selected as `id, run_at` by `rows`; a job that waits already is moved. */
const addJobs = (rows: string): string => `
  select count(*) from graphile_worker.add_jobs(array(
    select row('${fetchTask}', json_build_object('mediaId', id), null, run_at, ${String(maxJobAttempts)}, '${fetchTask}:' || id, null, null)
             ::graphile_worker.job_spec
    from (${rows}) as due
  ))`;

/** Writes down how an attempt has ended, for the media that `m` has changed. */
const addAttempt = (code: string, message: string): string => `
  insert into media_attempt (media_id, at, error_code, error_message)
  select id, clock_timestamp(), ${code}, ${message} from m`;

/** The event of media whose state has become final, for `with`; `m` has their id, channel and state. */
const tell = `
  n as (
    insert into notification (type, channel, media_id) select 'media.' || state, channel, id from m
  )
  select true as told, pg_notify('${topics.media}', id::text)::text, pg_notify('${topics.outbox}', '')::text from m`;

/**
 * A blob that gets a user. One that is there already is locked, whether it changes or not: it cannot be discarded between
 * now and the commit. Without a user after all (`used` is false), its files are orphans from the first.
 */
const insertBlob = (used: string): string => `
  ${newBlob(used)}
  on conflict (sha256) do update set orphaned_at = null where blob.orphaned_at is not null and (${used})`;

const newBlob = (used: string): string => `
  insert into blob (sha256, type, bytes, width, height, thumbhash, previews, created_at, orphaned_at)
  values ($1, $2, $3, $4, $5, $6, $7, $8, case when not (${used}) then $8::timestamptz end)`;

function blobValues(
  { sha256, type, bytes, width, height, thumbhash, previews }: BlobFacts,
  now: Date,
): unknown[] {
  return [sha256, type, bytes, width, height, thumbhash, JSON.stringify(previews), now];
}

/** A ready media that belongs to no message yet, on a connection of the caller's. */
export async function insertUpload(
  connection: Pick<pg.ClientBase, 'query'>,
  {
    id,
    channel,
    provider,
    kind,
    filename,
    blob,
    now,
  }: Upload & { readonly blob: BlobFacts; readonly now: Date },
): Promise<void> {
  await connection.query(
    `with b as (${insertBlob('true')})
     insert into media (id, channel, provider, position, direction, kind, state, filename, received_at, ready_at, sha256)
     values ($9, $10, $11, 0, 'outbound', $12, 'ready', $13, $8, $8, $1)`,
    [...blobValues(blob, now), id, channel, provider, kind, filename],
  );
}

export function createMediaTable(pool: pg.Pool): MediaTable {
  return {
    findPending: async (id) => {
      const { rows } = await pool.query<PendingMedia>({
        name: 'media-pending',
        text: `select id, channel, kind, source_url as url, source_expires_at as "expiresAt",
                      source_credentials as "needsCredentials", declared_sha256 as sha256, attempts
               from media where id = $1 and state = 'pending' and source_url is not null`,
        values: [id],
      });
      return rows[0];
    },

    findBlob: async (sha256) => {
      const { rows } = await pool.query<BlobFacts & { bytes: string; previews: Preview[] }>({
        name: 'blob-find',
        // One without users may be on its way out: its files cannot be counted on.
        text: `select sha256, type, bytes, width, height, thumbhash, previews from blob
               where sha256 = $1 and orphaned_at is null`,
        values: [sha256],
      });
      return rows[0] && { ...rows[0], bytes: Number(rows[0].bytes) };
    },

    announce: async (blob, now) => {
      await pool.query({
        name: 'blob-announce',
        text: `${newBlob('false')}
               on conflict (sha256) do update set orphaned_at = excluded.orphaned_at where blob.orphaned_at is not null`,
        values: blobValues(blob, now),
      });
    },

    markReady: async (id, blob, now) => {
      const { rows } = await pool.query<{ told: boolean }>({
        name: 'media-ready',
        text: `with m as (
                 update media set state = 'ready', sha256 = $1, ready_at = $8, attempts = attempts + 1, decodings = 0,
                                  next_attempt_at = null, error_code = null, error_message = null
                 where id = $9 and state = 'pending' returning id, channel, state
               ), b as (${insertBlob('select exists (select from m)')}
               ), attempt as (${addAttempt('null', 'null')}), ${tell}
               union all
               select false, graphile_worker.add_job('${discardTask}', json_build_object('sha256', array[$1::text]),
                                                     max_attempts => ${String(maxJobAttempts)})::text, null
               where not exists (select from m)`,
        values: [...blobValues(blob, now), id],
      });
      return rows[0]?.told ?? false;
    },

    undoReady: (id, { sha256 }, now) =>
      transaction(pool, async (connection) => {
        await connection.query(
          `with m as (
             update media set state = 'pending', sha256 = null, ready_at = null, next_attempt_at = $2
             where id = $1 and state = 'ready' and source_url is not null returning id, now() as run_at
           ), upload as (delete from media where id = $1 and state = 'ready' and source_url is null)
           ${addJobs('select id, run_at from m')}`,
          [id, now],
        );
        await releaseBlobs(connection, [sha256], now);
      }),

    addUpload: (upload, blob, now) => insertUpload(pool, { ...upload, blob, now }),

    markRefused: async (id, state, { code, message }) => {
      await pool.query({
        name: 'media-refused',
        text: `with m as (
                 update media set state = $2, attempts = attempts + 1, next_attempt_at = null, error_code = $3, error_message = $4
                 where id = $1 and state = 'pending' returning id, channel, state
               ), attempt as (${addAttempt('$3', '$4')}), ${tell}`,
        values: [id, state, code, message],
      });
    },

    scheduleRetry: async (id, { at, now }, { code, message }) => {
      await pool.query({
        name: 'media-retry',
        text: `with m as (
                 update media set attempts = attempts + 1, decodings = 0, next_attempt_at = $2::timestamptz,
                                  error_code = $3, error_message = $4
                 where id = $1 and state = 'pending' returning id, now() + ($2::timestamptz - $5::timestamptz) as run_at
               ), attempt as (${addAttempt('$3', '$4')}) ${addJobs('select id, run_at from m')}`,
        values: [id, at, code, message, now],
      });
    },

    countDecoding: async (id) => {
      const { rows } = await pool.query<{ decodings: number }>(
        'update media set decodings = decodings + 1 where id = $1 returning decodings',
        [id],
      );
      return rows[0]?.decodings ?? 1;
    },

    postpone: async (id, afterMs) => {
      await pool.query({
        name: 'media-postpone',
        text: addJobs(`select $1::uuid as id, now() + $2 * interval '1 ms' as run_at`),
        values: [id, afterMs],
      });
    },

    replaceSource: async (id, url, expiresAt) => {
      await pool.query(
        `update media set source_url = $2, source_expires_at = $3 where id = $1 and state = 'pending'`,
        [id, url, expiresAt],
      );
    },

    retryNow: async (id, now) => {
      const { rows } = await pool.query<{ count: string }>(
        `with m as (
           update media set state = 'pending', attempts = 0, decodings = 0, next_attempt_at = $2
           where id = $1 and state in ('rejected', 'failed') and source_url is not null
           returning id, now() as run_at
         ) ${addJobs('select id, run_at from m')}`,
        [id, now],
      );
      return Number(rows[0]?.count ?? 0) > 0;
    },

    reconcile: async () => {
      const { rows } = await pool.query<{ count: string }>(
        addJobs(`
          select media.id, now() as run_at from media
          where state = 'pending' and next_attempt_at < now() - interval '1 minute'
            and not exists (
              select from graphile_worker._private_jobs as job join graphile_worker._private_tasks as task on task.id = job.task_id
              where task.identifier = '${fetchTask}' and job.payload ->> 'mediaId' = media.id::text
                -- One that had its next one put in place when its process died is never run again.
                and (job.attempts < job.max_attempts or job.locked_at is not null))
          limit 1000`),
      );
      return Number(rows[0]?.count ?? 0);
    },
  };
}
