/** Pages with files that people open by a link. The secret of a link is stored as its digest only. */
import type { Share } from '../generated/client.js';
import type { Pool, Transaction } from '../postgres/database.js';
import { columnsOf, pageOf, type FilteredList, type Page } from '../postgres/pages.js';

export interface ShareRecord extends Omit<Share, 'mediaIds' | 'digest'> {
  /** In the order of the page; null for a file that was erased. */
  readonly mediaIds: readonly (string | null)[];
}

export interface NewShare {
  readonly id: string;
  readonly digest: Uint8Array<ArrayBuffer>;
  readonly title: string | null;
  readonly mediaIds: readonly string[];
  /** The channels of the files. */
  readonly channels: readonly string[];
  readonly passwordHash: string | null;
  /** The id of the token. */
  readonly actor: string;
  readonly createdAt: Date;
  readonly expiresAt: Date;
}

/** Restricts a query to shares whose files are all of these channels; undefined means all shares. */
export type ShareChannels = readonly string[] | undefined;

export interface ShareTable {
  readonly add: (share: NewShare, transaction: Transaction) => Promise<ShareRecord>;
  /** Newest first. */
  readonly list: (channels: ShareChannels, page: Page) => Promise<ShareRecord[]>;
  readonly find: (id: string, channels: ShareChannels) => Promise<ShareRecord | null>;
  readonly byDigest: (digest: Uint8Array<ArrayBuffer>) => Promise<ShareRecord | null>;
  /** A share that is revoked already keeps its time. */
  readonly revoke: (id: string, at: Date, transaction: Transaction) => Promise<ShareRecord>;
  readonly countView: (id: string, at: Date) => Promise<void>;
}

/** Stands for a file that was erased; see the step of the erasure. */
export const erasedMediaId = '00000000-0000-0000-0000-000000000000';

const shares: FilteredList<{ readonly channels: ShareChannels }> = {
  select: `select ${columnsOf<Omit<Share, 'digest'>>({
    id: 'id',
    title: 'title',
    mediaIds: 'media_ids',
    channels: 'channels',
    passwordHash: 'password_hash',
    actor: 'actor',
    createdAt: 'created_at',
    expiresAt: 'expires_at',
    revokedAt: 'revoked_at',
    views: 'views',
    lastViewedAt: 'last_viewed_at',
  })} from share`,
  key: 'id',
  conditions: { channels: 'channels <@ ?' },
};

export function createShareTable(pool: Pick<Pool, 'query' | 'prisma'>): ShareTable {
  return {
    add: async (share, { prisma }) => {
      const data = { ...share, mediaIds: [...share.mediaIds], channels: [...share.channels] };
      return recordOf(await prisma((client) => client.share.create({ data })));
    },

    list: async (channels, page) => {
      const { rows } = await pool.query<Omit<Share, 'digest'>>(pageOf(shares, { channels }, page));
      return rows.map(recordOf);
    },

    find: async (id, channels) => {
      const row = await pool.prisma.share.findUnique({ where: { id } });
      const isVisible = row?.channels.every((channel) => channels?.includes(channel) ?? true) ?? false;
      return row && isVisible ? recordOf(row) : null;
    },

    byDigest: async (digest) => {
      const row = await pool.prisma.share.findUnique({ where: { digest } });
      return row && recordOf(row);
    },

    revoke: (id, at, { prisma }) =>
      prisma(async ({ share }) => {
        await share.updateMany({ where: { id, revokedAt: null }, data: { revokedAt: at } });
        return recordOf(await share.findUniqueOrThrow({ where: { id } }));
      }),

    countView: async (id, at) => {
      const data = { views: { increment: 1 }, lastViewedAt: at };
      await pool.prisma.share.updateMany({ where: { id }, data });
    },
  };
}

/** The digest is left out, so that no answer and no log can contain it. */
function recordOf(row: Omit<Share, 'digest'>): ShareRecord {
  const { id, title, channels, passwordHash, actor, createdAt, expiresAt } = row;
  const { revokedAt, views, lastViewedAt } = row;
  return {
    id,
    title,
    mediaIds: row.mediaIds.map((mediaId) => (mediaId === erasedMediaId ? null : mediaId)),
    channels,
    passwordHash,
    actor,
    createdAt,
    expiresAt,
    revokedAt,
    views,
    lastViewedAt,
  };
}
