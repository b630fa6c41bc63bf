/** What is answered to requests that nobody expects, and what comes with every answer. */
import { gzipSync } from 'node:zlib';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { call, postWebhook, type Call } from '../../support/client.js';
import { picture } from '../../support/payloads.js';
import { startTestService, type TestService } from '../../support/test-service.js';

let service: TestService;
let admin: string;

beforeAll(async () => {
  service = await startTestService({ queue: false });
  admin = service.token('admin');
});

afterAll(() => service.stop());

const damaged = 'the compressed body is damaged';
const tooMany = 'the body has more than 262144 bytes';
const id = '01a1fd86-7643-7000-8b24-0d479f8d70bd';

describe('a route that does not exist', () => {
  it.each<[NonNullable<Call['method']>, string]>([
    ['get', '/v1'],
    ['get', '/v2/media'],
    ['get', '/v1/media/a/b/c'],
    ['post', '/health/live/x'],
    ['get', '/webhooks'],
    ['get', '/webhooks/'],
    ['get', '/.env'],
    ['get', '/../../etc/passwd'],
    ['get', '/%2e%2e/%2e%2e/etc/passwd'],
    ['get', '/<script>alert(1)</script>'],
  ])('is a problem: %s %s', async (method, path) => {
    const answer = await call(service.url, path, { method });
    expect(answer).toMatchObject({
      status: 404,
      headers: { 'content-type': expect.stringMatching(/^application\/problem\+json/) },
      body: {
        type: 'urn:inlet:problem:request.not_found',
        title: 'Not Found',
        status: 404,
        code: 'request.not_found',
        detail: expect.any(String),
      },
    });
  });

  it.each(['/v1/media/%', '/v1/messages/z-api/%ff', '/webhooks/%'])(
    'is a problem, too, when it cannot be decoded: %s',
    async (path) => {
      const answer = await call(service.url, path, { token: admin });
      expect(answer).toMatchObject({
        status: 400,
        headers: { 'content-type': expect.stringMatching(/^application\/problem\+json/) },
        body: { code: 'request.invalid' },
      });
    },
  );
});

describe('a method that a route does not know', () => {
  it.each<[NonNullable<Call['method']>, string, string]>([
    ['put', '/v1/media', 'GET, HEAD, POST'],
    ['patch', '/v1/media', 'GET, HEAD, POST'],
    ['post', `/v1/media/${id}`, 'DELETE, GET, HEAD, PATCH'],
    ['post', `/v1/media/${id}/content`, 'GET, HEAD'],
    ['delete', `/v1/media/${id}/preview`, 'GET, HEAD'],
    ['get', `/v1/media/${id}/link`, 'POST'],
    ['get', `/v1/media/${id}/retry`, 'POST'],
    ['delete', '/v1/messages/z-api/x', 'GET, HEAD'],
    ['post', '/v1/deliveries', 'GET, HEAD'],
    ['get', `/v1/deliveries/${id}/replay`, 'POST'],
    ['post', '/health/live', 'GET, HEAD'],
    ['put', '/health/ready', 'GET, HEAD'],
  ])('is answered 405 with those that it knows: %s %s', async (method, path, allowed) => {
    const answer = await call(service.url, path, { method, token: admin });
    expect(answer).toMatchObject({ status: 405, body: { code: 'request.method_not_allowed' } });
    expect(answer.headers['allow']?.split(', ').sort()).toEqual(allowed.split(', ').sort());
  });
});

describe('a JSON body', () => {
  const post = (raw: string | Buffer, type = 'application/json') =>
    call(service.url, `/v1/media/${id}/link`, {
      method: 'post',
      token: admin,
      raw,
      headers: { 'content-type': type },
    });

  it.each(['{', 'nonsense', '{"a":}', '"text"', '42', 'null\u0000'])(
    'that is none is refused: %j',
    async (raw) => {
      const answer = await post(raw);
      expect(answer).toMatchObject({
        status: 400,
        headers: { 'content-type': expect.stringMatching(/^application\/problem\+json/) },
        body: { code: 'request.invalid' },
      });
      expect(JSON.stringify(answer.body)).not.toContain('nonsense');
    },
  );

  it('that is too large is refused', async () => {
    const answer = await post(JSON.stringify({ a: 'x'.repeat(300_000) }));
    expect(answer).toMatchObject({ status: 413, body: { code: 'request.too_large' } });
  });

  it('in a charset that nobody knows is refused', async () => {
    expect(await post('{}', 'application/json; charset=nonsense')).toMatchObject({
      status: 415,
      body: { code: 'request.unsupported_type' },
    });
  });

  it.each<[string, string | Buffer, Record<string, string>, number, string]>([
    ['is no JSON', '{note:1}', {}, 400, 'the body is not a JSON object or list'],
    ['has something behind it', '{}x', {}, 400, 'the body is not a JSON object or list'],
    ['is nested', `{"a":${'['.repeat(200)}${']'.repeat(200)}}`, {}, 400, 'the body is nested too deeply'],
    ['is large', JSON.stringify({ a: 'x'.repeat(300_000) }), {}, 413, tooMany],
    [
      'is Latin-1',
      '{}',
      { 'content-type': 'application/json; charset=iso-8859-1' },
      415,
      'the body is not UTF-8: send it without a charset',
    ],
    [
      'is compressed twice',
      gzipSync(gzipSync('{}')),
      { 'content-encoding': 'gzip, gzip' },
      415,
      'the compression of the body is unknown: use gzip, deflate or br, or none',
    ],
    ['is cut off', gzipSync('{}').subarray(0, 15), { 'content-encoding': 'gzip' }, 400, damaged],
    ['is not compressed', '{}', { 'content-encoding': 'gzip' }, 400, damaged],
    ['is not compressed, either', '{}', { 'content-encoding': 'br' }, 400, damaged],
    [
      'is larger than it looks',
      gzipSync(Buffer.alloc(300_000)),
      { 'content-encoding': 'gzip' },
      413,
      tooMany,
    ],
  ])('that %s is refused with its reason', async (_, raw, headers, status, detail) => {
    const { body } = await call(service.url, `/v1/media/${id}/link`, {
      method: 'post',
      token: admin,
      raw,
      headers: { 'content-type': 'application/json', ...headers },
    });
    expect(body).toMatchObject({ status, detail });
  });

  // curl -d sends a form, and a signed link must not be valid for longer than its caller has asked for.
  it.each(['application/x-www-form-urlencoded', 'text/plain', 'application/merge-patch+json'])(
    'is not ignored when its type is %s',
    async (type) => {
      const { status, body } = await post('{"expiresIn":1}', type);
      expect([status, body.code]).toEqual([415, 'request.unsupported_type']);
      expect(body.detail).toBe('send the body as JSON, with Content-Type: application/json');
    },
  );

  it('may be left out where all of its members may be', async () => {
    const answer = await call(service.url, `/v1/media/${id}/link`, { method: 'post', token: admin });
    expect(answer).toMatchObject({ status: 404, body: { code: 'media.not_found' } });
  });

  it('is not merged into anything', async () => {
    expect(await post('{"__proto__":{"admin":true},"constructor":1}')).toMatchObject({ status: 400 });
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });
});

describe('every answer of the API', () => {
  it.each(['/health/live', '/v1/media', '/v1/nothing', `/v1/media/${id}`])(
    'says what browsers must not do: %s',
    async (path) => {
      const { headers } = await call(service.url, path, { token: admin });
      expect(headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'x-frame-options': expect.stringMatching(/^(SAMEORIGIN|DENY)$/),
        'referrer-policy': 'no-referrer',
        'content-security-policy': expect.any(String),
        'cross-origin-opener-policy': 'same-origin',
      });
      expect(headers).not.toHaveProperty('x-powered-by');
    },
  );

  it('comes without the name of what made it, for webhooks as well', async () => {
    const { headers } = await postWebhook(service, 'z-api', picture('z-api'));
    expect(headers).not.toHaveProperty('x-powered-by');
    expect(headers).not.toHaveProperty('server');
  });

  it('says nothing of what went wrong inside', async () => {
    await service.database.goAway();
    try {
      const answer = await call(service.url, '/v1/media', { token: admin });
      expect(answer.status).toBeGreaterThanOrEqual(500);
      expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
      expect(answer.bytes.toString()).not.toMatch(/prisma|postgres|select|inlet_test|127\.0\.0\.1| at /i);
    } finally {
      await service.database.comeBack();
    }
  });
});
