/** What the use cases of users share. */
import { AppError } from '../../domain/errors.js';
import type { Database, Transaction } from '../../infra/postgres/database.js';
import type { Passwords } from '../../infra/secrets/passwords.js';
import type { TokenSigner } from '../../infra/secrets/token-signer.js';
import type { Audit, AuditRecord } from '../../infra/tables/audit.js';
import type { SignInAttempts } from '../../infra/tables/sign-in-attempts.js';
import type { RemovedIdentities } from '../../infra/tables/removed-identities.js';
import type { TokensOfUser } from '../../infra/tables/tokens-of-user.js';
import type { TokenTable } from '../../infra/tables/tokens.js';
import {
  isVisibleFor,
  type UserChannels,
  type UserRecord,
  type UserTable,
} from '../../infra/tables/users.js';

export interface UserDependencies {
  readonly database: Pick<Database, 'api'>;
  readonly users: UserTable;
  readonly tokens: Pick<TokenTable, 'add'>;
  readonly tokensOfUser: TokensOfUser;
  readonly removed: RemovedIdentities;
  /** Whether users of an identity provider can sign in. */
  readonly hasProvider: boolean;
  readonly attempts: SignInAttempts;
  readonly passwords: Passwords;
  readonly signer: TokenSigner;
  readonly audit: Audit;
  readonly now: () => Date;
}

/** Who changes a user: the id of the token, and the channels that it is limited to. */
export interface UserManager {
  readonly actor: string;
  readonly channels: UserChannels;
}

/** Whom the audit trail names: the id of a token, or a user with the name. */
export type Actor = Pick<AuditRecord, 'actor' | 'actorName'>;

/**
 * Reads a user whom nobody else changes until the transaction ends. Throws `user.not_found`, also for a user with
 * channels that the manager does not see.
 */
export async function lockUser(
  { users }: Pick<UserDependencies, 'users'>,
  { id, channels }: { readonly id: string; readonly channels: UserChannels },
  changing: Transaction,
): Promise<UserRecord> {
  await users.lockAll(changing);
  const user = await users.findIn(id, changing);
  if (!user || !isVisibleFor(channels, user)) throw noSuchUser();
  return user;
}

export function noSuchUser(): AppError {
  return new AppError('user.not_found', 'there is no such user');
}
