/** Every way in which the sender of a custom channel can prove itself, and what is refused. */
import { createHmac } from 'node:crypto';

import { describe, expect, test } from '@jest/globals';

import { custom } from '../../../src/providers/custom/index.js';
import { secretList, secrets, type Settings } from '../../samples/sample.js';
import { receivedAt, webhookOf } from '../fixtures.js';

const rawBody = Buffer.from([0xff, 0x00, 0x7b, 0x0a]);
const [first, second] = secrets;

function accepts(settings: Settings, request: Parameters<typeof webhookOf>[1]): boolean {
  const adapter = custom.load({ webhookSecret: secretList, ...settings }, () => receivedAt);
  return adapter.verify(webhookOf(rawBody, request)).ok;
}

const headers = (name: string, value: string) => ({ headers: { [name]: value } });

describe('a secret in a header', () => {
  test('is in X-Inlet-Token by default, or in the declared header, whose case does not matter', () => {
    for (const secret of secrets) {
      expect(accepts({}, headers('x-inlet-token', secret))).toBe(true);
      expect(accepts({ proofName: 'X-Api-KEY' }, headers('x-api-key', secret))).toBe(true);
      // A gateway may repeat the line.
      expect(accepts({}, headers('x-inlet-token', `${secret}, ${secret}`))).toBe(true);
    }
  });

  test('is nowhere else, and nothing else', () => {
    expect(accepts({ proofName: 'X-Api-Key' }, headers('x-inlet-token', first))).toBe(false);
    expect(accepts({}, { query: { token: first } })).toBe(false);
    for (const wrong of ['', `${first}x`, first.slice(1), secretList, `${first}, ${second}`])
      expect(accepts({}, headers('x-inlet-token', wrong))).toBe(false);
    expect(accepts({ proofName: '__proto__' }, { headers: {} })).toBe(false);
    expect(accepts({ proofName: 'constructor' }, { headers: {} })).toBe(false);
  });
});

test('a secret in Authorization may have the scheme Bearer, in any case', () => {
  const settings = { proofName: 'Authorization' };
  for (const proof of [first, `Bearer ${first}`, `bearer  ${second}`])
    expect(accepts(settings, headers('authorization', proof))).toBe(true);
  for (const wrong of ['Bearer ', 'Bearer', `Bearer ${first}x`, `Basic ${first}`, `Bearer Bearer ${first}`])
    expect(accepts(settings, headers('authorization', wrong))).toBe(false);
  expect(accepts({}, headers('x-inlet-token', `Bearer ${first}`))).toBe(false);
  // A secret that was entered with the scheme.
  const entered = { ...settings, webhookSecret: `Bearer ${first}` };
  expect(accepts(entered, headers('authorization', `Bearer ${first}`))).toBe(true);
});

describe('a secret in the query', () => {
  const settings = { proof: 'query' };
  test('is the parameter token by default, or the declared one', () => {
    expect(accepts(settings, { query: { token: second } })).toBe(true);
    expect(accepts({ ...settings, proofName: 'key' }, { query: { key: first } })).toBe(true);
  });

  test('is nowhere else', () => {
    expect(accepts(settings, headers('x-inlet-token', first))).toBe(false);
    expect(accepts({ ...settings, proofName: 'key' }, { query: { token: first } })).toBe(false);
    expect(accepts(settings, { query: { token: '' } })).toBe(false);
  });
});

describe('Basic', () => {
  const settings = { proof: 'basic', basicUser: 'app' };
  const basic = (text: string) => headers('authorization', `Basic ${Buffer.from(text).toString('base64')}`);

  test('has the user and one of the secrets as the password', () => {
    for (const secret of secrets) expect(accepts(settings, basic(`app:${secret}`))).toBe(true);
    const lowerCase = Buffer.from(`app:${first}`).toString('base64');
    expect(accepts(settings, headers('authorization', `basic  ${lowerCase}`))).toBe(true);
  });

  test('has no other user, no other password and no other scheme', () => {
    const right = Buffer.from(`app:${first}`).toString('base64');
    for (const wrong of [`app:${first}x`, `other:${first}`, `:${first}`, `app`, `app:`, first])
      expect(accepts(settings, basic(wrong))).toBe(false);
    for (const wrong of [right, `Bearer ${right}`, `Basic ${right}!`, `Basic app:${first}`])
      expect(accepts(settings, headers('authorization', wrong))).toBe(false);
  });

  test('needs a user', () => {
    expect(() => custom.load({ webhookSecret: secretList, proof: 'basic' }, () => receivedAt)).toThrow(
      /basicUser/,
    );
  });
});

describe('an HMAC', () => {
  const algorithms = ['sha1', 'sha256', 'sha512'] as const;
  const encodings = ['hex', 'base64'] as const;
  const cases = algorithms.flatMap((algorithm) => encodings.map((encoding) => ({ algorithm, encoding })));
  const mac = (algorithm: string, secret: string = first, body = rawBody) =>
    createHmac(algorithm, secret).update(body);

  test.each(cases)('of $algorithm in $encoding covers the bytes', ({ algorithm, encoding }) => {
    const settings = { proof: 'hmac', hmacAlgorithm: algorithm, hmacEncoding: encoding, hmacPrefix: 'v1=' };
    for (const secret of secrets)
      expect(accepts(settings, headers('x-signature', `v1=${mac(algorithm, secret).digest(encoding)}`))).toBe(
        true,
      );
    const other = encoding === 'hex' ? 'base64' : 'hex';
    for (const wrong of [
      mac(algorithm).digest(encoding),
      `v1=${mac(algorithm).digest(other)}`,
      `v1=${mac(algorithm, 'another-secret-0123456789').digest(encoding)}`,
      `v1=${mac(algorithm, first, Buffer.from('{}')).digest(encoding)}`,
      `v1=${mac('md5').digest(encoding)}`,
      'v1=',
      `V1=${mac(algorithm).digest(encoding)}`,
    ])
      expect(accepts(settings, headers('x-signature', wrong))).toBe(false);
  });

  test('may be written in upper case, for URLs, or without padding', () => {
    const hex = mac('sha256').digest('hex');
    expect(accepts({ proof: 'hmac' }, headers('x-signature', hex.toUpperCase()))).toBe(true);
    const settings = { proof: 'hmac', hmacEncoding: 'base64', proofName: 'X-App' };
    const base64 = mac('sha256').digest('base64');
    for (const spelling of [base64, base64.replace(/=+$/, ''), mac('sha256').digest('base64url')])
      expect(accepts(settings, headers('x-app', spelling))).toBe(true);
  });
});

test.each([
  [{ webhookSecret: '' }, /empty|characters/],
  [{ webhookSecret: 'short' }, /8 characters/],
  [{ webhookSecret: secretList, proof: 'none' }, /proof/],
  [{ webhookSecret: secretList, proofName: 'X Y' }, /proofName/],
  [{ webhookSecret: secretList, hmacAlgorithm: 'md5' }, /hmacAlgorithm/],
  [{ webhookSecret: secretList, events: '{"a": ' }, /JSONata near character/],
  [{ webhookSecret: secretList, events: `${'a#$x.'.repeat(3_999)}b` }, /more than 500 of the characters/],
  [{ webhookSecret: secretList, events: `${'('.repeat(9_000)}1${')'.repeat(9_000)}` }, /nested too deeply/],
  [{ webhookSecret: secretList, events: 'a'.repeat(20_001) }, /20000|20_000/],
  [{ webhookSecret: secretList, mediaHeader: 'no colon' }, /Name: value/],
  [{ webhookSecret: secretList, mediaHeader: 'A: b\r\nHost: c' }, /Name: value/],
  [{ webhookSecret: secretList, mediaHeader: 'Host: internal' }, /sets itself/],
  [{ webhookSecret: secretList, mediaLookupUrl: 'https://api.example.com/media' }, /\{id\}/],
  [{ webhookSecret: secretList, mediaLookupPointer: 'url' }, /JSON Pointer/],
  [{ webhookSecret: secretList, apiUrl: 'ftp://api.example.com' }, /apiUrl/],
  [{ webhookSecret: secretList, apiUrl: 'https://api.example.com/v1?key=' }, /must have no query/],
  [
    { webhookSecret: secretList, apiUrl: 'https://api.example.com/v1#' },
    /neither a user name nor a fragment/,
  ],
  [{ webhookSecret: secretList, apiUrl: 'https://user:word@api.example.com' }, /neither a user name nor/],
  [{ webhookSecret: secretList, apiUrl: 'https://' }, /apiUrl/],
  [{ webhookSecret: secretList, mediaLookupUrl: 'https://api.example.com/#{id}' }, /neither a user name nor/],
  [{ webhookSecret: secretList, mediaLookupUrl: 'https://{id}@api.example.com/' }, /neither a user name nor/],
  [{ webhookSecret: secretList, mediaLookupUrl: 'https://{id}.example.com/' }, /in its host/],
  [{ webhookSecret: secretList, sendMedia: '{' }, /not JSON/],
  [{ webhookSecret: secretList, sendMedia: '{"hologram": {}}' }, /sendMedia/],
  [{ webhookSecret: secretList, sendMedia: '{"image": {"types": [], "maxBytes": 1}}' }, /sendMedia/],
  [{ webhookSecret: secretList, sendPerSecond: '0' }, /sendPerSecond/],
  [{ webhookSecret: secretList, sendPerSecond: 'fast' }, /number/],
])('the settings %j are refused', (settings, reason) => {
  expect(() => custom.load(settings, () => receivedAt)).toThrow(reason);
});
