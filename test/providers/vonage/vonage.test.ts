import { createHash, createHmac, generateKeyPairSync } from 'node:crypto';

import { describe, expect, test } from '@jest/globals';
import jwt from 'jsonwebtoken';

import { vonage } from '../../../src/providers/vonage/index.js';
import { secrets, settings, signWebhook } from '../../support/signing.js';
import { receivedAt, webhookOf } from '../fixtures.js';

const rsa = (modulusLength: number) =>
  generateKeyPairSync('rsa', {
    modulusLength,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
const { publicKey, privateKey } = rsa(2048);

const rawBody = Buffer.from('{"message_uuid":"m","message_type":"text"}');
const nowSeconds = receivedAt.getTime() / 1000;
const claims = {
  iat: nowSeconds,
  jti: 'j',
  iss: 'Vonage',
  api_key: 'abcd1234',
  payload_hash: createHash('sha256').update(rawBody).digest('hex'),
};
const base64 = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
/** Built by hand, because a library would refuse to build some of these. */
function signed(changes: object = {}): string {
  const content = `${base64({ alg: 'HS256', typ: 'JWT' })}.${base64({ ...claims, ...changes })}`;
  return `Bearer ${content}.${createHmac('sha256', secrets[0]).update(content).digest('base64url')}`;
}

const load = (values: Record<string, string | undefined>) => vonage.load(values, () => receivedAt);
const both = load(settings['vonage'] ?? {});

type Given = Partial<Record<'headers' | 'query', Record<string, string>>>;
const verdict = (given: Given, adapter = both) => adapter.verify(webhookOf(rawBody, given));
const accepts = (authorization: string, adapter = both) =>
  verdict({ headers: { authorization } }, adapter).ok;

describe('a signed webhook', () => {
  test('is accepted', () => {
    expect(accepts(signed())).toBe(true);
    expect(accepts(signed().replace('Bearer', 'bearer'))).toBe(true);
  });

  test.each([-86_400, -3600, -301, 0, 299, 300])('may be %d seconds from now', (seconds) => {
    expect(accepts(signed({ iat: nowSeconds + seconds }))).toBe(true);
  });

  test.each([-172_800, -86_401, 301, 86_400])('may not be %d seconds from now', (seconds) => {
    expect(accepts(signed({ iat: nowSeconds + seconds }))).toBe(false);
  });

  test.each([undefined, null, String(nowSeconds), {}])('requires a time, and %p is not one', (iat) => {
    expect(accepts(signed({ iat }))).toBe(false);
  });

  test('must not have expired by its own claim', () => {
    expect(accepts(signed({ exp: nowSeconds - 1 }))).toBe(false);
    expect(accepts(signed({ exp: nowSeconds + 60 }))).toBe(true);
  });

  test.each([undefined, '', 7, 'c0ffee', createHash('sha256').update('{}').digest('hex')])(
    'must be of this body, not of %j',
    (payload_hash) => {
      expect(accepts(signed({ payload_hash }))).toBe(false);
    },
  );

  test('covers the bytes, not their meaning', () => {
    const spaced = Buffer.from(`${rawBody.toString()} `);
    const proof = signWebhook('vonage', rawBody, { at: receivedAt });
    expect(both.verify(webhookOf(spaced, proof)).ok).toBe(false);
  });

  test('is not accepted without an algorithm', () => {
    expect(accepts(`Bearer ${base64({ alg: 'none', typ: 'JWT' })}.${base64(claims)}.`)).toBe(false);
    expect(accepts(`Bearer ${jwt.sign(claims, '', { algorithm: 'none' })}`)).toBe(false);
  });

  test('is not accepted with another algorithm', () => {
    expect(accepts(`Bearer ${jwt.sign(claims, secrets[0], { algorithm: 'HS384' })}`)).toBe(false);
    expect(accepts(`Bearer ${jwt.sign(claims, secrets[0], { algorithm: 'HS512' })}`)).toBe(false);
    expect(accepts(`Bearer ${jwt.sign(claims, privateKey, { algorithm: 'RS256' })}`)).toBe(false);
  });

  test('is not accepted with RS256, even if the secret is the public key', () => {
    const confused = load({ signatureSecret: publicKey });
    expect(accepts(`Bearer ${jwt.sign(claims, privateKey, { algorithm: 'RS256' })}`, confused)).toBe(false);
  });

  test.each(['', 'Bearer', 'Bearer ', 'Bearer x', 'Bearer a.b.c', 'Basic YTpi', `Bearer ${secrets[0]}`])(
    'is not %j',
    (authorization) => {
      expect(accepts(authorization)).toBe(false);
    },
  );
});

describe('a webhook without a signature', () => {
  test('is requested again if it has no token either', () => {
    expect(verdict({})).toMatchObject({ ok: false, askToResend: true });
  });

  test.each([{ headers: { 'x-inlet-token': secrets[1] } }, { query: { token: secrets[1] } }])(
    'is proven by a token: %j',
    (given: Given) => {
      expect(verdict(given)).toEqual({ ok: true });
    },
  );

  test('is refused permanently with a wrong token', () => {
    expect(verdict({ query: { token: 'wrong' } })).toEqual({ ok: false, reason: 'wrong token' });
  });

  test('is not verified by a token if no webhook secret is configured', () => {
    const onlySigned = load({ signatureSecret: secrets[0] });
    expect(verdict({ query: { token: secrets[0] } }, onlySigned).ok).toBe(false);
    expect(verdict({ query: { token: '' } }, onlySigned).ok).toBe(false);
    expect(
      onlySigned.handshake?.({
        'hub.mode': 'subscribe',
        'hub.verify_token': secrets[0],
        'hub.challenge': '1',
      }),
    ).toBeUndefined();
  });
});

describe('a webhook with a signature and a token', () => {
  const query = { token: secrets[0] };

  test('is refused if the signature is wrong', () => {
    expect(verdict({ headers: { authorization: signed({ payload_hash: '' }) }, query }).ok).toBe(false);
    expect(verdict({ headers: { authorization: '' }, query }).ok).toBe(false);
  });

  test('is accepted if the signature is valid', () => {
    expect(verdict({ headers: { authorization: signed() }, query }).ok).toBe(true);
  });

  test('is verified by the token if signatures cannot be checked', () => {
    const onlyToken = load({ webhookSecret: secrets[0] });
    expect(verdict({ headers: { authorization: signed() }, query }, onlyToken).ok).toBe(true);
    expect(verdict({ headers: { authorization: signed() } }, onlyToken)).toEqual({
      ok: false,
      reason: 'no token',
    });
  });
});

describe('the token for media', () => {
  const application = { ...settings['vonage'], applicationId: '00000000-0000-4000-8000-000000000001' };
  const url = new URL('https://api-us.nexmo.com/v3/media/x');

  function bearerAt(clock: { now: Date }, key = privateKey) {
    const { authorize } = vonage.load({ ...application, privateKey: key }, () => clock.now).downloads;
    return async () => (await authorize?.(url))?.['authorization']?.replace('Bearer ', '') ?? '';
  }

  test('is signed for the application, for 15 minutes', async () => {
    const token = await bearerAt({ now: receivedAt })();
    const { header, payload } = jwt.verify(token, publicKey, {
      algorithms: ['RS256'],
      clockTimestamp: nowSeconds,
      complete: true,
    });
    expect(header).toEqual({ alg: 'RS256', typ: 'JWT' });
    expect(payload).toEqual({
      application_id: application.applicationId,
      iat: nowSeconds,
      exp: nowSeconds + 900,
      jti: expect.stringMatching(/^[\da-f-]{36}$/),
    });
  });

  test('is reused until a minute before its expiry', async () => {
    const clock = { now: receivedAt };
    const bearer = bearerAt(clock);
    const first = await bearer();
    clock.now = new Date(receivedAt.getTime() + 839_000);
    expect(await bearer()).toBe(first);
    clock.now = new Date(receivedAt.getTime() + 840_000);
    expect(await bearer()).not.toBe(first);
  });

  test('can be made with a key on one line', async () => {
    const token = await bearerAt({ now: receivedAt }, privateKey.replaceAll('\n', '\\n'))();
    expect(() => jwt.verify(token, publicKey, { clockTimestamp: nowSeconds })).not.toThrow();
  });

  test('cannot be made without a key and an application', () => {
    expect(load(application).downloads.authorize).toBeUndefined();
    expect(load({ ...settings['vonage'], privateKey }).downloads.authorize).toBeUndefined();
  });

  test.each([
    ['no key at all', 'not a key'],
    ['a public key', publicKey],
    ['a short key', rsa(1024).privateKey],
  ])('cannot be made with %s, which the message does not repeat', (_what, key) => {
    const attempt = () => load({ ...application, privateKey: key });
    expect(attempt).toThrow(/privateKey/);
    expect(attempt).not.toThrow(key.split('\n')[1] ?? key);
  });

  test('the key may be a path', () => {
    expect(vonage.fileSettings).toEqual(['privateKey']);
  });

  test.each([
    ['api.nexmo.com', true],
    ['api-us.nexmo.com', true],
    ['api-us-1.nexmo.com', true],
    ['api-eu-3.vonage.com', true],
    ['api.nexmo.com.attacker.example', false],
    ['attacker-api.nexmo.com', false],
    ['apinexmo.com', false],
    ['api.evil.nexmo.com.example', false],
    ['nexmo.com', false],
  ])('%s may receive it: %p', (host, may) => {
    const matches = (pattern: string | RegExp) =>
      typeof pattern === 'string' ? pattern === host : pattern.test(host);
    expect(both.downloads.trustedHosts.some(matches)).toBe(may);
  });
});
