/**
 * One attempt to fetch a media item: what it begins with, and how it ends. Each ending changes the row and
 * adds its event or its job at once: SQL.
 */
import type { MediaErrorCode } from '../../../domain/errors.js';
import type { HeldBlob } from '../../../domain/media.js';
import type { MediaKind } from '../../../domain/provider.js';
import type { Pool } from '../../postgres/database.js';
import { topics } from '../../postgres/notifications.js';
import { columnsOf } from '../../postgres/pages.js';
import { addDiscardJobs, addFetchJobs, retryPriority } from '../../queue/tasks.js';
import { useBlob } from './known-blobs.js';

/** What the worker reads before it downloads a media item. */
export interface PendingMedia {
  readonly id: string;
  readonly channel: string;
  readonly kind: MediaKind;
  /** The link; null if there is only a reference. */
  readonly url: string | null;
  /** The provider's own id of the file; null if there is only a link. */
  readonly reference: string | null;
  readonly expiresAt: Date | null;
  readonly needsCredentials: boolean;
  readonly sha256: string | null;
  readonly attempts: number;
  readonly receivedAt: Date;
  /** The delivery that brought the link; null: the first one. */
  readonly sourceDelivery: string | null;
  /** The error code of the last attempt; null if none has failed. */
  readonly lastError: string | null;
  /** The person and the chat of its message; null if it belongs to no message. */
  readonly sender: string | null;
  readonly chat: string | null;
}

/**
 * A media item as an attempt has found it. A webhook may bring another link during the attempt: then only the
 * success of the attempt counts, and its failure says nothing about the new link.
 */
export type AttemptedMedia = Pick<PendingMedia, 'id' | 'sourceDelivery'>;

export type Outcome = 'ready' | 'not pending' | 'bytes gone';

/**
 * Times of the clock of this process. The job uses the clock of the database and waits for the duration from
 * `now` to `at`.
 */
export interface NextAttempt {
  readonly at: Date;
  readonly now: Date;
}

export interface MediaError {
  readonly code: MediaErrorCode;
  readonly message: string;
}

interface Refusal {
  readonly state: 'rejected' | 'failed';
  readonly error: MediaError;
}

interface Retry {
  readonly next: NextAttempt;
  readonly error: MediaError;
}

const pendingColumns = columnsOf<PendingMedia>({
  id: 'media.id',
  channel: 'media.channel',
  kind: 'kind',
  url: 'source_url',
  reference: 'source_reference',
  expiresAt: 'source_expires_at',
  needsCredentials: 'source_credentials',
  sha256: 'declared_sha256',
  attempts: 'attempts',
  receivedAt: 'media.received_at',
  sourceDelivery: 'source_delivery_id',
  lastError: 'error_code',
  sender: 'message.sender',
  chat: 'message.chat',
});

/** Whether a media item still waits for the bytes of the link that the given delivery (SQL) has brought. */
export const hasLinkOf = (delivery: string): string =>
  `state = 'pending' and source_delivery_id is not distinct from ${delivery}::uuid`;

/** Records how an attempt has ended, for the media that `m` has changed. */
const addAttempt = (code: string, message: string): string => `
  insert into media_attempt (media_id, at, error_code, error_message)
  select id, clock_timestamp(), ${code}, ${message} from m`;

/** The event of media whose state has become final, for `with`; `m` has their id, channel and state. */
const tell = `
  n as (
    insert into notification (type, channel, media_id) select 'media.' || state, channel, id from m
  )
  select state as outcome, pg_notify('${topics.media}', id::text)::text, pg_notify('${topics.outbox}', '')::text from m`;

export async function findPending(pool: Pool, id: string): Promise<PendingMedia | undefined> {
  const { rows } = await pool.query<PendingMedia>({
    name: 'media-pending',
    text: `select ${pendingColumns} from media left join message on message.id = media.message_row_id
           where media.id = $1 and state = 'pending' and coalesce(source_url, source_reference) is not null`,
    values: [id],
  });
  return rows[0];
}

export async function markReady(pool: Pool, id: string, { sha256, revision }: HeldBlob): Promise<Outcome> {
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
}

export async function markRefused(
  pool: Pool,
  { id, sourceDelivery }: AttemptedMedia,
  { state, error: { code, message } }: Refusal,
): Promise<void> {
  await pool.query({
    name: 'media-refused',
    text: `with m as (
             update media set state = $2, attempts = attempts + 1, next_attempt_at = null, error_code = $3, error_message = $4
             where id = $1 and ${hasLinkOf('$5')} returning id, channel, state
           ), attempt as (${addAttempt('$3', '$4')}), ${tell}`,
    values: [id, state, code, message, sourceDelivery],
  });
}

export async function scheduleRetry(
  pool: Pool,
  { id, sourceDelivery }: AttemptedMedia,
  { next: { at, now }, error: { code, message } }: Retry,
): Promise<void> {
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
}

export async function countDecoding(pool: Pool, id: string): Promise<number> {
  const { rows } = await pool.query<{ decodings: number }>(
    'update media set decodings = decodings + 1 where id = $1 returning decodings',
    [id],
  );
  return rows[0]?.decodings ?? 1;
}
