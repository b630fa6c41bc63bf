/** Tokens and the audit trail. */
import { path } from './addresses.js';
import type { AuditEntry, Token, TokenDetails, TokenWithSecret } from './answers.js';
import { listOf, type List, type PageQuery } from './pages.js';
import type { CallOptions, Transport } from './transport.js';

/** A token to create. It can have at most the rights of the caller's own token. */
export interface NewToken {
  readonly name: string;
  readonly scopes: readonly Token['scopes'][number][];
  /** The channels that the token has access to; all by default. */
  readonly channels?: readonly string[] | null | undefined;
  /** Lifetime in seconds; by default the token does not expire. */
  readonly expiresIn?: number | null | undefined;
}

/** API tokens. */
export interface TokenClient {
  readonly list: (query?: PageQuery, options?: CallOptions) => List<Token>;
  /** The answer includes the tokens, subscriptions and channels that the token has created. */
  readonly get: (id: string, options?: CallOptions) => Promise<TokenDetails>;
  /** Only this answer shows the token itself. */
  readonly create: (token: NewToken, options?: CallOptions) => Promise<TokenWithSecret>;
  /** Takes effect at once in all processes. Objects that the token has created stay. */
  readonly revoke: (id: string, options?: CallOptions) => Promise<TokenDetails>;
}

export function tokenClient(transport: Transport): TokenClient {
  const { json } = transport;
  const at = (id: string) => path`/v1/tokens/${id}`;
  return {
    list: (query, options) => listOf(transport, { path: '/v1/tokens', query: { ...query }, options }),
    get: (id, options) => json({ ...options, method: 'GET', path: at(id) }),
    create: (token, options) => json({ ...options, method: 'POST', path: '/v1/tokens', json: token }),
    revoke: (id, options) => json({ ...options, method: 'DELETE', path: at(id) }),
  };
}

/** Filters of the audit trail. */
export interface AuditQuery extends PageQuery {
  readonly action?: string | undefined;
  /** The id of a user or of a token, or `retention`. */
  readonly actor?: string | undefined;
  readonly channel?: string | undefined;
  readonly since?: Date | string | undefined;
  /** The end of the period, exclusive. */
  readonly until?: Date | string | undefined;
}

/** The audit trail: administrative actions, and the users and tokens that performed them. */
export interface AuditClient {
  readonly list: (query?: AuditQuery, options?: CallOptions) => List<AuditEntry>;
}

export function auditClient(transport: Transport): AuditClient {
  return {
    list: (query, options) => listOf(transport, { path: '/v1/audit', query: { ...query }, options }),
  };
}
