/** Properties of every address: the check follows IANA's registry, in every spelling. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { isPublicAddress, looksPublic } from '../../../src/infra/net/public-address.js';

/**
 * IANA's registry of special addresses, multicast, and the address of Azure's host agent; counted here
 * without a library.
 */
const notPublic = `
  0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 168.63.129.16/32 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24
  192.31.196.0/24 192.52.193.0/24 192.88.99.0/24 192.168.0.0/16 192.175.48.0/24 198.18.0.0/15 198.51.100.0/24
  203.0.113.0/24 224.0.0.0/4 240.0.0.0/4`
  .trim()
  .split(/\s+/)
  .map((block) => {
    const [address = '', bits = ''] = block.split('/');
    const first = address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0);
    return { first, count: 2 ** (32 - Number(bits)) };
  });

const isPublic = (value: number): boolean =>
  !notPublic.some(({ first, count }) => value >= first && value < first + count);

/** Any address, most often near the ends of a block. */
const anyV4 = fc.oneof(
  fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  fc
    .tuple(fc.constantFrom(...notPublic), fc.boolean(), fc.integer({ min: -2, max: 2 }))
    .map(([{ first, count }, atEnd, by]) => (first + (atEnd ? count : 0) + by + 2 ** 32) % 2 ** 32),
);

const octetsOf = (value: number): number[] => [24, 16, 8, 0].map((shift) => (value >>> shift) & 0xff);
const dotted = (value: number): string => octetsOf(value).join('.');
const halves = (value: number): string =>
  [value >>> 16, value & 0xffff].map((half) => half.toString(16)).join(':');

/** The spellings that `inet_aton` of the C library also accepts: fewer parts, other bases. */
const anySpelling = fc
  .tuple(fc.constantFrom(1, 2, 3, 4), fc.array(fc.constantFrom(8, 10, 16), { minLength: 4, maxLength: 4 }))
  .map(([parts, bases]) => (value: number): string => {
    const octets = octetsOf(value);
    const last = octets.slice(parts - 1).reduce((sum, octet) => sum * 256 + octet, 0);
    return [...octets.slice(0, parts - 1), last]
      .map((part, index) => ({ 8: '0', 10: '', 16: '0x' })[bases[index] ?? 10] + part.toString(bases[index]))
      .join('.');
  });

describe('any IPv4 address', () => {
  test('is public if the registry does not contain it', () => {
    fc.assert(
      fc.property(anyV4, (value) => {
        expect(isPublicAddress(dotted(value))).toBe(isPublic(value));
      }),
      { numRuns: 3_000 },
    );
  });

  test('in an unusual spelling is not understood and therefore not public', () => {
    fc.assert(
      fc.property(anyV4, anySpelling, (value, spell) => {
        fc.pre(spell(value) !== dotted(value));
        expect(isPublicAddress(spell(value))).toBe(false);
      }),
      { numRuns: 1_000 },
    );
  });

  test('in a link is checked by its meaning, in every possible spelling', () => {
    fc.assert(
      fc.property(anyV4, anySpelling, (value, spell) => {
        expect(looksPublic(new URL(`http://${spell(value)}/`))).toBe(isPublic(value));
      }),
      { numRuns: 1_000 },
    );
  });

  test('inside an IPv6 address decides if it is mapped, but not in a tunnel', () => {
    const mapped = [
      (value: number) => `::ffff:${dotted(value)}`,
      (value: number) => `::FFFF:${halves(value)}`,
      (value: number) => `0:0:0:0:0:ffff:${halves(value)}`,
    ];
    const tunnels = [
      (value: number) => `::${dotted(value)}`,
      (value: number) => `64:ff9b::${halves(value)}`,
      (value: number) => `2002:${halves(value)}::1`,
      (value: number) => `2001:0:${halves(value)}::1`,
      (value: number) => `2606:4700::5efe:${halves(value)}`,
    ];
    fc.assert(
      fc.property(anyV4, fc.constantFrom(...mapped), fc.constantFrom(...tunnels), (value, map, hide) => {
        expect(isPublicAddress(map(value))).toBe(isPublic(value));
        expect(isPublicAddress(hide(value))).toBe(false);
      }),
      { numRuns: 1_000 },
    );
  });
});

test('any IPv6 address outside 2000::/3 is not public, unless an IPv4 address is mapped into it', () => {
  fc.assert(
    fc.property(fc.ipV6(), (text) => {
      const canonical = new URL(`http://[${text}]/`).hostname.slice(1);
      const isInside = /^[23][0-9a-f]{3}:/.test(canonical) || canonical.startsWith('::ffff:');
      return isInside || !isPublicAddress(text);
    }),
    { numRuns: 1_000 },
  );
});

test('no other text is public, and none makes the check fail', () => {
  const anyText = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.constantFrom(...Array.from('0123456789abcdefx.:%[]/ ')) }),
    fc.ipV4().map((ip) => `${ip}%1`),
    fc.domain(),
  );
  fc.assert(
    fc.property(anyText, (text) => {
      const isCanonical = /^\d+(\.\d+){3}$/.test(text) || text.includes(':');
      expect(isPublicAddress(text) && !isCanonical).toBe(false);
    }),
    { numRuns: 1_000 },
  );
});
