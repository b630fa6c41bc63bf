/** Records of API tokens that were created over the API or used; never the tokens themselves. */
import type { Rights, Scope } from '../../domain/access.js';
import type { ApiToken, Prisma } from '../generated/client.js';
import type { Pool, Transaction } from '../postgres/database.js';
import { columnsOf, pageOf, type FilteredList, type Page } from '../postgres/pages.js';
import type { Bearer } from '../secrets/token-signer.js';
import { shareReads } from './shared-reads.js';

export interface TokenRecord extends Rights {
  readonly id: string;
  readonly name: string | null;
  /** The user who has created it; null for a token of nobody in particular, or of a user who was deleted. */
  readonly owner: { readonly id: string; readonly name: string } | null;
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
  readonly lastUsedAt: Date | null;
  readonly revokedAt: Date | null;
}

/** What a token has created and still exists. It continues to work after the token is revoked. */
export interface CreatedByToken {
  readonly tokens: readonly {
    readonly id: string;
    readonly name: string | null;
    readonly revokedAt: Date | null;
  }[];
  readonly subscriptions: readonly { readonly id: string; readonly url: string }[];
  readonly channels: readonly { readonly id: string; readonly name: string | null }[];
}

/** Restricts a query to tokens that are limited to these channels; undefined means all tokens. */
export type TokenChannels = readonly string[] | undefined;

export interface TokenTable {
  readonly add: (bearer: Bearer, transaction: Transaction) => Promise<TokenRecord>;
  /**
   * A token from the command line gets its row when it is first used. The time is written at most once a
   * minute.
   */
  readonly used: (bearer: Bearer, at: Date) => Promise<void>;
  /** Newest first, without sessions. */
  readonly list: (channels: TokenChannels, page: Page) => Promise<TokenRecord[]>;
  /** Null if there is no such token. */
  readonly find: (id: string, channels: TokenChannels) => Promise<TokenRecord | null>;
  /** Read from the audit trail. */
  readonly created: (id: string) => Promise<CreatedByToken>;
  /**
   * Revokes a token. One that was never used has no row yet, and gets one here if `channels` is undefined.
   * Resolves to null if no token of these channels has this id. A token that is revoked already keeps its
   * time.
   */
  readonly revoke: (
    id: string,
    options: { readonly channels: TokenChannels; readonly at: Date; readonly transaction: Transaction },
  ) => Promise<TokenRecord | null>;
  /** Asks the database. Calls at the same time share a statement, see {@link shareReads}. */
  readonly isRevoked: (id: string) => Promise<boolean>;
}

const columns = columnsOf<TokenRecord>({
  id: 'id',
  name: 'name',
  scopes: 'scopes',
  channels: `nullif(channels, '{}')`,
  owner: `(select json_build_object('id', u.id, 'name', u.name) from user_account as u where u.id = user_id)`,
  createdAt: 'created_at',
  expiresAt: 'expires_at',
  lastUsedAt: 'last_used_at',
  revokedAt: 'revoked_at',
});
const tokens: FilteredList<{ readonly channels: TokenChannels; readonly isSession: boolean }> = {
  select: `select ${columns} from api_token`,
  key: 'id',
  conditions: { channels: `(channels <> '{}' and channels <@ ?)`, isSession: 'is_session = ?' },
};

/**
 * Every request asks this, so it is SQL that is prepared once: see decision 123 for what a call of Prisma
 * Client costs.
 */
const revokedAmong = {
  name: 'tokens-revoked',
  text: 'select id from api_token where id = any($1) and revoked_at is not null',
};

/** One statement, because many requests may use one token at the same time. */
const recordUse = `
  insert into api_token (id, name, scopes, channels, created_at, expires_at, last_used_at, user_id, is_session)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
  on conflict (id) do update set last_used_at = excluded.last_used_at
  where api_token.last_used_at is null or api_token.last_used_at <= excluded.last_used_at - interval '1 minute'`;

/** Reads and writes in one statement, so that no revocation or first use can interfere. */
const revokeOne = `
  with t as (
    insert into api_token (id, scopes, channels, created_at, revoked_at)
    select $1::text, '{}'::text[], '{}'::text[], $2::timestamptz, $2::timestamptz
    where $3::text[] is null or exists (select from api_token where id = $1)
    on conflict (id) do update set revoked_at = coalesce(api_token.revoked_at, excluded.revoked_at)
    where $3::text[] is null or (api_token.channels <> '{}' and api_token.channels <@ $3) returning *
  )
  select ${columns} from t`;

export function createTokenTable(pool: Pool): TokenTable {
  const revocation = shareReads(async (ids) => {
    const { rows } = await pool.query<{ id: string }>({ ...revokedAmong, values: [ids] });
    return new Map(rows.map((row) => [row.id, row]));
  });
  return {
    add: (bearer, { prisma }) =>
      prisma(async (client) => {
        const row = await client.apiToken.create({ data: rowOf(bearer) });
        return toRecord(row, await ownerOf(client, row));
      }),

    used: async (bearer, at) => {
      const { id, name, scopes, channels, createdAt, expiresAt, userId, isSession } = rowOf(bearer);
      const values = [id, name, scopes, channels, createdAt, expiresAt, at, userId, isSession];
      await pool.query(recordUse, values);
    },

    list: async (channels, page) => {
      const statement = pageOf(tokens, { channels, isSession: false }, page);
      return (await pool.query<TokenRecord>(statement)).rows;
    },

    find: async (id, channels) => {
      const row = await pool.prisma.apiToken.findUnique({ where: { id } });
      const token = row && toRecord(row, await ownerOf(pool.prisma, row));
      return token && isLimitedTo(token, channels) ? token : null;
    },

    created: (id) => createdBy(pool, id),

    revoke: async (id, { channels, at, transaction }) => {
      const { rows } = await transaction.query<TokenRecord>(revokeOne, [id, at, channels ?? null]);
      return rows[0] ?? null;
    },

    isRevoked: async (id) => (await revocation(id)) !== undefined,
  };
}

async function createdBy({ prisma }: Pool, actor: string): Promise<CreatedByToken> {
  const entries = await prisma.auditEntry.findMany({
    where: { actor, action: { in: ['token.create', 'subscription.create', 'channel.create'] } },
    orderBy: { id: 'asc' },
    select: { action: true, target: true, at: true },
  });
  const created = (action: string): { id: string; at: Date }[] =>
    entries.flatMap((one) =>
      one.action === action && one.target !== null ? [{ id: one.target, at: one.at }] : [],
    );
  const named = (action: string) => ({ where: { id: { in: created(action).map(({ id }) => id) } } });
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
  /** The order is that of their creation. */
  const inOrder = <Row extends { readonly id: string }>(action: string, rows: readonly Row[]) => {
    const byId = new Map(rows.map((row) => [row.id, row]));
    return created(action).flatMap(({ id, at }) => {
      const row = byId.get(id);
      return row ? [{ row, at }] : [];
    });
  };
  return {
    tokens: inOrder('token.create', tokenRows).map(({ row }) => row),
    subscriptions: inOrder('subscription.create', subscriptionRows).map(({ row }) => row),
    // Another token may have created a channel with this id again after the channel of this token was
    // removed.
    channels: inOrder('channel.create', channelRows)
      .filter(({ row, at }) => row.createdAt <= at)
      .map(({ row: { id, name } }) => ({ id, name })),
  };
}

/** The row of a token that was not used yet. */
function rowOf({ tokenId, name, scopes, channels, issuedAt, expiresAt, user }: Bearer) {
  return {
    id: tokenId,
    name,
    scopes: [...scopes],
    channels: [...(channels ?? [])],
    createdAt: issuedAt,
    expiresAt,
    userId: user?.id ?? null,
    isSession: user?.isSession ?? false,
  };
}

async function ownerOf(
  { user }: Pick<Prisma.TransactionClient, 'user'>,
  { userId }: ApiToken,
): Promise<TokenRecord['owner']> {
  return userId === null
    ? null
    : user.findUnique({ where: { id: userId }, select: { id: true, name: true } });
}

function toRecord(row: ApiToken, owner: TokenRecord['owner']): TokenRecord {
  const { id, name, scopes, channels, createdAt, expiresAt, lastUsedAt, revokedAt } = row;
  return {
    id,
    name,
    scopes: scopes as Scope[],
    channels: channels.length > 0 ? channels : null,
    owner,
    createdAt,
    expiresAt,
    lastUsedAt,
    revokedAt,
  };
}

function isLimitedTo({ channels: own }: TokenRecord, channels: TokenChannels): boolean {
  return channels === undefined || (own?.every((channel) => channels.includes(channel)) ?? false);
}
