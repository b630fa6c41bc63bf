/** The sessions of users and the API tokens that they own, which are rows of `api_token` like all others. */
import type { Rights, Scope } from '../../domain/access.js';
import type { Pool, Transaction } from '../postgres/database.js';
import type { Page } from '../postgres/pages.js';

export interface SessionRecord {
  /** The id of its token. */
  readonly id: string;
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
  readonly lastUsedAt: Date | null;
}

export interface TokensOfUser {
  /** The sessions that have not ended, newest first. */
  readonly sessions: (user: string, now: Date, page: Page) => Promise<SessionRecord[]>;
  /** The user whose session this is, whether it has ended or not; null if there is no such session. */
  readonly userOf: (session: string) => Promise<string | null>;
  /** Resolves to false if the session has ended already. */
  readonly endSession: (session: string, at: Date, transaction: Transaction) => Promise<boolean>;
  /** Resolves to their number. */
  readonly endSessions: (user: string, at: Date, transaction: Transaction) => Promise<number>;
  /** Changes the name under which the sessions appear in the audit trail; null removes it. */
  readonly renameSessions: (user: string, name: string | null, transaction: Transaction) => Promise<void>;
  /** The API tokens of the user that are not revoked. */
  readonly owned: (
    user: string,
    transaction: Transaction,
  ) => Promise<readonly ({ readonly id: string } & Rights)[]>;
  readonly revokeAll: (ids: readonly string[], at: Date, transaction: Transaction) => Promise<void>;
  readonly isActive: (id: string, transaction: Transaction) => Promise<boolean>;
}

export function createTokensOfUser(pool: Pick<Pool, 'prisma'>): TokensOfUser {
  return {
    sessions: (userId, now, { limit, after }) =>
      pool.prisma.apiToken.findMany({
        where: {
          userId,
          isSession: true,
          revokedAt: null,
          expiresAt: { gt: now },
          ...(after !== undefined && { id: { lt: after } }),
        },
        orderBy: { id: 'desc' },
        take: limit,
        select: { id: true, createdAt: true, expiresAt: true, lastUsedAt: true },
      }),

    userOf: async (id) => {
      const row = await pool.prisma.apiToken.findFirst({
        where: { id, isSession: true },
        select: { userId: true },
      });
      return row?.userId ?? null;
    },
    ...changes,
  };
}

/** All of them are part of a transaction, which changes the user as well. */
const changes: Omit<TokensOfUser, 'sessions' | 'userOf'> = {
  endSession: (id, at, { prisma }) =>
    prisma(async ({ apiToken }) => {
      const where = { id, isSession: true, revokedAt: null };
      const { count } = await apiToken.updateMany({ where, data: { revokedAt: at } });
      return count === 1;
    }),

  endSessions: (userId, at, { prisma }) =>
    prisma(async ({ apiToken }) => {
      const where = { userId, isSession: true, revokedAt: null, expiresAt: { gt: at } };
      const { count } = await apiToken.updateMany({ where, data: { revokedAt: at } });
      return count;
    }),

  renameSessions: (userId, name, { prisma }) =>
    prisma(async ({ apiToken }) => {
      await apiToken.updateMany({ where: { userId, isSession: true }, data: { name } });
    }),

  owned: (userId, { prisma }) =>
    prisma(async ({ apiToken }) => {
      const rows = await apiToken.findMany({
        where: { userId, isSession: false, revokedAt: null },
        select: { id: true, scopes: true, channels: true },
      });
      return rows.map(({ id, scopes, channels }) => ({
        id,
        scopes: scopes as Scope[],
        channels: channels.length > 0 ? channels : null,
      }));
    }),

  revokeAll: (ids, at, { prisma }) =>
    prisma(async ({ apiToken }) => {
      await apiToken.updateMany({
        where: { id: { in: [...ids] }, revokedAt: null },
        data: { revokedAt: at },
      });
    }),

  isActive: (id, { prisma }) =>
    prisma(async ({ apiToken }) => (await apiToken.count({ where: { id, revokedAt: null } })) > 0),
};
