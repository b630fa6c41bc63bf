import { describe, expect, test } from '@jest/globals';

import { zApi } from '../../src/providers/z-api/index.js';
import { receivedAt } from './fixtures.js';

const secret = 'of-the-address-0123456789';
const instanceToken = 'F00D0123456789ABCDEF0123';
const rawBody = Buffer.from('{}');

type Settings = Readonly<Record<string, string>>;

function isProven(settings: Settings, headers: Settings, query: Settings = {}): boolean {
  const { verify } = zApi.load(settings, () => receivedAt);
  return verify({ rawBody, headers, query, receivedAt }).ok;
}

describe('the header that Z-API sets by itself', () => {
  test('proves a call where the operator has said what is in it', () => {
    const settings = { headerToken: instanceToken };
    expect(isProven(settings, { 'z-api-token': instanceToken })).toBe(true);
  });

  test('proves a call besides the secret of the address, and the secret goes on to do so', () => {
    const settings = { webhookSecret: secret, headerToken: instanceToken };
    expect(isProven(settings, { 'z-api-token': instanceToken })).toBe(true);
    expect(isProven(settings, { 'z-api-token': 'another one' }, { token: secret })).toBe(true);
    expect(isProven(settings, { 'z-api-token': 'another one' }, { token: 'wrong' })).toBe(false);
  });

  test('may hold one of several, while one is changed for another', () => {
    const settings = { headerToken: `${instanceToken}, the-token-of-the-account` };
    expect(isProven(settings, { 'z-api-token': 'the-token-of-the-account' })).toBe(true);
    expect(isProven(settings, { 'z-api-token': settings.headerToken })).toBe(false);
  });

  test('proves nothing else than what it was said to hold', () => {
    // The token that sends is no proof by itself: nobody has said that webhooks carry it.
    const sending = { webhookSecret: secret, instanceId: 'INSTANCE', token: instanceToken };
    expect(isProven(sending, { 'z-api-token': instanceToken })).toBe(false);
    const settings = { webhookSecret: secret, headerToken: instanceToken };
    for (const token of ['', secret, instanceToken.toLowerCase(), `${instanceToken} `])
      expect(isProven(settings, { 'z-api-token': token })).toBe(false);
    expect(isProven(settings, { 'x-inlet-token': instanceToken })).toBe(false);
    expect(isProven(settings, {}, { token: instanceToken })).toBe(false);
  });
});
