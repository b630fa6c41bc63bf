import { describe, expect, test } from '@jest/globals';

import { createSealedBox, SealedBoxError } from '../../../src/infra/secrets/sealed-box.js';

const secret = 'a secret of more than 32 characters, for tests';
const box = createSealedBox(secret, 'channel settings');
const text = '{"webhookSecret":"não-é-nada"}';

describe('a sealed box', () => {
  test('decrypts its own data, also in another process with the same secret', () => {
    const sealed = box.seal(text, 'blip-2');

    expect(box.open(sealed, 'blip-2')).toBe(text);
    expect(createSealedBox(secret, 'channel settings').open(new Uint8Array(sealed), 'blip-2')).toBe(text);
    expect(box.open(box.seal('', 'empty'), 'empty')).toBe('');
  });

  test('reveals nothing of the text, and never returns the same bytes twice', () => {
    const sealed = box.seal(text, 'blip-2');

    expect(sealed.includes('webhookSecret')).toBe(false);
    expect(box.seal(text, 'blip-2').equals(sealed)).toBe(false);
  });

  test('refuses data with any byte changed, missing or added', () => {
    const sealed = box.seal(text, 'blip-2');

    for (let at = 0; at < sealed.length; at += 1) {
      const changed = Buffer.from(sealed);
      changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
      expect(() => box.open(changed, 'blip-2')).toThrow(SealedBoxError);
      expect(() => box.open(sealed.subarray(0, at), 'blip-2')).toThrow(SealedBoxError);
    }
    expect(() => box.open(Buffer.concat([sealed, Buffer.of(0)]), 'blip-2')).toThrow(SealedBoxError);
  });

  test.each([
    ['another row', box, 'blip-3'],
    ['another purpose', createSealedBox(secret, 'subscription secret'), 'blip-2'],
    ['another secret', createSealedBox(`${secret}!`, 'channel settings'), 'blip-2'],
  ])('does not decrypt for %s', (_, other, boundTo) => {
    expect(() => other.open(box.seal(text, 'blip-2'), boundTo)).toThrow(SealedBoxError);
  });
});
