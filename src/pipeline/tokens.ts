/**
 * Who may come in. A token is valid when its signature is, until it expires or is revoked: the ids of revoked tokens are kept in memory, so
 * that a request asks the database nothing. They are loaded whenever hearing of new ones begins.
 */
import { AppError } from '../domain/errors.js';
import type { Logger } from '../infra/logging/logger.js';
import { transaction, type Database } from '../infra/postgres/database.js';
import type { Notifications } from '../infra/postgres/notifications.js';
import { keepTrying } from '../infra/process/keep-trying.js';
import type { Bearer, Grant, TokenSigner } from '../infra/secrets/token-signer.js';
import type { Audit } from '../infra/tables/audit.js';
import {
  createTokenTable,
  type TokenChannels,
  type TokenRecord,
  type TokenTable,
} from '../infra/tables/tokens.js';

export interface Tokens {
  /** Throws `auth.invalid`, `auth.expired`, `auth.revoked`, or `service.unavailable` when revocation cannot be asked for. */
  readonly check: (token: string) => Promise<Bearer>;
  readonly create: (grant: Grant, actor: string) => Promise<{ record: TokenRecord; token: string }>;
  /** Null: there is no such token among those of these channels. */
  readonly revoke: (
    id: string,
    by: { readonly actor: string; readonly channels: TokenChannels },
  ) => Promise<TokenRecord | null>;
  readonly list: TokenTable['list'];
  readonly find: TokenTable['find'];
  readonly created: TokenTable['created'];
  readonly close: () => Promise<void>;
}

interface TokenSurroundings {
  readonly signer: TokenSigner;
  readonly database: Pick<Database, 'api'>;
  readonly notifications: Pick<Notifications, 'on' | 'isHearing'>;
  readonly audit: Audit;
  readonly logger: Logger;
  readonly now: () => Date;
}

export function createTokens(surroundings: TokenSurroundings): Tokens {
  const { signer, database, audit, now } = surroundings;
  const table = createTokenTable(database.api);
  const revocations = createRevocations(table, surroundings);
  const usage = createUsage(table, surroundings);

  return {
    check: async (token) => {
      const bearer = signer.check(token);
      if (await revocations.has(bearer.tokenId))
        throw new AppError('auth.revoked', 'the token has been revoked');
      usage.note(bearer);
      return bearer;
    },
    create: async (grant, actor) => {
      const token = signer.issue(grant);
      const bearer = signer.check(token);
      const record = await transaction(database.api, async (connection) => {
        const { name, scopes, channels } = bearer;
        const entry = { actor, action: 'token.create', target: bearer.tokenId };
        await audit.record({ ...entry, details: { name, scopes, channels } }, connection);
        return table.add(bearer, connection);
      });
      return { record, token };
    },
    revoke: async (id, { actor, channels }) => {
      const record = await transaction(database.api, async (connection) => {
        const revoked = await table.revoke(id, { channels, at: now(), connection });
        const entry = { actor, action: 'token.revoke', target: id, details: { name: revoked?.name } };
        if (revoked) await audit.record(entry, connection);
        return revoked;
      });
      if (record) revocations.add(id); // For this process, without waiting to be told.
      return record;
    },
    list: table.list,
    find: table.find,
    created: table.created,
    close: async () => {
      revocations.close();
      await usage.written();
    },
  };
}

/** The revoked ids. While nobody would tell of new ones the database is asked, and without it nobody comes in. */
function createRevocations(table: TokenTable, { notifications, logger, now }: TokenSurroundings) {
  const closed = new AbortController();
  const revoked = new Set<string>();
  /** Counts how often hearing began: what was loaded before the last time may lack something. */
  let round = 0;
  let complete = false;

  const load = async (): Promise<void> => {
    const mine = ++round;
    complete = false;
    const read = async (): Promise<void> => {
      for (const id of await table.revokedIds(now())) revoked.add(id);
      if (mine === round) complete = true;
    };
    const failed = (error: unknown): void => {
      logger.warn({ err: error }, 'revoked tokens could not be loaded');
    };
    await keepTrying(read, { signal: closed.signal, failed });
  };
  /** A burst of requests with one token asks once. */
  const asked = new Map<string, Promise<boolean>>();
  const ask = (id: string): Promise<boolean> => {
    const answer = asked.get(id) ?? table.isRevoked(id).finally(() => asked.delete(id));
    asked.set(id, answer);
    return answer;
  };
  const leave = notifications.on('tokens', {
    heard: (id) => revoked.add(id),
    resumed: () => void load(),
  });

  return {
    add: (id: string) => revoked.add(id),
    has: async (id: string): Promise<boolean> => {
      if (revoked.has(id)) return true;
      if (complete && notifications.isHearing()) return false;
      try {
        return await ask(id);
      } catch (cause) {
        const message = 'whether the token was revoked cannot be asked now';
        throw new AppError('service.unavailable', message, { cause });
      }
    },
    close: () => {
      closed.abort();
      leave();
    },
  };
}

const usageEveryMs = 60_000;
const mostRemembered = 10_000;

/** Remembers that tokens are used: beside the request, and at most once a minute for each. */
function createUsage(table: TokenTable, { logger, now }: TokenSurroundings) {
  const noted = new Map<string, number>();
  const writing = new Set<Promise<void>>();
  return {
    note: (bearer: Bearer): void => {
      const at = now();
      if (at.getTime() - (noted.get(bearer.tokenId) ?? -Infinity) < usageEveryMs) return;
      if (noted.size >= mostRemembered) noted.clear();
      noted.set(bearer.tokenId, at.getTime());
      const written = table
        .used(bearer, at)
        .catch((error: unknown) => {
          noted.delete(bearer.tokenId);
          logger.warn({ err: error, token: bearer.tokenId }, 'the use of a token could not be noted');
        })
        .finally(() => writing.delete(written));
      writing.add(written);
    },
    written: async (): Promise<void> => {
      await Promise.all(writing);
    },
  };
}
