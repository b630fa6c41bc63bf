import { createHmac, generateKeyPairSync, hkdfSync } from 'node:crypto';

import { describe, expect, test } from '@jest/globals';
import jwt from 'jsonwebtoken';

import type { AppError } from '../../../src/domain/errors.js';
import { createTokenSigner } from '../../../src/infra/secrets/token-signer.js';

const secret = 'a secret of more than thirty-two characters';
const key = Buffer.from(hkdfSync('sha256', secret, '', 'inlet api tokens', 32));
let now = new Date('2026-11-21T10:00:00.000Z');
const tokens = createTokenSigner(secret, () => now);
const start = now;
const grant = { name: null, scopes: ['media:read'], channels: null, expiresInSeconds: 3_600 } as const;
const seconds = start.getTime() / 1000;

function refusal(token: string, by = tokens): string {
  try {
    by.check(token);
    return 'accepted';
  } catch (error) {
    return (error as AppError).code;
  }
}

const base64 = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A token forged with full knowledge, including the key. */
function forge(header: object, claims: object, signWith: Buffer | string = key): string {
  const body = `${base64({ typ: 'JWT', ...header })}.${base64(claims)}`;
  return `${body}.${createHmac('sha256', signWith).update(body).digest('base64url')}`;
}

const claims = { iss: 'inlet', jti: 'x', scope: 'media:read', iat: seconds };

describe('a token', () => {
  test('contains its id and its permissions', () => {
    const access = tokens.check(tokens.issue({ ...grant, scopes: ['media:read', 'messages:send'] }));
    expect(access).toEqual({
      tokenId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      name: null,
      scopes: ['media:read', 'messages:send'],
      channels: null,
      issuedAt: start,
      expiresAt: new Date(start.getTime() + 3_600_000),
    });
  });

  test('may have a name', () => {
    expect(tokens.check(tokens.issue({ ...grant, name: 'the shop' })).name).toBe('the shop');
  });

  test('may be limited to channels', () => {
    expect(tokens.check(tokens.issue({ ...grant, channels: ['blip', 'z-api'] })).channels).toEqual([
      'blip',
      'z-api',
    ]);
  });

  test('differs from every other', () => {
    const ids = Array.from({ length: 10 }, () => tokens.check(tokens.issue(grant)).tokenId);
    expect(new Set(ids).size).toBe(10);
  });

  test('expires at its time, and not before', () => {
    const token = tokens.issue(grant);
    try {
      now = new Date(start.getTime() + 3_599_000);
      expect(refusal(token)).toBe('accepted');
      now = new Date(start.getTime() + 3_600_000);
      expect(refusal(token)).toBe('auth.expired');
    } finally {
      now = start;
    }
  });

  test('without an expiry never expires', () => {
    const token = tokens.issue({ ...grant, expiresInSeconds: null });
    try {
      now = new Date('2126-01-01T00:00:00Z');
      expect(refusal(token)).toBe('accepted');
    } finally {
      now = start;
    }
  });
});

describe('not accepted is', () => {
  test('nothing wrong with a correctly forged one, which shows that these tests can forge', () => {
    expect(refusal(forge({ alg: 'HS256' }, claims))).toBe('accepted');
  });

  test.each(['none', 'None', 'NONE', 'nOnE'])('one without a signature (alg %s)', (alg) => {
    const body = `${base64({ typ: 'JWT', alg })}.${base64(claims)}`;
    expect(refusal(`${body}.`)).toBe('auth.invalid');
    expect(refusal(body)).toBe('auth.invalid');
    expect(refusal(`${body}.${'A'.repeat(43)}`)).toBe('auth.invalid');
  });

  test('one signed with the bearer’s own key pair', () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    expect(refusal(jwt.sign(claims, privateKey, { algorithm: 'RS256' }))).toBe('auth.invalid');
    const pem = publicKey.export({ type: 'spki', format: 'pem' });
    expect(refusal(forge({ alg: 'HS256' }, claims, pem))).toBe('auth.invalid');
  });

  test.each(['RS256', 'ES256', 'HS384', 'HS512', 'hs256', 'EdDSA'])(
    'one that names another algorithm (%s) over an HS256 signature',
    (alg) => {
      expect(refusal(forge({ alg }, claims))).toBe('auth.invalid');
    },
  );

  test.each(['HS384', 'HS512'] as const)('one that is validly signed with %s', (algorithm) => {
    expect(refusal(jwt.sign(claims, key, { algorithm }))).toBe('auth.invalid');
  });

  test('one that contains its own key', () => {
    const jwk = { kty: 'oct', k: Buffer.from('mine').toString('base64url') };
    expect(refusal(forge({ alg: 'HS256', jwk }, claims, 'mine'))).toBe('auth.invalid');
  });

  test('one of another secret, or of the bare secret', () => {
    expect(refusal(createTokenSigner(`${secret}.`, () => now).issue(grant))).toBe('auth.invalid');
    expect(refusal(forge({ alg: 'HS256' }, claims, secret))).toBe('auth.invalid');
  });

  test('one of another issuer, or of none', () => {
    expect(refusal(forge({ alg: 'HS256' }, { ...claims, iss: 'outlet' }))).toBe('auth.invalid');
    expect(refusal(forge({ alg: 'HS256' }, { ...claims, iss: undefined }))).toBe('auth.invalid');
  });

  test.each([
    ['an unknown scope', { scope: 'media:write' }],
    ['an unknown scope beside a known one', { scope: 'media:read root' }],
    ['no scope', { scope: undefined }],
    ['an empty scope', { scope: '' }],
    ['a list for a scope', { scope: ['admin'] }],
    ['no id', { jti: undefined }],
    ['no channels at all, which is not all channels', { channels: [] }],
    ['one text for channels', { channels: 'blip' }],
    ['a beginning in the future', { nbf: seconds + 60 }],
  ])('one with %s', (_, changed) => {
    expect(refusal(forge({ alg: 'HS256' }, { ...claims, ...changed }))).toBe('auth.invalid');
  });

  test('one with any part changed', () => {
    const [header = '', body = '', signature = ''] = tokens.issue(grant).split('.');
    const admin = base64({ ...claims, scope: 'admin' });
    const cut = signature.slice(0, -1);
    const changed = [
      `${header}.${admin}.${signature}`,
      `${base64({ alg: 'HS256', typ: 'JWT', kid: '1' })}.${body}.${signature}`,
      `${header}.${body}.${cut}`,
      `${header}.${body}.${signature}.${signature}`,
      `${header}.${body}`,
    ];
    expect(changed.map((token) => refusal(token))).toEqual(changed.map(() => 'auth.invalid'));
  });

  test.each(['', '.', '..', 'a.b.c', 'null', 'undefined', '💥', 'A'.repeat(100_000)])(
    'nonsense: %#',
    (token) => {
      expect(refusal(token)).toBe('auth.invalid');
    },
  );
});
