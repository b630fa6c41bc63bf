/**
 * What the API reads: media, messages and deliveries. Media are read with our own SQL, because every picture
 * that is displayed is such a query: decision 123 says what a call of Prisma Client costs.
 */
import type pg from 'pg';

import type { MessageStatus as Status } from '../../../domain/provider.js';
import type { Outcome } from '../../../domain/receipt.js';
import type { Delivery, MessageStatus } from '../../generated/client.js';
import type { Pool } from '../../postgres/database.js';
import { columnsOf, pageOf, type FilteredList, type Page } from '../../postgres/pages.js';
import { shareReads } from '../shared-reads.js';
import type { MediaFilter } from './filter.js';
import { createMediaForToken, type ReadMediaForToken } from './for-token.js';
import { createMediaList, type MediaPage } from './list.js';
import { selectMedia, toMediaRecord, type MediaRecord, type MessageRow, type Narrowed } from './records.js';

export type { MediaRecord } from './records.js';

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
  /** Null if there is none. Calls at the same time share a statement, see {@link shareReads}. */
  readonly media: (id: string) => Promise<MediaRecord | null>;
  /** Works like {@link media}, and asks in the same statement whether the token with this id is revoked. */
  readonly mediaForToken: ReadMediaForToken;
  /**
   * The delivery that brought the media item, as long as it is kept, and all attempts to download the file.
   */
  readonly mediaHistory: (id: string) => Promise<MediaHistoryRecord>;
  /** The existing ones of these, in any order. */
  readonly mediaByIds: (ids: readonly string[]) => Promise<MediaRecord[]>;
  readonly listMedia: (filter: MediaFilter, page: Page) => Promise<MediaPage>;
  readonly message: (channel: string, messageId: string) => Promise<MessageRecord | null>;
  readonly delivery: (id: string) => Promise<DeliveryRecord | null>;
  readonly listDeliveries: (filter: DeliveryFilter, page: Page) => Promise<DeliverySummary[]>;
}

export function createLookup(
  pool: Pick<Pool, 'query' | 'prisma'>,
  people: { readonly refresh: () => Promise<void> },
): Lookup {
  const { prisma } = pool;
  const readMedia = async (query: pg.QueryConfig): Promise<MediaRecord[]> => {
    const { rows } = await pool.query<Record<string, unknown>>(query);
    return rows.map(toMediaRecord);
  };
  const mediaByIds = async (ids: readonly string[]): Promise<MediaRecord[]> => {
    if (ids.length === 0) return [];
    const text = `${selectMedia} where media.id = any($1)`;
    return readMedia({ name: 'media-by-ids', text, values: [ids] });
  };
  const sharedMedia = shareReads(
    async (ids) => new Map((await mediaByIds(ids)).map((media) => [media.id, media])),
  );
  return {
    media: async (id) => (await sharedMedia(id)) ?? null,
    mediaForToken: createMediaForToken(pool),
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
    mediaByIds,
    listMedia: createMediaList(pool, readMedia, { refreshPeople: people.refresh }),
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
