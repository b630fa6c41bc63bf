/** Who may do what: tokens, scopes and channels. */
import { createHmac, generateKeyPairSync } from 'node:crypto';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import jwt from 'jsonwebtoken';

import {
  call,
  postWebhook,
  upload,
  type Call,
  type DeliverySummary,
  type MediaView,
  type Page,
  type Receipt,
} from '../../support/client.js';
import { picture } from '../../support/payloads.js';
import { authSecret, startTestService, type TestService } from '../../support/test-service.js';

let service: TestService;
let own: Receipt;
let foreign: Receipt;

beforeAll(async () => {
  service = await startTestService({ queue: false });
  own = (await postWebhook(service, 'z-api', picture('z-api', { messageId: 'own' }))).body;
  foreign = (await postWebhook(service, 'blip', picture('blip', { messageId: 'foreign' }))).body;
});

afterAll(() => service.stop());

const nothing = '01a1fd86-7643-7000-8b24-0d479f8d70bd';

/** Every route that asks for a token, with the scope it needs. */
const routes: readonly { method: NonNullable<Call['method']>; path: string; scope: string }[] = [
  { method: 'get', path: '/v1/media', scope: 'media:read' },
  { method: 'get', path: `/v1/media/${nothing}`, scope: 'media:read' },
  { method: 'get', path: `/v1/media/${nothing}/content`, scope: 'media:read' },
  { method: 'head', path: `/v1/media/${nothing}/content`, scope: 'media:read' },
  { method: 'get', path: `/v1/media/${nothing}/preview`, scope: 'media:read' },
  { method: 'post', path: `/v1/media/${nothing}/link`, scope: 'media:read' },
  { method: 'get', path: '/v1/messages/z-api/none', scope: 'media:read' },
  { method: 'post', path: '/v1/media', scope: 'messages:send' },
  { method: 'post', path: `/v1/media/${nothing}/retry`, scope: 'admin' },
  { method: 'get', path: '/v1/deliveries', scope: 'admin' },
  { method: 'get', path: `/v1/deliveries/${nothing}`, scope: 'admin' },
  { method: 'post', path: `/v1/deliveries/${nothing}/replay`, scope: 'admin' },
];

describe.each(routes)('$method $path', ({ method, path, scope }) => {
  const others = ['media:read', 'messages:send'].filter((other) => other !== scope);

  it('asks for a token', async () => {
    const answer = await call(service.url, path, { method });
    expect(answer.status).toBe(401);
    expect(answer.headers['www-authenticate']).toMatch(/^Bearer/);
  });

  it.each(others)(`does not take one with the scope %s`, async (other) => {
    expect((await call(service.url, path, { method, token: service.token(other) })).status).toBe(403);
  });

  it.each([scope, 'admin', 'messages:send media:read admin'])(
    'takes one with the scope %s',
    async (granted) => {
      const { status } = await call(service.url, path, { method, token: service.token(granted) });
      expect([200, 400, 404]).toContain(status);
    },
  );
});

describe('a token', () => {
  const ask = (authorization: string) => call(service.url, '/v1/media', { headers: { authorization } });
  const genuine = () => service.token('media:read');
  const claimsOf = (token: string) => jwt.decode(token) as jwt.JwtPayload;
  const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const publicPem = publicKey.export({ type: 'spki', format: 'pem' }).toString();

  it('is asked for', async () => {
    expect(await call(service.url, '/v1/media')).toMatchObject({
      status: 401,
      headers: {
        'content-type': expect.stringMatching(/^application\/problem\+json/),
        'www-authenticate': 'Bearer realm="inlet"',
      },
      body: { code: 'auth.missing' },
    });
  });

  it('may be introduced in any letters', async () => {
    expect((await ask(`bearer ${genuine()}`)).status).toBe(200);
  });

  it('that has expired says so', async () => {
    const token = service.token('media:read', { expiresInSeconds: -1 });
    expect(await ask(`Bearer ${token}`)).toMatchObject({ status: 401, body: { code: 'auth.expired' } });
    const fresh = service.token('media:read', { expiresInSeconds: 60 });
    expect((await ask(`Bearer ${fresh}`)).status).toBe(200);
  });

  it.each<[string, () => string]>([
    ['nothing after the scheme', () => 'Bearer'],
    ['another scheme', () => `Basic ${Buffer.from('user:password').toString('base64')}`],
    ['no token', () => 'Bearer nonsense'],
    ['three words', () => 'Bearer not.a.token'],
    ['a token without its scheme', genuine],
    ['two tokens', () => `Bearer ${genuine()} ${genuine()}`],
    ['a token with another signature', () => `Bearer ${genuine().replace(/[^.]+$/, 'AAAA')}`],
    [
      'a token with other claims',
      () => {
        const [header = '', , signature = ''] = genuine().split('.');
        return `Bearer ${header}.${encode({ ...claimsOf(genuine()), scope: 'admin' })}.${signature}`;
      },
    ],
    ['alg none', () => `Bearer ${encode({ alg: 'none', typ: 'JWT' })}.${encode(claimsOf(genuine()))}.`],
    [
      'alg none with a signature',
      () => {
        const [, claims = '', signature = ''] = genuine().split('.');
        return `Bearer ${encode({ alg: 'none', typ: 'JWT' })}.${claims}.${signature}`;
      },
    ],
    ['RS256', () => `Bearer ${jwt.sign(claimsOf(genuine()), privateKey, { algorithm: 'RS256' })}`],
    [
      'HS256 with a public key as its secret',
      () => {
        const signed = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claimsOf(genuine()))}`;
        return `Bearer ${signed}.${createHmac('sha256', publicPem).update(signed).digest('base64url')}`;
      },
    ],
    ['the secret itself as key', () => `Bearer ${jwt.sign(claimsOf(genuine()), authSecret)}`],
    ['an empty key', () => `Bearer ${encode({ alg: 'HS256' })}.${encode(claimsOf(genuine()))}.AAAA`],
  ])('is not believed: %s', async (_, authorization) => {
    expect(await ask(authorization())).toMatchObject({
      status: 401,
      body: { code: 'auth.invalid', detail: expect.not.stringContaining('eyJ') },
    });
  });

  it('is not taken from the address', async () => {
    const path = `/v1/media?access_token=${genuine()}&token=${genuine()}`;
    expect(await call(service.url, path)).toMatchObject({ status: 401, body: { code: 'auth.missing' } });
  });

  it('has a rate limit of its own, whatever other tokens do', async () => {
    const busy = await startTestService({ queue: false, env: { API_REQUESTS_PER_MINUTE: '2' } });
    try {
      const one = busy.token('media:read');
      const other = busy.token('media:read');
      const statusFor = async (token: string) => (await call(busy.url, '/v1/media', { token })).status;
      expect([await statusFor(one), await statusFor(one)]).toEqual([200, 200]);

      const limited = await call(busy.url, '/v1/media', { token: one });
      expect(limited).toMatchObject({ status: 429, body: { code: 'request.rate_limited' } });
      expect(Number(limited.headers['retry-after'])).toBeGreaterThanOrEqual(1);
      expect(await statusFor(other)).toBe(200);
    } finally {
      await busy.stop();
    }
  });
});

describe('a token that is limited to channels', () => {
  const limited = (scope: string, channels = ['z-api', 'sobot']): string =>
    service.token(scope, { channels });
  const ids = async (query: string, token: string): Promise<string[]> =>
    (await call<Page<MediaView>>(service.url, `/v1/media?${query}`, { token })).body.items.map(
      ({ id }) => id,
    );

  it('lists what is theirs, whatever is asked for', async () => {
    expect(await ids('', limited('media:read'))).toEqual(own.media);
    expect(await ids('channel=z-api', limited('media:read'))).toEqual(own.media);
    expect(await ids('channel=blip', limited('media:read'))).toEqual([]);
    expect(await ids('provider=blip', limited('media:read'))).toEqual([]);
    expect(await ids('', limited('media:read', ['vonage']))).toEqual([]);
    expect((await ids('', service.token('media:read'))).length).toBe(2);
  });

  it.each<[NonNullable<Call['method']>, string]>([
    ['get', ''],
    ['get', '/content'],
    ['get', '/preview?size=small'],
    ['post', '/link'],
    ['post', '/retry'],
  ])('knows of no other media: %s %s', async (method, suffix) => {
    const answer = await call(service.url, `/v1/media/${String(foreign.media[0])}${suffix}`, {
      method,
      token: limited('admin'),
    });
    expect(answer).toMatchObject({ status: 404, body: { code: 'media.not_found' } });
    const missing = await call(service.url, `/v1/media/${nothing}${suffix}`, {
      method,
      token: limited('admin'),
    });
    expect(missing.body).toEqual(answer.body);
  });

  it('knows of its own', async () => {
    const token = limited('media:read');
    expect((await call(service.url, `/v1/media/${String(own.media[0])}`, { token })).status).toBe(200);
    expect((await call(service.url, '/v1/messages/z-api/own', { token })).status).toBe(200);
  });

  it('knows of no other message', async () => {
    const token = limited('media:read');
    expect(await call(service.url, '/v1/messages/blip/foreign', { token })).toMatchObject({
      status: 404,
      body: { code: 'message.not_found' },
    });
  });

  it('knows of no other delivery', async () => {
    const token = limited('admin');
    for (const [method, path] of [
      ['get', foreign.delivery],
      ['post', `${foreign.delivery}/replay`],
    ] as const)
      expect(await call(service.url, `/v1/deliveries/${path}`, { method, token })).toMatchObject({
        status: 404,
        body: { code: 'delivery.not_found' },
      });
    const page = await call<Page<DeliverySummary>>(service.url, '/v1/deliveries', { token });
    expect(page.body.items.map(({ id }) => id)).toEqual([own.delivery]);
    const none = await call<Page<DeliverySummary>>(service.url, '/v1/deliveries?channel=blip', { token });
    expect(none.body.items).toEqual([]);
  });

  it('uploads for no other channel', async () => {
    const file = Buffer.from('%PDF-1.7');
    const fields = { channel: 'blip', kind: 'document' };
    expect(await upload(service, { token: limited('messages:send'), file, fields })).toMatchObject({
      status: 400,
      body: { errors: [{ field: 'channel' }] },
    });
  });
});
