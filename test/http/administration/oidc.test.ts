/** Signing in with accounts of a real identity provider. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';

import { call, type Call, type Problem } from '../../support/client.js';
import {
  createTraveller,
  oidcSettings,
  signInAtProvider,
  startIdentityProvider,
  walkToProvider,
  type IdentityProvider,
} from '../../support/identity-provider.js';
import { startTestService, type TestService } from '../../support/test-service.js';
import {
  createUser,
  enter,
  newEmail,
  ownPage,
  secretOf,
  accept,
  type SessionView,
  type UserView,
} from '../../support/users.js';

let provider: IdentityProvider;
let service: TestService;

beforeAll(async () => {
  provider = await startIdentityProvider();
  service = await startTestService({
    queue: false,
    mediaHosts: [new URL(provider.issuer).host],
    env: oidcSettings(provider.issuer),
  });
  provider.serve(service);
  await enter(service, { role: 'admin' });
});
afterAll(async () => {
  await service.stop();
  await provider.close();
});

let login: string;
let email: string;
beforeEach(() => {
  email = newEmail();
  login = email.replace('@', '-at-');
  provider.accounts.set(login, { email, email_verified: true, name: 'Bo Lima', roles: ['support'] });
});

const admin = (): Call => ({ token: service.token('admin') });
const ask = <Body = Problem>(path: string, what: Call = admin()) => call<Body>(service.url, path, what);
const change = (id: string, json: object) =>
  ask<UserView & Problem>(`/v1/users/${id}`, { method: 'patch', json, ...admin() });

/** Signs in and returns the page; fails if the person is refused. */
async function arrive(): Promise<Call> {
  const { url, set } = await signInAtProvider(service, login);
  expect(url.href).toBe(`${service.url}/admin/`);
  const token = set.get('inlet_session') ?? '';
  expect(token).not.toBe('');
  return { headers: { ...ownPage, cookie: `inlet_session=${token}` } };
}

/** The code with which the person is refused, who gets no session. */
async function refusal(): Promise<string> {
  const { url, set } = await signInAtProvider(service, login);
  expect(set.has('inlet_session')).toBe(false);
  return url.hash.replace('#refused=', '');
}

const who = (page: Call) => ask<SessionView & Problem>('/v1/session', page);
const userOf = async (page: Call): Promise<string> => (await who(page)).body.user?.id ?? '';
/** What the audit trail says about the user, newest first. */
const entriesOf = (id: string) =>
  service.database.query<{ actor: string; actor_name: string | null; action: string; details: object }>(
    'select actor, actor_name, action, details from audit_entry where target = $1 order by id desc',
    [id],
  );

describe('signing in with the identity provider', () => {
  it('is offered by name', async () => {
    expect((await ask('/v1/sign-in', {})).body).toEqual({ passwords: true, oidc: { name: 'Example Login' } });
  });

  it('makes a user with the role and the channels of the claim, and a session that ends', async () => {
    const page = await arrive();
    expect((await who(page)).body).toMatchObject({
      scopes: ['media:read', 'messages:send'],
      channels: ['blip', 'z-api'],
      user: { name: 'Bo Lima', email, role: 'agent', hasPassword: false },
    });
    const id = await userOf(page);
    expect((await ask(`/v1/users/${id}`)).body).toMatchObject({ state: 'active', oidc: true });
    expect(await entriesOf(id)).toMatchObject([{ action: 'user.create', actor: id, actor_name: 'Bo Lima' }]);

    expect(await userOf(await arrive())).toBe(id);
    expect((await ask('/v1/session', { method: 'delete', ...page })).status).toBe(204);
    expect((await who(page)).body.code).toBe('auth.revoked');
  });

  it('gives the role of the claim each time, and says so in the audit trail by name', async () => {
    const page = await arrive();
    const id = await userOf(page);
    provider.accounts.set(login, { email, name: 'Bo Boss', roles: 'inlet-admins' });
    expect((await who(await arrive())).body).toMatchObject({
      scopes: ['admin'],
      channels: null,
      user: { id, name: 'Bo Boss', role: 'admin' },
    });
    expect((await who(page)).body.code).toBe('auth.revoked');
    expect((await entriesOf(id))[0]).toMatchObject({
      action: 'user.change',
      actor_name: 'Bo Boss',
      details: { changes: ['name', 'role', 'channels'], role: 'admin' },
    });
  });

  it('opens the page that the person wanted, and no other site', async () => {
    const traveller = createTraveller();
    // The first step of the walk is replaced by one with the address.
    const following = async (to: string): Promise<string> => {
      const walk = {
        ...traveller,
        ask: (url: URL, what?: Call) =>
          traveller.ask(
            url.pathname === '/v1/sign-in/oidc' ? new URL(`?to=${encodeURIComponent(to)}`, url) : url,
            what,
          ),
      };
      return (await signInAtProvider(service, login, walk)).url.href;
    };
    expect(await following('/admin/sent?state=failed')).toBe(`${service.url}/admin/sent?state=failed`);
    for (const to of [
      '//evil.example',
      'https://evil.example',
      '/admin/../v1/media',
      '/admin//evil.example',
      '/v1',
    ])
      expect(await following(to)).toBe(`${service.url}/admin/`);
  });

  it('refuses a person without a mapped role, and ends the sessions of one who has lost it', async () => {
    const page = await arrive();
    const id = await userOf(page);
    provider.accounts.set(login, { email, name: 'Bo Lima', roles: ['cooks'] });
    expect(await refusal()).toBe('oidc.no_role');
    expect((await who(page)).body.code).toBe('auth.revoked');
    expect((await entriesOf(id))[0]).toMatchObject({
      action: 'session.refuse',
      details: { code: 'oidc.no_role' },
    });

    login = 'a-stranger';
    provider.accounts.set(login, { email: newEmail() });
    expect(await refusal()).toBe('oidc.no_role');
  });

  it('refuses a disabled and a deleted user, whose sessions end; an invitation admits one again', async () => {
    const page = await arrive();
    const id = await userOf(page);
    await change(id, { disabled: true });
    expect((await who(page)).body.code).toBe('auth.revoked');
    expect(await refusal()).toBe('oidc.user_disabled');
    await change(id, { disabled: false });
    const again = await arrive();

    await ask(`/v1/users/${id}`, { method: 'delete', ...admin() });
    expect((await who(again)).body.code).toBe('auth.revoked');
    expect(await refusal()).toBe('oidc.user_removed');

    const invited = (await createUser(service, { email })).body;
    expect(await userOf(await arrive())).toBe(invited.id);
    expect((await accept(service, secretOf(invited))).body.code).toBe('invitation.not_found');
  });

  it('takes over no user with a password, and an invited one only if the address is verified', async () => {
    await enter(service, { email });
    expect(await refusal()).toBe('oidc.email_taken');

    const other = newEmail();
    await createUser(service, { email: other });
    provider.accounts.set(login, { email: other, email_verified: false, roles: ['support'] });
    expect(await refusal()).toBe('oidc.email_taken');
    provider.accounts.set(login, { email: other, roles: ['support'] });
    expect(await refusal()).toBe('oidc.email_taken');
  });

  it('needs an e-mail address for a new user', async () => {
    provider.accounts.set(login, { name: 'Bo Lima', roles: ['support'] });
    expect(await refusal()).toBe('oidc.no_email');
  });

  it('sets a cookie that scripts cannot read, and takes each answer once, in the same browser', async () => {
    const one = createTraveller();
    const other = createTraveller();
    const back = await walkToProvider(service, login, one);
    const started = await call(service.url, '/v1/sign-in/oidc');
    expect(String(started.headers['set-cookie'])).toMatch(
      /^inlet_sign_in=[\w-]+; Max-Age=600; Path=\/v1\/sign-in\/oidc; .*HttpOnly; SameSite=Lax$/,
    );
    expect(started.headers['cache-control']).toBe('no-store');

    const withoutCookie = await other.ask(back);
    expect(withoutCookie.next?.hash).toBe('#refused=oidc.expired');
    await other.ask(new URL(`${service.url}/v1/sign-in/oidc`));
    const withAnother = await other.ask(back);
    expect(withAnother.next?.hash).toBe('#refused=oidc.expired');
    for (const { set } of [withoutCookie, withAnother]) expect(set.has('inlet_session')).toBe(false);

    const kept = new Map(one.jarOf(back.host));
    expect((await one.ask(back)).set.has('inlet_session')).toBe(true);
    const repeated = await one.ask(back);
    expect(repeated.next?.hash).toBe('#refused=oidc.expired');
    // A browser that has not deleted its cookie: the provider knows that the code was used.
    one.jarOf(back.host).set('inlet_sign_in', kept.get('inlet_sign_in') ?? '');
    const replayed = await one.ask(back);
    expect(replayed.next?.hash).toBe('#refused=oidc.refused');
    expect(replayed.set.has('inlet_session')).toBe(false);
  });

  it('says that the provider did not let the person in', async () => {
    const traveller = createTraveller();
    const start = await traveller.ask(new URL(`${service.url}/v1/sign-in/oidc`));
    const state = start.next?.searchParams.get('state') ?? '';
    const iss = encodeURIComponent(provider.issuer);
    const back = `${service.url}/v1/sign-in/oidc/callback?error=access_denied&state=${state}&iss=${iss}`;
    expect((await traveller.ask(new URL(back))).next?.hash).toBe('#refused=oidc.denied');
  });
});

describe('the last administrator', () => {
  it('stays one, whatever the claim says, and counts without a password', async () => {
    const alone = await startTestService({
      queue: false,
      mediaHosts: [new URL(provider.issuer).host],
      env: oidcSettings(provider.issuer),
    });
    try {
      provider.serve(alone);
      provider.accounts.set(login, { email, name: 'Eva Melo', roles: ['inlet-admins'] });
      expect((await signInAtProvider(alone, login)).set.has('inlet_session')).toBe(true);
      provider.accounts.set(login, { email, name: 'Eva Melo', roles: ['readers'] });
      expect((await signInAtProvider(alone, login)).url.hash).toBe('#refused=user.last_admin');
      await enter(alone, { role: 'admin' });
      expect((await signInAtProvider(alone, login)).url.hash).toBe('');
    } finally {
      await alone.stop();
      provider.serve(service);
    }
  });
});
