/** Legal holds: what is held is not erased, whoever asks, and is erased as usual when the hold has ended. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';

import { bytes, startMediaHost, type MediaHost } from '../../../src/demo/media-host.js';
import { uniquePhotos, type UniquePhotos } from '../../../src/demo/photos.js';
import { newId } from '../../../src/domain/id.js';
import { call, postWebhook, receive, type MediaView, type Page } from '../../support/client.js';
import { findEverywhere } from '../../support/everything.js';
import { zApiMedia, type ZApiOptions } from '../../support/payloads.js';
import { startTestService, type TestService } from '../../support/test-service.js';
import { until } from '../../support/until.js';

interface HoldView {
  readonly id: string;
  readonly channel: string | null;
  readonly subject: string;
  readonly ids: readonly string[];
}

let service: TestService;
let host: MediaHost;
let photos: UniquePhotos;
let admin: string;
const begun: string[] = [];

beforeAll(async () => {
  host = await startMediaHost();
  service = await startTestService({ mediaHosts: [host.host], env: { KEEP_TEXTS: 'all' } });
  admin = service.token('admin');
  photos = await uniquePhotos(50, { width: 64, height: 48 });
});
afterEach(async () => {
  for (const id of begun.splice(0)) await end(id);
});
afterAll(async () => {
  await service.stop();
  await host.close();
});

let count = 0;
/** A number that nobody had so far. */
const person = (): string => `55219${String(80_000_000 + 7_919 * (count += 1))}`;

const media = (options: ZApiOptions = {}): Promise<MediaView> => {
  const url = host.serve(`/${newId()}.jpg`, bytes('image/jpeg', photos.at((count += 1))));
  return receive(service, 'z-api', zApiMedia({ url, ...options }));
};

async function begin(json: object): Promise<HoldView> {
  const { status, body } = await call<HoldView>(service.url, '/v1/holds', {
    method: 'post',
    token: admin,
    json: { reason: 'Case 4711', ...json },
  });
  expect(status).toBe(201);
  begun.push(body.id);
  return body;
}
const end = (id: string, token = admin) => call(service.url, `/v1/holds/${id}`, { method: 'delete', token });
const show = async (id: string) =>
  (await call<MediaView & { held: boolean }>(service.url, `/v1/media/${id}`, { token: admin })).body;
const eraseMedia = (id: string, query = '') =>
  call(service.url, `/v1/media/${id}${query}`, { method: 'delete', token: admin });
const erasePerson = (id: string) =>
  call(service.url, `/v1/contacts/z-api/${encodeURIComponent(id)}`, { method: 'delete', token: admin });
const refusedBy = ({ id }: HoldView) => ({
  status: 409,
  body: { code: 'hold.active', detail: expect.stringContaining(id) },
});

describe('a hold on a media item', () => {
  it('refuses to erase it and its person until it ends', async () => {
    const from = person();
    const { id } = await media({ from });
    const other = await media({ from });
    expect((await show(id)).held).toBe(false);
    const hold = await begin({ type: 'media', subject: id });
    expect(hold).toMatchObject({ channel: 'z-api', subject: id, ids: [id] });
    expect(await show(id)).toMatchObject({ held: true });
    expect((await show(other.id)).held).toBe(false);
    expect(await eraseMedia(id)).toMatchObject(refusedBy(hold));
    expect(await eraseMedia(id, '?dryRun=true')).toMatchObject(refusedBy(hold));
    expect(await erasePerson(from)).toMatchObject(refusedBy(hold));
    expect((await show(other.id)).state).toBe('ready');
    expect((await eraseMedia(other.id)).status).toBe(200);

    expect((await end(hold.id)).status).toBe(204);
    expect(await show(id)).toMatchObject({ held: false, state: 'ready' });
    expect((await erasePerson(from)).status).toBe(200);
    expect((await show(id)).state).toBe('erased');
    expect(await findEverywhere(service, [from])).toEqual([]);
  });

  it('is one of several: each must end', async () => {
    const { id } = await media({ from: person() });
    const first = await begin({ type: 'media', subject: id });
    const second = await begin({ type: 'media', subject: id });
    await end(first.id);
    expect(await eraseMedia(id)).toMatchObject(refusedBy(second));
    const { body } = await call<Page<HoldView>>(service.url, `/v1/holds?media=${id}`, { token: admin });
    expect(body.items.map((hold) => hold.id)).toEqual([second.id]);
  });

  it('keeps the webhook that brought it, also if another person is erased whom the webhook mentions', async () => {
    const mentioned = person();
    const { id } = await media({ from: person(), caption: `call me at ${mentioned}` });
    await media({ from: mentioned });
    const hold = await begin({ type: 'media', subject: id });
    expect(await erasePerson(mentioned)).toMatchObject(refusedBy(hold));
  });
});

describe('a hold on a person', () => {
  it('covers all spellings of the number, and what arrives later', async () => {
    const from = '5521987654321';
    const before = await media({ from });
    const hold = await begin({ type: 'person', channel: 'z-api', subject: '+55 (21) 8765-4321' });
    expect(hold).toMatchObject({ subject: '552187654321', ids: ['552187654321', from] });
    const later = await media({ from });
    for (const { id } of [before, later]) {
      expect((await show(id)).held).toBe(true);
      expect(await eraseMedia(id)).toMatchObject(refusedBy(hold));
    }
    expect(await erasePerson(from)).toMatchObject(refusedBy(hold));
    expect(await erasePerson('552187654321')).toMatchObject(refusedBy(hold));
  });

  it('follows an id that becomes known when the hold has begun', async () => {
    const from = person();
    const lid = `${from}1@lid`;
    const { id } = await media({ from: lid });
    const hold = await begin({ type: 'person', channel: 'z-api', subject: from });
    expect((await show(id)).held).toBe(false);
    const { body } = await postWebhook(service, 'z-api', { ...zApiMedia({ from }), chatLid: lid });
    expect(body.media).toHaveLength(1);
    // Aliases are known when people are read.
    await call(service.url, `/v1/people/z-api/${from}`, { token: admin });
    expect((await show(id)).held).toBe(true);
    expect(await erasePerson(lid)).toMatchObject(refusedBy(hold));
  });

  it('follows an id that a message has told just before an erasure', async () => {
    const from = person();
    const lid = `${from}1@lid`;
    const { id } = await media({ from: lid });
    const hold = await begin({ type: 'person', channel: 'z-api', subject: from });
    await postWebhook(service, 'z-api', { ...zApiMedia({ from }), chatLid: lid });
    expect(await eraseMedia(id)).toMatchObject(refusedBy(hold));
  });

  it('covers all spellings of each number of the person', async () => {
    const without = '552187651234';
    const lid = '98765@lid';
    await postWebhook(service, 'z-api', { ...zApiMedia({ from: without }), chatLid: lid });
    const hold = await begin({ type: 'person', channel: 'z-api', subject: lid });
    expect([...hold.ids].sort()).toEqual([without, '5521987651234', lid]);
    const { id } = await media({ from: '5521987651234' });
    expect(await eraseMedia(id)).toMatchObject(refusedBy(hold));
  });

  it('keeps texts and webhooks of the person when somebody else is erased', async () => {
    const held = person();
    const group = `${person()}-group`;
    const sender = person();
    await media({ from: sender, group });
    const text = { message: 'a promise' };
    await postWebhook(service, 'z-api', {
      ...zApiMedia({ from: held, group }),
      image: undefined,
      text,
    });
    const hold = await begin({ type: 'person', channel: 'z-api', subject: held });
    expect(await erasePerson(group)).toMatchObject(refusedBy(hold));
    expect((await erasePerson(sender)).status).toBe(200);
  });
});

it('a hold on a chat keeps what its members have sent into it', async () => {
  const group = `${person()}-group`;
  const from = person();
  const inside = await media({ from, group });
  const outside = await media({ from });
  const hold = await begin({ type: 'chat', channel: 'z-api', subject: group });
  expect([(await show(inside.id)).held, (await show(outside.id)).held]).toEqual([true, false]);
  expect(await erasePerson(from)).toMatchObject(refusedBy(hold));
  expect(await eraseMedia(inside.id)).toMatchObject(refusedBy(hold));
  expect((await eraseMedia(outside.id)).status).toBe(200);
});

it.each(['5521988880000-1623281429', '-1001234567890'])(
  'a hold on the chat %s is one on this chat, although its id consists of digits and signs',
  async (group) => {
    const { id } = await media({ from: person(), group });
    const hold = await begin({ type: 'chat', channel: 'z-api', subject: group });
    expect(hold).toMatchObject({ subject: group, ids: [group] });
    expect(await eraseMedia(id)).toMatchObject(refusedBy(hold));
    const asPerson = await begin({ type: 'person', channel: 'z-api', subject: group });
    expect(asPerson.ids).toEqual([group]);
  },
);

describe('a hold on a tag', () => {
  const tag = (id: string, tags: readonly string[]) =>
    call(service.url, `/v1/media/${id}`, { method: 'patch', token: admin, json: { tags } });

  it('covers media in any spelling of the tag, which nobody can take off', async () => {
    const { id } = await media({ from: person() });
    await tag(id, ['Peça 12', 'roses']);
    const hold = await begin({ type: 'tag', subject: 'PECA 12' });
    expect((await show(id)).held).toBe(true);
    expect(await tag(id, ['roses'])).toMatchObject(refusedBy(hold));
    expect((await tag(id, ['peça 12'])).status).toBe(200);
    expect(await eraseMedia(id)).toMatchObject(refusedBy(hold));
    await end(hold.id);
    expect((await tag(id, [])).status).toBe(200);
  });

  it('stays when two people take different tags off at once', async () => {
    const { id } = await media({ from: person() });
    await tag(id, ['case 11', 'roses', 'tulips']);
    const hold = await begin({ type: 'tag', subject: 'case 11' });
    const outcomes = await Promise.all([tag(id, ['case 11', 'tulips']), tag(id, ['roses']), tag(id, [])]);
    expect(outcomes.map(({ status }) => status)).toEqual([200, 409, 409]);
    expect(outcomes[2]).toMatchObject(refusedBy(hold));
    expect((await show(id)).held).toBe(true);
  });

  it('may be one of a channel', async () => {
    const { id } = await media({ from: person() });
    await tag(id, ['case 9']);
    await begin({ type: 'tag', channel: 'blip', subject: 'case 9' });
    expect((await show(id)).held).toBe(false);
    await begin({ type: 'tag', channel: 'z-api', subject: 'case 9' });
    expect((await show(id)).held).toBe(true);
  });
});

it('an export says what is held', async () => {
  const from = person();
  const held = await media({ from });
  await media({ from });
  await begin({ type: 'media', subject: held.id });
  const answer = await call(service.url, `/v1/export?format=csv&from=${from}`, { token: admin });
  const [head = '', ...rows] = answer.bytes.toString('utf8').trimEnd().split('\r\n');
  const cell = (row: string, name: string) =>
    row.split('","')[head.split('","').findIndex((column) => column === name)];
  expect(rows).toHaveLength(2);
  for (const row of rows) expect(cell(row, 'held')).toBe(String(cell(row, 'id') === held.id));
});

describe('a hold and an erasure at the same time', () => {
  /** A session that takes part as an erasure (`_shared`) or as a hold that begins. */
  async function takingPart(as: '_shared' | ''): Promise<pg.Client> {
    const session = new pg.Client(service.database.connectionString);
    await session.connect();
    await session.query('begin');
    await session.query(`select pg_advisory_xact_lock${as}(hashtextextended('holds', 0))`);
    return session;
  }
  const waiting = `select from pg_locks where locktype = 'advisory' and not granted
    and database = (select oid from pg_database where datname = current_database())`;
  const isWaiting = () => until(async () => (await service.database.query(waiting)).length === 1);

  it('the hold begins when the erasure has ended', async () => {
    const { id } = await media({ from: person() });
    const erasure = await takingPart('_shared');
    const hold = begin({ type: 'media', subject: id });
    await isWaiting();
    expect((await show(id)).held).toBe(false);
    await erasure.query('commit');
    await erasure.end();
    await hold;
    expect((await show(id)).held).toBe(true);
  });

  it('notes do not wait for a hold that begins', async () => {
    const { id } = await media({ from: person() });
    const beginning = await takingPart('');
    const json = { note: 'Called back', resolved: true };
    const noted = await call(service.url, `/v1/media/${id}`, { method: 'patch', token: admin, json });
    expect(noted.status).toBe(200);
    await beginning.query('commit');
    await beginning.end();
  });

  it('the erasure is refused when the hold has begun', async () => {
    const { id } = await media({ from: person() });
    const hold = newId();
    const beginning = await takingPart('');
    const erased = eraseMedia(id);
    await isWaiting();
    await beginning.query(
      `insert into legal_hold (id, type, channel, subject, ids, reason, actor, created_at)
       values ($1, 'media', 'z-api', $2, array[$2], 'Case 1', 'test', now())`,
      [hold, id],
    );
    await beginning.query('commit');
    await beginning.end();
    begun.push(hold);
    expect((await erased).body.code).toBe('hold.active');
    expect((await show(id)).state).toBe('ready');
  });
});

describe('who may see and end a hold', () => {
  it('is decided by the channels of a token, and recorded without names', async () => {
    const subject = person();
    await media({ from: subject });
    const hold = await begin({ type: 'person', channel: 'z-api', subject });
    const blip = service.token('admin', { channels: ['blip'] });
    const list = await call<Page<HoldView>>(service.url, '/v1/holds', { token: blip });
    expect(list.body.items).toEqual([]);
    expect((await end(hold.id, blip)).status).toBe(404);
    const anyTag = { type: 'tag', subject: 'case', reason: 'Case 4711' };
    const refused = await call(service.url, '/v1/holds', { method: 'post', token: blip, json: anyTag });
    expect(refused.body).toMatchObject({ code: 'request.invalid' });
    expect((await call(service.url, '/v1/holds', { token: service.token('messages:send') })).status).toBe(
      403,
    );

    await end(hold.id);
    const audit = await call<Page<{ action: string; target: string; details: object }>>(
      service.url,
      '/v1/audit?limit=2',
      { token: admin },
    );
    expect(audit.body.items).toMatchObject([
      { action: 'hold.end', target: hold.id, details: { type: 'person' } },
      { action: 'hold.create', target: hold.id, details: { type: 'person' } },
    ]);
    expect(JSON.stringify(audit.body)).not.toContain(subject);
  });

  it('refuses holds that would keep nothing', async () => {
    const create = async (json: object) =>
      (await call(service.url, '/v1/holds', { method: 'post', token: admin, json: { reason: 'x', ...json } }))
        .body.code;
    const erased = await media({ from: person() });
    await eraseMedia(erased.id);
    expect(await create({ type: 'person', subject: '5511900000000' })).toBe('request.invalid');
    expect(await create({ type: 'person', channel: 'zapi', subject: '1' })).toBe('contact.unknown_channel');
    expect(await create({ type: 'media', subject: 'x' })).toBe('request.invalid');
    expect(await create({ type: 'media', subject: newId() })).toBe('media.not_found');
    expect(await create({ type: 'media', subject: erased.id })).toBe('media.erased');
    expect(await create({ type: 'tag', subject: 'x', reason: ' ' })).toBe('request.invalid');
  });
});
