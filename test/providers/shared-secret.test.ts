import { describe, expect, test } from '@jest/globals';

import { sharedSecret } from '../../src/providers/kit/verification.js';
import { secrets } from '../support/signing.js';
import { webhookOf } from './fixtures.js';

const rawBody = Buffer.from('{}');

describe('a shared secret', () => {
  const { verify } = sharedSecret(secrets);
  const verdict = (headers: Record<string, string>, query: Record<string, string> = {}) =>
    verify(webhookOf(rawBody, { headers, query }));

  test('may be in the header', () => {
    expect(verdict({ 'x-inlet-token': secrets[0] })).toEqual({ ok: true });
  });

  test('may be in the header twice, but not with another value', () => {
    expect(verdict({ 'x-inlet-token': `${secrets[0]}, ${secrets[0]}` })).toEqual({ ok: true });
    expect(verdict({ 'x-inlet-token': `${secrets[0]}, ${secrets[1]}` }).ok).toBe(false);
    expect(verdict({ 'x-inlet-token': `${secrets[0]}, other` }).ok).toBe(false);
  });

  test('may be in the URL', () => {
    expect(verdict({}, { token: secrets[1] })).toEqual({ ok: true });
  });

  test('may be in the URL although a gateway adds its own header', () => {
    expect(verdict({ 'x-inlet-token': 'of a gateway' }, { token: secrets[1] })).toEqual({ ok: true });
  });

  test.each([
    '',
    ' ',
    secrets.join(','),
    secrets[0].slice(0, -1),
    `${secrets[0]} `,
    secrets[0].toUpperCase(),
  ])('is not %j', (token) => {
    expect(verdict({ 'x-inlet-token': token }, { token }).ok).toBe(false);
  });

  test('in another header proves nothing', () => {
    expect(verdict({ authorization: `Bearer ${secrets[0]}`, 'z-api-token': secrets[0] }).ok).toBe(false);
  });

  test('is never matched by an empty list', () => {
    const { verify: verifyNothing, handshake } = sharedSecret([]);
    expect(
      verifyNothing(webhookOf(rawBody, { headers: { 'x-inlet-token': '' }, query: { token: '' } })).ok,
    ).toBe(false);
    expect(
      handshake({ 'hub.mode': 'subscribe', 'hub.verify_token': '', 'hub.challenge': '1' }),
    ).toBeUndefined();
  });
});
