/** Accounts of an identity provider whose users were deleted: digests, which name nobody. */
import { createHash } from 'node:crypto';

import type { Transaction } from '../postgres/database.js';
import type { ProviderAccount } from './users.js';

export interface RemovedIdentities {
  readonly add: (account: ProviderAccount, at: Date, transaction: Transaction) => Promise<void>;
  readonly has: (account: ProviderAccount, transaction: Transaction) => Promise<boolean>;
  /** The account may be used again. */
  readonly forget: (account: ProviderAccount, transaction: Transaction) => Promise<void>;
}

export const removedIdentities: RemovedIdentities = {
  add: (account, removedAt, { prisma }) =>
    prisma(async ({ removedIdentity }) => {
      const data = [{ digest: digestOf(account), removedAt }];
      await removedIdentity.createMany({ data, skipDuplicates: true });
    }),

  has: (account, { prisma }) =>
    prisma(async ({ removedIdentity }) => {
      return (await removedIdentity.count({ where: { digest: digestOf(account) } })) > 0;
    }),

  forget: (account, { prisma }) =>
    prisma(async ({ removedIdentity }) => {
      await removedIdentity.deleteMany({ where: { digest: digestOf(account) } });
    }),
};

function digestOf({ issuer, subject }: ProviderAccount): Uint8Array<ArrayBuffer> {
  const text = JSON.stringify([issuer, subject]);
  return new Uint8Array(createHash('sha256').update(text).digest());
}
