/** `PUT /v1/media/:id/favourite`: media that somebody has starred. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { call, upload, type Answer, type Call, type Page, type Problem } from '../../support/client.js';
import { startTestService, type TestService } from '../../support/test-service.js';
import { enter } from '../../support/users.js';

let service: TestService;
beforeAll(async () => {
  service = await startTestService({ queue: false });
});
afterAll(() => service.stop());

async function uploaded(channel = 'z-api'): Promise<string> {
  const file = Buffer.from(`%PDF-1.7 ${String(Math.random())}`);
  return (await upload(service, { file, fields: { channel, kind: 'document' } })).body.id;
}

const star = (id: string, by: Call, method: 'put' | 'delete' = 'put'): Promise<Answer<Problem>> =>
  call(service.url, `/v1/media/${id}/favourite`, { ...by, method });

const byToken = (): Call => ({ token: service.token('media:read') });

async function listed(by: Call, query = ''): Promise<readonly string[]> {
  const ids: string[] = [];
  for (let cursor = '', isFirst = true; isFirst || cursor !== ''; isFirst = false) {
    const path = `/v1/media?favourite=true${query}${cursor === '' ? '' : `&cursor=${cursor}`}`;
    const { body } = await call<Page<{ id: string }>>(service.url, path, by);
    ids.push(...body.items.map(({ id }) => id));
    cursor = body.nextCursor ?? '';
  }
  return ids;
}

const rowsOf = (id: string) =>
  service.database.query('select owner from favourite where media_id = $1', [id]);

it('is listed newest first, page by page and with other filters, until its star is removed', async () => {
  const by = byToken();
  const ids = [await uploaded(), await uploaded('blip'), await uploaded()];
  await uploaded();
  for (const id of ids) expect(await star(id, by)).toMatchObject({ status: 204 });
  expect(await star(ids[0] ?? '', by)).toMatchObject({ status: 204 });
  expect(await listed(by)).toEqual(ids.toReversed());
  expect(await listed(by, '&limit=1')).toEqual(ids.toReversed());
  expect(await listed(by, '&channel=blip')).toEqual([ids[1]]);
  expect(await listed(by, '&q=nothing')).toEqual([]);
  await star(ids[2] ?? '', by, 'delete');
  await star(ids[2] ?? '', by, 'delete');
  expect(await listed(by)).toEqual([ids[1], ids[0]]);
});

it('says which of some media are favourites', async () => {
  const by = byToken();
  const one = await uploaded();
  const other = await uploaded();
  await star(one, by);
  const path = `/v1/favourites?ids=${other},${one.toUpperCase()}`;
  expect(await call(service.url, path, by)).toMatchObject({ status: 200, body: { items: [one] } });
  for (const query of ['', '?ids=', '?ids=x', `?ids=${Array(201).fill(one).join(',')}`])
    expect(await call(service.url, `/v1/favourites${query}`, by)).toMatchObject({ status: 400 });
});

it('belongs to the token, or to the user in all sessions', async () => {
  const id = await uploaded();
  const one = byToken();
  const other = byToken();
  await star(id, one);
  expect([await listed(one), await listed(other)]).toEqual([[id], []]);
  const { user, page } = await enter(service);
  await star(id, page);
  expect(await listed(page)).toEqual([id]);
  expect(await rowsOf(id)).toContainEqual({ owner: user.id });
});

describe('a star', () => {
  it('needs the channel of the media item, and one that is not erased', async () => {
    const id = await uploaded();
    const elsewhere = { token: service.token('media:read', { channels: ['blip'] }) };
    expect(await star(id, elsewhere)).toMatchObject({ status: 404, body: { code: 'media.not_found' } });
    expect(await star(id, { token: service.token('facts:write') })).toMatchObject({ status: 403 });
    await erase(id);
    expect(await star(id, byToken())).toMatchObject({ status: 410, body: { code: 'media.erased' } });
  });

  it('only has the value true as a filter', async () => {
    expect(await call(service.url, '/v1/media?favourite=yes', byToken())).toMatchObject({ status: 400 });
  });
});

const erase = (id: string) =>
  call(service.url, `/v1/media/${id}`, { method: 'delete', token: service.token('admin') });

describe('an erasure', () => {
  it('of the media item takes it along', async () => {
    const id = await uploaded();
    const by = byToken();
    await star(id, by);
    await erase(id);
    expect([await rowsOf(id), await listed(by)]).toEqual([[], []]);
  });

  it('at the same moment leaves nothing behind', async () => {
    const ids = await Promise.all(Array.from({ length: 4 }, () => uploaded()));
    await Promise.all(ids.flatMap((id) => [star(id, byToken()), erase(id), star(id, byToken())]));
    for (const id of ids) expect(await rowsOf(id)).toEqual([]);
  });

  it('of the user takes it along', async () => {
    const id = await uploaded();
    const { user, page } = await enter(service);
    await star(id, page);
    await call(service.url, `/v1/users/${user.id}`, { method: 'delete', token: service.token('admin') });
    expect(await rowsOf(id)).toEqual([]);
  });
});
