/** Messages to send and sent messages: how they are queued, and how they are read. */
import type { HeldBlob } from '../../../domain/media.js';
import type { OutboundState } from '../../../domain/outbound.js';
import type { MediaKind } from '../../../domain/provider.js';
import type { SendOptions } from '../../../domain/sending.js';
import type { Prisma } from '../../generated/client.js';
import { transaction, undone, type Pool, type Together, type Transaction } from '../../postgres/database.js';
import { columnsOf, pageOf, type FilteredList, type Page } from '../../postgres/pages.js';
import { addSendJobs } from '../../queue/tasks.js';
import type { StatusRecord } from '../media/lookup.js';
import { insertUpload } from '../media/known-blobs.js';
import { statusJson, withDates } from '../statuses.js';

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
  /** The id of the token. */
  readonly actor: string;
  readonly idempotency: Idempotency | null;
}

export interface Idempotency {
  readonly key: string;
  readonly requestHash: Buffer;
}

/** A stored media item, or one that is stored for this message. Null for a link that is sent as it is. */
export type OutboundMedia = { readonly id: string } | { readonly id: string; readonly blob: HeldBlob } | null;

export type Added =
  | { readonly type: 'added' }
  /** There is already a message with this idempotency key. */
  | { readonly type: 'known' }
  | { readonly type: 'media gone' }
  /** The files have been deleted since they were stored, and must be stored again. */
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
  /** What the provider has reported since it accepted the message. */
  readonly statuses: readonly StatusRecord[];
}

export interface OutboundFilter {
  /** Undefined means all. */
  readonly channels?: readonly string[] | undefined;
  readonly state?: OutboundState | undefined;
  readonly to?: string | undefined;
}

export interface OutboundTable {
  /** Queues a message: its row, its new media item and the job in one transaction. */
  readonly add: (message: NewOutbound, media: OutboundMedia, now: Date) => Promise<Added>;
  readonly find: (id: string) => Promise<OutboundRecord | undefined>;
  /** The message with this idempotency key, and the hash of its request. */
  readonly findByKey: (
    actor: string,
    key: string,
  ) => Promise<{ readonly id: string; readonly requestHash: Buffer } | undefined>;
  /** Newest first. */
  readonly list: (filter: OutboundFilter, page: Page) => Promise<OutboundRecord[]>;
  /** `failed` or `unknown` → `queued`; resolves to false in any other state. */
  readonly sendAgain: (id: string, now: Date, together: Together) => Promise<boolean>;
}

/** Adds the job that sends the queued messages of the channel `$1`; never two at once for one channel. */
const addSendJob = addSendJobs('select $1::text as channel');

/**
 * The messages with their statuses. Statuses from before the provider assigned an id are stored under the
 * message's own id.
 */
const select = `select ${columnsOf<OutboundRecord>({
  id: 'o.id',
  channel: 'o.channel',
  provider: 'o.provider',
  recipient: 'o.recipient',
  kind: 'o.kind',
  link: 'o.link',
  type: 'o.type',
  bytes: 'o.bytes::float8',
  caption: 'o.caption',
  filename: 'o.filename',
  replyTo: 'o.reply_to',
  options: 'o.options',
  mediaId: 'o.media_id',
  state: 'o.state',
  messageId: 'o.message_id',
  errorCode: 'o.error_code',
  errorMessage: 'o.error_message',
  attempts: 'o.attempts',
  notBefore: 'o.not_before',
  createdAt: 'o.created_at',
  sentAt: 'o.sent_at',
  statuses: `(select coalesce(json_agg(${statusJson('s')}), '[]') from message_status as s
              where s.channel = o.channel and s.message_id = coalesce(o.message_id, o.id::text))`,
})} from outbound as o`;

const messages: FilteredList<OutboundFilter> = {
  select,
  key: 'o.id',
  conditions: { channels: 'o.channel = any(?)', state: 'o.state = ?', to: 'o.recipient = ?' },
};

export function createOutboundTable(pool: Pool): OutboundTable {
  return {
    add: (message, media, now) =>
      transaction<Added>(pool, async (adding) => {
        const hasBytes = media !== null && 'blob' in media;
        if (media && !hasBytes && !(await isStored(adding, media.id))) return { type: 'media gone' };
        if (!(await insert(adding, { ...message, mediaId: media?.id ?? null, now })))
          return { type: 'known' };
        // Last, because it locks the blob: see locks.ts for the order.
        if (hasBytes && !(await insertUpload(adding, { ...message, ...media, now })))
          return undone<Added>({ type: 'bytes gone' });
        await adding.query(addSendJob, [message.channel]);
        return { type: 'added' };
      }),
    find: async (id) => {
      const { rows } = await pool.query<OutboundRecord>({
        name: 'outbound-by-id',
        text: `${select} where o.id = $1`,
        values: [id],
      });
      return rows[0] && withStatusDates(rows[0]);
    },
    findByKey: async (actor, key) => {
      const found = await pool.prisma.outbound.findUnique({
        where: { actor_idempotencyKey: { actor, idempotencyKey: key } },
        select: { id: true, requestHash: true },
      });
      return found?.requestHash ? { id: found.id, requestHash: Buffer.from(found.requestHash) } : undefined;
    },
    list: async (filter, page) =>
      (await pool.query<OutboundRecord>(pageOf(messages, filter, page))).rows.map(withStatusDates),
    sendAgain: (id, now, together) =>
      transaction(pool, async (queueing) => {
        const channel = await queueing.prisma(async ({ outbound, messageStatus }) => {
          const [queued] = await outbound.updateManyAndReturn({
            where: { id, state: { in: ['failed', 'unknown'] }, messageId: null },
            data: { state: 'queued', notBefore: now, attempts: 0, errorCode: null, errorMessage: null },
            select: { channel: true },
          });
          // The status of the previous attempt no longer applies.
          if (queued) await messageStatus.deleteMany({ where: { channel: queued.channel, messageId: id } });
          return queued?.channel;
        });
        if (channel === undefined) return false;
        await queueing.query(addSendJob, [channel]);
        await together(queueing);
        return true;
      }),
  };
}

/** Locks the media item until the commit, so that it is not erased meanwhile. */
async function isStored(adding: Transaction, mediaId: string): Promise<boolean> {
  const { rowCount } = await adding.query(`select from media where id = $1 and state = 'ready' for share`, [
    mediaId,
  ]);
  return rowCount === 1;
}

/** Resolves to false if there is already a message with its idempotency key. */
async function insert(
  { prisma }: Transaction,
  message: NewOutbound & { readonly mediaId: string | null; readonly now: Date },
): Promise<boolean> {
  const { now, idempotency, bytes, options, ...columns } = message;
  const row = {
    ...columns,
    bytes: bytes === null ? null : BigInt(bytes),
    options: options as Prisma.InputJsonObject,
    state: 'queued',
    notBefore: now,
    createdAt: now,
    idempotencyKey: idempotency?.key ?? null,
    requestHash: idempotency ? Uint8Array.from(idempotency.requestHash) : null,
  };
  const { count } = await prisma(({ outbound }) =>
    outbound.createMany({ data: [row], skipDuplicates: true }),
  );
  return count === 1;
}

function withStatusDates(record: OutboundRecord): OutboundRecord {
  return { ...record, statuses: record.statuses.map(withDates) };
}
