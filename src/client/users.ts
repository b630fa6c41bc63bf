/** Users, invitations and sessions of users. */
import { path } from './addresses.js';
import type { Invitation, Session, User, UserSession, UserWithInvitation, WaysOfSignIn } from './answers.js';
import { listOf, type List, type PageQuery } from './pages.js';
import type { CallOptions, Transport } from './transport.js';

/** A user to create. The user can have at most the channels of the caller. */
export interface NewUser {
  readonly email: string;
  readonly name: string;
  readonly role: User['role'];
  /** The channels that the user has access to; all by default. */
  readonly channels?: readonly string[] | null | undefined;
}

/** Members that are absent stay as they are. */
export interface UserChange {
  readonly name?: string | undefined;
  readonly role?: User['role'] | undefined;
  /** Null removes the limit. */
  readonly channels?: readonly string[] | null | undefined;
  readonly disabled?: boolean | undefined;
}

/** Users, who sign in to the gallery. */
export interface UserClient {
  readonly list: (query?: PageQuery, options?: CallOptions) => List<User>;
  readonly get: (id: string, options?: CallOptions) => Promise<User>;
  /** Only this answer contains the link by which the user sets a password. */
  readonly create: (user: NewUser, options?: CallOptions) => Promise<UserWithInvitation>;
  /** Other rights end all sessions of the user at once in all processes. */
  readonly change: (id: string, change: UserChange, options?: CallOptions) => Promise<User>;
  /** Ends all sessions and revokes all API tokens of the user. */
  readonly delete: (id: string, options?: CallOptions) => Promise<void>;
  /** Makes a new link by which the user sets a password. */
  readonly invite: (id: string, options?: CallOptions) => Promise<UserWithInvitation>;
}

export function userClient(transport: Transport): UserClient {
  const { json } = transport;
  const at = (id: string) => path`/v1/users/${id}`;
  return {
    list: (query, options) => listOf(transport, { path: '/v1/users', query: { ...query }, options }),
    get: (id, options) => json({ ...options, method: 'GET', path: at(id) }),
    create: (user, options) => json({ ...options, method: 'POST', path: '/v1/users', json: user }),
    change: (id, change, options) => json({ ...options, method: 'PATCH', path: at(id), json: change }),
    delete: (id, options) => json({ ...options, method: 'DELETE', path: at(id) }),
    invite: (id, options) => json({ ...options, method: 'POST', path: path`/v1/users/${id}/invitation` }),
  };
}

/** Filters of sessions. */
export interface UserSessionQuery extends PageQuery {
  /** Another user, for administrators; by default the user who is signed in. */
  readonly user?: string | undefined;
}

/** The sessions of users, on all of their devices. */
export interface UserSessionClient {
  /** The sessions that have not ended. */
  readonly list: (query?: UserSessionQuery, options?: CallOptions) => List<UserSession>;
  /** Takes effect at once in all processes. */
  readonly end: (id: string, options?: CallOptions) => Promise<void>;
}

export function userSessionClient(transport: Transport): UserSessionClient {
  return {
    list: (query, options) => listOf(transport, { path: '/v1/sessions', query: { ...query }, options }),
    end: (id, options) => transport.json({ ...options, method: 'DELETE', path: path`/v1/sessions/${id}` }),
  };
}

/** What a user signs in with. */
export interface Credentials {
  readonly email: string;
  readonly password: string;
  /** Whether the session lasts for thirty days instead of twelve hours. */
  readonly remember?: boolean | undefined;
}

/** The secret of an invitation, which stands in its link behind `#invitation=`, and the password to set. */
export interface AcceptedInvitation {
  readonly secret: string;
  readonly password: string;
  readonly remember?: boolean | undefined;
}

/** The own password, now and from now on. */
export interface OwnPasswordChange {
  readonly current: string;
  readonly password: string;
}

/**
 * The session of a browser, for pages with the origin of the service. A cookie that scripts cannot read
 * replaces the token, and a client without a token uses it.
 */
export interface SessionClient {
  /** The ways of signing in; needs no session. */
  readonly ways: (options?: CallOptions) => Promise<WaysOfSignIn>;
  /** The session of the signed-in user; rejects with 401 if nobody is signed in. */
  readonly get: (options?: CallOptions) => Promise<Session>;
  /** Signs in with an API token, or with an e-mail address and a password. */
  readonly create: (proof: string | Credentials, options?: CallOptions) => Promise<Session>;
  /** Signs out, and ends the session of a user. */
  readonly delete: (options?: CallOptions) => Promise<void>;
  /** Changes the own password. Ends all sessions of the user and begins a new one. */
  readonly changePassword: (change: OwnPasswordChange, options?: CallOptions) => Promise<Session>;
  /** Whom an invitation is for; needs no session. */
  readonly checkInvitation: (secret: string, options?: CallOptions) => Promise<Invitation>;
  /** Sets a password with an invitation, which is used up, and signs in. */
  readonly acceptInvitation: (accepted: AcceptedInvitation, options?: CallOptions) => Promise<Session>;
}

export function sessionClient({ json }: Transport): SessionClient {
  const session = '/v1/session';
  // The service requires this header from pages that create or end a session.
  const headers = { 'x-inlet-request': '1' };
  const post = <Answer>(to: string, body: object, options?: CallOptions): Promise<Answer> =>
    json({ ...options, method: 'POST', path: to, headers, json: body });
  return {
    ways: (options) => json({ ...options, method: 'GET', path: '/v1/sign-in' }),
    get: (options) => json({ ...options, method: 'GET', path: session }),
    create: (proof, options) => post(session, typeof proof === 'string' ? { token: proof } : proof, options),
    delete: (options) => json({ ...options, method: 'DELETE', path: session, headers }),
    changePassword: (change, options) =>
      json({ ...options, method: 'PUT', path: `${session}/password`, headers, json: change }),
    checkInvitation: (secret, options) => post('/v1/invitations/check', { secret }, options),
    acceptInvitation: (accepted, options) => post('/v1/invitations/accept', accepted, options),
  };
}
