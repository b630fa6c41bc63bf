/** What is remembered of API tokens: those that were made here or used, never the tokens themselves. */
import type { Scope } from '../../domain/access.js';
import type { ApiToken } from '../generated/client.js';
import type { Pool, Transaction } from '../postgres/database.js';
import { topics } from '../postgres/notifications.js';
import { columnsOf, pageOf, type FilteredList, type Page } from '../postgres/pages.js';
import type { Bearer } from '../secrets/token-signer.js';

export interface TokenRecord {
  readonly id: string;
  readonly name: string | null;
  readonly scopes: readonly Scope[];
  /** Null: all. */
  readonly channels: readonly string[] | null;
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
  readonly lastUsedAt: Date | null;
  readonly revokedAt: Date | null;
}

/** What a token has made and what is still there. It goes on when the token is revoked. */
export interface CreatedByToken {
  readonly tokens: readonly {
    readonly id: string;
    readonly name: string | null;
    readonly revokedAt: Date | null;
  }[];
  readonly subscriptions: readonly { readonly id: string; readonly url: string }[];
  readonly channels: readonly { readonly id: string; readonly name: string | null }[];
}

/** Undefined: all. Otherwise tokens that see none but these. */
export type TokenChannels = readonly string[] | undefined;

export interface TokenTable {
  readonly add: (bearer: Bearer, transaction: Transaction) => Promise<TokenRecord>;
  /** A token made by the command gets its row when it is first used. Writes the time at most once a minute. */
  readonly used: (bearer: Bearer, at: Date) => Promise<void>;
  /** Newest first. */
  readonly list: (channels: TokenChannels, page: Page) => Promise<TokenRecord[]>;
  /** Null: there is no such token. */
  readonly find: (id: string, channels: TokenChannels) => Promise<TokenRecord | null>;
  /** As the audit trail has it. */
  readonly created: (id: string) => Promise<CreatedByToken>;
  /**
   * Tells all processes. A token that was never used has no row yet, and gets one here when all channels are seen. Null: there is no such
   * token among those of these channels. One that is revoked already keeps its time.
   */
  readonly revoke: (
    id: string,
    options: { readonly channels: TokenChannels; readonly at: Date; readonly transaction: Transaction },
  ) => Promise<TokenRecord | null>;
  /** Ids of all that are revoked and would hold otherwise. */
  readonly revokedIds: (at: Date) => Promise<string[]>;
  readonly isRevoked: (id: string) => Promise<boolean>;
}

const columns = columnsOf<TokenRecord>({
  id: 'id',
  name: 'name',
  scopes: 'scopes',
  channels: `nullif(channels, '{}')`,
  createdAt: 'created_at',
  expiresAt: 'expires_at',
  lastUsedAt: 'last_used_at',
  revokedAt: 'revoked_at',
});
const tokens: FilteredList<{ readonly channels: TokenChannels }> = {
  select: `select ${columns} from api_token`,
  key: 'id',
  conditions: { channels: `(channels <> '{}' and channels <@ ?)` },
};

/** One statement, since many requests may come with one token at the same time. */
const noteUse = `
  insert into api_token (id, name, scopes, channels, created_at, expires_at, last_used_at)
  values ($1, $2, $3, $4, $5, $6, $7)
  on conflict (id) do update set last_used_at = excluded.last_used_at
  where api_token.last_used_at is null or api_token.last_used_at <= excluded.last_used_at - interval '1 minute'`;

/** Looks, writes and tells in one statement, so that two revocations and a first use cannot come between. */
const revokeOne = `
  with t as (
    insert into api_token (id, scopes, channels, created_at, revoked_at)
    select $1::text, '{}'::text[], '{}'::text[], $2::timestamptz, $2::timestamptz
    where $3::text[] is null or exists (select from api_token where id = $1)
    on conflict (id) do update set revoked_at = coalesce(api_token.revoked_at, excluded.revoked_at)
    where $3::text[] is null or (api_token.channels <> '{}' and api_token.channels <@ $3) returning *
  ), told as (select pg_notify('${topics.tokens}', id) from t)
  select ${columns} from t, told`;

export function createTokenTable(pool: Pool): TokenTable {
  return {
    add: async (bearer, { prisma }) =>
      toRecord(await prisma(({ apiToken }) => apiToken.create({ data: rowOf(bearer) }))),

    used: async (bearer, at) => {
      const { id, name, scopes, channels, createdAt, expiresAt } = rowOf(bearer);
      await pool.query(noteUse, [id, name, scopes, channels, createdAt, expiresAt, at]);
    },

    list: async (channels, page) => (await pool.query<TokenRecord>(pageOf(tokens, { channels }, page))).rows,

    find: async (id, channels) => {
      const row = await pool.prisma.apiToken.findUnique({ where: { id } });
      const token = row && toRecord(row);
      return token && seesNoneBut(token, channels) ? token : null;
    },

    created: (id) => createdBy(pool, id),

    revoke: async (id, { channels, at, transaction }) => {
      const { rows } = await transaction.query<TokenRecord>(revokeOne, [id, at, channels ?? null]);
      return rows[0] ?? null;
    },

    revokedIds: async (at) => {
      const rows = await pool.prisma.apiToken.findMany({
        where: { revokedAt: { not: null }, OR: [{ expiresAt: null }, { expiresAt: { gt: at } }] },
        select: { id: true },
      });
      return rows.map(({ id }) => id);
    },

    isRevoked: async (id) => {
      const revoked = await pool.prisma.apiToken.count({ where: { id, revokedAt: { not: null } } });
      return revoked > 0;
    },
  };
}

async function createdBy({ prisma }: Pool, actor: string): Promise<CreatedByToken> {
  const entries = await prisma.auditEntry.findMany({
    where: { actor, action: { in: ['token.create', 'subscription.create', 'channel.create'] } },
    orderBy: { id: 'asc' },
    select: { action: true, target: true, at: true },
  });
  const made = (action: string): { id: string; at: Date }[] =>
    entries.flatMap((one) =>
      one.action === action && one.target !== null ? [{ id: one.target, at: one.at }] : [],
    );
  const named = (action: string) => ({ where: { id: { in: made(action).map(({ id }) => id) } } });
  const [tokenRows, subscriptionRows, channelRows] = await Promise.all([
    prisma.apiToken.findMany({
      ...named('token.create'),
      select: { id: true, name: true, revokedAt: true },
    }),
    prisma.subscription.findMany({ ...named('subscription.create'), select: { id: true, url: true } }),
    prisma.channel.findMany({
      ...named('channel.create'),
      select: { id: true, name: true, createdAt: true },
    }),
  ]);
  /** In the order in which they were made. */
  const inOrder = <Row extends { readonly id: string }>(action: string, rows: readonly Row[]) => {
    const byId = new Map(rows.map((row) => [row.id, row]));
    return made(action).flatMap(({ id, at }) => {
      const row = byId.get(id);
      return row ? [{ row, at }] : [];
    });
  };
  return {
    tokens: inOrder('token.create', tokenRows).map(({ row }) => row),
    subscriptions: inOrder('subscription.create', subscriptionRows).map(({ row }) => row),
    // Another token may have made a channel of this name again, after the one of this token was removed.
    channels: inOrder('channel.create', channelRows)
      .filter(({ row, at }) => row.createdAt <= at)
      .map(({ row: { id, name } }) => ({ id, name })),
  };
}

/** Of a token that was not used yet. */
function rowOf({ tokenId, name, scopes, channels, issuedAt, expiresAt }: Bearer) {
  return {
    id: tokenId,
    name,
    scopes: [...scopes],
    channels: [...(channels ?? [])],
    createdAt: issuedAt,
    expiresAt,
  };
}

function toRecord(row: ApiToken): TokenRecord {
  const channels = row.channels.length > 0 ? row.channels : null;
  return { ...row, scopes: row.scopes as Scope[], channels };
}

function seesNoneBut({ channels: seen }: TokenRecord, channels: TokenChannels): boolean {
  return channels === undefined || (seen?.every((channel) => channels.includes(channel)) ?? false);
}
