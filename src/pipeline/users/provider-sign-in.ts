/**
 * Signing in with an account of the company's identity provider. The user is found by issuer and subject, which
 * never change, and gets the role of the claims at each sign-in.
 */
import { AppError } from '../../domain/errors.js';
import { newId } from '../../domain/id.js';
import { grantOf, type RoleGrant, type RoleRules } from '../../domain/sign-in.js';
import { isStorable } from '../../domain/text.js';
import { transaction, type Transaction } from '../../infra/postgres/database.js';
import type { Identity, IdentityProvider } from '../../infra/oidc/identity-provider.js';
import type { UserRecord } from '../../infra/tables/users.js';
import { beginSession, type NewSession } from './sessions.js';
import type { SignInTickets } from './sign-in-tickets.js';
import type { Actor, UserDependencies } from './user-dependencies.js';
import { addUser, changeUser } from './users.js';

export interface ProviderSignIn {
  /** What people call the provider. */
  readonly name: string;
  /**
   * The address of the provider's page, and a ticket that the same browser has to bring back. Throws
   * `oidc.unavailable` or `oidc.refused`.
   */
  readonly begin: (goingTo: string) => Promise<{ readonly url: URL; readonly ticket: string }>;
  /** Begins a session. Throws an `AppError` whose code says why there is none. */
  readonly finish: (back: CameBack) => Promise<{ readonly session: NewSession; readonly goingTo: string }>;
}

/** A browser that the provider has sent back. */
export interface CameBack {
  readonly ticket: string | undefined;
  /** The query of the address, with the question mark. */
  readonly search: string;
}

export interface ProviderSignInDependencies {
  readonly provider: IdentityProvider;
  readonly tickets: SignInTickets;
  readonly roles: RoleRules;
  readonly name: string;
  /** The address that the provider sends browsers back to. */
  readonly redirectTo: string;
  readonly users: UserDependencies;
}

export function createProviderSignIn({
  provider,
  tickets,
  roles,
  name,
  redirectTo,
  users: dependencies,
}: ProviderSignInDependencies): ProviderSignIn {
  return {
    name,
    begin: async (goingTo) => {
      const { url, proof } = await provider.begin(redirectTo);
      return { url, ticket: tickets.issue({ ...proof, goingTo }) };
    },
    finish: async ({ ticket, search }) => {
      const cameBackTo = new URL(redirectTo + search);
      const proof = tickets.open(ticket, cameBackTo.searchParams.getAll('state'));
      const identity = await provider.finish(cameBackTo, proof);
      const grant = grantOf(identity.claims, roles);
      const outcome = await transaction(dependencies.database.api, (entering) =>
        enter(dependencies, { identity, grant }, entering),
      );
      if (outcome instanceof AppError) throw outcome;
      return { session: outcome, goingTo: proof.goingTo };
    },
  };
}

interface Entry {
  readonly identity: Identity;
  /** Undefined: the claims allow nothing. */
  readonly grant: RoleGrant | undefined;
}

/** A refusal is returned, not thrown, so that its entry in the audit trail stays. */
async function enter(
  dependencies: UserDependencies,
  { identity, grant }: Entry,
  entering: Transaction,
): Promise<NewSession | AppError> {
  const { users } = dependencies;
  await users.lockAll(entering);
  const known = await users.byAccount(identity, entering);
  if (known?.disabledAt)
    return refuse(dependencies, { user: known, refusal: disabled(), ends: false }, entering);
  if (!grant) return refuse(dependencies, { user: known, refusal: noRole(), ends: true }, entering);
  const user = known ?? (await admit(dependencies, { identity, grant }, entering));
  if (user instanceof AppError) return user;
  const after = { ...user, ...grant, ...(await namesOf(dependencies, { user, identity }, entering)) };
  const by = { actor: user.id, actorName: after.name };
  const changed = await changeUser(dependencies, { before: user, after, by }, entering);
  return beginSession(dependencies, { user: changed, way: 'oidc', remember: false }, entering);
}

interface Refusal {
  readonly user: UserRecord | null;
  readonly refusal: AppError;
  /** Whether the sessions of the user end: the provider has taken the role away. */
  readonly ends: boolean;
}

/** Attempts of people without an account are not written: a company may have many of them. */
async function refuse(
  { tokensOfUser, audit, now }: UserDependencies,
  { user, refusal, ends }: Refusal,
  refusing: Transaction,
): Promise<AppError> {
  if (!user) return refusal;
  const sessions = ends ? await tokensOfUser.endSessions(user.id, now(), refusing) : 0;
  const details = { code: refusal.code, sessions };
  const by: Actor = { actor: user.id, actorName: user.name };
  await audit.record({ ...by, action: 'session.refuse', target: user.id, details }, refusing);
  return refusal;
}

/** The user of an account that nobody has signed in with: an invited one, or a new one. */
async function admit(
  dependencies: UserDependencies,
  { identity, grant }: { readonly identity: Identity; readonly grant: RoleGrant },
  admitting: Transaction,
): Promise<UserRecord | AppError> {
  const { users, removed } = dependencies;
  const email = emailOf(identity);
  if (email === undefined) return noEmail();
  const found = await users.byEmailIn(email, admitting);
  if (found && !isInvited(found, identity)) return emailTaken();
  if (found) {
    await removed.forget(identity, admitting);
    return users.link(found.id, identity, admitting);
  }
  if (await removed.has(identity, admitting)) return userRemoved();
  const id = newId();
  const name = nameOf(identity, email);
  const request = { id, email, name, ...grant };
  await addUser(dependencies, { request, by: { actor: id, actorName: name } }, admitting);
  return users.link(id, identity, admitting);
}

/**
 * Whether the account may take the user over: somebody has invited this address, nobody has used the invitation,
 * and the provider says that the address belongs to the person.
 */
function isInvited(user: UserRecord, { isEmailVerified }: Identity): boolean {
  const isUnused = user.passwordHash === null && user.oidcSubject === null && user.disabledAt === null;
  return isUnused && isEmailVerified;
}

/** The name and the address as the provider has them now. An address that another user has is not taken. */
async function namesOf(
  { users }: UserDependencies,
  { user, identity }: { readonly user: UserRecord; readonly identity: Identity },
  entering: Transaction,
): Promise<Pick<UserRecord, 'name' | 'email'>> {
  const email = emailOf(identity) ?? user.email;
  const holder = email === user.email ? null : await users.byEmailIn(email, entering);
  return { email: holder ? user.email : email, name: nameOf(identity, user.name) };
}

const maxEmailLength = 254;
const maxNameLength = 100;

function emailOf({ email = '' }: Identity): string | undefined {
  const text = email.trim().toLowerCase();
  if (!isStorable(text) || text.length > maxEmailLength) return undefined;
  return /^[^@\s\p{Cc}]+@[^@\s\p{Cc}]+$/u.test(text) ? text : undefined;
}

function nameOf({ name = '' }: Identity, otherwise: string): string {
  const text = name
    .toWellFormed()
    .replaceAll(/[\p{Cc}\s]+/gu, ' ')
    .trim();
  const [...letters] = text === '' ? otherwise : text;
  return letters.slice(0, maxNameLength).join('').trim();
}

function disabled(): AppError {
  return new AppError('oidc.user_disabled', 'an administrator has disabled this user');
}

function userRemoved(): AppError {
  return new AppError(
    'oidc.user_removed',
    'an administrator has deleted the user of this account; an invitation to its e-mail address admits it again',
  );
}

function noRole(): AppError {
  return new AppError('oidc.no_role', 'the identity provider gives this person no role in OIDC_ROLES');
}

function noEmail(): AppError {
  return new AppError('oidc.no_email', 'the identity provider sends no e-mail address of this person');
}

function emailTaken(): AppError {
  return new AppError('oidc.email_taken', 'another user has the e-mail address of this person');
}
