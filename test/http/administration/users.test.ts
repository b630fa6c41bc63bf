/** The life of users, in two services over one database. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import jwt from 'jsonwebtoken';

import { roles, type Role } from '../../../src/domain/user.js';
import { call, type Call, type Page, type Problem } from '../../support/client.js';
import { startTestService, type TestService } from '../../support/test-service.js';
import {
  accept,
  createUser,
  enter,
  goodPassword,
  newEmail,
  ownPage,
  pageOf,
  secretOf,
  signIn,
  type SessionView,
  type UserView,
} from '../../support/users.js';

let one: TestService;
let other: TestService;

beforeAll(async () => {
  one = await startTestService({ queue: false });
  other = await startTestService({ queue: false, beside: one });
  // So that no other administrator is the last one.
  await enter(one, { role: 'admin' });
});
afterAll(async () => {
  await other.stop();
  await one.stop();
});

const nobody = '019aa5e2-0000-7000-8000-000000000000';
const ask = <Body = Problem>(path: string, what: Call = {}, at = one) => call<Body>(at.url, path, what);
const admin = (): Call => ({ token: one.token('admin') });
const change = (id: string, json: object, by: Call = admin()) =>
  ask<UserView & Problem>(`/v1/users/${id}`, { method: 'patch', json, ...by });
const remove = (id: string, by: Call = admin()) => ask(`/v1/users/${id}`, { method: 'delete', ...by });
const whoAmI = (page: Call, at = one) => ask<SessionView & Problem>('/v1/session', page, at);

const entries = (target: string) =>
  one.database.query<{ actor: string; actor_name: string | null; action: string }>(
    'select actor, actor_name, action from audit_entry where target = $1 order by id',
    [target],
  );

describe('a user', () => {
  it('is invited, signs in, changes the password, signs out and is deleted', async () => {
    const email = newEmail();
    const created = await createUser(one, {
      email: ` ${email.toUpperCase()}`,
      role: 'agent',
      channels: ['blip'],
    });
    expect(created).toMatchObject({
      status: 201,
      headers: { 'cache-control': 'no-store' },
      body: { email, role: 'agent', channels: ['blip'], state: 'invited', lastSignInAt: null },
    });
    const { id, invitation } = created.body;
    expect(created.headers['location']).toBe(`/v1/users/${id}`);
    expect(invitation.url).toMatch(new RegExp(`^${one.url}/admin/#invitation=[\\w-]{32}$`));
    expect(Date.parse(invitation.expiresAt) - Date.now()).toBeGreaterThan(6.9 * 86_400_000);
    expect(await signIn(one, { email, password: goodPassword })).toMatchObject({ status: 401 });

    const accepted = await accept(one, secretOf(created.body));
    const user = { id, email, name: 'Fernanda Souza', role: 'agent', hasPassword: true };
    expect(accepted).toMatchObject({
      status: 200,
      body: { scopes: ['media:read', 'messages:send'], channels: ['blip'], user },
    });
    expect(String(accepted.headers['set-cookie'])).toMatch(/HttpOnly; SameSite=Strict/);
    expect((await whoAmI(pageOf(accepted), other)).body.user).toEqual(user);

    const again = await signIn(other, { email: email.toUpperCase(), password: goodPassword });
    const page = pageOf(again);
    const changed = await ask<SessionView>('/v1/session/password', {
      method: 'put',
      json: { current: goodPassword, password: 'six green boats at noon' },
      ...page,
    });
    expect(changed.status).toBe(200);
    for (const old of [page, pageOf(accepted)])
      expect((await whoAmI(old, other)).body.code).toBe('auth.revoked');
    const current = pageOf(changed);
    expect((await whoAmI(current, other)).status).toBe(200);

    expect((await ask('/v1/session', { method: 'delete', ...current })).status).toBe(204);
    expect((await whoAmI(current, other)).body.code).toBe('auth.revoked');

    expect((await remove(id)).status).toBe(204);
    expect((await ask(`/v1/users/${id}`, admin())).body.code).toBe('user.not_found');
    expect((await signIn(one, { email, password: 'six green boats at noon' })).body.code).toBe(
      'auth.invalid',
    );
    const [{ left } = { left: '' }] = await one.database.query<{ left: string }>(
      `select coalesce(string_agg(t::text, ''), '') as left from api_token as t where user_id = $1`,
      [id],
    );
    expect(left).not.toContain('Fernanda');
    const actions = (await entries(id)).map(({ action }) => action);
    expect(actions.filter((action) => action !== 'session.refuse')).toEqual([
      'user.create',
      'user.password',
      'user.password',
      'user.delete',
    ]);
  });

  it('appears in the audit trail by name and id, whatever the session', async () => {
    const { user, page } = await enter(one, { name: 'Bo Admin', role: 'admin' });
    const made = await createUser(one, {}, page);
    const by = { actor: user.id, actor_name: 'Bo Admin' };
    expect(await entries(made.body.id)).toEqual([{ ...by, action: 'user.create' }]);
    const listed = await ask<Page<{ action: string }>>(`/v1/audit?actor=${user.id}`, admin());
    expect(listed.body.items.map(({ action }) => action)).toEqual([
      'user.create',
      'user.password',
      'session.create',
    ]);
    await change(user.id, { name: 'Bo Boss' });
    await remove(made.body.id, page);
    expect(await entries(made.body.id)).toContainEqual({
      actor: user.id,
      actor_name: 'Bo Boss',
      action: 'user.delete',
    });
  });

  it('is listed with others, in pages, and never with secrets', async () => {
    const first = (await createUser(one)).body;
    const second = (await createUser(one)).body;
    const page = await ask<Page<UserView>>('/v1/users?limit=1', admin());
    expect(page.body.items.map(({ id }) => id)).toEqual([second.id]);
    const next = await ask<Page<UserView>>(
      `/v1/users?limit=1&cursor=${String(page.body.nextCursor)}`,
      admin(),
    );
    expect(next.body.items.map(({ id }) => id)).toEqual([first.id]);
    const all = await ask('/v1/users?limit=200', admin());
    expect(all.bytes.toString()).not.toMatch(/argon2|digest|invitation=/);
    const logs = `${one.logs()}${other.logs()}`;
    for (const text of [secretOf(first), goodPassword, first.email]) expect(logs).not.toContain(text);
  });

  it('who loses rights loses all sessions and the API tokens that allow more, in every process', async () => {
    const { user, page } = await enter(one, { role: 'admin' });
    const grant = async (scopes: readonly string[]) => {
      const json = { name: 'of the user', scopes };
      return (await ask<{ id: string; token: string }>('/v1/tokens', { method: 'post', json, ...page })).body;
    };
    const reader = await grant(['media:read']);
    const boss = await grant(['admin']);
    const listed = await ask<Page<{ id: string; owner: object | null }>>('/v1/tokens?limit=200', admin());
    const owner = { id: user.id, name: user.name };
    expect(listed.body.items).toContainEqual(expect.objectContaining({ id: reader.id, owner }));
    expect(listed.bytes.toString()).not.toContain((await whoAmI(page)).body.tokenId);
    expect((await whoAmI({ token: reader.token })).body.user).toBeNull();

    expect((await change(user.id, { role: 'operator' })).body.role).toBe('operator');
    expect((await whoAmI(page, other)).body.code).toBe('auth.revoked');
    expect((await whoAmI({ token: boss.token }, other)).body.code).toBe('auth.revoked');
    expect((await whoAmI({ token: reader.token }, other)).status).toBe(200);

    expect((await change(user.id, { disabled: true })).body.state).toBe('disabled');
    expect((await whoAmI({ token: reader.token }, other)).body.code).toBe('auth.revoked');
    expect((await signIn(one, { email: user.email, password: goodPassword })).body.code).toBe('auth.invalid');
    expect((await change(user.id, { disabled: false })).body.state).toBe('active');
    expect((await signIn(one, { email: user.email, password: goodPassword })).status).toBe(200);
  });

  it('cannot open a stream of events any more after a change of rights', async () => {
    const { user, page } = await enter(one);
    const stream = await fetch(`${other.url}/v1/events`, { headers: page.headers ?? {} });
    expect(stream.status).toBe(200);
    await change(user.id, { channels: ['blip'] });
    const again = await fetch(`${other.url}/v1/events`, { headers: page.headers ?? {} });
    expect(again.status).toBe(401);
    await Promise.all([stream.body?.cancel(), again.body?.cancel()]);
  });

  it('keeps the sessions when nothing but the name is changed', async () => {
    const { user, page } = await enter(one);
    expect((await change(user.id, { name: 'Maria' })).body.name).toBe('Maria');
    expect((await change(user.id, { role: 'viewer', channels: null, disabled: false })).status).toBe(200);
    expect((await whoAmI(page)).body.user?.name).toBe('Maria');
  });

  it('lists and ends sessions, the own ones only', async () => {
    const { user, page } = await enter(one);
    const laptop = await signIn(other, { email: user.email, password: goodPassword, remember: true });
    const [, token = ''] = /inlet_session=([^;]+)/.exec(String(laptop.headers['set-cookie'])) ?? [];
    const { iat = 0, exp = 0 } = jwt.decode(token, { json: true }) ?? {};
    expect(exp - iat).toBe(30 * 86_400);
    interface Session {
      readonly id: string;
      readonly current: boolean;
    }
    const own = (await ask<Page<Session>>('/v1/sessions', page)).body.items;
    expect(own.map(({ current }) => current)).toEqual([false, true]);
    const [{ id } = { id: '' }] = own;
    expect(id).toBe(laptop.body.tokenId);

    const stranger = await enter(one, { role: 'operator' });
    const end = (session: string, by: Call) => ask(`/v1/sessions/${session}`, { method: 'delete', ...by });
    expect((await end(id, stranger.page)).body.code).toBe('session.not_found');
    expect((await ask(`/v1/sessions?user=${user.id}`, stranger.page)).body.code).toBe('auth.scope');
    expect((await end(id, page)).status).toBe(204);
    expect((await end(id, page)).status).toBe(204);
    expect((await whoAmI(pageOf(laptop), other)).body.code).toBe('auth.revoked');

    const seen = await ask<Page<Session>>(`/v1/sessions?user=${user.id}`, admin());
    expect(seen.body.items).toHaveLength(1);
    expect((await end(String(seen.body.items[0]?.id), admin())).status).toBe(204);
    expect((await whoAmI(page)).body.code).toBe('auth.revoked');
    expect((await ask<Page<Session>>('/v1/sessions', admin())).body.items).toEqual([]);
    expect((await ask(`/v1/sessions?user=${nobody}`, admin())).body.code).toBe('user.not_found');
  });
});

describe('a manager who is limited to channels', () => {
  const limited = (): Call => ({ token: one.token('admin', { channels: ['blip', 'sobot'] }) });

  it('manages only users who are limited to some of these', async () => {
    const near = (await createUser(one, { channels: ['blip'] })).body;
    const far = (await createUser(one, { channels: ['blip', 'z-api'] })).body;
    const all = (await createUser(one)).body;
    const seen = (await ask<Page<UserView>>('/v1/users?limit=200', limited())).body.items.map(({ id }) => id);
    expect(seen).toContain(near.id);
    for (const { id } of [far, all]) {
      expect(seen).not.toContain(id);
      for (const [path, what] of [
        ['', {}],
        ['', { method: 'patch', json: { role: 'admin' } }],
        ['', { method: 'delete' }],
        ['/invitation', { method: 'post' }],
      ] as const)
        expect(await ask(`/v1/users/${id}${path}`, { ...what, ...limited() })).toMatchObject({
          status: 404,
          body: { code: 'user.not_found' },
        });
    }
    const tooMuch = { status: 403, body: { code: 'auth.scope' } };
    expect(await createUser(one, {}, limited())).toMatchObject(tooMuch);
    expect(await createUser(one, { channels: ['z-api'] }, limited())).toMatchObject(tooMuch);
    expect(await change(near.id, { channels: null }, limited())).toMatchObject(tooMuch);
    expect(await change(near.id, { channels: ['z-api'] }, limited())).toMatchObject(tooMuch);
    expect((await change(near.id, { channels: ['sobot'], role: 'admin' }, limited())).status).toBe(200);
    expect((await remove(near.id, limited())).status).toBe(204);
  });
});

describe('roles', () => {
  const routes: readonly (readonly [role: Role, method: NonNullable<Call['method']>, path: string])[] = [
    ['viewer', 'get', '/v1/media'],
    ['viewer', 'get', '/v1/people'],
    ['viewer', 'get', '/v1/stats'],
    ['viewer', 'get', '/v1/channels'],
    ['agent', 'post', '/v1/messages'],
    ['agent', 'patch', `/v1/media/${nobody}`],
    ['operator', 'post', `/v1/media/${nobody}/retry`],
    ['operator', 'delete', `/v1/media/${nobody}`],
    ['operator', 'delete', '/v1/contacts/z-api/5511900000000'],
    ['operator', 'post', '/v1/shares'],
    ['operator', 'get', '/v1/deliveries'],
    ['operator', 'get', '/v1/channels/z-api/connection'],
    ['operator', 'post', `/v1/messages/${nobody}/retry`],
    ['admin', 'get', '/v1/users'],
    ['admin', 'post', '/v1/users'],
    ['admin', 'get', '/v1/tokens'],
    ['admin', 'post', '/v1/channels'],
    ['admin', 'get', '/v1/subscriptions'],
    ['admin', 'get', '/v1/audit'],
  ];

  it.each(roles)('allow a user with the role %s what belongs to it, and nothing else', async (role) => {
    const { page } = await enter(one, { role });
    const allowed = await Promise.all(
      routes.map(async ([, method, path]) => {
        const { body, status } = await ask<Problem | undefined>(path, { method, ...page });
        return status !== 403 || body?.code !== 'auth.scope';
      }),
    );
    const expected = routes.map(([least]) => roles.indexOf(role) >= roles.indexOf(least));
    expect(allowed).toEqual(expected);
  });
});

describe('an invitation', () => {
  const check = (secret: string) =>
    ask<{ name: string; purpose: string } & Problem>('/v1/invitations/check', {
      method: 'post',
      json: { secret },
      headers: ownPage,
    });
  const invite = (id: string) =>
    ask<UserView & Problem>(`/v1/users/${id}/invitation`, { method: 'post', ...admin() });

  it('is used once, by one of several at the same moment, and tells its holder for whom it is', async () => {
    const user = (await createUser(one)).body;
    const secret = secretOf(user);
    expect((await check(secret)).body).toMatchObject({ name: user.name, purpose: 'invite' });
    const both = await Promise.all([accept(one, secret), accept(other, secret, 'another long password')]);
    expect(both.map(({ status }) => status).sort()).toEqual([200, 404]);
    expect((await check(secret)).body.code).toBe('invitation.not_found');
    expect((await accept(one, secret)).body.code).toBe('invitation.not_found');
  });

  it('is replaced by the next one, which resets the password and ends all sessions', async () => {
    const { user, page } = await enter(one);
    const first = (await invite(user.id)).body;
    const second = await invite(user.id);
    expect(second).toMatchObject({ status: 201, headers: { 'cache-control': 'no-store' } });
    expect((await check(secretOf(first))).status).toBe(404);
    expect((await check(secretOf(second.body))).body.purpose).toBe('reset');
    expect((await whoAmI(page)).status).toBe(200);
    expect((await accept(one, secretOf(second.body), 'a password after the reset')).status).toBe(200);
    expect((await whoAmI(page)).body.code).toBe('auth.revoked');
    expect((await signIn(one, { email: user.email, password: goodPassword })).status).toBe(401);
  });

  it('expires after seven days, and ends when the user is disabled or deleted', async () => {
    const late = await createUser(one);
    const disabled = await createUser(one);
    const deleted = await createUser(one);
    await one.database.query(`update user_account set invitation_expires_at = now() where id = $1`, [
      late.body.id,
    ]);
    await change(disabled.body.id, { disabled: true });
    await remove(deleted.body.id);
    for (const { body } of [late, disabled, deleted]) {
      expect((await check(secretOf(body))).body.code).toBe('invitation.not_found');
      expect((await accept(one, secretOf(body))).body.code).toBe('invitation.not_found');
    }
  });

  it('is not used up by a password that is refused', async () => {
    const { body } = await createUser(one, { name: 'Quitéria Xavier Silva' });
    const secret = secretOf(body);
    for (const password of [
      'eleven char',
      'x'.repeat(201),
      // Eleven characters, although JavaScript counts twice as many.
      '🌹'.repeat(11),
      body.email.padEnd(12, ' '),
      'QUITÉRIA Xavier silva',
      // The ligature is two letters, and the name is spelled with combining accents.
      'Quite\u0301ria Xavier Silva',
    ]) {
      const answer = await accept(one, secret, password);
      expect(answer).toMatchObject({ status: 400, body: { errors: [{ field: 'password' }] } });
      expect(answer.bytes.toString()).not.toContain(password);
    }
    const spelled = 'pa\uFB01n \u212Bngstr\u00F6m 123';
    expect((await accept(one, secret, spelled)).status).toBe(200);
    const others = spelled.normalize('NFKD');
    expect((await signIn(one, { email: body.email, password: others })).status).toBe(200);
  });

  it('is only accepted from a page of this service', async () => {
    const json = { secret: 'x', password: goodPassword };
    for (const path of ['/v1/invitations/accept', '/v1/invitations/check'])
      expect(await ask(path, { method: 'post', json })).toMatchObject({
        status: 403,
        body: { code: 'auth.csrf' },
      });
  });
});

describe('odd input', () => {
  it.each<[string, object]>([
    ['email', { email: 'nobody' }],
    ['email', { email: `${'x'.repeat(250)}@example.com` }],
    ['email', { email: 'a\0@example.com' }],
    ['name', { name: ' ' }],
    ['name', { name: 'x'.repeat(101) }],
    ['role', { role: 'root' }],
    ['channels', { channels: [] }],
    ['password', { password: goodPassword }],
  ])('in %s is refused: %#', async (field, wrong) => {
    const json = { email: newEmail(), name: 'Bo', role: 'viewer', ...wrong };
    const answer = await ask('/v1/users', { method: 'post', json, ...admin() });
    expect(answer).toMatchObject({ status: 400, body: { errors: [{ field }] } });
  });

  it('names a second user with the same address, in any case, and channels that no cookie can hold', async () => {
    const { body } = await createUser(one);
    const again = await createUser(one, { email: body.email.toUpperCase() });
    expect(again).toMatchObject({ status: 409, body: { code: 'user.exists' } });
    const channels = Array.from({ length: 100 }, (_, index) => String(index).padStart(63, 'x'));
    const long = { status: 400, body: { errors: [{ field: 'channels' }] } };
    expect(await createUser(one, { channels })).toMatchObject(long);
    expect(await change(body.id, { channels })).toMatchObject(long);
  });

  it.each(['nonsense', '%00', '..', nobody])('has no user with the id %s', async (id) => {
    expect((await change(id, { name: 'x' })).status).toBe(404);
    expect((await remove(id)).status).toBe(404);
  });

  it('does not make markup or other scripts of names', async () => {
    const name = '<b>٣ \u202Egnp.exe 🌹</b>';
    const { page } = await enter(one, { name });
    expect((await whoAmI(page)).body.user?.name).toBe(name);
  });
});
