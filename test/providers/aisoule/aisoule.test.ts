import { createHmac } from 'node:crypto';

import { describe, expect, test } from '@jest/globals';

import { aisoule } from '../../../src/providers/aisoule/index.js';
import { secrets, settings } from '../../support/signing.js';
import { receivedAt, webhookOf } from '../fixtures.js';

const adapter = aisoule.load(settings['aisoule'], () => receivedAt);
const rawBody = Buffer.from('{"event":"ping","timestamp":1795255200,"data":{}}');
const mac = createHmac('sha256', secrets[0]).update(rawBody).digest('hex');
const otherMac = createHmac('sha256', secrets[0]).update('{}').digest('hex');

const accepts = (headers: Record<string, string>, body: Uint8Array = rawBody): boolean =>
  adapter.verify(webhookOf(body, { headers, query: { token: secrets[0] } })).ok;

describe('a webhook of AISoule', () => {
  test('is verified by the signature of either generation', () => {
    expect(accepts({ 'x-aisoule-signature': `sha256=${mac}` })).toBe(true);
    expect(accepts({ 'x-webhook-signature': mac })).toBe(true);
    expect(accepts({ 'x-webhook-signature': mac.toUpperCase() })).toBe(true);
  });

  test('is verified if both are present and valid', () => {
    expect(accepts({ 'x-aisoule-signature': `sha256=${mac}`, 'x-webhook-signature': mac })).toBe(true);
  });

  test('is refused if one of them is wrong', () => {
    expect(accepts({ 'x-aisoule-signature': `sha256=${mac}`, 'x-webhook-signature': otherMac })).toBe(false);
    expect(accepts({ 'x-aisoule-signature': `sha256=${otherMac}`, 'x-webhook-signature': mac })).toBe(false);
    expect(accepts({ 'x-aisoule-signature': `sha256=${mac}`, 'x-webhook-signature': '' })).toBe(false);
  });

  test.each([
    { 'x-aisoule-signature': mac },
    { 'x-webhook-signature': `sha256=${mac}` },
    { 'x-aisoule-signature': `sha1=${mac}` },
    { 'x-webhook-signature': mac.slice(0, 32) },
    { 'x-webhook-signature': `${mac}, ${mac}` },
    { 'x-hub-signature-256': `sha256=${mac}` },
    { 'x-inlet-token': secrets[0] },
  ])('is refused with %j', (headers: Record<string, string>) => {
    expect(accepts(headers)).toBe(false);
  });

  test('is refused if a single byte of its body differs', () => {
    const changed = Buffer.from(rawBody);
    changed[changed.length - 2] = 0x20;
    expect(accepts({ 'x-webhook-signature': mac }, changed)).toBe(false);
  });
});

test('the API key is sent to no media host, because its use there is not documented', () => {
  const { downloads } = aisoule.load(
    { ...settings['aisoule'], apiKey: 'key', mediaHosts: 'cdn.shop.example, 127.0.0.1:9000' },
    () => receivedAt,
  );
  expect(downloads).toEqual({ trustedHosts: ['cdn.shop.example', '127.0.0.1:9000'] });
});
