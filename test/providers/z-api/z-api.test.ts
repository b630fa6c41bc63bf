import { describe, expect, test } from '@jest/globals';

import { zApi } from '../../../src/providers/z-api/index.js';
import { receivedAt, webhookOf } from '../fixtures.js';

const secret = 'of-the-address-0123456789';
const instanceToken = 'F00D0123456789ABCDEF0123';
const rawBody = Buffer.from('{}');

type Settings = Readonly<Record<string, string>>;

function isProven(settings: Settings, headers: Settings, query: Settings = {}): boolean {
  const { verify } = zApi.load(settings, () => receivedAt);
  return verify(webhookOf(rawBody, { headers, query })).ok;
}

describe('the header that Z-API sets by itself', () => {
  test('verifies a call if the operator has configured its value', () => {
    const settings = { headerToken: instanceToken };
    expect(isProven(settings, { 'z-api-token': instanceToken })).toBe(true);
  });

  test('verifies a call in addition to the secret in the URL, which remains valid', () => {
    const settings = { webhookSecret: secret, headerToken: instanceToken };
    expect(isProven(settings, { 'z-api-token': instanceToken })).toBe(true);
    expect(isProven(settings, { 'z-api-token': 'another one' }, { token: secret })).toBe(true);
    expect(isProven(settings, { 'z-api-token': 'another one' }, { token: 'wrong' })).toBe(false);
  });

  test('may have one of several values during a rotation', () => {
    const settings = { headerToken: `${instanceToken}, the-token-of-the-account` };
    expect(isProven(settings, { 'z-api-token': 'the-token-of-the-account' })).toBe(true);
    expect(isProven(settings, { 'z-api-token': settings.headerToken })).toBe(false);
  });

  test('is only accepted with the configured value', () => {
    // The token for sending does not verify webhooks by itself, because the operator has not configured it
    // for that.
    const sending = { webhookSecret: secret, instanceId: 'INSTANCE', token: instanceToken };
    expect(isProven(sending, { 'z-api-token': instanceToken })).toBe(false);
    const settings = { webhookSecret: secret, headerToken: instanceToken };
    for (const token of ['', secret, instanceToken.toLowerCase(), `${instanceToken} `])
      expect(isProven(settings, { 'z-api-token': token })).toBe(false);
    expect(isProven(settings, { 'x-inlet-token': instanceToken })).toBe(false);
    expect(isProven(settings, {}, { token: instanceToken })).toBe(false);
  });
});
