/** API tokens: made, listed and revoked, in two services over one database. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import jwt from 'jsonwebtoken';

import { call, type Call, type Page, type Problem } from '../../support/client.js';
import { startTestService, type TestService } from '../../support/test-service.js';
import { until } from '../../support/until.js';

let one: TestService;
let other: TestService;

beforeAll(async () => {
  one = await startTestService({ queue: false });
  other = await startTestService({ queue: false, beside: one });
});
afterAll(async () => {
  await other.stop();
  await one.stop();
});

interface TokenView {
  readonly id: string;
  readonly name: string | null;
  readonly scopes: readonly string[];
  readonly channels: readonly string[] | null;
  readonly createdAt: string;
  readonly expiresAt: string | null;
  readonly lastUsedAt: string | null;
  readonly revokedAt: string | null;
  readonly token: string;
}

const tokens = <Body>(what: Call, path = '') => call<Body>(one.url, `/v1/tokens${path}`, what);
const make = (json: object, token = one.token('admin')) => tokens<TokenView>({ method: 'post', token, json });
const revoke = (id: string, token = one.token('admin')) =>
  tokens<TokenView>({ method: 'delete', token }, `/${id}`);
const list = async (token = one.token('admin'), query = '?limit=200') =>
  (await tokens<Page<TokenView>>({ token }, query)).body;
const use = (service: TestService, token: string) =>
  call<{ code: string; tokenId: string }>(service.url, '/v1/session', { token });

describe('a token that is made through the API', () => {
  it('is shown once and works in every process, as far as it was allowed to', async () => {
    const { status, headers, body } = await make({
      name: 'the shop',
      scopes: ['media:read', 'messages:send'],
      channels: ['blip'],
      expiresIn: 3_600,
    });
    expect(status).toBe(201);
    expect(headers['cache-control']).toBe('no-store');
    const { token, ...view } = body;
    expect(view).toMatchObject({
      name: 'the shop',
      scopes: ['media:read', 'messages:send'],
      channels: ['blip'],
    });
    expect(Date.parse(view.expiresAt ?? '') - Date.parse(view.createdAt)).toBe(3_600_000);
    for (const service of [one, other])
      expect(await use(service, token)).toMatchObject({
        status: 200,
        body: { tokenId: view.id, scopes: view.scopes, channels: ['blip'] },
      });
    const listed = (await list()).items.find(({ id }) => id === view.id);
    expect(listed).toMatchObject({ name: 'the shop', revokedAt: null });
    expect(JSON.stringify(await list())).not.toContain(token);
    expect(`${one.logs()}${other.logs()}`).not.toContain(token);
  });

  it('has no end and sees all channels unless told otherwise', async () => {
    expect((await make({ name: 'all', scopes: ['admin'] })).body).toMatchObject({
      channels: null,
      expiresAt: null,
    });
  });

  it.each<[string, object]>([
    ['name', { scopes: ['admin'] }],
    ['name', { name: 'n\0l', scopes: ['admin'] }],
    ['scopes', { name: 'x' }],
    ['scopes', { name: 'x', scopes: [] }],
    ['scopes.0', { name: 'x', scopes: ['root'] }],
    ['channels', { name: 'x', scopes: ['admin'], channels: [] }],
    ['expiresIn', { name: 'x', scopes: ['admin'], expiresIn: 0 }],
    ['expiresIn', { name: 'x', scopes: ['admin'], expiresIn: 1_000_000_000 }],
    ['forever', { name: 'x', scopes: ['admin'], forever: true }],
  ])('is refused with a wrong %s: %#', async (field, json) => {
    expect(await make(json)).toMatchObject({ status: 400, body: { errors: [{ field }] } });
  });

  it('may not do more than the one that makes it', async () => {
    const limited = one.token('admin', { channels: ['blip', 'sobot'] });
    const grant = { name: 'x', scopes: ['media:read'] };
    const tooMuch = { status: 403, body: { code: 'auth.scope' } };
    expect(await make(grant, one.token('media:read messages:send'))).toMatchObject(tooMuch);
    expect(await make(grant, limited)).toMatchObject(tooMuch);
    expect(await make({ ...grant, channels: ['blip', 'z-api'] }, limited)).toMatchObject(tooMuch);
    expect(await make({ ...grant, channels: ['blip'] }, limited)).toMatchObject({
      status: 201,
      body: { channels: ['blip'] },
    });
  });
});

describe('a token that was made by the command', () => {
  it('is listed from its first use on, with what it says of itself', async () => {
    const token = other.token('media:read', { channels: ['sobot'], expiresInSeconds: 600 });
    const { tokenId } = (await use(other, token)).body;
    const row = await until(async () => (await list()).items.find(({ id }) => id === tokenId));
    expect(row).toMatchObject({ name: null, scopes: ['media:read'], channels: ['sobot'], revokedAt: null });
    expect(Date.parse(row.expiresAt ?? '') - Date.parse(row.createdAt)).toBe(600_000);
    expect(row.lastUsedAt).not.toBeNull();
  });
});

it('the use of a token is written at most once a minute', async () => {
  let now = new Date('2026-11-21T10:00:00.000Z');
  const timed = await startTestService({ queue: false, now: () => now });
  try {
    const token = timed.token('media:read');
    const lastUsed = async () =>
      (await timed.database.query<{ last_used_at: Date }>('select last_used_at from api_token'))[0]
        ?.last_used_at;
    const useAt = async (seconds: number) => {
      now = new Date(Date.parse('2026-11-21T10:00:00.000Z') + seconds * 1000);
      await use(timed, token);
    };
    await useAt(0);
    const first = await until(lastUsed);
    await useAt(59);
    await useAt(60);
    const second = await until(async () => (await lastUsed())?.getTime() !== first.getTime() && lastUsed());
    expect(second.toISOString()).toBe('2026-11-21T10:01:00.000Z');
  } finally {
    await timed.stop();
  }
});

describe('a revoked token', () => {
  it('is refused in every process at once, as a session too', async () => {
    const { token, id } = (await make({ name: 'gone', scopes: ['admin'] })).body;
    expect((await use(other, token)).status).toBe(200);
    const answer = await revoke(id);
    expect(answer).toMatchObject({ status: 200, body: { id, revokedAt: expect.any(String) } });
    expect(await use(one, token)).toMatchObject({ status: 401, body: { code: 'auth.revoked' } });
    expect(await use(other, token)).toMatchObject({ status: 401, body: { code: 'auth.revoked' } });
    const cookie = `inlet_session=${token}`;
    expect((await call(other.url, '/v1/session', { headers: { cookie } })).body.code).toBe('auth.revoked');
    const again = { method: 'post', json: { token }, headers: { 'x-inlet-request': '1' } } as const;
    expect((await call(other.url, '/v1/session', again)).body.code).toBe('auth.revoked');
    expect((await revoke(id)).body.revokedAt).toBe(answer.body.revokedAt);
  });

  it('may revoke itself', async () => {
    const { token, id } = (await make({ name: 'itself', scopes: ['admin'] })).body;
    expect((await revoke(id, token)).status).toBe(200);
    expect((await use(one, token)).body.code).toBe('auth.revoked');
  });

  it('is refused by a process that starts later', async () => {
    const { token, id } = (await make({ name: 'early', scopes: ['admin'] })).body;
    await revoke(id);
    const later = await startTestService({ queue: false, beside: one });
    try {
      expect((await use(later, token)).body.code).toBe('auth.revoked');
    } finally {
      await later.stop();
    }
  });

  it('leaves its entry in the audit trail, with the name of who did it', async () => {
    const actor = (await make({ name: 'the boss', scopes: ['admin'] })).body;
    const made = (await make({ name: 'the temp', scopes: ['media:read'] }, actor.token)).body;
    await revoke(made.id, actor.token);
    const entries = await one.database.query(
      'select actor, actor_name, action from audit_entry where target = $1 order by id',
      [made.id],
    );
    const by = { actor: actor.id, actor_name: 'the boss' };
    expect(entries).toEqual([
      { ...by, action: 'token.create' },
      { ...by, action: 'token.revoke' },
    ]);
  });
});

describe('a token that is limited to channels', () => {
  it('sees and revokes only tokens that are limited to the same', async () => {
    const boss = one.token('admin', { channels: ['blip', 'sobot'] });
    const near = (await make({ name: 'near', scopes: ['media:read'], channels: ['blip'] })).body;
    const far = (await make({ name: 'far', scopes: ['media:read'], channels: ['blip', 'z-api'] })).body;
    const all = (await make({ name: 'all', scopes: ['media:read'] })).body;
    const seen = (await list(boss)).items.map(({ id }) => id);
    expect(seen).toContain(near.id);
    expect(seen).not.toContain(far.id);
    expect(seen).not.toContain(all.id);
    for (const { id, token } of [far, all]) {
      expect(await revoke(id, boss)).toMatchObject({ status: 404, body: { code: 'token.not_found' } });
      expect((await use(one, token)).status).toBe(200);
    }
    expect((await revoke(near.id, boss)).status).toBe(200);
  });
});

describe('a token that was never used', () => {
  it('is revoked by its id, if all channels are seen', async () => {
    const token = one.token('admin');
    const { jti = '' } = jwt.decode(token, { json: true }) ?? {};
    const limited = one.token('admin', { channels: ['blip'] });
    expect((await revoke(jti, limited)).status).toBe(404);
    expect(await revoke(jti)).toMatchObject({
      status: 200,
      body: { id: jti, revokedAt: expect.any(String) },
    });
    expect((await use(one, token)).body.code).toBe('auth.revoked');
    expect((await use(other, token)).body.code).toBe('auth.revoked');
  });

  it.each(['nonsense', '%00', '..'])('has no other id: %s', async (id) => {
    expect((await revoke(id)).status).toBe(404);
  });
});

it('what a revoked token has made is told', async () => {
  const boss = (await make({ name: 'boss', scopes: ['admin'] })).body;
  const made = (await make({ name: 'made', scopes: ['media:read'] }, boss.token)).body;
  const json = { provider: 'z-api', id: 'made-by-boss' };
  await call(one.url, '/v1/channels', { method: 'post', token: boss.token, json });
  const created = {
    tokens: [{ id: made.id, name: 'made', revokedAt: null }],
    subscriptions: [],
    channels: [{ id: 'made-by-boss', name: null }],
  };
  const admin = one.token('admin');
  expect((await tokens({ token: admin }, `/${boss.id}`)).body).toMatchObject({ id: boss.id, created });
  expect((await revoke(boss.id)).body).toMatchObject({ created });
});

describe('a token that would be too long for a browser', () => {
  const channels = Array.from({ length: 100 }, (_, index) => String(index).padStart(63, 'x'));

  it('is not made, and the limit is told', async () => {
    const answer = await tokens<Problem>({
      method: 'post',
      token: one.token('admin'),
      json: { name: 'long', scopes: ['media:read'], channels },
    });
    expect(answer).toMatchObject({ status: 400, body: { errors: [{ field: 'channels' }] } });
    expect(answer.body.detail).toContain('3800');
  });

  it('is made with as many channels as fit, and signs in', async () => {
    const { token } = (await make({ name: 'fits', scopes: ['media:read'], channels: channels.slice(0, 40) }))
      .body;
    const headers = { 'x-inlet-request': '1' };
    const answer = await call(one.url, '/v1/session', { method: 'post', json: { token }, headers });
    expect(answer.status).toBe(200);
  });
});

it.each([
  ['Bearer', 'no token after'],
  ['Bearer abc', 'three parts'],
  ['Basic abc', 'not of the form'],
])('what is wrong with `Authorization: %s` is said', async (authorization, words) => {
  const answer = await call(one.url, '/v1/media', { headers: { authorization } });
  expect(answer).toMatchObject({ status: 401, body: { code: 'auth.invalid' } });
  expect(answer.body.detail).toContain(words);
});

it.each(['name', 'channels'])('half of a surrogate pair in %s is refused', async (field) => {
  const raw = JSON.stringify({ name: 'a', scopes: ['media:read'], [field]: 'SURROGATE' }).replace(
    '"SURROGATE"',
    field === 'name' ? String.raw`"a\ud800"` : String.raw`["a\ud800"]`,
  );
  const headers = { 'content-type': 'application/json' };
  const answer = await call(one.url, '/v1/tokens', {
    method: 'post',
    token: one.token('admin'),
    raw,
    headers,
  });
  expect(answer).toMatchObject({ status: 400, body: { code: 'request.invalid' } });
  expect(answer.body.errors?.[0]?.field).toContain(field);
});

it('the list comes in pages, newest first', async () => {
  // The first use of a token is written in the background: here there are none of other tests.
  const alone = await startTestService({ queue: false });
  try {
    const reader = alone.token('admin');
    const ask = async (query: string) =>
      (await call<Page<TokenView>>(alone.url, `/v1/tokens${query}`, { token: reader })).body;
    for (const name of ['first', 'second', 'third', 'fourth']) {
      const json = { name, scopes: ['media:read'] };
      await call(alone.url, '/v1/tokens', { method: 'post', token: reader, json });
    }
    const whole = await until(async () => {
      const { items } = await ask('?limit=200');
      return items.length === 5 && items.map(({ id }) => id);
    });
    expect(whole.at(-1)).toBe(jwt.decode(reader, { json: true })?.jti);
    expect(whole).toEqual([...whole].sort().reverse());
    const first = await ask('?limit=2');
    const second = await ask(`?limit=2&cursor=${String(first.nextCursor)}`);
    expect([...first.items, ...second.items].map(({ id }) => id)).toEqual(whole.slice(0, 4));
  } finally {
    await alone.stop();
  }
});

it('while the database is away, no token is accepted', async () => {
  const service = await startTestService({ queue: false });
  try {
    const token = service.token('media:read');
    expect((await use(service, token)).status).toBe(200);
    await service.database.goAway();
    const answer = await until(async () => {
      const { status, body } = await use(service, token);
      return status === 503 && body;
    });
    expect(answer.code).toBe('service.unavailable');
    await service.database.comeBack();
    await until(async () => (await use(service, token)).status === 200);
  } finally {
    await service.stop();
  }
});
