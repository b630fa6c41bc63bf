import { generateKeyPairSync, randomBytes } from 'node:crypto';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import jwt from 'jsonwebtoken';

import {
  failsFirst,
  requiresApplicationJwt,
  requiresKey,
  requiresSharedAccess,
  sharedAccessQuery,
} from '../../src/demo/media-checks.js';
import { bytes, endless, filledUpTo, startMediaHost, type MediaHost } from '../../src/demo/media-host.js';

const file = bytes('image/jpeg', Buffer.from('a picture'));
let host: MediaHost;
beforeAll(async () => {
  host = await startMediaHost();
});
afterAll(() => host.close());

describe('files', () => {
  test('are served with type and length', async () => {
    const response = await fetch(host.serve('/plain', file));
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('image/jpeg');
    expect(response.headers.get('content-length')).toBe('9');
    expect(await response.text()).toBe('a picture');
  });

  test('can be created on request', async () => {
    let made = 0;
    const link = host.serve(
      '/lazy',
      bytes('text/plain', () => Buffer.from(`number ${String((made += 1))}`)),
    );
    expect(made).toBe(0);
    expect(await (await fetch(link)).text()).toBe('number 1');
    expect(await (await fetch(link)).text()).toBe('number 2');
  });

  test('that are larger than a chunk arrive completely', async () => {
    const large = randomBytes(1_000_003);
    const response = await fetch(host.serve('/large', bytes('application/octet-stream', large)));
    expect(Buffer.from(await response.arrayBuffer()).equals(large)).toBe(true);
  });

  test('answer HEAD without a body, and refuse methods other than GET and HEAD', async () => {
    const link = host.serve('/head', file);
    const head = await fetch(link, { method: 'HEAD' });
    expect(head.headers.get('content-length')).toBe('9');
    expect(await head.text()).toBe('');
    expect((await fetch(link, { method: 'DELETE' })).status).toBe(405);
  });

  test('that do not exist are not found', async () => {
    expect((await fetch(`${host.origin}/nothing`)).status).toBe(404);
  });

  test('can declare their size', async () => {
    const link = host.serve('/filled', filledUpTo(200_000, 'image/jpeg', Buffer.from('head')));
    const response = await fetch(link);
    expect(response.headers.get('content-length')).toBe('200000');
    const body = Buffer.from(await response.arrayBuffer());
    expect(body.length).toBe(200_000);
    expect(body.toString('latin1', 0, 4)).toBe('head');
  });

  test('can continue without end, until the client disconnects', async () => {
    const response = await fetch(host.serve('/endless', endless('image/jpeg', Buffer.from('head'))));
    expect(response.headers.get('content-length')).toBeNull();
    let read = 0;
    for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
      read += chunk.length;
      if (read > 5_000_000) break;
    }
    expect(read).toBeGreaterThan(5_000_000);
    expect((await fetch(host.serve('/after', file))).status).toBe(200);
  });
});

test('requests are recorded, and whether they had credentials', async () => {
  const link = host.serve('/recorded', file);
  const before = host.requests.length;
  await fetch(`${link}?x=1`);
  await fetch(link, { headers: { authorization: 'Bearer nonsense' } });
  const recorded = host.requests.slice(before);
  expect(recorded.map(({ url, hadCredentials }) => [url.pathname + url.search, hadCredentials])).toEqual([
    ['/recorded?x=1', false],
    ['/recorded', true],
  ]);
  expect(Date.now() - (recorded[0]?.at.getTime() ?? 0)).toBeLessThan(60_000);
});

test('a host that fails first works afterwards', async () => {
  const link = host.serve('/flaky', file, [failsFirst(2, 1)]);
  const answers = [await fetch(link), await fetch(link), await fetch(link), await fetch(link)];
  expect(answers.map(({ status }) => status)).toEqual([503, 503, 200, 200]);
  expect(answers[0]?.headers.get('retry-after')).toBe('1');
});

test('a key must match exactly', async () => {
  const link = host.serve('/keyed', file, [requiresKey('c2VjcmV0')]);
  const status = async (authorization?: string) =>
    (await fetch(link, authorization === undefined ? {} : { headers: { authorization } })).status;
  expect(await status()).toBe(401);
  expect(await status('Key b3RoZXI=')).toBe(401);
  expect(await status('Bearer c2VjcmV0')).toBe(401);
  expect(await status('Key c2VjcmV0')).toBe(200);
});

describe('a token of the application', () => {
  const encoding = {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  } as const;
  const ours = generateKeyPairSync('rsa', encoding);
  const theirs = generateKeyPairSync('rsa', encoding);
  const claims = { application_id: 'app-1', jti: 'once' };
  const now = Math.floor(Date.now() / 1000);
  const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.`;

  test.each<[string, string, number]>([
    ['is accepted', jwt.sign(claims, ours.privateKey, { algorithm: 'RS256' }), 200],
    ['of another key is refused', jwt.sign(claims, theirs.privateKey, { algorithm: 'RS256' }), 401],
    ['with another algorithm is refused', jwt.sign(claims, 'a-shared-secret', { algorithm: 'HS256' }), 401],
    ['that is not signed is refused', unsigned, 401],
    [
      'of another application is refused',
      jwt.sign({ ...claims, application_id: 'app-2' }, ours.privateKey, { algorithm: 'RS256' }),
      401,
    ],
    [
      'without an id is refused',
      jwt.sign({ application_id: 'app-1' }, ours.privateKey, { algorithm: 'RS256' }),
      401,
    ],
    [
      'that has expired is refused',
      jwt.sign({ ...claims, iat: now - 100, exp: now - 50 }, ours.privateKey, { algorithm: 'RS256' }),
      401,
    ],
  ])('%s', async (_name, token, status) => {
    const check = requiresApplicationJwt({ publicKey: ours.publicKey, applicationId: 'app-1' });
    const link = host.serve('/v3/media/1', file, [check]);
    expect((await fetch(link, { headers: { authorization: `Bearer ${token}` } })).status).toBe(status);
    expect((await fetch(link)).status).toBe(401);
  });
});

test('a shared access link works only for its path and until it expires', async () => {
  const key = randomBytes(32);
  let now = new Date('2026-11-21T10:00:00Z');
  const link = host.serve('/secure-medias/Media_1', file, [requiresSharedAccess(key, () => now)]);
  host.serve('/secure-medias/Media_2', file, [requiresSharedAccess(key, () => now)]);
  const times = { from: new Date('2026-11-21T09:45:00Z'), until: new Date('2026-11-21T10:15:00Z') };
  const query = sharedAccessQuery({ key, path: '/secure-medias/Media_1', ...times });
  expect(query).toContain('se=2026-11-21T10%3A15%3A00Z');

  expect((await fetch(`${link}?${query}`)).status).toBe(200);
  expect((await fetch(link)).status).toBe(403);
  expect((await fetch(`${host.origin}/secure-medias/Media_2?${query}`)).status).toBe(403);
  expect((await fetch(`${link}?${query.replace('10%3A15', '11%3A15')}`)).status).toBe(403);

  now = new Date('2026-11-21T10:15:00Z');
  const expired = await fetch(`${link}?${query}`);
  expect(expired.status).toBe(403);
  expect(expired.headers.get('content-type')).toBe('application/xml');
  expect(await expired.text()).toContain('<Code>AuthenticationFailed</Code>');
});
