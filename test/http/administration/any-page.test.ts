/**
 * What holds for every cursor and every size of a page: foreign text is no cursor, and nobody misses anything
 * or sees it twice.
 */
import { randomUUID } from 'node:crypto';

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { cursor, encodeCursor, pageLimit } from '../../../src/http/input.js';
import { anyChangeOf } from '../../support/any-change.js';
import { call, postWebhook, type MediaView, type Page } from '../../support/client.js';
import { zApiMedia } from '../../support/payloads.js';
import { startTestService, type TestService } from '../../support/test-service.js';

let service: TestService;
/** The ids of all media, newest first. */
let ids: readonly string[];

beforeAll(async () => {
  service = await startTestService({ queue: false });
  const arrived: string[] = [];
  for (let count = 0; count < 37; count += 1) {
    const { body } = await postWebhook(service, 'z-api', zApiMedia({ messageId: randomUUID() }));
    arrived.unshift(...body.media);
  }
  ids = arrived;
});

afterAll(() => service.stop());

test('a cursor is read as what was written', () => {
  fc.assert(
    fc.property(fc.uuid(), (id) => {
      expect(cursor.parse(encodeCursor(id))).toBe(id);
    }),
  );
});

test('no other text is a cursor, however little it differs', () => {
  const nearly = fc.uuid().chain((id) => anyChangeOf(encodeCursor(id)));
  const inside = fc
    .oneof(
      fc.string({ unit: 'binary' }),
      fc.uuid().chain((id) => anyChangeOf(`1:${id}`)),
    )
    .map((text) => Buffer.from(text).toString('base64url'));
  fc.assert(
    fc.property(fc.oneof(nearly, inside, fc.string({ unit: 'binary' }), fc.base64String()), (text) => {
      const read = cursor.safeParse(text);
      // One that was changed into another of ours is one of ours.
      return !read.success || encodeCursor(read.data) === text;
    }),
    { numRuns: 2_000 },
  );
});

test('the size of a page is a number from 1 to 200, or refused', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.double().map(String), fc.integer().map(String)), (text) => {
      const { data, success } = pageLimit.safeParse(text);
      const isSize = Number.isInteger(Number(text)) && Number(text) >= 1 && Number(text) <= 200;
      expect(success ? data : undefined).toBe(isSize ? Number(text) : undefined);
    }),
    { numRuns: 1_000 },
  );
});

test('pages of any size walk the whole list once and in order', async () => {
  const token = service.token('media:read');
  const pageOf = async (limit: number, after: string): Promise<Page<MediaView>> => {
    const path = `/v1/media?limit=${String(limit)}${after && `&cursor=${after}`}`;
    return (await call<Page<MediaView>>(service.url, path, { token })).body;
  };
  const sizes = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(sizes, async (limits) => {
      const seen: string[] = [];
      let next: string | null = '';
      for (let page = 0; next !== null; page += 1) {
        const limit = limits[page % limits.length] ?? 1;
        const { items, nextCursor } = await pageOf(limit, next);
        expect(items).toHaveLength(Math.min(limit, ids.length - seen.length));
        seen.push(...items.map(({ id }) => id));
        next = nextCursor;
      }
      expect(seen).toEqual(ids);
    }),
    { numRuns: 12 },
  );
});
