/** Messages that their senders deleted: the deletion is recorded with their media. */
import type pg from 'pg';

import { topics } from '../../postgres/notifications.js';
import { addDeletionJobs } from '../../queue/tasks.js';

/** A message that its sender deleted. */
export interface Deletion {
  readonly channel: string;
  /** The provider's id of the message. */
  readonly messageId: string;
  /** ISO 8601. */
  readonly at: string;
}

export interface Deletions {
  /**
   * Marks the media of the message, with an event for each that was not marked before. Resolves to the media
   * that are not erased, or to undefined if the message is unknown.
   */
  readonly record: (deletion: Deletion) => Promise<readonly string[] | undefined>;
  /** Adds a job that tries again later, because the message may still arrive. */
  readonly waitFor: (deletion: Deletion, tries: number, waitMs: number) => Promise<void>;
}

export function createDeletions(pool: pg.Pool): Deletions {
  return {
    record: async ({ channel, messageId, at }) => {
      const { rows } = await pool.query<{ known: boolean; media: string[] }>({
        name: 'deletion-record',
        text: `
          with found as (
            select media.id from message join media on media.message_row_id = message.id
            where message.channel = $1 and message.message_id = $2 and media.state <> 'erased'
            order by media.id for update of media
          ), m as (
            update media set deleted_by_sender_at = $3
            where id in (select id from found) and state <> 'erased' and deleted_by_sender_at is null
            returning id, channel
          ), n as (
            insert into notification (type, channel, media_id)
            select 'media.deleted_by_sender', channel, id from m
            returning pg_notify('${topics.outbox}', '')
          )
          select exists (select from message where channel = $1 and message_id = $2) as known,
                 array(select id from found) as media, (select count(*) from n) as events`,
        values: [channel, messageId, at],
      });
      const [row] = rows;
      return row?.known === true ? row.media : undefined;
    },

    waitFor: async ({ channel, messageId, at }, tries, waitMs) => {
      await pool.query({
        name: 'deletion-wait',
        text: addDeletionJobs(
          'select $1::text as channel, $2::text as message_id, $3::text as at, $4::int as tries',
          { runAt: `now() + $5 * interval '1 ms'` },
        ),
        values: [channel, messageId, at, tries, waitMs],
      });
    },
  };
}
