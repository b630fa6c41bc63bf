/** Everything that the audit reads from the database, as of one moment. */
import pg from 'pg';

import type { Preview } from '../../domain/media.js';

export interface DeliveryRecord {
  readonly id: string;
  readonly channel: string;
  /** The stored digest, in hex. */
  readonly contentHash: string;
  /** The digest of the stored body, in hex. */
  readonly bodyHash: string;
  readonly bodyBytes: number;
  readonly erasedAt: Date | null;
}

export interface MessageRecord {
  readonly id: string;
  readonly channel: string;
  readonly messageId: string;
  readonly direction: string;
  readonly deliveryId: string | null;
  readonly erasedAt: Date | null;
  /** Whether a column still contains the sender, the recipient or the content. */
  readonly isPersonal: boolean;
}

export interface MediaRecord {
  readonly id: string;
  readonly channel: string;
  readonly messageRowId: string | null;
  readonly kind: string;
  readonly position: number;
  readonly direction: string;
  readonly state: string;
  readonly sourceUrl: string | null;
  readonly filename: string | null;
  readonly sha256: string | null;
  readonly errorCode: string | null;
  readonly attempts: number;
}

export interface BlobRecord {
  readonly sha256: string;
  readonly bytes: number;
  readonly previews: readonly Preview[];
  readonly orphanedAt: Date | null;
}

export interface EventRecord {
  readonly id: string;
  readonly seq: number | null;
  readonly type: string;
  readonly channel: string;
  readonly mediaId: string | null;
  readonly messageId: string | null;
  readonly status: string | null;
}

export interface OutboundRecord {
  readonly id: string;
  readonly channel: string;
  readonly recipient: string;
  readonly state: string;
  readonly messageId: string | null;
  readonly mediaId: string | null;
  readonly errorCode: string | null;
  readonly isPersonal: boolean;
}

export interface StatusRecord {
  readonly channel: string;
  readonly messageId: string;
  readonly status: string;
}

export interface Records {
  readonly deliveries: readonly DeliveryRecord[];
  readonly messages: readonly MessageRecord[];
  readonly media: readonly MediaRecord[];
  readonly blobs: readonly BlobRecord[];
  readonly events: readonly EventRecord[];
  readonly outbound: readonly OutboundRecord[];
  readonly statuses: readonly StatusRecord[];
  /** Media with a recorded attempt. */
  readonly attempted: readonly string[];
}

const queries: { readonly [Table in keyof Records]: string } = {
  deliveries: `select id, channel, encode(content_hash, 'hex') as "contentHash", encode(sha256(body), 'hex') as "bodyHash",
                      length(body) as "bodyBytes", erased_at as "erasedAt" from delivery order by id`,
  messages: `select id, channel, message_id as "messageId", direction, delivery_id as "deliveryId", erased_at as "erasedAt",
                    sender <> '' or num_nonnulls(recipient, chat, sender_name, chat_name, person_alias, caption, sent_at) > 0 as "isPersonal"
             from message order by id`,
  media: `select id, channel, message_row_id as "messageRowId", kind, position, direction, state, source_url as "sourceUrl",
                 filename, sha256, error_code as "errorCode", attempts from media order by id`,
  blobs: `select sha256, bytes::float8 as bytes, previews, orphaned_at as "orphanedAt" from blob order by sha256`,
  events: `select id, seq::float8 as seq, type, channel, media_id as "mediaId", message_id as "messageId", status
           from notification order by id`,
  outbound: `select id, channel, recipient, state, message_id as "messageId", media_id as "mediaId", error_code as "errorCode",
                    recipient <> '' or num_nonnulls(caption, filename, link, reply_to, media_id) > 0 as "isPersonal"
             from outbound order by place`,
  statuses: `select channel, message_id as "messageId", status from message_status`,
  attempted: `select array_agg(distinct media_id) as ids from media_attempt`,
};

/** Reads everything in one snapshot. */
export async function readRecords(databaseUrl: string): Promise<Records> {
  const client = new pg.Client({ connectionString: databaseUrl, application_name: 'inlet-audit' });
  await client.connect();
  const all = async <Row>(table: keyof Records): Promise<Row[]> =>
    (await client.query<Row & pg.QueryResultRow>(queries[table])).rows;
  try {
    await client.query('begin isolation level repeatable read read only');
    const [attempted] = await all<{ ids: string[] | null }>('attempted');
    return {
      deliveries: await all<DeliveryRecord>('deliveries'),
      messages: await all<MessageRecord>('messages'),
      media: await all<MediaRecord>('media'),
      blobs: await all<BlobRecord>('blobs'),
      events: await all<EventRecord>('events'),
      outbound: await all<OutboundRecord>('outbound'),
      statuses: await all<StatusRecord>('statuses'),
      attempted: attempted?.ids ?? [],
    };
  } finally {
    await client.end();
  }
}
