import { describe, expect, test } from '@jest/globals';

import {
  dateFromIso,
  dateFromMillis,
  dateFromSeconds,
  identifier,
  lookUp,
  personId,
  sha256OrNull,
  textOrNull,
} from '../../src/providers/kit/lenient.js';

describe('the id of a person', () => {
  test.each([
    ['+91 95610 00000', '919561000000'],
    ['+55 (11) 90000-0201', '5511900000201'],
    ['5511900000201', '5511900000201'],
    [5511900000201, '5511900000201'],
    ['918788XXXXXX', '918788XXXXXX'],
    ['US.13490000000000', 'US.13490000000000'],
    ['70000000000001@lid', '70000000000001@lid'],
    ['5511900000201-1600000000', '5511900000201-1600000000'],
    ['120363000000000001-group', '120363000000000001-group'],
    ['5748000000000000', '5748000000000000'],
  ])('%j is %j', (given, id) => {
    expect(personId(given)).toBe(id);
  });

  test.each([undefined, null, '', '   ', '\t', 1.5, -1, NaN, true, {}, [], 'a\0', '\ud800', 'x'.repeat(256)])(
    '%j is none',
    (given) => {
      expect(personId(given)).toBeUndefined();
    },
  );

  test('without any digit stays as it is', () => {
    expect(personId('+')).toBe('+');
  });
});

describe('dates', () => {
  const moment = new Date('2026-11-21T10:00:00.000Z');

  test.each([1795255200, '1795255200'])('%j seconds', (given) => {
    expect(dateFromSeconds(given)).toEqual(moment);
  });

  test.each([1795255200000, '1795255200000'])('%j milliseconds', (given) => {
    expect(dateFromMillis(given)).toEqual(moment);
  });

  test.each([
    '2026-11-21T10:00:00Z',
    '2026-11-21T10:00:00.000Z',
    '2026-11-21T07:00:00-03:00',
    '2026-11-21T07:00:00-0300',
    '2026-11-21T10:00:00',
  ])('%s', (given) => {
    expect(dateFromIso(given)).toEqual(moment);
  });

  test.each([
    undefined,
    null,
    '',
    'now',
    '1',
    0,
    -1,
    1e300,
    NaN,
    Infinity,
    {},
    [],
    '0x10',
    '1e9',
    ' 1795255200',
  ])('%j is not a date', (given) => {
    expect([dateFromIso(given), dateFromSeconds(given), dateFromMillis(given)]).toEqual([null, null, null]);
  });

  test('before 2000 and from 2100 on are mistakes', () => {
    expect(dateFromIso('1999-12-31T23:59:59Z')).toBeNull();
    expect(dateFromIso('2100-01-01T00:00:00Z')).toBeNull();
    expect(dateFromSeconds(1795255200000)).toBeNull();
    expect(dateFromMillis(1795255200)).toBeNull();
  });
});

describe('a declared digest', () => {
  const hex = '99586e29738247770a3b847ac70d01af7283885f21845551dc1b6c6045110f4c';
  const bytes = Buffer.from(hex, 'hex');

  test.each([hex, hex.toUpperCase(), bytes.toString('base64'), bytes.toString('base64url')])(
    '%s',
    (given) => {
      expect(sha256OrNull(given)).toBe(hex);
    },
  );

  test.each([undefined, 7, '', 'AAAA', bytes.subarray(1).toString('base64'), `${hex}00`, '*'.repeat(44)])(
    '%j is none',
    (given) => {
      expect(sha256OrNull(given)).toBeNull();
    },
  );
});

test('texts lose only what cannot be stored', () => {
  expect(textOrNull('a\0b\ud800c 👍🏽\n')).toBe('ab\uFFFDc 👍🏽\n');
  expect(textOrNull('\0')).toBeNull();
  expect(textOrNull(7)).toBeNull();
});

test('identifiers are never repaired', () => {
  expect(identifier('wamid.a\0')).toBeUndefined();
  expect(identifier(' spaced ')).toBe(' spaced ');
  expect(identifier('x'.repeat(255))).toHaveLength(255);
});

test('lookups ignore inherited members', () => {
  expect(lookUp({ read: 1 }, 'read')).toBe(1);
  for (const key of ['constructor', '__proto__', 'toString', 7, null])
    expect(lookUp({ read: 1 }, key)).toBeUndefined();
});
