import { describe, expect, test } from '@jest/globals';

import { addressKeyOf } from '../../../src/http/middleware/client-address.js';

describe('one caller', () => {
  test.each([
    ['203.0.113.1', '203.0.113.1:40000'],
    ['203.0.113.1', '"203.0.113.1:40000"'],
    ['203.0.113.1', '::ffff:203.0.113.1'],
    ['203.0.113.1', '::ffff:cb00:7101'],
    ['203.0.113.1', '[::ffff:203.0.113.1]:443'],
    ['2001:db8:1:2::1', '[2001:db8:1:2::1]:40000'],
    ['2001:db8:1:2::1', '[2001:DB8:1:2:0:0:0:1]'],
    ['2001:db8:1:2::1', '2001:db8:1:ff::2'],
    ['fe80::1', 'fe80::1%eth0'],
    ['x1', 'x2'],
    ['unknown', ''],
    ['_hidden', '0x7f.1'],
    ['unknown', '1.2.3.4:port'],
  ])('is %s as well as %s', (one, other) => {
    expect(addressKeyOf(other)).toBe(addressKeyOf(one));
  });
});

describe('two callers', () => {
  test.each([
    ['203.0.113.1', '203.0.113.2'],
    ['2001:db8:1:2::1', '2001:db8:2:2::1'],
    ['203.0.113.1', 'unknown'],
  ])('are %s and %s', (one, other) => {
    expect(addressKeyOf(other)).not.toBe(addressKeyOf(one));
  });
});
