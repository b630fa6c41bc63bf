/**
 * Pages with files that people open by a link. Each request asks the database for the share, so that a
 * revocation takes effect in every process before it is answered.
 */
import { createHash, randomBytes } from 'node:crypto';

import { AppError } from '../domain/errors.js';
import { newId } from '../domain/id.js';
import { transaction, type Database } from '../infra/postgres/database.js';
import type { Passwords } from '../infra/secrets/passwords.js';
import type { Audit } from '../infra/tables/audit.js';
import {
  createShareTable,
  type ShareChannels,
  type ShareRecord,
  type ShareTable,
} from '../infra/tables/shares.js';

export interface ShareRequest {
  readonly mediaIds: readonly string[];
  /** The channels of the media. */
  readonly channels: readonly string[];
  readonly title: string | null;
  readonly password: string | null;
  readonly expiresInSeconds: number;
}

export interface Shares {
  /** The secret is the part of the link that nobody can guess; it is not stored. */
  readonly create: (
    request: ShareRequest,
    actor: string,
  ) => Promise<{ readonly record: ShareRecord; readonly secret: string }>;
  readonly list: ShareTable['list'];
  readonly find: ShareTable['find'];
  /** Null if there is no such share. Repeating it changes nothing. */
  readonly revoke: (
    id: string,
    by: { readonly actor: string; readonly channels: ShareChannels },
  ) => Promise<ShareRecord | null>;
  /** Throws `share.not_found`, or `share.ended` for a share that was revoked or has expired. */
  readonly open: (secret: string) => Promise<ShareRecord>;
  readonly isPassword: (share: ShareRecord, password: string) => Promise<boolean>;
  readonly countView: (share: ShareRecord) => Promise<void>;
}

interface ShareDependencies {
  readonly database: Pick<Database, 'api'>;
  readonly audit: Audit;
  readonly passwords: Passwords;
  readonly now: () => Date;
}

/** 32 characters of a link. */
const secretBytes = 24;

export function createShares({ database, audit, passwords, now }: ShareDependencies): Shares {
  const table = createShareTable(database.api);
  return {
    create: async ({ expiresInSeconds, password, ...request }, actor) => {
      const secret = randomBytes(secretBytes).toString('base64url');
      const createdAt = now();
      const share = {
        ...request,
        id: newId(),
        digest: digestOf(secret),
        passwordHash: password === null ? null : await passwords.hash(password),
        actor,
        createdAt,
        expiresAt: new Date(createdAt.getTime() + expiresInSeconds * 1000),
      };
      const record = await transaction(database.api, async (adding) => {
        const { mediaIds, expiresAt } = share;
        const details = {
          files: mediaIds.length,
          expiresAt: expiresAt.toISOString(),
          hasPassword: password !== null,
        };
        await audit.record({ ...entryOf(share, actor), action: 'share.create', details }, adding);
        return table.add(share, adding);
      });
      return { record, secret };
    },
    list: table.list,
    find: table.find,
    revoke: async (id, { actor, channels }) => {
      const share = await table.find(id, channels);
      if (!share || share.revokedAt) return share;
      return transaction(database.api, async (revoking) => {
        const details = { views: share.views };
        await audit.record({ ...entryOf(share, actor), action: 'share.revoke', details }, revoking);
        return table.revoke(id, now(), revoking);
      });
    },
    open: async (secret) => {
      const share = await table.byDigest(digestOf(secret));
      if (!share) throw noSuchShare();
      if (share.revokedAt ?? share.expiresAt <= now())
        throw new AppError('share.ended', 'the share has expired or was revoked');
      return share;
    },
    isPassword: async ({ passwordHash }, password) =>
      passwordHash === null || (await passwords.matches(password, passwordHash)),
    countView: ({ id }) => table.countView(id, now()),
  };
}

export function noSuchShare(): AppError {
  return new AppError('share.not_found', 'there is no such share');
}

function digestOf(secret: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(createHash('sha256').update(secret).digest());
}

/** Limited tokens see the entry if all files are of one channel. */
function entryOf({ id, channels }: Pick<ShareRecord, 'id'> & { channels: readonly string[] }, actor: string) {
  const [channel = null, ...others] = channels;
  return { actor, channel: others.length === 0 ? channel : null, target: id };
}
