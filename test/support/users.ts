/** Users of a test service, who sign in as browsers do. */
import { createHook } from 'node:async_hooks';

import type { Role } from '../../src/domain/user.js';
import { call, type Answer, type Call, type Problem } from './client.js';
import type { TestService } from './test-service.js';

/** What tells a request of our own page from one that another site has made a browser send. */
export const ownPage = { 'x-inlet-request': '1' };

export const goodPassword = 'five blue boats at noon';

export interface UserView {
  readonly id: string;
  readonly email: string;
  readonly name: string;
  readonly role: Role;
  readonly channels: readonly string[] | null;
  readonly state: 'invited' | 'active' | 'disabled';
  readonly lastSignInAt: string | null;
  readonly invitationExpiresAt: string | null;
  readonly invitation: { readonly url: string; readonly expiresAt: string };
}

export interface SessionView {
  readonly tokenId: string;
  readonly scopes: readonly string[];
  readonly channels: readonly string[] | null;
  readonly user: Pick<UserView, 'id' | 'name' | 'email' | 'role'> | null;
}

export type Ended = Answer<SessionView & Problem>;

let made = 0;

/** An e-mail address that no other user has. */
export function newEmail(): string {
  made += 1;
  return `user-${String(made)}@example.com`;
}

export interface NewUser {
  readonly email?: string;
  readonly name?: string;
  readonly role?: Role;
  readonly channels?: readonly string[];
}

/** Creates a user with a token that may do everything, or with the caller's own. */
export function createUser(
  { url, token }: TestService,
  { email = newEmail(), name = 'Fernanda Souza', role = 'viewer', channels }: NewUser = {},
  by: Call = { token: token('admin') },
): Promise<Answer<UserView & Problem>> {
  return call(url, '/v1/users', { method: 'post', json: { email, name, role, channels }, ...by });
}

export function secretOf({ invitation }: Pick<UserView, 'invitation'>): string {
  return invitation.url.split('#invitation=')[1] ?? '';
}

export function accept({ url }: TestService, secret: string, password = goodPassword): Promise<Ended> {
  const json = { secret, password };
  return call(url, '/v1/invitations/accept', { method: 'post', headers: ownPage, json });
}

export function signIn({ url }: TestService, json: object): Promise<Ended> {
  return call(url, '/v1/session', { method: 'post', headers: ownPage, json });
}

/** The headers of a page that is signed in by this answer. */
export function pageOf({ headers }: Pick<Answer<unknown>, 'headers'>): Call {
  const [cookie = ''] = String(headers['set-cookie']).split(';');
  return { headers: { ...ownPage, cookie } };
}

export interface SignedIn {
  readonly user: UserView;
  readonly page: Call;
}

/** A user who has accepted the invitation. */
export async function enter(service: TestService, request: NewUser = {}): Promise<SignedIn> {
  const { body } = await createUser(service, request);
  return { user: body, page: pageOf(await accept(service, secretOf(body))) };
}

/** The package that makes digests gives its work in the pool of threads no name, which Node.js calls so. */
const workOfDigest = 'undefined';

/** Runs the work and counts the digests of passwords that are made meanwhile. */
export async function countDigests(work: () => Promise<unknown>): Promise<number> {
  let count = 0;
  const hook = createHook({
    init: (_, type) => {
      if (type === workOfDigest) count += 1;
    },
  });
  hook.enable();
  await work().finally(() => hook.disable());
  return count;
}
