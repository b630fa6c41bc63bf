/** How Meta proves a webhook and a challenge, and what its adapter makes of odd payloads. */
import { createHmac } from 'node:crypto';

import { describe, expect, test } from '@jest/globals';

import type { InboundEvent, MediaSource } from '../../../src/domain/provider.js';
import { meta } from '../../../src/providers/meta/index.js';
import { secrets, settings } from '../../support/signing.js';
import { fixturesOf, receivedAt, webhookOf } from '../fixtures.js';

const adapterWith = (values: Record<string, string | undefined> = {}) =>
  meta.load({ ...settings['meta'], ...values }, () => receivedAt);
const adapter = adapterWith();

/** Meta writes other letters than those of ASCII as escapes, and so does this body. */
const rawBody = Buffer.from(
  '{"object":"whatsapp_business_account","entry":[{"id":"1","changes":[{"field":"messages","value":{"messages":[{"id":"wamid.x","from":"15550100501","type":"text","text":{"body":"caf\\u00e9 a\\/b"}}]}}]}]}',
);
const mac = (body: Uint8Array, secret: string = secrets[0], algorithm = 'sha256') =>
  createHmac(algorithm, secret).update(body).digest('hex');

const accepts = (
  headers: Record<string, string>,
  { body = rawBody, query = {} }: { body?: Uint8Array; query?: Record<string, string> } = {},
): boolean => adapter.verify(webhookOf(body, { headers, query })).ok;

describe('a webhook of Meta', () => {
  test('is verified over its raw bytes', () => {
    const headers = { 'x-hub-signature-256': `sha256=${mac(rawBody)}` };
    expect(accepts(headers)).toBe(true);
    const printedAgain = Buffer.from(JSON.stringify(JSON.parse(rawBody.toString())));
    expect(accepts(headers, { body: printedAgain })).toBe(false);
    expect(accepts({ 'x-hub-signature-256': `sha256=${mac(printedAgain)}` })).toBe(false);
  });

  test('is not verified by the older signature', () => {
    const older = `sha1=${mac(rawBody, secrets[0], 'sha1')}`;
    expect(accepts({ 'x-hub-signature': older })).toBe(false);
    expect(accepts({ 'x-hub-signature': `sha256=${mac(rawBody)}` })).toBe(false);
    expect(accepts({ 'x-hub-signature': older, 'x-hub-signature-256': older })).toBe(false);
    // It is sent beside the one that counts.
    expect(accepts({ 'x-hub-signature': older, 'x-hub-signature-256': `sha256=${mac(rawBody)}` })).toBe(true);
  });

  test.each([
    ['nothing before the digits', mac(rawBody)],
    ['the name of another algorithm', `sha1=${mac(rawBody)}`],
    ['capital letters', `sha256=${mac(rawBody).toUpperCase()}`],
    ['half of the digits', `sha256=${mac(rawBody).slice(0, 32)}`],
    ['the signature twice', `sha256=${mac(rawBody)}, sha256=${mac(rawBody)}`],
    ['Base64', `sha256=${Buffer.from(mac(rawBody), 'hex').toString('base64')}`],
    ['the secret itself', secrets[0]],
  ])('is refused with %s', (_what, signature) => {
    expect(accepts({ 'x-hub-signature-256': signature })).toBe(false);
  });

  test('is refused with the verify token, as a key and as a proof', () => {
    const token = settings['meta']?.['verifyToken'] ?? '';
    expect(accepts({ 'x-hub-signature-256': `sha256=${mac(rawBody, token)}` })).toBe(false);
    expect(accepts({ 'x-inlet-token': token }, { query: { token } })).toBe(false);
    expect(accepts({}, { query: { token: secrets[0], 'hub.verify_token': token } })).toBe(false);
  });
});

describe('a challenge of Meta', () => {
  const ask = (token: string) => ({
    'hub.mode': 'subscribe',
    'hub.verify_token': token,
    'hub.challenge': '1158201444',
  });

  test('is answered to the verify token only, not to the app secret', () => {
    expect(adapter.handshake?.(ask(settings['meta']?.['verifyToken'] ?? ''))).toBe('1158201444');
    for (const secret of secrets) expect(adapter.handshake?.(ask(secret))).toBeUndefined();
  });

  test('is not answered by a channel without a verify token', () => {
    expect(adapterWith({ verifyToken: undefined }).handshake).toBeUndefined();
  });
});

test.each(['', ' ', '1/2', '../1', '100?', 'https://evil.example'])(
  '%j is no id of a number',
  (phoneNumberId) => {
    expect(() => adapterWith({ phoneNumberId })).toThrow(/phoneNumberId/);
  },
);

const sourcesIn = (events: readonly InboundEvent[]): MediaSource[] =>
  events.flatMap((event) => (event.type === 'message' ? event.media.map(({ source }) => source) : []));

/** The source of a picture with this address. */
function sourceOf(image: object, values: Record<string, string> = {}): MediaSource | undefined {
  const message = { id: 'wamid.x', from: '15550100501', timestamp: '1795255200', type: 'image', image };
  const value = { metadata: { display_phone_number: '15550100900' }, messages: [message] };
  const payload = {
    object: 'whatsapp_business_account',
    entry: [{ changes: [{ field: 'messages', value }] }],
  };
  return sourcesIn(adapterWith(values).parse(payload, receivedAt))[0];
}

describe('a file of Meta', () => {
  const ext = 1_795_255_500;
  const at = (host: string) => `https://${host}/whatsapp_business/attachments/?mid=1&ext=${String(ext)}`;

  test('has a link until its end, and then its id', () => {
    expect(sourceOf({ id: '900', url: at('lookaside.fbsbx.com') })).toEqual({
      type: 'link',
      url: at('lookaside.fbsbx.com'),
      expiresAt: new Date(ext * 1000),
      needsCredentials: true,
      reference: '900',
    });
    expect(sourceOf({ id: '900' })).toEqual({ type: 'reference', reference: '900' });
  });

  test.each([
    ['lookaside.fbsbx.com', {}, true],
    ['graph.facebook.com', {}, true],
    ['graph.facebook.com', { apiUrl: 'https://graph.example.com' }, false],
    ['graph.example.com', { apiUrl: 'https://graph.example.com' }, true],
    ['files.example.com', {}, false],
    ['files.example.com', { mediaHosts: 'files.example.com' }, true],
    ['files.example.com:8443', { mediaHosts: 'files.example.com:443' }, false],
    ['lookaside.fbsbx.com.evil.example', {}, false],
    ['evil-lookaside.fbsbx.com', {}, false],
    ['lookaside.fbsbx.com@evil.example', {}, false],
  ])('at %s with %j needs the token: %s', (host, values, needsCredentials) => {
    expect(sourceOf({ id: '900', url: at(host) }, values)).toMatchObject({ type: 'link', needsCredentials });
  });

  test.each(['', ' ', null, 7, {}, 'media/900', 'ftp://lookaside.fbsbx.com/900', 'javascript:1', 'https://'])(
    'with the address %j is known by its id',
    (url) => {
      expect(sourceOf({ id: '900', url })).toEqual({ type: 'reference', reference: '900' });
    },
  );

  test.each(['', '0', 'soon', '-1', '99999999999999999999'])('with the end %j has none', (end) => {
    const url = `https://lookaside.fbsbx.com/?mid=1&ext=${end}`;
    expect(sourceOf({ id: '900', url })).toMatchObject({ type: 'link', expiresAt: null });
  });

  test.each([{}, { id: '' }, { id: null, url: '' }, { id: 900 }, { id: ['900'] }, 'x'])(
    'is malformed without an address, like %j',
    (image) => {
      const events = adapter.parse(
        { entry: [{ changes: [{ value: { messages: [{ id: 'w', from: '1', type: 'image', image }] } }] }] },
        receivedAt,
      );
      expect(events).toEqual([{ type: 'malformed', reason: 'media without a usable address' }]);
    },
  );
});

test('no sample contains a medium without an address, because Meta always gives one', () => {
  const sources = fixturesOf('meta').flatMap(({ body }) => sourcesIn(adapter.parse(body, receivedAt)));
  expect(sources.length).toBeGreaterThan(20);
  expect(sources.filter(({ type }) => type === 'unavailable')).toEqual([]);
});
