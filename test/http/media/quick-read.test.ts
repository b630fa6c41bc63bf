/** A single media item is answered before Express, in the same way. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { call, postWebhook, type Answer, type MediaView } from '../../support/client.js';
import { picture, zApiMedia } from '../../support/payloads.js';
import { startTestService, type TestService } from '../../support/test-service.js';

let service: TestService;
let id: string;
let long: string;
beforeAll(async () => {
  service = await startTestService({ queue: false });
  [id = ''] = (
    await postWebhook(service, 'z-api', picture('z-api', { url: 'https://cdn.example.com/1.jpg' }))
  ).body.media;
  const caption = 'a rose '.repeat(1_000);
  const url = 'https://cdn.example.com/2.jpg';
  [long = ''] = (await postWebhook(service, 'z-api', zApiMedia({ url, caption }))).body.media;
});
afterAll(() => service.stop());

/** Express answers a request with a query. */
const viaExpress = '?wait=0';

const ask = (path: string, token = service.token('media:read')) =>
  call<MediaView & { code?: string }>(service.url, `/v1/media/${path}`, { token });

/** What does not differ between two requests. */
function stable({ status, headers, body }: Answer<unknown>): unknown {
  const { date, 'x-request-id': requestId, ratelimit, ...others } = headers;
  expect([date, requestId, ratelimit].map((value) => typeof value)).toEqual(['string', 'string', 'string']);
  return { status, others, body };
}

test('a media item has the same answer and the same headers', async () => {
  const token = service.token('media:read');
  const quick = await ask(id, token);
  expect(quick).toMatchObject({ status: 200, body: { id } });
  expect(stable(quick)).toEqual(stable(await ask(id + viaExpress, token)));
});

test('a long answer is compressed by Express', async () => {
  const token = service.token('media:read');
  const { headers } = await call(service.url, `/v1/media/${long}`, {
    token,
    headers: { 'accept-encoding': 'gzip' },
  });
  expect(headers).toMatchObject({ 'content-encoding': 'gzip', vary: 'Accept-Encoding' });
  expect((await ask(long, token)).body.message?.caption?.length).toBeGreaterThan(5_000);
});

test('failures have the same answer and the same headers', async () => {
  const unknown = '01980000-0000-7000-8000-000000000001';
  const elsewhere = service.token('media:read', { channels: ['blip'] });
  const cases = [
    { path: unknown, token: service.token('media:read'), code: 'media.not_found' },
    { path: id, token: elsewhere, code: 'media.not_found' },
    { path: id, token: service.token('messages:send'), code: 'auth.scope' },
    { path: id, token: 'not-a-token', code: 'auth.invalid' },
  ];
  for (const { path, token, code } of cases) {
    const quick = await ask(path, token);
    expect(quick.body).toMatchObject({ code });
    const { status, body } = await ask(path + viaExpress, token);
    expect({ status: quick.status, body: quick.body }).toEqual({ status, body });
  }
});

test('a revoked token is refused at once, whether the media item exists or not', async () => {
  const admin = service.token('admin');
  const made = await call<{ id: string; token: string }>(service.url, '/v1/tokens', {
    method: 'post',
    token: admin,
    json: { scopes: ['media:read'], name: 'to be revoked' },
  });
  expect((await ask(id, made.body.token)).status).toBe(200);
  await call(service.url, `/v1/tokens/${made.body.id}`, { method: 'delete', token: admin });
  for (const path of [id, '01980000-0000-7000-8000-000000000001'])
    expect(await ask(path, made.body.token)).toMatchObject({ status: 401, body: { code: 'auth.revoked' } });
});

test('requests count towards the limit of the token', async () => {
  const token = service.token('media:read');
  const left = async (): Promise<number> =>
    Number(/r=(\d+)/.exec((await ask(id, token)).headers['ratelimit'] ?? '')?.[1]);
  const before = await left();
  expect(await left()).toBe(before - 1);
});
