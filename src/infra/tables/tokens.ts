/** What is remembered of API tokens: those that were made here or used, never the tokens themselves. */
import type pg from 'pg';

import type { Scope } from '../../domain/access.js';
import { topics } from '../postgres/notifications.js';
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

type Connection = Pick<pg.ClientBase, 'query'>;

export interface TokenTable {
  readonly add: (bearer: Bearer, connection: Connection) => Promise<TokenRecord>;
  /** A token made by the command gets its row when it is first used. Writes the time at most once a minute. */
  readonly used: (bearer: Bearer, at: Date) => Promise<void>;
  /** Newest first. */
  readonly list: (
    channels: TokenChannels,
    page: { readonly limit: number; readonly after?: string | undefined },
  ) => Promise<TokenRecord[]>;
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
    options: { readonly channels: TokenChannels; readonly at: Date; readonly connection: Connection },
  ) => Promise<TokenRecord | null>;
  /** Ids of all that are revoked and would hold otherwise. */
  readonly revokedIds: (at: Date) => Promise<string[]>;
  readonly isRevoked: (id: string) => Promise<boolean>;
}

const columns = `id, name, scopes, nullif(channels, '{}') as channels, created_at as "createdAt", expires_at as "expiresAt",
  last_used_at as "lastUsedAt", revoked_at as "revokedAt"`;
const insert = `insert into api_token (id, name, scopes, channels, created_at, expires_at, last_used_at)
  values ($1, $2, $3, $4, $5, $6, $7)`;

export function createTokenTable(pool: pg.Pool): TokenTable {
  return {
    add: async (bearer, connection) => {
      const { rows } = await connection.query<TokenRecord>(
        `${insert} returning ${columns}`,
        valuesOf(bearer, null),
      );
      return first(rows);
    },

    used: async (bearer, at) => {
      await pool.query(
        `${insert} on conflict (id) do update set last_used_at = excluded.last_used_at
         where api_token.last_used_at is null or api_token.last_used_at <= excluded.last_used_at - interval '1 minute'`,
        valuesOf(bearer, at),
      );
    },

    list: async (channels, { limit, after }) => {
      const { rows } = await pool.query<TokenRecord>(
        `select ${columns} from api_token
         where ($1::text[] is null or (channels <> '{}' and channels <@ $1)) and ($2::text is null or id < $2)
         order by id desc limit $3`,
        [channels ?? null, after ?? null, limit],
      );
      return rows;
    },

    find: async (id, channels) => {
      const { rows } = await pool.query<TokenRecord>(
        `select ${columns} from api_token
         where id = $1 and ($2::text[] is null or (channels <> '{}' and channels <@ $2))`,
        [id, channels ?? null],
      );
      return rows[0] ?? null;
    },

    created: async (id) => {
      const made = 'from audit_entry entry join';
      const by = (action: string): string =>
        `where entry.actor = $1 and entry.action = '${action}' order by entry.id`;
      const [tokens, subscriptions, channels] = await Promise.all([
        pool.query<CreatedByToken['tokens'][number]>(
          `select made.id, made.name, made.revoked_at as "revokedAt"
           ${made} api_token made on made.id = entry.target ${by('token.create')}`,
          [id],
        ),
        pool.query<CreatedByToken['subscriptions'][number]>(
          `select made.id, made.url
           ${made} subscription made on made.id::text = entry.target ${by('subscription.create')}`,
          [id],
        ),
        pool.query<CreatedByToken['channels'][number]>(
          `select made.id, made.name
           ${made} channel made on made.id = entry.target and made.created_at <= entry.at ${by('channel.create')}`,
          [id],
        ),
      ]);
      return { tokens: tokens.rows, subscriptions: subscriptions.rows, channels: channels.rows };
    },

    revoke: async (id, { channels, at, connection }) => {
      const { rows } = await connection.query<TokenRecord>(
        `with t as (
           insert into api_token (id, scopes, channels, created_at, revoked_at)
           select $1::text, '{}'::text[], '{}'::text[], $2::timestamptz, $2::timestamptz where $3::text[] is null or exists (select from api_token where id = $1)
           on conflict (id) do update set revoked_at = coalesce(api_token.revoked_at, excluded.revoked_at)
           where $3::text[] is null or (api_token.channels <> '{}' and api_token.channels <@ $3) returning *
         ), told as (select pg_notify('${topics.tokens}', id) from t)
         select ${columns} from t, told`,
        [id, at, channels ?? null],
      );
      return rows[0] ?? null;
    },

    revokedIds: async (at) => {
      const { rows } = await pool.query<{ id: string }>(
        'select id from api_token where revoked_at is not null and (expires_at is null or expires_at > $1)',
        [at],
      );
      return rows.map(({ id }) => id);
    },

    isRevoked: async (id) => {
      const { rows } = await pool.query('select from api_token where id = $1 and revoked_at is not null', [
        id,
      ]);
      return rows.length > 0;
    },
  };
}

function valuesOf(bearer: Bearer, lastUsedAt: Date | null): unknown[] {
  const { tokenId, name, scopes, channels, issuedAt, expiresAt } = bearer;
  return [tokenId, name, scopes, channels ?? [], issuedAt, expiresAt, lastUsedAt];
}

function first<Row>([row]: readonly Row[]): Row {
  if (!row) throw new Error('the statement answered no row');
  return row;
}
