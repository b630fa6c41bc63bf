/**
 * Checks API tokens. A token is valid if its signature is, until it expires or is revoked. The signature is
 * verified once and its claims are remembered; whether the token has been revoked is asked of the database
 * for each request, together with the tokens of other requests, so that a revocation takes effect in every
 * process before it is answered.
 */
import { hash } from 'node:crypto';

import { AppError } from '../domain/errors.js';
import type { Logger } from '../infra/logging/logger.js';
import { transaction, type Database, type Transaction } from '../infra/postgres/database.js';
import type { Bearer, Grant, TokenSigner } from '../infra/secrets/token-signer.js';
import type { Audit } from '../infra/tables/audit.js';
import type { TokensOfUser } from '../infra/tables/tokens-of-user.js';
import {
  createTokenTable,
  type TokenChannels,
  type TokenRecord,
  type TokenTable,
} from '../infra/tables/tokens.js';
import type { UserTable } from '../infra/tables/users.js';

export interface Tokens {
  /**
   * Throws `auth.invalid`, `auth.expired`, `auth.revoked`, or `service.unavailable` if the revocation cannot
   * be checked.
   */
  readonly check: (token: string) => Promise<Bearer>;
  /**
   * The claims of a token whose signature is valid. Throws `auth.invalid` or `auth.expired`. Nothing may be
   * answered before {@link confirm}, because the token may have been revoked.
   */
  readonly verify: (token: string) => Bearer;
  /**
   * Throws `auth.revoked` for a token that the caller has found to be revoked, and otherwise notes its use.
   */
  readonly confirm: (bearer: Bearer, isRevoked: boolean) => void;
  /**
   * The token belongs to the user of the grant. Throws `auth.revoked` if the user was disabled, or the token of
   * the actor revoked, since the request began.
   */
  readonly create: (grant: Grant, actor: string) => Promise<{ record: TokenRecord; token: string }>;
  /** Returns null if these channels have no such token. */
  readonly revoke: (
    id: string,
    by: { readonly actor: string; readonly channels: TokenChannels },
  ) => Promise<TokenRecord | null>;
  readonly list: TokenTable['list'];
  readonly find: TokenTable['find'];
  readonly created: TokenTable['created'];
  readonly close: () => Promise<void>;
}

interface TokenDependencies {
  readonly users: Pick<UserTable, 'holdEnabled'>;
  readonly tokensOfUser: Pick<TokensOfUser, 'isActive'>;
  readonly signer: TokenSigner;
  readonly database: Pick<Database, 'api'>;
  readonly audit: Audit;
  readonly logger: Logger;
  readonly now: () => Date;
}

export function createTokens(dependencies: TokenDependencies): Tokens {
  const { signer, database, audit, users, tokensOfUser, now } = dependencies;
  const table = createTokenTable(database.api);
  const verify = createVerification(signer, now);
  const usage = createUsage(table, dependencies);
  const confirm = (bearer: Bearer, isRevoked: boolean): void => {
    if (isRevoked) throw new AppError('auth.revoked', 'the token has been revoked');
    usage.record(bearer);
  };

  return {
    check: async (token) => {
      const bearer = verify(token);
      confirm(bearer, await table.isRevoked(bearer.tokenId).catch(throwUnchecked));
      return bearer;
    },
    verify,
    confirm,
    create: async (grant, actor) => {
      const token = signer.issue(grant);
      const bearer = signer.check(token);
      const record = await transaction(database.api, async (adding) => {
        const { name, scopes, channels, user } = bearer;
        if (user) await requireOwner({ users, tokensOfUser }, { user: user.id, actor }, adding);
        const entry = { actor, action: 'token.create', target: bearer.tokenId };
        await audit.record({ ...entry, details: { name, scopes, channels } }, adding);
        return table.add(bearer, adding);
      });
      return { record, token };
    },
    revoke: (id, { actor, channels }) =>
      transaction(database.api, async (revoking) => {
        const revoked = await table.revoke(id, { channels, at: now(), transaction: revoking });
        const entry = { actor, action: 'token.revoke', target: id, details: { name: revoked?.name } };
        if (revoked) await audit.record(entry, revoking);
        return revoked;
      }),
    list: table.list,
    find: table.find,
    created: table.created,
    close: usage.flush,
  };
}

/**
 * A change of the owner waits for the row that this holds, and then finds the new token; one that came before has
 * revoked the token of the actor.
 */
async function requireOwner(
  { users, tokensOfUser }: Pick<TokenDependencies, 'users' | 'tokensOfUser'>,
  { user, actor }: { readonly user: string; readonly actor: string },
  adding: Transaction,
): Promise<void> {
  if ((await users.holdEnabled(user, adding)) && (await tokensOfUser.isActive(actor, adding))) return;
  throw new AppError('auth.revoked', 'the token has been revoked');
}

function throwUnchecked(cause: unknown): never {
  throw new AppError('service.unavailable', 'the token cannot be checked for revocation now', { cause });
}

/** About 1 MB with tokens of the usual size. */
const maxVerified = 1_000;

/**
 * The claims of tokens whose signature was verified, by the digest of the token: the tokens themselves are
 * not kept. Only `signer` decides what is valid, and a token that has expired goes back to it.
 */
function createVerification(signer: TokenSigner, now: () => Date): TokenSigner['check'] {
  const verified = new Map<string, Bearer>();
  return (token) => {
    const digest = hash('sha256', token, 'base64');
    const known = verified.get(digest);
    if (known && (known.expiresAt === null || known.expiresAt > now())) return known;
    verified.delete(digest);
    const bearer = signer.check(token);
    const [oldest] = verified.keys();
    if (oldest !== undefined && verified.size >= maxVerified) verified.delete(oldest);
    verified.set(digest, bearer);
    return bearer;
  };
}

const usageIntervalMs = 60_000;
const maxRemembered = 10_000;

/** Records the use of tokens in the background, at most once a minute for each token. */
function createUsage(table: TokenTable, { logger, now }: TokenDependencies) {
  const lastRecorded = new Map<string, number>();
  const writing = new Set<Promise<void>>();
  return {
    record: (bearer: Bearer): void => {
      const at = now();
      if (at.getTime() - (lastRecorded.get(bearer.tokenId) ?? -Infinity) < usageIntervalMs) return;
      if (lastRecorded.size >= maxRemembered) lastRecorded.clear();
      lastRecorded.set(bearer.tokenId, at.getTime());
      const written = table
        .used(bearer, at)
        .catch((error: unknown) => {
          lastRecorded.delete(bearer.tokenId);
          logger.warn({ err: error, token: bearer.tokenId }, 'the use of a token could not be recorded');
        })
        .finally(() => writing.delete(written));
      writing.add(written);
    },
    flush: async (): Promise<void> => {
      await Promise.all(writing);
    },
  };
}
