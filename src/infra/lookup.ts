/** What the API reads: media, messages and deliveries, newest first, a page at a time. */
import type { MediaState } from '../domain/media.js';
import type { Prisma } from './generated/client.js';
import type { Database } from './database.js';

const mediaWith = { message: true, blob: true } as const;
export type MediaRecord = Prisma.MediaGetPayload<{ include: typeof mediaWith }>;

const messageWith = { media: { include: mediaWith, orderBy: { position: 'asc' } } } as const;
export type MessageRecord = Prisma.MessageGetPayload<{ include: typeof messageWith }> & {
  readonly statuses: readonly StatusRecord[];
};
export type StatusRecord = Prisma.MessageStatusGetPayload<object>;

const deliverySummary = {
  id: true,
  channel: true,
  provider: true,
  outcome: true,
  reason: true,
  receivedAt: true,
} as const;
export type DeliverySummary = Prisma.DeliveryGetPayload<{ select: typeof deliverySummary }>;
export type DeliveryRecord = Prisma.DeliveryGetPayload<object>;

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

export interface Page {
  readonly limit: number;
  /** Id of the last item of the page before. */
  readonly after?: string | undefined;
}

export interface Lookup {
  readonly media: (id: string) => Promise<MediaRecord | null>;
  readonly listMedia: (filter: MediaFilter, page: Page) => Promise<MediaRecord[]>;
  readonly message: (channel: string, messageId: string) => Promise<MessageRecord | null>;
  readonly delivery: (id: string) => Promise<DeliveryRecord | null>;
  readonly listDeliveries: (filter: DeliveryFilter, page: Page) => Promise<DeliverySummary[]>;
}

export function createLookup({ prisma }: Pick<Database, 'prisma'>): Lookup {
  return {
    media: (id) => prisma.media.findUnique({ where: { id }, include: mediaWith }),
    listMedia: (filter, { limit, after }) =>
      prisma.media.findMany({
        where: { ...mediaWhere(filter), ...(after !== undefined && { id: { lt: after } }) },
        include: mediaWith,
        orderBy: { id: 'desc' },
        take: limit,
      }),
    message: async (channel, messageId) => {
      const [message, statuses] = await Promise.all([
        prisma.message.findUnique({
          where: { channel_messageId: { channel, messageId } },
          include: messageWith,
        }),
        prisma.messageStatus.findMany({ where: { channel, messageId } }),
      ]);
      return message && { ...message, statuses };
    },
    delivery: (id) => prisma.delivery.findUnique({ where: { id } }),
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
      }),
  };
}

function mediaWhere(filter: MediaFilter): Prisma.MediaWhereInput {
  const { channels, provider, direction, kind, state, sha256 } = filter;
  const message = messageWhere(filter);
  return {
    ...(channels && { channel: { in: [...channels] } }),
    ...given({ provider, direction, kind, state, sha256 }),
    ...((filter.since ?? filter.until) && { receivedAt: given({ gte: filter.since, lt: filter.until }) }),
    ...(Object.keys(message).length > 0 && { message }),
  };
}

function messageWhere({ from, chat, messageId, q }: MediaFilter): Prisma.MessageWhereInput {
  return {
    ...given({ sender: from, chat, messageId }),
    ...(q !== undefined && { caption: { contains: escapeLike(q), mode: 'insensitive' } }),
  };
}

/** Prisma hands the text to LIKE as it is. */
function escapeLike(text: string): string {
  return text.replace(/[\\%_]/g, String.raw`\$&`);
}

type Given<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Without the members that are undefined. */
function given<T extends object>(values: T): Given<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Given<T>;
}
