/** The decoder of gzip: what hosts really send, in pieces of any size. */
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { gzipSync } from 'node:zlib';

import { describe, expect, it } from '@jest/globals';

import { createLenientGunzip } from '../../../src/infra/net/gunzip.js';

const file = randomBytes(20_000);
const whole = gzipSync(file);
const after = Buffer.from('<html>something else</html>');
/** A member whose header has all of its optional parts. */
const named = Buffer.concat([
  Buffer.from([0x1f, 0x8b, 8, 0x1e, 0, 0, 0, 0, 0, 3, 3, 0, 1, 2, 3]),
  Buffer.from('photo.jpg\0a comment\0ab'),
  whole.subarray(10),
]);

async function decoded(bytes: Buffer, size = 1_000): Promise<Buffer> {
  const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
    bytes.subarray(index * size, (index + 1) * size),
  );
  const gunzip = createLenientGunzip();
  const [result] = await Promise.all([buffer(gunzip), pipeline(Readable.from(pieces), gunzip)]);
  return result;
}

describe.each([1, 7, 1_000, 100_000])('in pieces of %d bytes', (size) => {
  it.each([
    ['one member', whole, file],
    ['a header with all parts', named, file],
    ['a member in two', Buffer.concat([whole, named]), Buffer.concat([file, file])],
    ['an empty member', gzipSync(''), Buffer.alloc(0)],
    ['other bytes behind the last member', Buffer.concat([whole, after]), file],
    ['the beginning of a member behind it', Buffer.concat([whole, Buffer.from([0x1f, 0x8b])]), file],
  ])('%s is decoded', async (_, bytes, expected) => {
    expect((await decoded(bytes, size)).equals(expected)).toBe(true);
  });
});

it.each([1, 8, 9, 10_000, whole.length - 5, whole.length - 12])(
  'a body that lacks its last %d bytes fails',
  async (missing) => {
    await expect(decoded(whole.subarray(0, -missing))).rejects.toMatchObject({ code: 'Z_BUF_ERROR' });
  },
);

it.each([
  ['the data', 0.5],
  ['the checksum', 1 - 6 / whole.length],
  ['the length', 1 - 2 / whole.length],
])('a body with a wrong bit in %s fails', async (_, place) => {
  const bytes = Buffer.from(whole);
  const at = Math.floor(bytes.length * place);
  bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
  await expect(decoded(bytes)).rejects.toMatchObject({ code: 'Z_DATA_ERROR' });
});

it('a body of 2 000 members is decoded, and one of more fails', async () => {
  const member = gzipSync('a');
  const bytes = (members: number): Buffer => Buffer.alloc(members * member.length, member);
  expect(await decoded(bytes(2_000), 65_536)).toHaveLength(2_000);
  await expect(decoded(bytes(2_001), 65_536)).rejects.toMatchObject({ code: 'Z_DATA_ERROR' });
});

it('a header whose name never ends fails', async () => {
  const header = Buffer.from([0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 3]);
  const body = Buffer.concat([header, Buffer.alloc(200_000, 'a')]);
  await expect(decoded(body, 1_000)).rejects.toMatchObject({ code: 'Z_BUF_ERROR' });
});

it('runs no further ahead than its reader', async () => {
  const gunzip = createLenientGunzip();
  gunzip.write(gzipSync(Buffer.alloc(20_000_000)));
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(gunzip.readableLength).toBeLessThan(1_000_000);
  gunzip.destroy();
});
