/** Messages that are to be sent, or were: how they get into the queue, and what is shown of them. */
import type pg from 'pg';

import type { HeldBlob } from '../../../domain/media.js';
import type { OutboundState } from '../../../domain/outbound.js';
import type { MediaKind } from '../../../domain/provider.js';
import type { SendOptions } from '../../../domain/sending.js';
import { transaction, type Together } from '../../postgres/database.js';
import { addSendJobs } from '../../queue/tasks.js';
import type { StatusRecord } from '../media/lookup.js';
import { insertUpload } from '../media/media.js';

export interface NewOutbound {
  readonly id: string;
  readonly channel: string;
  readonly provider: string;
  readonly recipient: string;
  readonly kind: MediaKind;
  readonly link: string | null;
  readonly type: string | null;
  readonly bytes: number | null;
  readonly caption: string | null;
  readonly filename: string | null;
  readonly replyTo: string | null;
  readonly options: SendOptions;
  /** Id of the token. */
  readonly actor: string;
  readonly idempotency: Idempotency | null;
}

export interface Idempotency {
  readonly key: string;
  readonly requestHash: Buffer;
}

/** A media that is kept already, or one that is kept for this message. Null: a link that is sent as it is. */
export type OutboundMedia = { readonly id: string } | { readonly id: string; readonly blob: HeldBlob } | null;

export type Added =
  | { readonly type: 'added' }
  /** There is a message with this key already. */
  | { readonly type: 'known' }
  | { readonly type: 'media gone' }
  /** The files of the bytes have been removed since they were stored: they are to be stored once more. */
  | { readonly type: 'bytes gone' };

export interface OutboundRecord extends Omit<NewOutbound, 'actor' | 'idempotency'> {
  readonly mediaId: string | null;
  readonly state: OutboundState;
  readonly messageId: string | null;
  readonly errorCode: string | null;
  readonly errorMessage: string | null;
  readonly attempts: number;
  readonly notBefore: Date;
  readonly createdAt: Date;
  readonly sentAt: Date | null;
  /** What is known of its way after the provider has taken it. */
  readonly statuses: readonly StatusRecord[];
}

export interface OutboundFilter {
  /** Undefined: all. */
  readonly channels?: readonly string[] | undefined;
  readonly state?: OutboundState | undefined;
  readonly to?: string | undefined;
}

export interface OutboundTable {
  /** Queues a message: its row, the media made for it and the job, all or nothing. */
  readonly add: (message: NewOutbound, media: OutboundMedia, now: Date) => Promise<Added>;
  readonly find: (id: string) => Promise<OutboundRecord | undefined>;
  /** The message that this key has made, and the hash of what was asked for. */
  readonly findByKey: (
    actor: string,
    key: string,
  ) => Promise<{ readonly id: string; readonly requestHash: Buffer } | undefined>;
  /** Newest first. */
  readonly list: (
    filter: OutboundFilter,
    page: { readonly limit: number; readonly after?: string | undefined },
  ) => Promise<OutboundRecord[]>;
  /** `failed` or `unknown` → `queued`; false when it is in another state. */
  readonly sendAgain: (id: string, now: Date, together: Together) => Promise<boolean>;
}

/** The job that sends what waits in the channel `$1`. One for each channel at a time, in all processes. */
const addSendJob = addSendJobs('select $1::text as channel');

/** Statuses that we have told ourselves, before there was an id of the provider's, go by our own. */
const select = `
  select o.id, o.channel, o.provider, o.recipient, o.kind, o.link, o.type, o.bytes::float8 as bytes, o.caption, o.filename,
         o.reply_to as "replyTo", o.options, o.media_id as "mediaId", o.state, o.message_id as "messageId",
         o.error_code as "errorCode", o.error_message as "errorMessage", o.attempts, o.not_before as "notBefore",
         o.created_at as "createdAt", o.sent_at as "sentAt",
         (select coalesce(json_agg(json_build_object('channel', s.channel, 'messageId', s.message_id, 'status', s.status,
            'at', s.at, 'errorCode', s.error_code, 'errorMessage', s.error_message, 'receivedAt', s.received_at)), '[]')
          from message_status as s
          where s.channel = o.channel and s.message_id = coalesce(o.message_id, o.id::text)) as statuses
  from outbound as o`;

export function createOutboundTable(pool: pg.Pool): OutboundTable {
  return {
    add: (message, media, now) =>
      transaction(pool, async (connection) => {
        const hasBytes = media !== null && 'blob' in media;
        if (media && !hasBytes && !(await isHeld(connection, media.id))) return { type: 'media gone' };
        if (!(await insert(connection, { ...message, mediaId: media?.id ?? null, now })))
          return { type: 'known' };
        // Last, since it locks the blob: see erasure.ts for the order.
        if (hasBytes && !(await insertUpload(connection, { ...message, ...media, now }))) {
          await connection.query('rollback; begin');
          return { type: 'bytes gone' };
        }
        await connection.query(addSendJob, [message.channel]);
        return { type: 'added' };
      }),
    find: async (id) => {
      const { rows } = await pool.query<OutboundRecord>({
        name: 'outbound-by-id',
        text: `${select} where o.id = $1`,
        values: [id],
      });
      return rows[0] && withDates(rows[0]);
    },
    findByKey: async (actor, key) => {
      const { rows } = await pool.query<{ id: string; requestHash: Buffer }>(
        `select id, request_hash as "requestHash" from outbound where actor = $1 and idempotency_key = $2`,
        [actor, key],
      );
      return rows[0];
    },
    list: async ({ channels, state, to }, { limit, after }) => {
      const wanted: readonly (readonly [condition: string, value: unknown])[] = [
        ['o.channel = any(?)', channels],
        ['o.state = ?', state],
        ['o.recipient = ?', to],
        ['o.id < ?', after],
      ];
      const given = wanted.filter(([, value]) => value !== undefined);
      const where = given
        .map(([condition], at) => condition.replace('?', `$${String(at + 1)}`))
        .join(' and ');
      const { rows } = await pool.query<OutboundRecord>(
        `${select} ${where === '' ? '' : `where ${where}`} order by o.id desc limit ${String(limit)}`,
        given.map(([, value]) => value),
      );
      return rows.map(withDates);
    },
    sendAgain: (id, now, together) =>
      transaction(pool, async (connection) => {
        const { rows } = await connection.query<{ channel: string }>(
          `update outbound set state = 'queued', not_before = $2, attempts = 0, error_code = null, error_message = null
           where id = $1 and state in ('failed', 'unknown') and message_id is null returning channel`,
          [id, now],
        );
        const channel = rows[0]?.channel;
        if (channel === undefined) return false;
        // What we have told of the attempt before holds no more.
        await connection.query('delete from message_status where channel = $1 and message_id = $2', [
          channel,
          id,
        ]);
        await connection.query(addSendJob, [channel]);
        await together(connection);
        return true;
      }),
  };
}

/** Locked until the commit, so that it is not erased meanwhile. */
async function isHeld(connection: pg.PoolClient, mediaId: string): Promise<boolean> {
  const { rowCount } = await connection.query(
    `select from media where id = $1 and state = 'ready' for share`,
    [mediaId],
  );
  return rowCount === 1;
}

async function insert(
  connection: pg.PoolClient,
  message: NewOutbound & { readonly mediaId: string | null; readonly now: Date },
): Promise<boolean> {
  const { idempotency, mediaId, now } = message;
  const { rowCount } = await connection.query(
    `insert into outbound (id, channel, provider, recipient, kind, media_id, link, type, bytes, caption, filename, reply_to,
                           options, state, not_before, created_at, actor, idempotency_key, request_hash)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 'queued', $14, $14, $15, $16, $17)
     on conflict (actor, idempotency_key) do nothing`,
    [
      message.id,
      message.channel,
      message.provider,
      message.recipient,
      message.kind,
      mediaId,
      message.link,
      message.type,
      message.bytes,
      message.caption,
      message.filename,
      message.replyTo,
      JSON.stringify(message.options),
      now,
      message.actor,
      idempotency?.key ?? null,
      idempotency?.requestHash ?? null,
    ],
  );
  return rowCount === 1;
}

/** JSON has no dates. */
function withDates(record: OutboundRecord): OutboundRecord {
  const statuses = record.statuses.map((status) => ({
    ...status,
    at: status.at && new Date(status.at),
    receivedAt: new Date(status.receivedAt),
  }));
  return { ...record, statuses };
}
