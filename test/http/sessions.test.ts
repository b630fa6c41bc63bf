/** Signing in with a token, the cookie that stands for it, and who may not use it. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { call, upload, type Call } from '../support/client.js';
import { startTestService, type TestService } from '../support/test-service.js';

let service: TestService;

beforeAll(async () => {
  service = await startTestService({ queue: false });
});
afterAll(() => service.stop());

interface Session {
  readonly tokenId: string;
  readonly scopes: readonly string[];
  readonly channels: readonly string[] | null;
  readonly publicUrl: string;
}

const own = { 'x-inlet-request': '1' };
const signIn = (token: unknown, headers: Call['headers'] = own, at = service) =>
  call<Session>(at.url, '/v1/session', { method: 'post', json: { token }, headers });
const cookieFor = (token: string) => ({ cookie: `inlet_session=${token}` });
const setCookie = ({ headers }: { headers: Readonly<Record<string, unknown>> }): string =>
  String(headers['set-cookie']);

describe('signing in', () => {
  it('sets a cookie that scripts and other sites cannot use, for thirty days at most', async () => {
    const token = service.token('media:read');
    const answer = await signIn(token);
    expect(answer).toMatchObject({
      status: 200,
      headers: { 'cache-control': 'no-store' },
      body: { scopes: ['media:read'], channels: null, publicUrl: service.url },
    });
    const [pair, ...flags] = setCookie(answer).split('; ');
    expect(pair).toBe(`inlet_session=${token}`);
    expect(flags).toEqual(
      expect.arrayContaining(['HttpOnly', 'SameSite=Strict', 'Path=/', 'Max-Age=2592000']),
    );
    expect(flags).not.toContain('Secure');
    expect(answer.bytes.toString()).not.toContain(token);
  });

  it('lasts no longer than the token', async () => {
    const answer = await signIn(service.token('media:read', { expiresInSeconds: 600 }));
    const age = Number(/Max-Age=(\d+)/.exec(setCookie(answer))?.[1]);
    expect(age).toBeGreaterThan(590);
    expect(age).toBeLessThanOrEqual(600);
  });

  it('is written into the audit trail', async () => {
    const { body } = await signIn(service.token('admin'));
    expect(
      await service.database.query("select actor from audit_entry where action = 'session.create'"),
    ).toContainEqual({ actor: body.tokenId });
  });

  it.each<[string, () => string, string]>([
    ['an expired token', () => service.token('admin', { expiresInSeconds: -1 }), 'auth.expired'],
    ['a changed one', () => `${service.token('admin')}x`, 'auth.invalid'],
    ['nonsense', () => 'nonsense; Path=/evil', 'auth.invalid'],
  ])('is not possible with %s', async (_, token, code) => {
    const answer = await signIn(token());
    expect(answer).toMatchObject({ status: 401, body: { code } });
    expect(answer.headers['set-cookie']).toBeUndefined();
  });

  it.each([[undefined], [7], [''], ['x'.repeat(10_000)]])(
    'names the field that is wrong: %#',
    async (token) => {
      expect(await signIn(token)).toMatchObject({ status: 400, body: { errors: [{ field: 'token' }] } });
    },
  );

  it.each<[string, Call['headers']]>([
    ['without the header', {}],
    ['with another value in it', { 'x-inlet-request': 'yes' }],
    ['from another site', { ...own, 'sec-fetch-site': 'cross-site' }],
    ['from a neighbour of the site', { ...own, 'sec-fetch-site': 'same-site' }],
  ])('is refused %s', async (_, headers) => {
    const answer = await signIn(service.token('admin'), headers);
    expect(answer).toMatchObject({ status: 403, body: { code: 'auth.csrf' } });
    expect(answer.headers['set-cookie']).toBeUndefined();
  });

  it('is limited by address when it fails, and never when it succeeds', async () => {
    const strict = await startTestService({ queue: false, env: { FAILED_WEBHOOKS_PER_MINUTE: '2' } });
    try {
      const statuses = [];
      for (let attempt = 0; attempt < 3; attempt += 1)
        statuses.push((await signIn('no.good.token', own, strict)).status);
      expect(statuses).toEqual([401, 401, 429]);
      expect((await signIn(strict.token('media:read'), own, strict)).status).toBe(200);
    } finally {
      await strict.stop();
    }
  });

  it('over TLS sets a cookie that goes over nothing else', async () => {
    const secure = await startTestService({ queue: false, publicUrl: 'https://inlet.example.com' });
    try {
      const answer = await signIn(secure.token('media:read'), own, secure);
      expect(setCookie(answer)).toContain('; Secure');
      expect(answer.body.publicUrl).toBe('https://inlet.example.com');
    } finally {
      await secure.stop();
    }
  });
});

describe('a session', () => {
  const ask = (path: string, what: Call) => call<Record<string, unknown>>(service.url, path, what);

  it('reads what its token may read, whatever other cookies the header has', async () => {
    const headers = { cookie: `theme=dark; inlet_session=${service.token('media:read')}; other=a=b` };
    expect((await ask('/v1/media', { headers })).status).toBe(200);
    expect((await ask('/v1/media', { headers: { ...headers, 'sec-fetch-site': 'cross-site' } })).status).toBe(
      200,
    );
    expect((await ask('/v1/audit', { headers })).status).toBe(403);
  });

  it('says who is signed in', async () => {
    const headers = cookieFor(service.token('messages:send', { channels: ['blip'] }));
    expect(await ask('/v1/session', { headers })).toMatchObject({
      status: 200,
      body: { scopes: ['messages:send'], channels: ['blip'] },
    });
    expect(await ask('/v1/session', {})).toMatchObject({ status: 401, body: { code: 'auth.missing' } });
  });

  it.each<[string, Call['headers'], number]>([
    ['with the header', own, 404],
    ['with the header from its own page', { ...own, 'sec-fetch-site': 'same-origin' }, 404],
    ['without the header', {}, 403],
    ['from another site', { ...own, 'sec-fetch-site': 'cross-site' }, 403],
    ['from a bookmark', { ...own, 'sec-fetch-site': 'none' }, 403],
  ])('changes something only from our own pages: %s', async (_, headers, status) => {
    const path = '/v1/media/01a1fd86-7643-7000-8b24-0d479f8d70bd/retry';
    const answer = await ask(path, {
      method: 'post',
      headers: { ...cookieFor(service.token('admin')), ...headers },
    });
    expect(answer.status).toBe(status);
    expect(answer.body['code']).toBe(status === 403 ? 'auth.csrf' : 'media.not_found');
  });

  it('uploads only from our own pages', async () => {
    const cookie = `inlet_session=${service.token('messages:send')}`;
    const withCookie = (headers: Readonly<Record<string, string>>) =>
      upload<{ code?: string }>(service, {
        headers: { cookie, ...headers },
        file: Buffer.from('<!doctype html>'),
      });
    expect((await withCookie({})).body.code).toBe('auth.csrf');
    expect((await withCookie(own)).body.code).toBe('upload.refused');
  });

  it('is not needed beside a token in the header, which needs no header of pages', async () => {
    const path = '/v1/media/01a1fd86-7643-7000-8b24-0d479f8d70bd/retry';
    const headers = { ...cookieFor('not.a.token'), 'sec-fetch-site': 'cross-site' };
    expect((await ask(path, { method: 'post', token: service.token('admin'), headers })).status).toBe(404);
  });

  it.each([
    ['twice', (token: string) => `inlet_session=${token}; inlet_session=${token}`, 'auth.missing'],
    ['under another name', (token: string) => `x_inlet_session=${token}`, 'auth.missing'],
    ['with something behind it', (token: string) => `inlet_session=${token}=`, 'auth.invalid'],
    ['in quotes', (token: string) => `inlet_session="${token}"`, 'auth.invalid'],
    ['empty', () => 'inlet_session=', 'auth.invalid'],
  ])('is none when its cookie comes %s', async (_, cookie, code) => {
    const answer = await ask('/v1/media', { headers: { cookie: cookie(service.token('admin')) } });
    expect(answer).toMatchObject({ status: 401, body: { code } });
  });

  it('ends with signing out, from our own pages only, and signing out twice is fine', async () => {
    expect(await ask('/v1/session', { method: 'delete' })).toMatchObject({
      status: 403,
      body: { code: 'auth.csrf' },
    });
    const answer = await ask('/v1/session', { method: 'delete', headers: own });
    expect(answer.status).toBe(204);
    expect(setCookie(answer)).toMatch(/^inlet_session=; .*Path=\/; .*HttpOnly; SameSite=Strict/);
    expect(/Expires=([^;]+)/.exec(setCookie(answer))?.[1]).toBe('Thu, 01 Jan 1970 00:00:00 GMT');
  });

  it('knows no other methods', async () => {
    expect(await ask('/v1/session', { method: 'put', headers: own })).toMatchObject({
      status: 405,
      headers: { allow: 'GET, HEAD, POST, DELETE' },
    });
  });
});
