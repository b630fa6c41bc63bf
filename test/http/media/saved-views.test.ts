/** `/v1/views`: filters under a name. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { call, postWebhook, type Answer, type Call, type Problem } from '../../support/client.js';
import { zApiMedia } from '../../support/payloads.js';
import { startTestService, type TestService } from '../../support/test-service.js';
import { enter } from '../../support/users.js';

interface View {
  readonly id: string;
  readonly name: string;
  readonly filters: Readonly<Record<string, string>>;
  readonly shared: boolean;
  readonly own: boolean;
}

let service: TestService;
beforeAll(async () => {
  service = await startTestService({ queue: false });
});
afterAll(() => service.stop());

const reader = (channels?: readonly string[]): Call => ({
  token: service.token('media:read', channels ? { channels } : {}),
});
const manager = (): Call => ({ token: service.token('media:read media:manage') });

const save = (json: object, by: Call): Promise<Answer<View & Problem>> =>
  call(service.url, '/v1/views', { ...by, method: 'post', json });
const remove = (id: string, by: Call) => call(service.url, `/v1/views/${id}`, { ...by, method: 'delete' });
const list = async (by: Call): Promise<readonly View[]> =>
  (await call<{ items: readonly View[] }>(service.url, '/v1/views', by)).body.items;
const namesOf = async (by: Call) => (await list(by)).map(({ name }) => name);

const pictures = { name: 'Pictures', filters: { kind: 'image' } };

it('is listed by name for its owner alone, and deleted', async () => {
  const by = reader();
  const { body } = await save(pictures, by);
  await save({ name: ' álbum ', filters: { tag: 'Álbum', favourite: 'true', resolved: 'false' } }, by);
  expect(await list(by)).toMatchObject([
    { name: 'álbum', filters: { tag: 'Álbum', favourite: 'true', resolved: 'false' }, own: true },
    { name: 'Pictures', filters: { kind: 'image' }, shared: false, own: true },
  ]);
  expect(await list(reader())).toEqual([]);
  expect(await remove(body.id, manager())).toMatchObject({ status: 404 });
  expect(await remove(body.id, by)).toMatchObject({ status: 204 });
  expect(await namesOf(by)).toEqual(['álbum']);
});

it('finds with its filters what the list finds with them', async () => {
  const { body } = await postWebhook(service, 'z-api', zApiMedia());
  const filters = { channel: 'z-api', since: '2020-01-01', until: '2999-01-01T00:00:00+02:00' };
  const view = (await save({ name: 'Period', filters }, reader())).body;
  expect(view.filters).toEqual({
    channel: 'z-api',
    since: '2020-01-01T00:00:00.000Z',
    until: '2998-12-31T22:00:00.000Z',
  });
  const path = `/v1/media?${new URLSearchParams(view.filters).toString()}`;
  const found = await call<{ items: { id: string }[] }>(service.url, path, reader());
  expect(found.body.items.map(({ id }) => id)).toEqual(body.media);
});

it('replaces the view of the same name', async () => {
  const by = reader();
  await save(pictures, by);
  await save({ ...pictures, filters: { kind: 'video' } }, by);
  expect((await list(by)).map(({ filters }) => filters)).toEqual([{ kind: 'video' }]);
});

it('has at most fifty of an owner, also if they are saved at the same moment', async () => {
  const by = reader();
  const names = Array.from({ length: 53 }, (_, place) => `View ${String(place)}`);
  const saved = await Promise.all(names.map((name) => save({ ...pictures, name }, by)));
  const refused = saved.filter(({ status }) => status === 409);
  expect(refused.map(({ body }) => body.code)).toEqual(Array(3).fill('view.too_many'));
  const [first] = await list(by);
  expect(await save({ ...pictures, name: first?.name }, by)).toMatchObject({ status: 200 });
});

it.each([
  ['no name', { filters: pictures.filters }],
  ['an empty name', { ...pictures, name: ' ' }],
  ['a name that is too long', { ...pictures, name: 'x'.repeat(81) }],
  ['no filters', { ...pictures, filters: {} }],
  ['an unknown filter', { ...pictures, filters: { colour: 'red' } }],
  ['a wrong filter', { ...pictures, filters: { kind: 'mood' } }],
  ['a page', { ...pictures, filters: { kind: 'image', limit: '5' } }],
])('with %s is refused', async (_, json) => {
  expect(await save(json, reader())).toMatchObject({ status: 400, body: { code: 'request.invalid' } });
});

describe('a shared view', () => {
  it('is shared and deleted by managers only, and seen by everybody', async () => {
    expect(await save({ ...pictures, shared: true }, reader())).toMatchObject({ status: 403 });
    const { body } = await save({ ...pictures, name: 'Shared', shared: true }, manager());
    const by = reader();
    expect(await list(by)).toMatchObject([{ name: 'Shared', own: false, shared: true }]);
    expect(await remove(body.id, by)).toMatchObject({ status: 404, body: { code: 'view.not_found' } });
    expect(await remove(body.id, manager())).toMatchObject({ status: 204 });
    expect(await namesOf(by)).toEqual([]);
  });

  it('names nothing of channels that the caller does not see', async () => {
    const by = manager();
    await save({ name: 'Of Blip', filters: { channel: 'blip', from: '551100' }, shared: true }, by);
    await save({ name: 'Of a person', filters: { from: '551100' }, shared: true }, by);
    await save({ name: 'Failed', filters: { state: 'failed' }, shared: true }, by);
    expect(await namesOf(reader(['blip']))).toEqual(['Failed', 'Of Blip']);
    expect(await namesOf(reader(['sobot']))).toEqual(['Failed']);
    for (const { id } of await list(by)) await remove(id, by);
  });
});

it('is shared only if its channel is one of the caller', async () => {
  const by = { token: service.token('media:read media:manage', { channels: ['sobot'] }) };
  const filters = { kind: 'image', channel: 'blip' };
  expect(await save({ name: 'Of Blip', filters, shared: true }, by)).toMatchObject({
    status: 400,
    body: { errors: [{ field: 'filters.channel', message: 'there is no such channel' }] },
  });
  const own = { ...filters, channel: 'sobot' };
  const { status, body } = await save({ name: 'Of Sobot', filters: own, shared: true }, by);
  expect(status).toBe(200);
  await remove(body.id, by);
});

describe('an erasure', () => {
  it('of the user takes the views along', async () => {
    const { user, page } = await enter(service);
    await save(pictures, page);
    await call(service.url, `/v1/users/${user.id}`, { method: 'delete', token: service.token('admin') });
    const rows = await service.database.query('select 1 from saved_view where owner = $1', [user.id]);
    expect(rows).toEqual([]);
  });

  it('of a person takes the views along that look for them', async () => {
    await postWebhook(service, 'z-api', zApiMedia());
    const [row] = await service.database.query<{ person: string }>('select person from media limit 1');
    const from = row?.person ?? '';
    const by = reader();
    await save({ name: 'Person', filters: { from } }, by);
    await save({ name: 'Other channel', filters: { from, channel: 'blip' } }, by);
    await save({ name: 'Other person', filters: { from: `${from}0` } }, by);
    const token = service.token('admin');
    await call(service.url, `/v1/contacts/z-api/${from}`, { method: 'delete', token });
    expect(await namesOf(by)).toEqual(['Other channel', 'Other person']);
  });
});
