import { describe, expect, test } from '@jest/globals';

import { createAddressCheck } from '../../../src/infra/net/nat64.js';

type Resolve = Parameters<typeof createAddressCheck>[0];

/** A resolver in a network whose translator is visible in these addresses. */
const network = (...addresses: string[]): Resolve => {
  return (name) =>
    name === 'ipv4only.arpa'
      ? Promise.resolve(addresses.map((address) => ({ address })))
      : Promise.reject(new Error(`${name} was not to be asked for`));
};

describe('within the prefix that every network may use', () => {
  const judge = createAddressCheck(network());

  test.each(['64:ff9b::808:808', '64:ff9b::8.8.8.8', '64:FF9B:0:0:0:0:5db8:d822'])(
    '%s is public',
    async (ip) => {
      expect(await judge(ip)).toBe(true);
    },
  );

  test.each([
    '64:ff9b::',
    '64:ff9b::1',
    '64:ff9b::7f00:1',
    '64:ff9b::127.0.0.1',
    '64:ff9b::a9fe:a9fe',
    '64:ff9b::a00:1',
    '64:ff9b::c0a8:101',
    '64:ff9b::6440:1',
    '64:ff9b::a83f:8110',
    '64:ff9b::e000:1',
    '64:ff9b::ffff:ffff',
    '64:ff9b:1::808:808',
    '64:ff9b:0:0:0:1:808:808',
    '64:ff9b::808:808%eth0',
  ])('%s is not', async (ip) => {
    expect(await judge(ip)).toBe(false);
  });
});

/** 8.8.8.8, 127.0.0.1 and 192.0.0.170 in a prefix of each length, and an address outside of it. */
describe.each([
  [96, '2a00:64::c000:aa', '2a00:64::808:808', '2a00:64::7f00:1'],
  [64, '2a00:64::c0:0:aa00:0', '2a00:64::8:808:800:0', '2a00:64::7f:0:100:0'],
  [56, '2a00:64:0:c0:0:aa::', '2a00:64:0:8:8:808::', '2a00:64:0:7f:0:1::'],
  [48, '2a00:64:0:c000:0:aa00::', '2a00:64:0:808:8:800::', '2a00:64:0:7f00:0:100::'],
  [40, '2a00:64:c0:0:aa::', '2a00:64:8:808:8::', '2a00:64:7f:0:1::'],
  [32, '2a00:64:c000:aa::', '2a00:64:808:808::', '2a00:64:7f00:1::'],
  [96, 'fd00:64::c000:ab', 'fd00:64::808:808', 'fd00:64::7f00:1'],
  [96, '64:ff9b:1::c000:aa', '64:ff9b:1::808:808', '64:ff9b:1::7f00:1'],
])('within a prefix of %s bits, seen in %s', (_, seen, open, closed) => {
  test('the embedded address decides', async () => {
    const judge = createAddressCheck(network('192.0.0.170', '192.0.0.171', seen));
    expect([await judge(open), await judge(closed)]).toEqual([true, false]);
  });
});

test('other addresses are checked as usual', async () => {
  const judge = createAddressCheck(network('2a00:64::c000:aa'));
  const judged = [
    '8.8.8.8',
    '2606:4700::1111',
    '::ffff:8.8.8.8',
    '127.0.0.1',
    '::1',
    'fd00::1',
    '::ffff:10.0.0.1',
    '',
  ];
  expect(await Promise.all(judged.map(judge))).toEqual([true, true, true, false, false, false, false, false]);
});

test.each([
  ['does not know the name', () => Promise.reject(new Error('ENOTFOUND'))],
  ['never answers', () => new Promise<never>(() => undefined)],
  ['answers what no translator makes', network('192.0.0.170', '2a00:64::1', 'nonsense')],
])('a resolver that %s changes nothing', async (_, resolve: Resolve) => {
  const judge = createAddressCheck(resolve);
  expect([await judge('2a00:64::7f00:1'), await judge('64:ff9b::808:808')]).toEqual([true, true]);
  expect(await judge('fd00:64::808:808')).toBe(false);
});

test('the name is resolved once, and not for an IPv4 address', async () => {
  let asked = 0;
  const judge = createAddressCheck(() => {
    asked += 1;
    return Promise.resolve([]);
  });
  await judge('8.8.8.8');
  expect(asked).toBe(0);
  await Promise.all([judge('2606:4700::1111'), judge('2606:4700::1112')]);
  await judge('2606:4700::1113');
  expect(asked).toBe(1);
});
