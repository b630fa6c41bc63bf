/** `GET /v1/media/{id}/similar`: the same photo, sent again. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import sharp from 'sharp';

import { photo } from '../../../src/demo/photos.js';
import { call, upload, type MediaView } from '../../support/client.js';
import { startTestService, type TestService } from '../../support/test-service.js';

let service: TestService;
beforeAll(async () => {
  service = await startTestService({ queue: false });
});
afterAll(() => service.stop());

interface SimilarMedia {
  readonly distance: number;
  readonly media: MediaView;
}

async function stored(file: Buffer, channel = 'z-api'): Promise<string> {
  return (await upload(service, { file, fields: { channel } })).body.id;
}

async function similar(id: string, token = service.token('media:read')): Promise<SimilarMedia[]> {
  const { body } = await call<{ items: SimilarMedia[] }>(service.url, `/v1/media/${id}/similar`, { token });
  return body.items;
}

const idsOf = (items: readonly SimilarMedia[]): string[] => items.map(({ media }) => media.id).sort();

it('finds copies that were scaled or compressed again, and no other photos', async () => {
  const original = await photo({ seed: 3, width: 1_600, height: 1_200 });
  const id = await stored(original);
  const copies = await Promise.all([
    sharp(original).resize(1_280).jpeg({ quality: 60 }).toBuffer(),
    sharp(original).resize(640).webp({ quality: 60 }).toBuffer(),
    sharp(original).resize(320).jpeg({ quality: 40 }).toBuffer(),
  ]);
  const expected: string[] = [];
  for (const copy of copies) expected.push(await stored(copy));
  const others: string[] = [];
  for (const seed of [4, 5, 6, 7, 8, 9])
    others.push(await stored(await photo({ seed, width: 800, height: 600 })));

  expect(idsOf(await similar(id))).toEqual([...expected].sort());
  for (const other of others) expect(await similar(other)).toEqual([]);
});

it('finds the same bytes first, and only what the token may see and what is not erased', async () => {
  const original = await photo({ seed: 12, width: 800, height: 600 });
  const id = await stored(original);
  const same = await stored(original);
  const elsewhere = await stored(await sharp(original).jpeg({ quality: 50 }).toBuffer(), 'blip');
  const found = await similar(id);
  expect(found.map(({ media }) => media.id)).toEqual([same, elsewhere]);
  expect(found[0]?.distance).toBe(0);
  expect(found[0]?.media).toMatchObject({ state: 'ready', channel: 'z-api' });

  const limited = service.token('media:read', { channels: ['z-api'] });
  expect(idsOf(await similar(id, limited))).toEqual([same]);
  const hidden = await call(service.url, `/v1/media/${elsewhere}/similar`, { token: limited });
  expect(hidden).toMatchObject({ status: 404, body: { code: 'media.not_found' } });

  await call(service.url, `/v1/media/${elsewhere}`, { method: 'delete', token: service.token('admin') });
  expect(idsOf(await similar(id))).toEqual([same]);
  expect(await similar(elsewhere)).toEqual([]);
});

it('does not take pictures of one colour for the same', async () => {
  const plain = (background: string): Promise<Buffer> =>
    sharp({ create: { width: 640, height: 480, channels: 3, background } })
      .jpeg()
      .toBuffer();
  const id = await stored(await plain('#ffffff'));
  await stored(await plain('#fefefe'));
  await stored(await plain('#aa5522'));
  expect(await similar(id)).toEqual([]);
});
