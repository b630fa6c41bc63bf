/**
 * What the API reads: media, messages and deliveries, newest first, a page at a time. Media are read with SQL of our own: one
 * by its id takes 4 ms with Prisma and 0.5 ms without, and every picture that somebody looks at is such a question.
 */
import type { MediaState, MediaWarning } from '../../../domain/media.js';
import { ownValue } from '../../../domain/own-value.js';
import type { Direction, MediaKind, MessageStatus as Status } from '../../../domain/provider.js';
import type {
  Blob,
  Delivery,
  Media as MediaRow,
  Message,
  MessageStatus,
  Prisma,
} from '../../generated/client.js';
import type { Database } from '../../postgres/database.js';
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

const deliverySummary = {
  id: true,
  channel: true,
  provider: true,
  outcome: true,
  reason: true,
  receivedAt: true,
  erasedAt: true,
} as const;
export type DeliverySummary = Narrowed<
  Prisma.DeliveryGetPayload<{ select: typeof deliverySummary }>,
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

export interface Page {
  readonly limit: number;
  /** Id of the last item of the page before. */
  readonly after?: string | undefined;
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

export function createLookup({ prisma, api: pool }: Pick<Database, 'prisma' | 'api'>): Lookup {
  const readMedia = async (query: {
    name?: string;
    text: string;
    values: unknown[];
  }): Promise<MediaRecord[]> => {
    const { rows } = await pool.query<Record<string, unknown>>(query);
    return rows.map(toMediaRecord);
  };
  return {
    media: async (id) => {
      const text = `${selectMedia} where media.id = $1`;
      return (await readMedia({ name: 'media-by-id', text, values: [id] }))[0] ?? null;
    },
    mediaHistory: async (id) => {
      const [deliveries, attempts] = await Promise.all([
        pool.query<{ id: string }>(
          `select delivery.id from media join message on message.id = media.message_row_id
           join delivery on delivery.id = message.delivery_id
           where media.id = $1 and delivery.erased_at is null`,
          [id],
        ),
        prisma.mediaAttempt.findMany({ where: { mediaId: id }, orderBy: { at: 'asc' } }),
      ]);
      return { delivery: deliveries.rows[0]?.id ?? null, attempts };
    },
    mediaByIds: (ids) =>
      ids.length === 0
        ? Promise.resolve([])
        : readMedia({ name: 'media-by-ids', text: `${selectMedia} where media.id = any($1)`, values: [ids] }),
    listMedia: (filter, { limit, after }) => {
      const { conditions, values } = mediaConditions(filter, after);
      const where = conditions.length > 0 ? `where ${conditions.join(' and ')}` : '';
      return readMedia({
        text: `${selectMedia} ${where} order by media.id desc limit ${String(limit)}`,
        values,
      });
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
    listDeliveries: ({ channels, outcome }, { limit, after }) =>
      prisma.delivery.findMany({
        where: {
          ...(channels && { channel: { in: [...channels] } }),
          ...(outcome !== undefined && { outcome }),
          ...(after !== undefined && { id: { lt: after } }),
        },
        select: deliverySummary,
        orderBy: { id: 'desc' },
        take: limit,
      }) as Promise<DeliverySummary[]>,
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

function mediaConditions(
  filter: MediaFilter,
  after: string | undefined,
): { conditions: string[]; values: unknown[] } {
  const { channels, provider, direction, kind, state, from, chat, messageId, sha256, since, until, q } =
    filter;
  const wanted: readonly (readonly [condition: string, value: unknown])[] = [
    ['media.id < ?', after],
    ['media.channel = any(?)', channels],
    ['media.provider = ?', provider],
    ['media.direction = ?', direction],
    ['media.kind = ?', kind],
    ['media.state = ?', state],
    ['media.sha256 = ?', sha256],
    ['media.received_at >= ?', since],
    ['media.received_at < ?', until],
    ['message.sender = ?', from],
    ['message.chat = ?', chat],
    ['message.message_id = ?', messageId],
    ['message.caption ilike ?', q === undefined ? undefined : `%${escapeLike(q)}%`],
  ];
  const given = wanted.filter(([, value]) => value !== undefined);
  return {
    conditions: given.map(([condition], index) => condition.replace('?', `$${String(index + 1)}`)),
    values: given.map(([, value]) => value),
  };
}

/** Letters that mean something to LIKE stand for themselves. */
function escapeLike(text: string): string {
  return text.replace(/[\\%_]/g, String.raw`\$&`);
}
