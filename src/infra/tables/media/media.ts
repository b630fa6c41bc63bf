/**
 * The account of every attachment. The statements of the worker are SQL, since each changes a row, locks others and adds its job at once,
 * for every picture; some are prepared, which saves their planning.
 */
import type pg from 'pg';

import type { MediaErrorCode } from '../../../domain/errors.js';
import type { BlobFacts, HeldBlob } from '../../../domain/media.js';
import type { MediaKind } from '../../../domain/provider.js';
import { transaction, type Pool, type Together } from '../../postgres/database.js';
import { topics } from '../../postgres/notifications.js';
import { columnsOf } from '../../postgres/pages.js';
import {
  addDiscardJobs,
  addFetchJobs,
  addPreviewJobs,
  fetchJobOf,
  priorities,
  retryPriority,
} from '../../queue/tasks.js';

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
  /** The delivery that brought the link; null: the first one. */
  readonly sourceDelivery: string | null;
  /** How the last attempt failed. */
  readonly lastError: string | null;
  /** Of its message; null when it has none. */
  readonly sender: string | null;
  readonly chat: string | null;
}

/**
 * A media as an attempt has found it. While the attempt goes on, a webhook may bring another link: then only the success of the attempt
 * counts, and its failure says nothing about the new link.
 */
export type AttemptedMedia = Pick<PendingMedia, 'id' | 'sourceDelivery'>;

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

type Outcome = 'ready' | 'not pending' | 'bytes gone';

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

const pendingColumns = columnsOf<PendingMedia>({
  id: 'media.id',
  channel: 'media.channel',
  kind: 'kind',
  url: 'source_url',
  expiresAt: 'source_expires_at',
  needsCredentials: 'source_credentials',
  sha256: 'declared_sha256',
  attempts: 'attempts',
  sourceDelivery: 'source_delivery_id',
  lastError: 'error_code',
  sender: 'sender',
  chat: 'chat',
});
const blobColumns = columnsOf<HeldBlob>({
  sha256: 'sha256',
  type: 'type',
  bytes: 'bytes::float8',
  width: 'width',
  height: 'height',
  thumbhash: 'thumbhash',
  previews: 'previews',
  warnings: 'warnings',
  revision: 'revision',
});

/** Whether a media still waits for the bytes of the link that the given delivery (SQL) has brought. */
const hasLinkOf = (delivery: string): string =>
  `state = 'pending' and source_delivery_id is not distinct from ${delivery}::uuid`;

/** Each of them is a job that is moved, in one transaction. */
const wokenAtOnce = 1_000;

/** Writes down how an attempt has ended, for the media that `m` has changed. */
const addAttempt = (code: string, message: string): string => `
  insert into media_attempt (media_id, at, error_code, error_message)
  select id, clock_timestamp(), ${code}, ${message} from m`;

/** The event of media whose state has become final, for `with`; `m` has their id, channel and state. */
const tell = `
  n as (
    insert into notification (type, channel, media_id) select 'media.' || state, channel, id from m
  )
  select state as outcome, pg_notify('${topics.media}', id::text)::text, pg_notify('${topics.outbox}', '')::text from m`;

/**
 * The blob $1 gets a user, as `b`, if its row still has the revision $2: see orphans.ts for when it has not. The row is locked, so that it
 * cannot be discarded between now and the commit.
 */
const useBlob = `
  update blob set orphaned_at = null where sha256 = $1 and revision = $2`;

/** A column of a blob that is announced anew. Previews that are there are not forgotten: their files are found by this row only. */
const newerOf = (column: string): string =>
  `case when known.revision >= 0 and excluded.previews = '[]' and known.previews <> '[]' then known.${column} else excluded.${column} end`;

/** A ready media that belongs to no message yet, on a connection of the caller's. False: the files may be gone. */
export async function insertUpload(
  connection: Pick<pg.ClientBase, 'query'>,
  upload: Upload & { readonly blob: HeldBlob; readonly now: Date },
): Promise<boolean> {
  const { id, channel, provider, kind, filename, blob, now } = upload;
  const { rowCount } = await connection.query(
    `with b as (${useBlob} returning sha256)
     insert into media (id, channel, provider, position, direction, kind, state, filename, received_at, ready_at, sha256)
     select $3, $4, $5, 0, 'outbound', $6, 'ready', $7, $8, greatest(now(), $8), sha256 from b`,
    [blob.sha256, blob.revision, id, channel, provider, kind, filename, now],
  );
  return rowCount === 1;
}

export function createMediaTable(pool: Pool): MediaTable {
  return {
    findPending: async (id) => {
      const { rows } = await pool.query<PendingMedia>({
        name: 'media-pending',
        text: `select ${pendingColumns} from media left join message on message.id = media.message_row_id
               where media.id = $1 and state = 'pending' and source_url is not null`,
        values: [id],
      });
      return rows[0];
    },

    findBlob: async (sha256) => {
      const { rows } = await pool.query<HeldBlob>({
        name: 'blob-find',
        // One without users may be on its way out: its files cannot be counted on.
        text: `select ${blobColumns} from blob where sha256 = $1 and orphaned_at is null`,
        values: [sha256],
      });
      return rows[0];
    },

    announce: async (blob, now) => {
      const { sha256, type, bytes, width, height, thumbhash, previews, warnings } = blob;
      const { rows } = await pool.query<{ revision: string }>({
        name: 'blob-announce',
        text: `insert into blob as known
                 (sha256, type, bytes, width, height, thumbhash, previews, created_at, orphaned_at, revision, warnings)
               values ($1, $2, $3, $4, $5, $6, $7, $8, $8, nextval('blob_revision'), $9)
               on conflict (sha256) do update set
                 type = excluded.type,
                 width = ${newerOf('width')}, height = ${newerOf('height')}, thumbhash = ${newerOf('thumbhash')},
                 previews = ${newerOf('previews')}, warnings = ${newerOf('warnings')},
                 orphaned_at = case when known.orphaned_at is not null then excluded.orphaned_at end,
                 revision = case when known.revision < 0 then excluded.revision else known.revision end
               returning revision`,
        values: [
          sha256,
          type,
          bytes,
          width,
          height,
          thumbhash,
          JSON.stringify(previews),
          now,
          JSON.stringify(warnings),
        ],
      });
      if (!rows[0]) throw new Error('an announced blob has no row');
      return { ...blob, revision: rows[0].revision };
    },

    previewLater: async (sha256, tries, afterMs) => {
      await pool.query({
        name: 'blob-preview-later',
        text: addPreviewJobs('select $1::text as sha256, $2::int as tries', {
          runAt: `now() + $3 * interval '1 ms'`,
        }),
        values: [sha256, tries, afterMs],
      });
    },

    markReady: async (id, { sha256, revision }) => {
      const { rows } = await pool.query<{ outcome: Outcome }>({
        name: 'media-ready',
        // The media is locked before the blob, as everybody does.
        text: `with held as (
                 select id from media where id = $3 and state = 'pending' for update
               ), b as (${useBlob} and exists (select from held) returning sha256
               ), m as (
                 update media set state = 'ready', sha256 = $1, ready_at = greatest(now(), received_at), attempts = attempts + 1,
                                  decodings = 0, next_attempt_at = null, error_code = null, error_message = null
                 where id in (select id from held) and state = 'pending' and exists (select from b)
                 returning id, channel, state
               ), attempt as (${addAttempt('null', 'null')}), ${tell}
               union all
               select 'bytes gone', null, null from held where not exists (select from b)
               union all
               select 'not pending', added::text, null from (${addDiscardJobs(
                 'select array[$1::text] as sha256 where not exists (select from held)',
               )}) as discarded where not exists (select from held)`,
        values: [sha256, revision, id],
      });
      return rows[0]?.outcome ?? 'not pending';
    },

    addUpload: (upload, blob, now) => insertUpload(pool, { ...upload, blob, now }),

    markRefused: async ({ id, sourceDelivery }, state, { code, message }) => {
      await pool.query({
        name: 'media-refused',
        text: `with m as (
                 update media set state = $2, attempts = attempts + 1, next_attempt_at = null, error_code = $3, error_message = $4
                 where id = $1 and ${hasLinkOf('$5')} returning id, channel, state
               ), attempt as (${addAttempt('$3', '$4')}), ${tell}`,
        values: [id, state, code, message, sourceDelivery],
      });
    },

    scheduleRetry: async ({ id, sourceDelivery }, { at, now }, { code, message }) => {
      await pool.query({
        name: 'media-retry',
        text: `with m as (
                 update media set attempts = attempts + 1, decodings = 0, next_attempt_at = $2::timestamptz,
                                  error_code = $3, error_message = $4
                 where id = $1 and ${hasLinkOf('$6')}
                 returning id, now() + ($2::timestamptz - $5::timestamptz) as run_at, ${retryPriority('attempts')} as priority
               ), attempt as (${addAttempt('$3', '$4')}) ${addFetchJobs('select id, run_at, priority from m')}`,
        values: [id, at, code, message, now, sourceDelivery],
      });
    },

    countFailures: (id, code) => pool.prisma.mediaAttempt.count({ where: { mediaId: id, errorCode: code } }),

    countDecoding: async (id) => {
      const { rows } = await pool.query<{ decodings: number }>(
        'update media set decodings = decodings + 1 where id = $1 returning decodings',
        [id],
      );
      return rows[0]?.decodings ?? 1;
    },

    postpone: async ({ id, sourceDelivery }, afterMs) => {
      await pool.query({
        name: 'media-postpone',
        text: addFetchJobs(
          `select id, now() + $2 * interval '1 ms' as run_at, ${String(priorities.waiting)} as priority
           from media where id = $1 and ${hasLinkOf('$3')}`,
        ),
        values: [id, afterMs, sourceDelivery],
      });
    },

    replaceSource: async ({ id, sourceDelivery }, url, expiresAt) => {
      await pool.prisma.media.updateMany({
        where: { id, state: 'pending', sourceDeliveryId: sourceDelivery },
        data: { sourceUrl: url, sourceExpiresAt: expiresAt },
      });
    },

    retryNow: (id, now, together) =>
      transaction(pool, async (retrying) => {
        const { rows } = await retrying.query<{ added: string }>(
          `with m as (
             update media set state = 'pending', attempts = 0, decodings = 0, next_attempt_at = $2
             where id = $1 and state in ('rejected', 'failed') and source_url is not null
             returning id, now() as run_at, ${String(priorities.first)} as priority
           ) ${addFetchJobs('select id, run_at, priority from m')}`,
          [id, now],
        );
        const isDone = Number(rows[0]?.added ?? 0) > 0;
        if (isDone) await together(retrying);
        return isDone;
      }),

    wakeUnstored: async () => {
      let woken: number;
      do {
        const { rows } = await pool.query<{ added: string }>(
          `with due as (
             select id from media
             where state = 'pending' and error_code = 'media.storage_failed' and next_attempt_at > now()
             order by id limit $1 for update
           ), m as (
             update media set next_attempt_at = now() from due where media.id = due.id
             returning media.id, now() as run_at, ${String(priorities.retry)} as priority
           ) ${addFetchJobs('select id, run_at, priority from m')}`,
          [wokenAtOnce],
        );
        woken = Number(rows[0]?.added ?? 0);
      } while (woken === wokenAtOnce);
    },

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

    reconcile: async () => {
      const { rows } = await pool.query<{ added: string }>(
        addFetchJobs(`
          select media.id, now() as run_at, ${String(priorities.waiting)} as priority from media
          where state = 'pending' and next_attempt_at < now() - interval '1 minute'
            and not exists (${fetchJobOf('media.id')})
          limit 1000`),
      );
      return Number(rows[0]?.added ?? 0);
    },
  };
}
