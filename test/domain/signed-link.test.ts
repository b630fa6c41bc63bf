import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import type { AppError } from '../../src/domain/errors.js';
import { createLinkSigner } from '../../src/domain/signed-link.js';
import { anyChangeOf } from '../support/any-change.js';

const secret = 'a secret of more than thirty-two characters';
const signer = createLinkSigner(secret);
const path = '/v1/media/0198c0de-0000-7000-8000-000000000000/preview?size=small';
const now = new Date('2026-11-21T10:00:00.000Z');
const expiresAt = new Date('2026-11-21T11:00:00.000Z');

function signed(resource = path): { expires: string; signature: string } {
  const parameters = signer.sign(resource, expiresAt);
  return { expires: parameters.get('expires') ?? '', signature: parameters.get('signature') ?? '' };
}

/** The code of the refusal, or undefined if the link is valid. */
function refusal(
  query: Partial<{ expires: string; signature: string }> = {},
  { resource = path, at = now, by = signer } = {},
): string | undefined {
  try {
    by.check(resource, { ...signed(), ...query }, at);
    return undefined;
  } catch (error) {
    return (error as AppError).code;
  }
}

test('a link gives access to its resource', () => {
  expect(refusal()).toBeUndefined();
});

test('the parameters survive a round trip through a URL', () => {
  const url = new URL(`http://inlet${path}&${signer.sign(path, expiresAt).toString()}`);
  const { searchParams: query } = url;
  expect(
    refusal({ expires: query.get('expires') ?? '', signature: query.get('signature') ?? '' }),
  ).toBeUndefined();
});

describe('a link gives no access', () => {
  test.each([
    '/v1/media/0198c0de-0000-7000-8000-000000000001/preview?size=small',
    '/v1/media/0198c0de-0000-7000-8000-000000000000/preview?size=large',
    '/v1/media/0198c0de-0000-7000-8000-000000000000/content',
    `${path}&`,
    path.toUpperCase(),
    '',
  ])('to another resource: %s', (resource) => {
    expect(refusal({}, { resource })).toBe('link.invalid');
  });

  test.each([
    '1795262401',
    '01795262400',
    '1795262400.0',
    '1.7952624e9',
    ' 1795262400',
    '',
    'Infinity',
    'NaN',
  ])('with another expiry: "%s"', (expires) => {
    expect(signed().expires).toBe(String(expiresAt.getTime() / 1000));
    expect(refusal({ expires })).toBe('link.invalid');
  });

  test('when a line break moves text between path and expiry', () => {
    const { signature } = signed();
    const expires = `${signed().expires}\n${path}`;
    expect(refusal({ expires, signature }, { resource: '' })).toBe('link.invalid');
  });

  test('with any one character of its signature changed', () => {
    const { signature } = signed();
    const changed = Array.from(signature, (character, index) => {
      const other = character === 'A' ? 'B' : 'A';
      return signature.slice(0, index) + other + signature.slice(index + 1);
    });
    expect(changed).toHaveLength(43);
    expect(
      changed.map((text) => refusal({ signature: text })).filter((code) => code !== 'link.invalid'),
    ).toEqual([]);
  });

  test('with another spelling of the same signature bytes', () => {
    const { signature } = signed();
    const bytes = Buffer.from(signature, 'base64url');
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    // 256 bits are 42 characters and 4 bits: the last character has four spellings.
    const lastOnes = Array.from(alphabet, (last) => signature.slice(0, -1) + last);
    const twins = lastOnes.filter(
      (text) => Buffer.from(text, 'base64url').equals(bytes) && text !== signature,
    );
    expect(twins).toHaveLength(3);
    const spellings = [
      ...twins,
      `${signature}=`,
      `${signature}\n`,
      ` ${signature}`,
      `${signature}.`,
      ...(/[-_]/.test(signature) ? [bytes.toString('base64')] : []),
    ];
    expect(spellings.map((text) => refusal({ signature: text }))).toEqual(
      spellings.map(() => 'link.invalid'),
    );
  });

  test.each(['', 'A', 'A'.repeat(43), 'A'.repeat(10_000), 'ä'.repeat(43)])(
    'with nonsense for a signature: %#',
    (signature) => {
      expect(refusal({ signature })).toBe('link.invalid');
    },
  );

  test('when another secret signed it', () => {
    expect(refusal({}, { by: createLinkSigner(`${secret}.`) })).toBe('link.invalid');
  });
});

describe('the expiry of a link', () => {
  test('is the last time at which it is valid', () => {
    expect(refusal({}, { at: expiresAt })).toBeUndefined();
    expect(refusal({}, { at: new Date(expiresAt.getTime() + 1) })).toBe('link.expired');
  });

  test('is never before the requested time', () => {
    const asked = new Date(expiresAt.getTime() + 1);
    const parameters = signer.sign(path, asked);
    expect(Number(parameters.get('expires')) * 1000).toBeGreaterThanOrEqual(asked.getTime());
  });

  test('is not revealed for a forged link: a tampered and expired link is invalid', () => {
    const at = new Date(expiresAt.getTime() + 1);
    expect(refusal({ signature: 'A'.repeat(43) }, { at })).toBe('link.invalid');
  });
});

describe('for any path and time', () => {
  const anyPath = fc.webPath().map((text) => `/v1/media/${text}`);
  const anyMoment = fc.date({ min: new Date(0), max: new Date(Date.UTC(9999, 0)), noInvalidDate: true });
  const anyLink = fc.tuple(anyPath, anyMoment).map(([resource, until]) => {
    const { expires = '', signature = '' } = Object.fromEntries(signer.sign(resource, until));
    return { resource, until, query: { expires, signature } };
  });
  test('a link is valid until that time and at most a second longer', () => {
    fc.assert(
      fc.property(anyLink, fc.integer({ min: -1e12, max: 1e12 }), ({ resource, until, query }, distance) => {
        const at = new Date(until.getTime() + distance);
        const found = refusal(query, { resource, at });
        expect([undefined, 'link.expired']).toContain(found);
        return found === undefined ? distance < 1_000 : distance > 0;
      }),
    );
  });

  test('a link that differs in any character is invalid', () => {
    const changed = anyLink.chain(({ resource, until, query }) =>
      fc.oneof(
        anyChangeOf(resource).map((other) => ({ resource: other, until, query })),
        anyChangeOf(query.expires).map((expires) => ({ resource, until, query: { ...query, expires } })),
        anyChangeOf(query.signature).map((signature) => ({
          resource,
          until,
          query: { ...query, signature },
        })),
      ),
    );
    fc.assert(
      fc.property(changed, ({ resource, until, query }) => {
        expect(refusal(query, { resource, at: until })).toBe('link.invalid');
      }),
      { numRuns: 1_000 },
    );
  });
});
