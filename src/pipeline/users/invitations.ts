/** Links by which invited users choose a password, and users who have forgotten theirs a new one. */
import { createHash, randomBytes } from 'node:crypto';

import { AppError } from '../../domain/errors.js';
import { passwordSpelling, problemOfPassword } from '../../domain/user.js';
import { transaction, type Transaction } from '../../infra/postgres/database.js';
import type { Invitation, UserRecord } from '../../infra/tables/users.js';
import { beginSession, countAttempt, type NewSession } from './sessions.js';
import { lockUser, noSuchUser, type UserDependencies, type UserManager } from './user-dependencies.js';

export interface NewInvitation {
  readonly user: UserRecord;
  /** The part of the link that nobody can guess; it is not stored. */
  readonly secret: string;
  readonly expiresAt: Date;
}

export interface Acceptance {
  readonly secret: string;
  readonly password: string;
  readonly remember: boolean;
}

export interface PasswordChange {
  readonly user: string;
  readonly current: string;
  readonly password: string;
}

export interface Invitations {
  /**
   * Makes a new link, which replaces the one before; a password stays valid until the link is used. Throws
   * `user.not_found`.
   */
  readonly invite: (id: string, by: UserManager) => Promise<NewInvitation>;
  /** The user whom the link is for. Throws `invitation.not_found`. */
  readonly check: (secret: string) => Promise<UserRecord>;
  /** Stores the password, ends all sessions and begins a new one. Throws `invitation.not_found`. */
  readonly accept: (acceptance: Acceptance) => Promise<NewSession>;
  /**
   * Ends all sessions and begins a new one. Throws `auth.wrong_password`, `user.no_password`, or
   * `request.rate_limited` after too many attempts.
   */
  readonly changePassword: (change: PasswordChange) => Promise<NewSession>;
}

/** 32 characters of a link. */
const secretBytes = 24;
const validMs = 7 * 86_400_000;

export function createInvitations(dependencies: UserDependencies): Invitations {
  const { database, users, now } = dependencies;
  const check = async (secret: string): Promise<UserRecord> => {
    const user = await users.byInvitation(digestOf(secret), now());
    if (!user) throw noSuchInvitation();
    return user;
  };
  return {
    invite: (id, { actor, channels }) =>
      transaction(database.api, async (inviting) => {
        const user = await lockUser(dependencies, { id, channels }, inviting);
        await dependencies.audit.record({ actor, action: 'user.invite', target: id }, inviting);
        return inviteIn(dependencies, user, inviting);
      }),
    check,
    accept: async ({ secret, password, remember }) => {
      const invited = await check(secret);
      requirePassword(password, invited, 'password');
      const passwordHash = await dependencies.passwords.hash(passwordSpelling(password));
      const session = await transaction(database.api, async (accepting) => {
        const acceptance = { digest: digestOf(secret), passwordHash, at: now() };
        const user = await users.accept(invited.id, acceptance, accepting);
        if (!user) throw noSuchInvitation();
        return beginAnew(dependencies, { user, way: 'invitation', remember }, accepting);
      });
      await dependencies.attempts.forget(session.user.email);
      return session;
    },
    changePassword: (change) => changePassword(dependencies, change),
  };
}

/** Makes a link in the transaction. See {@link Invitations.invite}. */
export async function inviteIn(
  { users, now }: UserDependencies,
  { id }: UserRecord,
  inviting: Transaction,
): Promise<NewInvitation> {
  const secret = randomBytes(secretBytes).toString('base64url');
  const expiresAt = new Date(now().getTime() + validMs);
  const user = await users.invite(id, { digest: digestOf(secret), expiresAt }, inviting);
  return { user, secret, expiresAt };
}

async function changePassword(
  dependencies: UserDependencies,
  { user: id, current, password }: PasswordChange,
): Promise<NewSession> {
  const { database, users, passwords, attempts } = dependencies;
  const user = await users.find(id, undefined);
  if (!user) throw noSuchUser();
  if (user.passwordHash === null) throw noPassword();
  requirePassword(password, user, 'password');
  await countAttempt(dependencies, user.email);
  if (!(await passwords.matches(passwordSpelling(current), user.passwordHash))) throw wrongPassword();
  await attempts.forget(user.email);
  const hashes = { from: user.passwordHash, to: await passwords.hash(passwordSpelling(password)) };
  return transaction(database.api, async (changing) => {
    if (!(await users.changePassword(id, hashes, changing))) throw wrongPassword();
    const changed = { ...user, passwordHash: hashes.to };
    return beginAnew(dependencies, { user: changed, way: 'password', remember: false }, changing);
  });
}

/** Ends the sessions of a user with a new password, and begins another one. */
async function beginAnew(
  dependencies: UserDependencies,
  session: Parameters<typeof beginSession>[1],
  changing: Transaction,
): Promise<NewSession> {
  const { tokensOfUser, audit, now } = dependencies;
  const sessions = await tokensOfUser.endSessions(session.user.id, now(), changing);
  const begun = await beginSession(dependencies, session, changing);
  const entry = { actor: begun.bearer.tokenId, action: 'user.password', target: session.user.id };
  await audit.record({ ...entry, details: { sessions } }, changing);
  return begun;
}

function requirePassword(password: string, user: UserRecord, field: string): void {
  const message = problemOfPassword(password, user);
  if (message !== undefined) throw AppError.ofFields('request.invalid', [{ field, message }]);
}

function noSuchInvitation(): AppError {
  return new AppError(
    'invitation.not_found',
    'the link is not valid: it was used, has expired, or a newer one has replaced it',
  );
}

function wrongPassword(): AppError {
  return new AppError('auth.wrong_password', 'the current password is wrong');
}

function noPassword(): AppError {
  return new AppError('user.no_password', 'this user has no password yet');
}

function digestOf(secret: string): Invitation['digest'] {
  return new Uint8Array(createHash('sha256').update(secret).digest());
}
