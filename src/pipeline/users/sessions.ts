/**
 * Sessions of users. A session is a token with the rights of its user, so that every check of tokens is one of
 * sessions as well: an ended session is a revoked token.
 */
import { AppError } from '../../domain/errors.js';
import { passwordSpelling, rightsOf } from '../../domain/user.js';
import { transaction, type Transaction } from '../../infra/postgres/database.js';
import type { Bearer } from '../../infra/secrets/token-signer.js';
import type { TokensOfUser } from '../../infra/tables/tokens-of-user.js';
import type { UserRecord } from '../../infra/tables/users.js';
import type { UserDependencies } from './user-dependencies.js';

/** How a user has signed in, for the audit trail. */
export type SignInWay = 'password' | 'invitation' | 'oidc';

export interface SignInOptions {
  readonly way: SignInWay;
  /** Whether the session lasts for thirty days instead of twelve hours. */
  readonly remember: boolean;
}

export interface NewSession {
  readonly token: string;
  readonly bearer: Bearer;
  readonly user: UserRecord;
}

export interface Credentials {
  readonly email: string;
  readonly password: string;
}

export interface Sessions {
  /**
   * Begins a session of a user who has proved who they are. Throws `auth.invalid` if the user was deleted or
   * disabled, or if the password was changed, since the record was read.
   */
  readonly signInAs: (user: UserRecord, options: SignInOptions) => Promise<NewSession>;
  /**
   * Throws `auth.invalid` in the same way whether there is no such user, the user has no password, or it is
   * another one, and `request.rate_limited` after too many attempts for this e-mail address.
   */
  readonly signIn: (
    credentials: Credentials,
    options: Pick<SignInOptions, 'remember'>,
  ) => Promise<NewSession>;
  readonly list: TokensOfUser['sessions'];
  /** The user whose session this is; null if there is no such session. */
  readonly userOf: TokensOfUser['userOf'];
  /** Takes effect at once in all processes. Repeating it changes nothing. */
  readonly end: (session: string, actor: string) => Promise<void>;
  /** Waits for entries of the audit trail that no caller waits for. */
  readonly close: () => Promise<void>;
}

const halfDaySeconds = 12 * 3_600;
const monthSeconds = 30 * 86_400;

export function createSessions(dependencies: UserDependencies): Sessions {
  const { database, tokensOfUser, audit, now } = dependencies;
  const failures = createFailures(dependencies);
  const signInAs: Sessions['signInAs'] = (user, options) =>
    transaction(database.api, (beginning) => beginSession(dependencies, { user, ...options }, beginning));
  return {
    signInAs,
    signIn: async (credentials, { remember }) => {
      const user = await checkPassword(dependencies, credentials).catch((error: unknown) => {
        if (error instanceof WrongPassword) failures.record(error.user);
        throw error instanceof WrongPassword ? wrongCredentials() : error;
      });
      return signInAs(user, { way: 'password', remember });
    },
    list: tokensOfUser.sessions,
    userOf: tokensOfUser.userOf,
    end: (session, actor) =>
      transaction(database.api, async (ending) => {
        if (!(await tokensOfUser.endSession(session, now(), ending))) return;
        await audit.record({ actor, action: 'session.end', target: session }, ending);
      }),
    close: failures.flush,
  };
}

/** Begins a session in the transaction, which holds the row of the user. See {@link Sessions.signInAs}. */
export async function beginSession(
  { users, tokens, signer, audit, now }: UserDependencies,
  { user: known, way, remember }: SignInOptions & { readonly user: UserRecord },
  beginning: Transaction,
): Promise<NewSession> {
  const user = await users.signedIn(known, now(), beginning);
  if (!user) throw wrongCredentials();
  const token = signer.issue({
    ...rightsOf(user),
    name: user.name,
    user: { id: user.id, isSession: true },
    expiresInSeconds: remember ? monthSeconds : halfDaySeconds,
  });
  const bearer = signer.check(token);
  await tokens.add(bearer, beginning);
  await audit.record({ actor: bearer.tokenId, action: 'session.create', details: { way } }, beginning);
  return { token, bearer, user };
}

/** Carries the user whose password was not given, if there is such a user. */
class WrongPassword extends Error {
  override readonly name = 'WrongPassword';
  readonly user: UserRecord | null;

  constructor(user: UserRecord | null) {
    super('the password is wrong');
    this.user = user;
  }
}

/** Every attempt costs one digest, whether there is such a user or not. */
async function checkPassword(
  dependencies: UserDependencies,
  { email, password }: Credentials,
): Promise<UserRecord> {
  const { users, passwords, attempts } = dependencies;
  await countAttempt(dependencies, email);
  const user = await users.byEmail(email);
  const isRight = await passwords.matches(passwordSpelling(password), user?.passwordHash ?? null);
  if (!user || !isRight || user.disabledAt) throw new WrongPassword(user);
  await attempts.forget(email);
  return user;
}

/** Throws `request.rate_limited` if passwords of this account are tried too often. */
export async function countAttempt(
  { attempts, now }: Pick<UserDependencies, 'attempts' | 'now'>,
  email: string,
): Promise<void> {
  const retryAt = await attempts.count(email, now());
  if (retryAt)
    throw new AppError('request.rate_limited', 'too many attempts at the password of this account', {
      retryAt,
    });
}

function wrongCredentials(): AppError {
  return new AppError('auth.invalid', 'the e-mail address or the password is wrong');
}

/**
 * Writes failed attempts into the audit trail, in the background: otherwise, the answer would take longer where
 * there is such a user. Attempts at accounts that do not exist are not written, because a stranger could write
 * as many entries as wanted; those of an account are limited.
 */
function createFailures({ audit }: UserDependencies) {
  const writing = new Set<Promise<void>>();
  return {
    record: (user: UserRecord | null): void => {
      if (!user) return;
      const entry = { actor: 'unknown', action: 'session.refuse', target: user.id };
      const written = audit
        .record(entry)
        .catch(() => undefined)
        .finally(() => writing.delete(written));
      writing.add(written);
    },
    flush: async (): Promise<void> => {
      await Promise.all(writing);
    },
  };
}
