/** Retention in the whole service, with a clock that is moved forward. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { bytes, startMediaHost, type MediaHost } from '../../../src/demo/media-host.js';
import { photo } from '../../../src/demo/photos.js';
import { newId } from '../../../src/domain/id.js';
import {
  afterPending,
  call,
  postWebhook,
  receive,
  upload,
  type MediaView,
  type Page,
} from '../../support/client.js';
import { filesOf, findEverywhere } from '../../support/everything.js';
import { addJobs, runJobs } from '../../support/jobs.js';
import { picture, zApiMedia } from '../../support/payloads.js';
import { startTestService, type TestService } from '../../support/test-service.js';
import { until } from '../../support/until.js';

let host: MediaHost;
const started: TestService[] = [];
let days = 0;

beforeEach(async () => {
  host = await startMediaHost();
  days = 0;
});
afterEach(async () => {
  for (const service of started.splice(0).reverse()) await service.stop();
  await host.close();
});

async function start(env: Readonly<Record<string, string>> = {}, beside?: TestService): Promise<TestService> {
  const service = await startTestService({
    env,
    mediaHosts: [host.host],
    now: () => new Date(Date.now() + days * 86_400_000),
    ...(beside && { beside }),
  });
  started.push(service);
  return service;
}

const publish = async (seed: number): Promise<string> =>
  host.serve(`/${newId()}.jpg`, bytes('image/jpeg', await photo({ seed, width: 64, height: 48 })));

/** Runs the hourly task `times` times at once, until all runs have ended. */
const retain = ({ database }: TestService, times = 1): Promise<void> => runJobs(database, 'retain', times);

interface Entry {
  readonly actor: string;
  readonly details: Readonly<Record<string, number>>;
}

async function runs(service: TestService): Promise<readonly Entry[]> {
  const answer = await call<Page<Entry>>(service.url, '/v1/audit?action=retention.run', {
    token: service.token('admin'),
  });
  return answer.body.items;
}

const show = async (service: TestService, id: string): Promise<MediaView> =>
  (await call<MediaView>(service.url, `/v1/media/${id}`, { token: service.token('admin') })).body;

describe('media', () => {
  test('are erased after their retention period, with everything that belongs to them', async () => {
    const service = await start({ RETENTION_DAYS: '10' });
    const options = { from: '5521912345678', caption: 'an old picture' };
    const old = await receive(service, 'z-api', zApiMedia({ ...options, url: await publish(1) }));
    const { body: uploaded } = await upload(service, {
      file: await photo({ seed: 2, width: 64, height: 48 }),
    });
    days = 9;
    const young = await receive(service, 'z-api', zApiMedia({ caption: 'young', url: await publish(3) }));
    await retain(service);
    expect((await show(service, old.id)).state).toBe('ready');

    days = 11;
    await retain(service);
    expect(await show(service, old.id)).toMatchObject({
      state: 'erased',
      message: { from: '', caption: null },
    });
    expect((await show(service, uploaded.id)).state).toBe('erased');
    expect(await show(service, young.id)).toMatchObject({ state: 'ready', message: { caption: 'young' } });
    expect(await findEverywhere(service, [...Object.values(options), String(old.sha256)])).toEqual([]);
    const left = (await filesOf(service)).filter((name) => !name.includes(String(young.sha256)));
    expect(left.filter((name) => /\/(blobs|previews)\//.test(name))).toEqual([]);
  });

  test('are kept forever by default', async () => {
    const service = await start();
    const { id } = await receive(service, 'z-api', picture('z-api', { url: await publish(1) }));
    days = 5_000;
    await retain(service);
    expect((await show(service, id)).state).toBe('ready');
  });

  test('are erased once, for any number of media and workers', async () => {
    const service = await start({ RETENTION_DAYS: '10' });
    const second = await start({ RETENTION_DAYS: '10' }, service);
    await service.database.query(
      `with row as (
         select gen_random_uuid() as message, id, received_at, delivery_id from (
           select ('01000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid as id,
                  ('01000000-0000-7000-8000-1' || lpad(n::text, 11, '0'))::uuid as delivery_id,
                  now() - interval '40 days' as received_at
           from generate_series(1, 1200) as n) as made
       ), d as (
         insert into delivery (id, channel, provider, content_hash, body, headers, outcome, received_at)
         select delivery_id, 'z-api', 'z-api', sha256(id::text::bytea), 'body', '{}', 'accepted', received_at from row
       ), m as (
         insert into message (id, channel, provider, message_id, direction, sender, received_at, delivery_id)
         select message, 'z-api', 'z-api', id::text, 'inbound', 'somebody', received_at, delivery_id from row
       )
       insert into media (id, channel, provider, message_row_id, position, direction, kind, state, received_at)
       select id, 'z-api', 'z-api', message, 0, 'inbound', 'image', 'failed', received_at from row`,
    );
    await Promise.all([retain(service, 3), retain(second, 3)]);
    const sum: Record<string, number> = {};
    for (const { details } of await runs(service))
      for (const [name, count] of Object.entries(details)) sum[name] = (sum[name] ?? 0) + count;
    // One worker may delete a raw webhook before another one empties it, so emptied webhooks are not counted
    // here.
    expect(sum).toMatchObject({ media: 1_200, messages: 1_200, deletedDeliveries: 1_200 });
    const failed = `select 1 from graphile_worker._private_jobs where last_error is not null`;
    expect(await service.database.query(failed)).toEqual([]);
    const states = await service.database.query(
      `select state, sender, count(*)::int from media join message on message.id = message_row_id group by 1, 2`,
    );
    expect(states).toEqual([{ state: 'erased', sender: '', count: 1_200 }]);
  });
});

describe('raw webhooks', () => {
  test('are deleted after their retention period, and their media stay', async () => {
    const service = await start({ DELIVERY_RETENTION_DAYS: '5' });
    const payload = picture('z-api', { url: await publish(1) });
    const { id } = await receive(service, 'z-api', payload);
    await postWebhook(service, 'z-api', { type: 'PresenceChatCallback', status: 'AVAILABLE' });
    days = 4;
    await retain(service);
    expect(await service.database.query('select from delivery')).toHaveLength(2);
    days = 6;
    await retain(service);
    expect(await service.database.query('select from delivery')).toEqual([]);
    expect(await service.database.query('select delivery_id from message')).toEqual([{ delivery_id: null }]);
    expect((await show(service, id)).state).toBe('ready');
    // No longer found by its bytes, but by its message.
    expect((await postWebhook(service, 'z-api', payload)).body).toMatchObject({
      duplicate: true,
      media: [id],
    });
  });

  test('are kept until the files that they contain have been read', async () => {
    const service = await start({ DELIVERY_RETENTION_DAYS: '5' });
    const { database } = service;
    await receive(service, 'z-api', picture('z-api', { url: await publish(1) }));
    await database.query(
      `update media set state = 'pending', ready_at = null, sha256 = null, source_reference = 'embedded:' || repeat('0', 64) || ':/file'`,
    );
    await postWebhook(service, 'z-api', { type: 'PresenceChatCallback', status: 'AVAILABLE' });
    days = 6;
    await retain(service);
    expect(await database.query('select outcome from delivery')).toEqual([{ outcome: 'accepted' }]);
    // The same if the webhook brought the file to a message that another one had brought.
    await database.query(
      `update media set source_delivery_id = message.delivery_id from message where message.id = message_row_id`,
    );
    await database.query('update message set delivery_id = null');
    await retain(service);
    expect(await database.query('select outcome from delivery')).toEqual([{ outcome: 'accepted' }]);
    await database.query(`update media set state = 'failed'`);
    await retain(service);
    expect(await database.query('select from delivery')).toEqual([]);
  });

  test('are not kept longer than their media', async () => {
    const service = await start({ RETENTION_DAYS: '2', DELIVERY_RETENTION_DAYS: '5' });
    await postWebhook(service, 'z-api', { type: 'PresenceChatCallback', status: 'AVAILABLE' });
    days = 3;
    await retain(service);
    expect(await service.database.query('select from delivery')).toEqual([]);
  });
});

describe('events', () => {
  test('are deleted a week after their delivery, unless a subscription still waits for them', async () => {
    const service = await start();
    const ids = [1, 2].map(async (seed) => {
      const { id } = await receive(service, 'z-api', picture('z-api', { url: await publish(seed) }));
      return id;
    });
    const [told, waiting] = await Promise.all(ids);
    // A test that takes long may see an alert, too.
    const all = 'select media_id from notification where seq is not null and media_id is not null';
    await until(async () => (await service.database.query(all)).length === 2);
    await service.database.query(
      `insert into notification_delivery (subscription_id, notification_id, settled_at)
       select gen_random_uuid(), id, case when media_id = $1 then now() end from notification
       where media_id is not null`,
      [told],
    );
    const horizon = 'select seq from event_horizon';
    const [deleted] = await service.database.query<{ seq: string }>(
      'select seq from notification where media_id = $1',
      [told],
    );
    days = 6;
    await retain(service);
    expect(await service.database.query(all)).toHaveLength(2);
    expect(await service.database.query(horizon)).toEqual([]);
    days = 8;
    await retain(service);
    expect(await service.database.query(all)).toEqual([{ media_id: waiting }]);
    // A client that resumes with an older number learns that it has missed events.
    const [{ seq } = { seq: '0' }] = await service.database.query<{ seq: string }>(horizon);
    expect(Number(seq)).toBeGreaterThanOrEqual(Number(deleted?.seq));
    expect(await service.database.query('select from notification_delivery')).toHaveLength(2);
    days = 31;
    await retain(service);
    expect(await service.database.query('select from notification_delivery')).toEqual([]);
  });
});

test('a run is recorded if it has deleted something, and only then', async () => {
  const service = await start({ RETENTION_DAYS: '10' });
  await receive(service, 'z-api', picture('z-api', { url: await publish(1) }));
  await retain(service);
  expect(await runs(service)).toEqual([]);
  days = 11;
  await retain(service);
  await retain(service);
  expect(await runs(service)).toMatchObject([
    {
      actor: 'retention',
      details: { media: 1, messages: 1, blobs: 1, deliveries: 1, deletedDeliveries: 1 },
    },
  ]);
});

describe('a batch and its counts in the audit entry', () => {
  const failing = `select 1 from graphile_worker._private_jobs where last_error is not null`;
  const forbid = ({ database }: TestService, what: string) =>
    database.query(`
      create function refuse() returns trigger language plpgsql as
        $$ begin raise exception 'refused' using errcode = 'internal_error'; end $$;
      create trigger refuse before ${what} for each row execute function refuse()`);
  /** Runs the task until it fails. */
  const retainInVain = async ({ database }: TestService): Promise<void> => {
    await addJobs(database, 'retain');
    await until(async () => (await database.query(failing)).length === 1);
  };

  test('are one transaction: without the entry, nothing is deleted', async () => {
    const service = await start({ RETENTION_DAYS: '10' });
    const { id } = await receive(service, 'z-api', picture('z-api', { url: await publish(1) }));
    days = 11;
    await forbid(service, 'insert on audit_entry');
    await retainInVain(service);
    expect(await service.database.query('select state from media where id = $1', [id])).toEqual([
      { state: 'ready' },
    ]);
  });

  test('remain if the run is interrupted', async () => {
    const service = await start({ RETENTION_DAYS: '10' });
    await receive(service, 'z-api', picture('z-api', { url: await publish(1) }));
    days = 11;
    await forbid(service, 'delete on delivery');
    await retainInVain(service);
    const [run, ...others] = await runs(service);
    expect(others).toEqual([]);
    expect(run).toMatchObject({ actor: 'retention', details: { media: 1, messages: 1, deliveries: 1 } });
    expect(run?.details).not.toHaveProperty('deletedDeliveries');
  });
});

describe('a legal hold', () => {
  const begin = async (service: TestService, json: object): Promise<string> => {
    const hold = await call<{ id: string }>(service.url, '/v1/holds', {
      method: 'post',
      token: service.token('admin'),
      json: { channel: 'z-api', reason: 'Case 4711', ...json },
    });
    return hold.body.id;
  };
  const end = (service: TestService, id: string) =>
    call(service.url, `/v1/holds/${id}`, { method: 'delete', token: service.token('admin') });
  const text = (phone: string, message: string): object => ({
    ...zApiMedia({ from: phone }),
    image: undefined,
    text: { message },
  });

  test('keeps media, texts and raw webhooks of a person until it ends', async () => {
    const service = await start({ RETENTION_DAYS: '10', KEEP_TEXTS: 'around' });
    const held = '5521912345678';
    const { id } = await receive(service, 'z-api', zApiMedia({ from: held, url: await publish(1) }));
    const other = await receive(
      service,
      'z-api',
      zApiMedia({ from: '5521900000001', url: await publish(2) }),
    );
    for (const phone of [held, '5521900000001']) await postWebhook(service, 'z-api', text(phone, 'a text'));
    const lone = '5521912345679';
    await postWebhook(service, 'z-api', text(lone, 'nothing around it'));
    const holds = [await begin(service, { type: 'person', subject: held })];
    holds.push(await begin(service, { type: 'person', subject: lone }));
    days = 11;
    await retain(service);
    expect(await show(service, id)).toMatchObject({ state: 'ready', message: { from: held } });
    expect((await show(service, other.id)).state).toBe('erased');
    const texts = 'select person from context where person is not null order by person';
    expect(await service.database.query(texts)).toEqual([{ person: held }, { person: lone }]);
    const bodies = `select convert_from(body, 'UTF8') as body from delivery order by id`;
    const kept = await service.database.query<{ body: string }>(bodies);
    expect(kept.map(({ body }) => [held, lone].find((phone) => body.includes(phone)))).toEqual([
      held,
      held,
      lone,
    ]);

    for (const hold of holds) await end(service, hold);
    await retain(service);
    expect((await show(service, id)).state).toBe('erased');
    expect(await service.database.query(texts)).toEqual([]);
    expect(await service.database.query(bodies)).toEqual([]);
    expect(await findEverywhere(service, [held, lone])).toEqual([]);
  });

  test('keeps the raw webhook that brought only a newer link', async () => {
    const service = await start({ DELIVERY_RETENTION_DAYS: '10' });
    const messageId = 'two-links';
    const dead = zApiMedia({ messageId, url: `${host.origin}/gone.jpg` });
    const failed = await receive(service, 'z-api', dead);
    expect(failed.state).toBe('failed');
    const { id } = await receive(service, 'z-api', zApiMedia({ messageId, url: await publish(1) }));
    expect(await show(service, id)).toMatchObject({ id: failed.id, state: 'ready' });
    await receive(service, 'z-api', zApiMedia({ url: await publish(2) }));
    const hold = await begin(service, { type: 'media', subject: id, channel: null });
    days = 11;
    await retain(service);
    const bodies = await service.database.query<{ body: string }>(
      `select convert_from(body, 'UTF8') as body from delivery`,
    );
    expect(bodies).toHaveLength(2);
    expect(bodies.every(({ body }) => body.includes(messageId))).toBe(true);
    await end(service, hold);
    await retain(service);
    expect(await service.database.query('select from delivery')).toEqual([]);
  });

  test('keeps a file of a tag, and another hold goes on keeping it', async () => {
    const service = await start({ RETENTION_DAYS: '10' });
    const { id } = await receive(service, 'z-api', zApiMedia({ url: await publish(1) }));
    const token = service.token('admin');
    await call(service.url, `/v1/media/${id}`, { method: 'patch', token, json: { tags: ['case 7'] } });
    const first = await begin(service, { type: 'tag', subject: 'case 7' });
    const second = await begin(service, { type: 'media', subject: id, channel: null });
    days = 11;
    await retain(service);
    await end(service, first);
    await retain(service);
    expect((await show(service, id)).state).toBe('ready');
    expect(await service.database.query('select parked_by from media')).toEqual([{ parked_by: second }]);
    await end(service, second);
    await retain(service);
    expect((await show(service, id)).state).toBe('erased');
  });
});

describe('channels', () => {
  test('are kept for different times, as the settings say', async () => {
    const service = await start({
      RETENTION_DAYS: '10, sobot=30, blip=forever',
      DELIVERY_RETENTION_DAYS: '8, sobot=5',
    });
    const ids = new Map<string, string>();
    for (const [place, channel] of ['z-api', 'sobot', 'blip'].entries()) {
      const { id } = await receive(service, channel, picture(channel, { url: await publish(place + 1) }));
      ids.set(channel, id);
    }
    const seen = async (): Promise<string[]> => {
      await retain(service);
      const states = [...ids].map(async ([channel, id]) => `${channel} ${(await show(service, id)).state}`);
      const rows = await service.database.query<{ channel: string }>(
        'select channel from delivery order by channel',
      );
      return [...(await Promise.all(states)), ...rows.map(({ channel }) => `webhook of ${channel}`)];
    };
    days = 6;
    const ready = ['z-api ready', 'sobot ready', 'blip ready'];
    expect(await seen()).toEqual([...ready, 'webhook of blip', 'webhook of z-api']);
    days = 11;
    expect(await seen()).toEqual(['z-api erased', 'sobot ready', 'blip ready']);
    days = 31;
    expect(await seen()).toEqual(['z-api erased', 'sobot erased', 'blip ready']);
  });

  test('of the API have retention of their own, which comes first', async () => {
    const service = await start({ RETENTION_DAYS: '30, shop=20' });
    const token = service.token('admin');
    const json = {
      id: 'shop',
      provider: 'z-api',
      settings: { webhookSecret: 'shop-secret-0123456789' },
      retention: { mediaDays: 5 },
    };
    const added = await call<{ retention: object }>(service.url, '/v1/channels', {
      method: 'post',
      token,
      json,
    });
    expect(added.body.retention).toEqual({ mediaDays: 5, deliveryDays: null });
    const sent = await call<{ media: string[] }>(service.url, '/webhooks/shop?token=shop-secret-0123456789', {
      method: 'post',
      json: zApiMedia({ url: await publish(1) }),
    });
    const [id = ''] = sent.body.media;
    await afterPending(service, id);
    const change = async (retention: object): Promise<void> => {
      const path = '/v1/channels/shop';
      const { status } = await call(service.url, path, { method: 'patch', token, json: { retention } });
      expect(status).toBe(200);
    };
    await change({ mediaDays: null, deliveryDays: 3 });
    days = 6;
    await retain(service);
    expect((await show(service, id)).state).toBe('ready');
    expect(await service.database.query('select from delivery')).toEqual([]);
    await change({ mediaDays: 5 });
    await retain(service);
    expect((await show(service, id)).state).toBe('erased');
  });
});
