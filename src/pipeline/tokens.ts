/**
 * Checks API tokens. A token is valid if its signature is, until it expires or is revoked. The ids of revoked
 * tokens are cached in memory, so that a request needs no query; they are loaded again whenever the
 * connection for notifications starts listening.
 */
import { AppError } from '../domain/errors.js';
import type { Logger } from '../infra/logging/logger.js';
import { transaction, type Database } from '../infra/postgres/database.js';
import type { Notifications } from '../infra/postgres/notifications.js';
import { retryUntilDone } from '../infra/process/retry-until-done.js';
import type { Bearer, Grant, TokenSigner } from '../infra/secrets/token-signer.js';
import type { Audit } from '../infra/tables/audit.js';
import {
  createTokenTable,
  type TokenChannels,
  type TokenRecord,
  type TokenTable,
} from '../infra/tables/tokens.js';

export interface Tokens {
  /**
   * Throws `auth.invalid`, `auth.expired`, `auth.revoked`, or `service.unavailable` if the revocation cannot
   * be checked.
   */
  readonly check: (token: string) => Promise<Bearer>;
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
  readonly signer: TokenSigner;
  readonly database: Pick<Database, 'api'>;
  readonly notifications: Pick<Notifications, 'on' | 'isListening'>;
  readonly audit: Audit;
  readonly logger: Logger;
  readonly now: () => Date;
}

export function createTokens(dependencies: TokenDependencies): Tokens {
  const { signer, database, audit, now } = dependencies;
  const table = createTokenTable(database.api);
  const revocations = createRevocations(table, dependencies);
  const usage = createUsage(table, dependencies);

  return {
    check: async (token) => {
      const bearer = signer.check(token);
      if (await revocations.has(bearer.tokenId))
        throw new AppError('auth.revoked', 'the token has been revoked');
      usage.record(bearer);
      return bearer;
    },
    create: async (grant, actor) => {
      const token = signer.issue(grant);
      const bearer = signer.check(token);
      const record = await transaction(database.api, async (adding) => {
        const { name, scopes, channels } = bearer;
        const entry = { actor, action: 'token.create', target: bearer.tokenId };
        await audit.record({ ...entry, details: { name, scopes, channels } }, adding);
        return table.add(bearer, adding);
      });
      return { record, token };
    },
    revoke: async (id, { actor, channels }) => {
      const record = await transaction(database.api, async (revoking) => {
        const revoked = await table.revoke(id, { channels, at: now(), transaction: revoking });
        const entry = { actor, action: 'token.revoke', target: id, details: { name: revoked?.name } };
        if (revoked) await audit.record(entry, revoking);
        return revoked;
      });
      if (record) revocations.add(id); // For this process, without waiting for the notification.
      return record;
    },
    list: table.list,
    find: table.find,
    created: table.created,
    close: async () => {
      revocations.close();
      await usage.flush();
    },
  };
}

/**
 * Caches the revoked ids. While notifications are not received, each check queries the database; without the
 * database, no token is accepted.
 */
function createRevocations(table: TokenTable, { notifications, logger, now }: TokenDependencies) {
  const closed = new AbortController();
  const revoked = new Set<string>();
  /** Counts how often listening began: a list loaded before the last time may be incomplete. */
  let round = 0;
  let complete = false;

  const load = async (): Promise<void> => {
    const thisRound = ++round;
    complete = false;
    const read = async (): Promise<void> => {
      for (const id of await table.revokedIds(now())) revoked.add(id);
      if (thisRound === round) complete = true;
    };
    const onFailure = (error: unknown): void => {
      logger.warn({ err: error }, 'revoked tokens could not be loaded');
    };
    await retryUntilDone(read, { signal: closed.signal, onFailure });
  };
  /** A burst of requests with one token leads to one query. */
  const pendingChecks = new Map<string, Promise<boolean>>();
  const askDatabase = (id: string): Promise<boolean> => {
    const answer = pendingChecks.get(id) ?? table.isRevoked(id).finally(() => pendingChecks.delete(id));
    pendingChecks.set(id, answer);
    return answer;
  };
  const unsubscribe = notifications.on('tokens', {
    received: (id) => revoked.add(id),
    resumed: () => void load(),
  });

  return {
    add: (id: string) => revoked.add(id),
    has: async (id: string): Promise<boolean> => {
      if (revoked.has(id)) return true;
      if (complete && notifications.isListening()) return false;
      try {
        return await askDatabase(id);
      } catch (cause) {
        const message = 'the token cannot be checked for revocation now';
        throw new AppError('service.unavailable', message, { cause });
      }
    },
    close: () => {
      closed.abort();
      unsubscribe();
    },
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
