/**
 * What the API reads: media, messages and deliveries. Media are read with SQL of our own, since every picture that somebody looks at is
 * such a question: see decision 123 for what a call of Prisma Client costs.
 */
import type pg from 'pg';

import type { MediaState, MediaWarning } from '../../../domain/media.js';
import { ownValue } from '../../../domain/own-value.js';
import type { Direction, MediaKind, MessageStatus as Status } from '../../../domain/provider.js';
import type { Blob, Delivery, Media as MediaRow, Message, MessageStatus } from '../../generated/client.js';
import type { Pool } from '../../postgres/database.js';
import { columnsOf, pageOf, type FilteredList, type Page } from '../../postgres/pages.js';
import type { Outcome } from '../inbox/entry.js';

/** A row whose text columns hold one of a few words: only this service writes them. */
type Narrowed<Row, Words> = Omit<Row, keyof Words> & Readonly<Words>;

/** Without what only the worker asks for. */
type Media = Omit<MediaRow, 'decodings'>;

export type MediaRecord = Narrowed<Media, { direction: Direction; kind: MediaKind; state: MediaState }> & {
  readonly message: MessageRow | null;
  readonly blob: BlobRecord | null;
};
type MessageRow = Narrowed<Message, { direction: Direction }>;
export type BlobRecord = Narrowed<Blob, { bytes: number; warnings: readonly MediaWarning[] }>;

export type MessageRecord = MessageRow & {
  readonly media: readonly MediaRecord[];
  readonly statuses: readonly StatusRecord[];
};
export type StatusRecord = Narrowed<MessageStatus, { status: Status | 'unknown' }>;

export type DeliverySummary = Narrowed<
  Pick<Delivery, 'id' | 'channel' | 'provider' | 'outcome' | 'reason' | 'receivedAt' | 'erasedAt'>,
  { outcome: Outcome }
>;
export type DeliveryRecord = Narrowed<
  Delivery,
  { outcome: Outcome; headers: Readonly<Record<string, string>> }
>;

export interface MediaFilter {
  /** Undefined: all. A token that is limited to channels narrows this. */
  readonly channels?: readonly string[] | undefined;
  readonly provider?: string | undefined;
  readonly direction?: string | undefined;
  readonly kind?: string | undefined;
  readonly state?: MediaState | undefined;
  readonly from?: string | undefined;
  readonly chat?: string | undefined;
  readonly messageId?: string | undefined;
  readonly sha256?: string | undefined;
  readonly since?: Date | undefined;
  readonly until?: Date | undefined;
  /** Part of the caption, in any case. */
  readonly q?: string | undefined;
}

export interface DeliveryFilter {
  readonly channels?: readonly string[] | undefined;
  readonly outcome?: string | undefined;
}

export interface MediaHistoryRecord {
  readonly delivery: string | null;
  /** Oldest first; one without an error code succeeded. */
  readonly attempts: readonly {
    readonly at: Date;
    readonly errorCode: string | null;
    readonly errorMessage: string | null;
  }[];
}

export interface Lookup {
  readonly media: (id: string) => Promise<MediaRecord | null>;
  /** How it got where it is: the delivery that brought it, as long as that is kept, and all attempts to fetch it. */
  readonly mediaHistory: (id: string) => Promise<MediaHistoryRecord>;
  /** Those of these that there are, in any order. */
  readonly mediaByIds: (ids: readonly string[]) => Promise<MediaRecord[]>;
  readonly listMedia: (filter: MediaFilter, page: Page) => Promise<MediaRecord[]>;
  readonly message: (channel: string, messageId: string) => Promise<MessageRecord | null>;
  readonly delivery: (id: string) => Promise<DeliveryRecord | null>;
  readonly listDeliveries: (filter: DeliveryFilter, page: Page) => Promise<DeliverySummary[]>;
}

export function createLookup(pool: Pick<Pool, 'query' | 'prisma'>): Lookup {
  const { prisma } = pool;
  const readMedia = async (query: pg.QueryConfig): Promise<MediaRecord[]> => {
    const { rows } = await pool.query<Record<string, unknown>>(query);
    return rows.map(toMediaRecord);
  };
  return {
    media: async (id) => {
      const text = `${selectMedia} where media.id = $1`;
      return (await readMedia({ name: 'media-by-id', text, values: [id] }))[0] ?? null;
    },
    mediaHistory: async (id) => {
      const [media, attempts] = await Promise.all([
        prisma.media.findUnique({ where: { id }, select: { message: { select: { deliveryId: true } } } }),
        prisma.mediaAttempt.findMany({ where: { mediaId: id }, orderBy: { at: 'asc' } }),
      ]);
      const kept = media?.message?.deliveryId;
      const delivery =
        kept == null
          ? null
          : await prisma.delivery.findFirst({ where: { id: kept, erasedAt: null }, select: { id: true } });
      return { delivery: delivery?.id ?? null, attempts };
    },
    mediaByIds: (ids) =>
      ids.length === 0
        ? Promise.resolve([])
        : readMedia({ name: 'media-by-ids', text: `${selectMedia} where media.id = any($1)`, values: [ids] }),
    listMedia: (filter, page) => {
      const { q } = filter;
      const pattern = q === undefined ? undefined : `%${escapeLike(q)}%`;
      return readMedia(pageOf(mediaList, { ...filter, q: pattern }, page));
    },
    message: async (channel, messageId) => {
      // First, so that a message that is committed meanwhile is not seen without its media.
      const message = await prisma.message.findUnique({
        where: { channel_messageId: { channel, messageId } },
      });
      if (!message) return null;
      const [media, statuses] = await Promise.all([
        readMedia({
          name: 'media-of-message',
          text: `${selectMedia} where message.channel = $1 and message.message_id = $2 order by media.position, media.id`,
          values: [channel, messageId],
        }),
        prisma.messageStatus.findMany({ where: { channel, messageId } }),
      ]);
      return { ...message, media, statuses } as MessageRecord;
    },
    delivery: (id) => prisma.delivery.findUnique({ where: { id } }) as Promise<DeliveryRecord | null>,
    listDeliveries: async (filter, page) =>
      (await pool.query<DeliverySummary>(pageOf(deliveryList, filter, page))).rows,
  };
}

const columns = {
  media: {
    id: 'id',
    channel: 'channel',
    provider: 'provider',
    messageRowId: 'message_row_id',
    position: 'position',
    direction: 'direction',
    kind: 'kind',
    state: 'state',
    filename: 'filename',
    sha256: 'sha256',
    sourceUrl: 'source_url',
    sourceExpiresAt: 'source_expires_at',
    sourceCredentials: 'source_credentials',
    sourceDeliveryId: 'source_delivery_id',
    declaredType: 'declared_type',
    declaredSha256: 'declared_sha256',
    attempts: 'attempts',
    nextAttemptAt: 'next_attempt_at',
    errorCode: 'error_code',
    errorMessage: 'error_message',
    receivedAt: 'received_at',
    readyAt: 'ready_at',
    erasedAt: 'erased_at',
    deletedBySenderAt: 'deleted_by_sender_at',
  } satisfies Record<keyof Media, string>,
  message: {
    id: 'id',
    channel: 'channel',
    provider: 'provider',
    messageId: 'message_id',
    direction: 'direction',
    sender: 'sender',
    recipient: 'recipient',
    chat: 'chat',
    senderName: 'sender_name',
    caption: 'caption',
    sentAt: 'sent_at',
    receivedAt: 'received_at',
    deliveryId: 'delivery_id',
    erasedAt: 'erased_at',
  } satisfies Record<keyof Message, string>,
  blob: {
    sha256: 'sha256',
    type: 'type',
    bytes: 'bytes::float8',
    width: 'width',
    height: 'height',
    thumbhash: 'thumbhash',
    previews: 'previews',
    createdAt: 'created_at',
    orphanedAt: 'orphaned_at',
    revision: 'revision',
    warnings: 'warnings',
  } satisfies Record<keyof Blob, string>,
} as const;

/** Three tables in one row: `media.id`, `message.id` and so on are the names in the answer. */
const selectMedia = `
  select ${Object.entries(columns)
    .flatMap(([table, names]) =>
      Object.entries(names).map(([name, column]) => `${table}.${column} as "${table}.${name}"`),
    )
    .join(', ')}
  from media
  left join message on message.id = media.message_row_id
  left join blob on blob.sha256 = media.sha256`;

function toMediaRecord(row: Readonly<Record<string, unknown>>): MediaRecord {
  const part = (table: keyof typeof columns): object =>
    Object.fromEntries(Object.keys(columns[table]).map((name) => [name, ownValue(row, `${table}.${name}`)]));
  return {
    ...(part('media') as MediaRecord),
    message: row['message.id'] === null ? null : (part('message') as MessageRow),
    blob: row['blob.sha256'] === null ? null : (part('blob') as BlobRecord),
  };
}

const mediaList: FilteredList<MediaFilter> = {
  select: selectMedia,
  key: 'media.id',
  conditions: {
    channels: 'media.channel = any(?)',
    provider: 'media.provider = ?',
    direction: 'media.direction = ?',
    kind: 'media.kind = ?',
    state: 'media.state = ?',
    sha256: 'media.sha256 = ?',
    since: 'media.received_at >= ?',
    until: 'media.received_at < ?',
    from: 'message.sender = ?',
    chat: 'message.chat = ?',
    messageId: 'message.message_id = ?',
    q: 'message.caption ilike ?',
  },
};

const deliveryList: FilteredList<DeliveryFilter> = {
  select: `select ${columnsOf<DeliverySummary>({
    id: 'id',
    channel: 'channel',
    provider: 'provider',
    outcome: 'outcome',
    reason: 'reason',
    receivedAt: 'received_at',
    erasedAt: 'erased_at',
  })} from delivery`,
  key: 'id',
  conditions: { channels: 'channel = any(?)', outcome: 'outcome = ?' },
};

/** Letters that mean something to LIKE stand for themselves. */
function escapeLike(text: string): string {
  return text.replace(/[\\%_]/g, String.raw`\$&`);
}
