/**
 * Users: people who sign in to the gallery. A user loses rights at once: the sessions end, and API tokens that
 * allow more than their owner are revoked, in the transaction that changes the user.
 */
import { includesRights, type Rights } from '../../domain/access.js';
import { AppError } from '../../domain/errors.js';
import { newId } from '../../domain/id.js';
import { rightsOf, type Role } from '../../domain/user.js';
import { transaction, type Transaction } from '../../infra/postgres/database.js';
import type { ProviderAccount, UserRecord, UserTable } from '../../infra/tables/users.js';
import { inviteIn, type NewInvitation } from './invitations.js';
import { lockUser, type Actor, type UserDependencies, type UserManager } from './user-dependencies.js';

export interface UserRequest {
  readonly email: string;
  readonly name: string;
  readonly role: Role;
  readonly channels: Rights['channels'];
}

/** Members that are absent stay as they are. */
export interface UserChangeRequest {
  readonly name?: string | undefined;
  readonly role?: Role | undefined;
  readonly channels?: Rights['channels'] | undefined;
  readonly disabled?: boolean | undefined;
}

export interface Users {
  readonly list: UserTable['list'];
  readonly find: UserTable['find'];
  /** Throws `user.exists` if there is a user with this e-mail address. */
  readonly create: (request: UserRequest, actor: string) => Promise<NewInvitation>;
  /** Throws `user.not_found`, or `user.last_admin` if nobody could administer any more. */
  readonly change: (id: string, change: UserChangeRequest, by: UserManager) => Promise<UserRecord>;
  /** Throws `user.not_found` or `user.last_admin`. */
  readonly remove: (id: string, by: UserManager) => Promise<void>;
}

export function createUsers(dependencies: UserDependencies): Users {
  const { database, users } = dependencies;
  return {
    list: users.list,
    find: users.find,
    create: (request, actor) =>
      transaction(database.api, async (adding) => {
        await users.lockAll(adding);
        const user = await addUser(dependencies, { request, by: { actor } }, adding);
        return inviteIn(dependencies, user, adding);
      }),
    change: (id, change, { actor, channels }) =>
      transaction(database.api, async (changing) => {
        const before = await lockUser(dependencies, { id, channels }, changing);
        const after = changed(before, change, dependencies.now());
        return changeUser(dependencies, { before, after, by: { actor } }, changing);
      }),
    remove: (id, { actor, channels }) =>
      transaction(database.api, async (removing) => {
        const user = await lockUser(dependencies, { id, channels }, removing);
        await keepAnAdmin(dependencies, { before: user, after: null }, removing);
        await removeUser(dependencies, { user, actor }, removing);
      }),
  };
}

/** The user as the change makes it. */
function changed(before: UserRecord, change: UserChangeRequest, now: Date): UserRecord {
  const { name = before.name, role = before.role, channels = before.channels, disabled } = change;
  const disabledAt = disabled ? (before.disabledAt ?? now) : null;
  return {
    ...before,
    name,
    role,
    channels,
    disabledAt: disabled === undefined ? before.disabledAt : disabledAt,
  };
}

/** Only behind the lock of the users. Throws `user.exists`. */
export async function addUser(
  { users, audit, signer, now }: UserDependencies,
  { request, by }: { readonly request: UserRequest & { readonly id?: string }; readonly by: Actor },
  adding: Transaction,
): Promise<UserRecord> {
  requireShortSession({ signer }, request);
  const user = await users.add({ id: newId(), ...request, createdAt: now() }, adding);
  if (!user) throw new AppError('user.exists', 'there is a user with this e-mail address');
  const { role, channels } = user;
  await audit.record({ ...by, action: 'user.create', target: user.id, details: { role, channels } }, adding);
  return user;
}

interface Change {
  readonly before: UserRecord;
  /** Null: the user is deleted. */
  readonly after: UserRecord | null;
}

/** Only behind {@link lockUser}: two administrators cannot remove each other at the same moment. */
async function keepAnAdmin(
  { users, hasProvider }: UserDependencies,
  { before, after }: Change,
  changing: Transaction,
): Promise<void> {
  const isAdmin = (user: UserRecord): boolean =>
    canSignIn(user, hasProvider) && user.role === 'admin' && user.channels === null;
  if (!isAdmin(before) || (after && isAdmin(after))) return;
  if (await users.hasOtherAdmin(before.id, changing)) return;
  throw new AppError(
    'user.last_admin',
    'this is the last administrator who can sign in and sees all channels; make another user one first',
  );
}

function canSignIn({ disabledAt, passwordHash, oidcSubject }: UserRecord, hasProvider: boolean): boolean {
  return disabledAt === null && (passwordHash !== null || (hasProvider && oidcSubject !== null));
}

/** Only behind the lock of the users. Throws `user.last_admin` if nobody could administer any more. */
export async function changeUser(
  dependencies: UserDependencies,
  { before, after, by }: { before: UserRecord; after: UserRecord; by: Actor },
  changing: Transaction,
): Promise<UserRecord> {
  await keepAnAdmin(dependencies, { before, after }, changing);
  const { users, audit, tokensOfUser } = dependencies;
  const changes = namesOfChanges(before, after);
  if (changes.length === 0) return before;
  requireShortSession(dependencies, after);
  const user = await users.change(after.id, after, changing);
  if (changes.includes('name')) await tokensOfUser.renameSessions(user.id, user.name, changing);
  const hasOtherRights = changes.some((name) => name !== 'name' && name !== 'email');
  const rights = user.disabledAt ? null : rightsOf(user);
  const ended = hasOtherRights ? await endAccess(dependencies, { user, rights }, changing) : {};
  const { role, channels } = user;
  const details = { changes, role, channels, disabled: user.disabledAt !== null, ...ended };
  await audit.record({ ...by, action: 'user.change', target: user.id, details }, changing);
  return user;
}

async function removeUser(
  dependencies: UserDependencies,
  { user, actor }: { readonly user: UserRecord; readonly actor: string },
  removing: Transaction,
): Promise<void> {
  const { users, audit, tokensOfUser, removed, now } = dependencies;
  await users.remove(user.id, removing);
  const account = accountOf(user);
  if (account) await removed.add(account, now(), removing);
  const details = await endAccess(dependencies, { user, rights: null }, removing);
  // Users may delete themselves: the entry takes the name from the session.
  await audit.record({ actor, action: 'user.delete', target: user.id, details }, removing);
  await tokensOfUser.renameSessions(user.id, null, removing);
}

/** The account of the identity provider that the user signs in with. */
function accountOf({ oidcIssuer, oidcSubject }: UserRecord): ProviderAccount | undefined {
  if (oidcIssuer === null || oidcSubject === null) return undefined;
  return { issuer: oidcIssuer, subject: oidcSubject };
}

/** Ends all sessions, and revokes the API tokens of the user that allow more than these rights (null: none). */
async function endAccess(
  { tokensOfUser, now }: UserDependencies,
  { user, rights }: { readonly user: UserRecord; readonly rights: Rights | null },
  ending: Transaction,
): Promise<{ readonly sessions: number; readonly tokens: number }> {
  const at = now();
  const sessions = await tokensOfUser.endSessions(user.id, at, ending);
  const owned = await tokensOfUser.owned(user.id, ending);
  const tooMuch = owned.filter((token) => !rights || !includesRights(rights, token)).map(({ id }) => id);
  await tokensOfUser.revokeAll(tooMuch, at, ending);
  return { sessions, tokens: tooMuch.length };
}

/** Throws `request.invalid` if a browser would not store the token of a session of this user. */
function requireShortSession(
  { signer }: Pick<UserDependencies, 'signer'>,
  user: Pick<UserRequest, 'name' | 'role' | 'channels'>,
): void {
  const session = { id: newId(), isSession: true };
  signer.issue({ ...rightsOf(user), name: user.name, user: session, expiresInSeconds: 1 });
}

function namesOfChanges(before: UserRecord, after: UserRecord): string[] {
  const sorted = (channels: Rights['channels']): string => JSON.stringify(channels && [...channels].sort());
  const changes = {
    email: after.email !== before.email,
    name: after.name !== before.name,
    role: after.role !== before.role,
    channels: sorted(after.channels) !== sorted(before.channels),
    disabled: after.disabledAt?.getTime() !== before.disabledAt?.getTime(),
  };
  return Object.entries(changes).flatMap(([name, isChanged]) => (isChanged ? [name] : []));
}
