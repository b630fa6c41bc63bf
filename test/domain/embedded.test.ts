import { describe, expect, test } from '@jest/globals';

import {
  decodeEmbedded,
  embeddedPlaceOf,
  embeddedReference,
  looksEmbedded,
  valueAt,
} from '../../src/domain/embedded.js';

import { threadCpuMs } from '../support/cpu-time.js';

const bytes = Buffer.from([0xff, 0xef, 0xbe, 0x00, 0x01]);
const max = 1_000;

describe('the bytes of a text', () => {
  const plain = bytes.toString('base64');
  test.each([
    ['Base64', plain],
    ['Base64 without padding', plain.replace(/=+$/, '')],
    ['Base64 for URLs', bytes.toString('base64url')],
    ['Base64 in lines', `\r\n ${plain.slice(0, 3)}\n${plain.slice(3)} \n`],
    ['a data URL', `data:image/png;base64,${plain}`],
    ['a data URL with parameters', `data:image/png;name=a.png;base64,${plain}`],
    ['a data URL without a type', `data:;base64,${plain}`],
    ['a data URL with a long file name', `data:image/png;name=${'a'.repeat(255)}.png;base64,${plain}`],
  ])('are read from %s', (_name, text) => {
    expect(decodeEmbedded(text, max)).toEqual(bytes);
  });

  test.each([
    ['a link', 'https://files.example/1.png'],
    ['nothing', ' \n'],
    ['a data URL without bytes', 'data:image/png;base64,'],
    ['a data URL without Base64', 'data:text/plain,hello'],
    ['characters that no alphabet has', 'AAAA*AAA'],
    ['a length that no bytes have', 'AAAAA'],
    ['padding in the middle', 'AA==AAAA'],
    ['more padding than there is', 'AAA==='],
  ])('are not read from %s', (_name, text) => {
    expect(() => decodeEmbedded(text, max)).toThrow(
      expect.objectContaining({ code: 'media.provider_failed' }),
    );
  });

  test('are at most as many as allowed', () => {
    const text = Buffer.alloc(300).toString('base64');
    expect(decodeEmbedded(text, 300)).toHaveLength(300);
    expect(() => decodeEmbedded(text, 297)).toThrow(expect.objectContaining({ code: 'media.too_large' }));
  });

  test('of a very long text are checked quickly', async () => {
    const { ms } = await threadCpuMs(() => {
      for (const text of [
        `${'A'.repeat(20_000_000)}*`,
        `${'='.repeat(3_000_000)}A`,
        `${' '.repeat(3_000_000)}*`,
      ])
        expect(() => decodeEmbedded(text, 30_000_000)).toThrow();
    });
    expect(ms).toBeLessThan(2_000);
  });
});

test('a pointer leads to a value and to nothing that is inherited', () => {
  const payload = { 'a/b': [{ 'c~d': 'x' }], '': { '': 'y' } };
  expect(valueAt(payload, '/a~1b/0/c~0d')).toBe('x');
  expect(valueAt(payload, '//')).toBe('y');
  expect(valueAt('whole', '')).toBe('whole');
  for (const pointer of ['/constructor', '/__proto__', '/a~1b/1', '/a~1b/0/c~0d/0', '/x/y'])
    expect(valueAt(payload, pointer)).toBeUndefined();
});

test('a reference names the webhook by its content, and the place in it', () => {
  const place = { contentHash: 'ab'.repeat(32), pointer: '/files/0:1\n/data' };
  const reference = embeddedReference(place);
  expect(embeddedPlaceOf(reference)).toEqual(place);
  expect(looksEmbedded(reference)).toBe(true);
  for (const other of ['AgACAgQAAx0', 'embedded:', 'embedded:ab:/x', `x${reference}`])
    expect(embeddedPlaceOf(other)).toBeUndefined();
});
