/**
 * The auditor says nothing of a service in order, also of its backup, and names each kind of damage for what
 * it is.
 */
import { createHash } from 'node:crypto';
import { cp, mkdir, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';

import { bytes, startMediaHost, type MediaHost } from '../../src/demo/media-host.js';
import { uniquePhotos, type UniquePhotos } from '../../src/demo/photos.js';
import { blobKey, previewKey } from '../../src/infra/files/blob-store.js';
import { audit, type Audit, type Claims } from '../../src/prove/auditor/index.js';
import { call, postWebhook } from '../support/client.js';
import { startCourier, type Courier } from '../support/courier.js';
import { picture } from '../support/payloads.js';
import { dataOf, send, settled } from '../support/sending.js';
import { cloneDatabase, type TestDatabase } from '../support/test-database.js';
import { startTestService, type TestService } from '../support/test-service.js';
import { until } from '../support/until.js';

const channels = ['blip', 'z-api', 'vonage', 'aisoule', 'sobot'];

let host: MediaHost;
let photos: UniquePhotos;
let courier: Courier;
let service: TestService;
/** Objects of the media that came in, in the order of the channels; the last one's is erased. */
const objects: string[] = [];
let claims: Required<Claims>;
const tables = [
  'delivery',
  'message',
  'media',
  'media_attempt',
  'message_status',
  'blob',
  'notification',
  'outbound',
];
/** A copy of what the service has kept, for each test to damage. */
let database: TestDatabase;
let uploadsDir: string;
beforeAll(async () => {
  [host, photos, courier] = await Promise.all([
    startMediaHost(),
    uniquePhotos(100, { width: 64, height: 48 }),
    startCourier(),
  ]);
  service = await startTestService({ channels: [courier.channel], mediaHosts: [host.host] });
  claims = await bringIn();
  await service.database.goAway();
  database = await cloneDatabase(service.database);
  await database.query('create schema saved');
  for (const table of tables) await database.query(`create table saved.${table} as table ${table}`);
});
afterAll(async () => {
  courier.close();
  await database.drop();
  await service.stop();
  await host.close();
});
beforeEach(async () => {
  uploadsDir = await mkdtemp(join(tmpdir(), 'inlet-audit-'));
  await cp(service.uploadsDir, uploadsDir, { recursive: true });
});
afterEach(async () => {
  for (const table of tables) await database.query(`delete from ${table}`);
  for (const table of tables) await database.query(`insert into ${table} table saved.${table}`);
  await rm(uploadsDir, { recursive: true });
});

let nextPhoto = 0;
const sha256 = (content: Buffer): string => createHash('sha256').update(content).digest('hex');

/** A picture from each provider, the last of them erased; one sent. */
async function bringIn(): Promise<Required<Claims>> {
  const webhooks: Required<Claims>['webhooks'][number][] = [];
  for (const channel of channels) {
    const photo = photos.at(nextPhoto++);
    const url = host.serve(`/${String(nextPhoto)}`, bytes('image/jpeg', photo));
    const messageId = `message-${channel}`;
    const body = Buffer.from(JSON.stringify(picture(channel, { messageId, url })));
    const receipt = await postWebhook(service, channel, body);
    expect(receipt.status).toBe(200);
    const erased = channel === 'sobot' ? 'yes' : 'no';
    webhooks.push({ channel, body, messageId, pictures: [sha256(photo)], acknowledged: true, erased });
    objects.push(sha256(photo));
  }
  await until(async () => (await rows(`media where state = 'ready'`)) === channels.length);
  const [last] = await service.database.query<{ id: string }>(`select id from media where channel = 'sobot'`);
  const asked = { method: 'delete', token: service.token('admin') } as const;
  expect((await call(service.url, `/v1/media/${String(last?.id)}`, asked)).status).toBe(200);
  const { body: message } = await send(service, { media: { data: dataOf(photos.at(nextPhoto++)) } });
  await settled(service, message.id, 'sent');
  await until(async () => (await rows('notification where seq is null')) === 0);
  const heard = await service.database.query<{ seq: number; type: string; mediaId: string | null }>(
    'select seq::int as seq, type, media_id as "mediaId" from notification order by seq',
  );
  const { id, to } = courier.handed[0] ?? { id: '', to: '' };
  return {
    webhooks,
    heard,
    asked: [{ id: message.id, channel: 'courier', to }],
    taken: [{ channel: 'courier', id: `taken-${id}`, to: `+${to}@wa` }],
    reports: [{ channel: 'courier', messageId: `taken-${id}`, status: 'sent' }],
  };
}

async function rows(where: string): Promise<number> {
  const [row] = await service.database.query<{ count: number }>(
    `select count(*)::int as count from ${where}`,
  );
  return row?.count ?? -1;
}

const look = (more: Partial<Claims> = {}): Promise<Audit> =>
  audit({
    databaseUrl: database.connectionString,
    uploadsDir,
    spoolDir: join(uploadsDir, 'spool'),
    claims: { ...claims, ...more },
  });

const inUploads = (key: string): string => join(uploadsDir, key);
const object = (): string => objects[0] ?? '';
const run = async (text: string): Promise<void> => {
  expect(await database.query(`${text} returning 1`)).not.toEqual([]);
};

/** A file as a killed process leaves it behind. */
async function leave(key: string, minutesAgo: number): Promise<void> {
  await mkdir(join(inUploads(key), '..'), { recursive: true });
  await writeFile(inUploads(key), 'left behind');
  const at = new Date(Date.now() - minutesAgo * 60_000);
  await utimes(inUploads(key), at, at);
}

test('finds nothing in the copy of a service that lost nothing, and reports how much it checked', async () => {
  expect(await look()).toEqual({
    checked: { deliveries: 5, media: 6, objects: 5, events: 5, sent: 1, erased: 1 },
    found: { lost: 0, doubled: 0, orphaned: 0, 'wrong bytes': 0, event: 0, 'not erased': 0 },
    failures: [],
  });
});

test('accepts work in progress: recent files, and webhooks that were not acknowledged', async () => {
  await leave('tmp/young', 5);
  const unheard = { channel: 'blip', body: '{}', messageId: 'unheard', pictures: [object()] };
  const webhooks = [...claims.webhooks, { ...unheard, acknowledged: false, erased: 'no' as const }];
  expect((await look({ webhooks })).failures).toEqual([]);
});

test('expects no reports about a message that was erased before its id was received', async () => {
  await run(`update outbound set state = 'erased', recipient = '', message_id = null, media_id = null`);
  await run('delete from message_status');
  expect((await look()).failures.filter((failure) => failure.includes('acknowledged'))).toEqual([]);
});

test('knows no recipient of an erased message whose request was not answered, and excuses only one for each', async () => {
  await run(`update outbound set state = 'erased', recipient = '', message_id = null, media_id = null`);
  await run('delete from message_status');
  const about = (failures: readonly string[]): readonly string[] =>
    failures.filter((failure) => failure.includes(' got '));
  expect(about((await look({ asked: [] })).failures)).toEqual([]);
  const taken = [...claims.taken, { channel: 'courier', id: 'other', to: '551' }];
  expect(about((await look({ asked: [], taken })).failures)).toEqual([
    'lost: courier 551 got 1 messages, of which 0 were to be sent',
    'lost: courier 551 got a message whose row does not say so',
  ]);
});

interface Damage {
  readonly what: string;
  /** May answer claims in place of those that hold. */
  readonly damage: () => Promise<unknown>;
  readonly found: RegExp;
}

const copyOfMedia = (changed: string): string =>
  `insert into media (id, channel, provider, message_row_id, position, direction, kind, state, source_url, received_at, ready_at,
                      sha256)
   select gen_random_uuid(), channel, provider, message_row_id, ${changed}, direction, kind, state, source_url, received_at,
          ready_at, sha256 from media where channel = 'blip'`;

const damages: readonly Damage[] = [
  {
    what: 'a file that is gone',
    damage: () => rm(inUploads(blobKey(object()))),
    found: /^lost: the file of object/,
  },
  {
    what: 'a preview that is gone',
    damage: () => rm(inUploads(previewKey(object(), 'small'))),
    found: /^lost: the small preview/,
  },
  {
    what: 'a byte that was changed',
    damage: async () => {
      const path = inUploads(blobKey(object()));
      const content = await readFile(path);
      content.writeUInt8(content.readUInt8(content.length - 3) ^ 1, content.length - 3);
      await writeFile(path, content);
    },
    found: /^wrong bytes: the file of object/,
  },
  {
    what: 'a preview that is cut off',
    damage: async () => {
      const path = inUploads(previewKey(object(), 'small'));
      await writeFile(path, (await readFile(path)).subarray(0, 200));
    },
    found: /^wrong bytes: the small preview/,
  },
  {
    what: 'a preview that consists of other parts of its file than it should',
    damage: () =>
      run(`update blob set previews = jsonb_set(previews, '{1,ranges}', '[{"start":0,"end":199}]')
           where sha256 = '${object()}'`),
    found: /^wrong bytes: the large preview/,
  },
  {
    what: 'a media that shows the picture of another',
    damage: () => run(`update media set sha256 = '${String(objects[1])}' where channel = 'blip'`),
    found: /^wrong bytes: media .* of blip is not the picture/,
  },
  {
    what: 'a delivery with other bytes',
    damage: () => run(`update delivery set body = body || ' ' where channel = 'blip'`),
    found: /^wrong bytes: the body of delivery/,
  },
  {
    what: 'an acknowledged webhook without rows',
    damage: () =>
      run(`with gone as (delete from message where channel = 'blip' returning id),
                            media as (delete from media where message_row_id in (select id from gone))
                       delete from delivery where channel = 'blip'`),
    found: /^lost: message message-blip of blip was acknowledged and is not there/,
  },
  {
    what: 'an acknowledged webhook without its raw body',
    damage: () => run(`delete from delivery where channel = 'blip'`),
    found: /^lost: the delivery of message message-blip/,
  },
  {
    what: 'a message without its media',
    damage: () => run(`delete from media where channel = 'blip'`),
    found: /^lost: message message-blip of blip lacks 1 media/,
  },
  {
    what: 'a media that stays pending',
    damage: () => run(`update media set state = 'pending' where channel = 'blip'`),
    found: /^lost: media .* is still pending/,
  },
  {
    what: 'a good picture that was given up',
    damage: () => run(`update media set state = 'failed', error_code = 'media.gone' where channel = 'blip'`),
    found: /^lost: media .* of blip is failed \(media\.gone\)/,
  },
  {
    what: 'a media without its object',
    damage: () => run(`delete from blob where sha256 = '${object()}'`),
    found: /^lost: media .* is ready and has no object/,
  },
  {
    what: 'a media of no message',
    damage: () => run(`update media set message_row_id = gen_random_uuid() where channel = 'blip'`),
    found: /^orphaned: media .* belongs to a message that is not there/,
  },
  {
    what: 'an attachment that is there twice',
    damage: () => run(copyOfMedia('1')),
    found: /^doubled: message message-blip of blip has 2 media/,
  },
  {
    what: 'a row that is there twice, since its index was',
    damage: async () => {
      await database.query('drop index media_of_message');
      await run(copyOfMedia('position'));
    },
    found: /^doubled: image 0 of message .* is there 2 times/,
  },
  {
    what: 'a webhook that was stored twice',
    damage: () =>
      run(`insert into delivery (id, channel, provider, content_hash, body, headers, outcome, received_at)
           select gen_random_uuid(), channel, provider, '\\x00', body, headers, outcome, received_at from delivery
           where channel = 'blip'`),
    found: /^doubled: the webhook .* of blip is there 2 times/,
  },
  {
    what: 'a message that nobody sent',
    damage: () =>
      run(`insert into message (id, channel, provider, message_id, direction, sender, received_at)
           values (gen_random_uuid(), 'blip', 'blip', 'made up', 'inbound', 'x', now())`),
    found: /^doubled: message .* of blip is one that nobody has sent/,
  },
  {
    what: 'an old file that belongs to nobody',
    damage: () => leave('tmp/old', 20),
    found: /^orphaned: the file tmp\/old belongs to nobody/,
  },
  {
    what: 'an old object without a row',
    damage: () => leave(blobKey('a'.repeat(64)), 20),
    found: /^orphaned: the file blobs\/aa\/aa\/a+ belongs to nobody/,
  },
  {
    what: 'an object without a user',
    damage: () =>
      run(
        `insert into blob (sha256, type, bytes, previews) values ('${'b'.repeat(64)}', 'image/jpeg', 1, '[]')`,
      ),
    found: /^orphaned: object b+ has no user/,
  },
  {
    what: 'an object that was to be removed',
    damage: async () => {
      await leave(blobKey('c'.repeat(64)), 20);
      await run(`insert into blob (sha256, type, bytes, previews, orphaned_at)
                 values ('${'c'.repeat(64)}', 'image/jpeg', 11, '[]', now() - interval '20 minutes')`);
    },
    found: /^orphaned: object c+ is to be removed, and was not/,
  },
  {
    what: 'an event that is missing',
    damage: () =>
      run(`delete from notification where media_id = (select id from media where channel = 'blip')`),
    found: /^event: that media .* is ready was never told/,
  },
  {
    what: 'an event that has no number',
    damage: () => run(`update notification set seq = null where type = 'media.ready'`),
    found: /^event: event \d+ \(media\.ready\) was never told/,
  },
  {
    what: 'a fact that was told twice',
    damage: () =>
      run(`insert into notification (type, channel, media_id, seq)
           select type, channel, media_id, nextval('event_seq') from notification where channel = 'blip'`),
    found: /^doubled: media\.ready of media .* was told 2 times/,
  },
  {
    what: 'an event that came too late for those who listened',
    damage: () =>
      run(
        `insert into notification (type, channel, media_id, seq) values ('media.failed', 'blip', gen_random_uuid(), 1000)`,
      ),
    found: /^event: who listened did not hear event 1000/,
  },
  {
    what: 'events out of order',
    damage: () => Promise.resolve({ heard: claims.heard.toReversed() }),
    found: /^event: event \d+ was told after \d+/,
  },
  {
    what: 'an erased media of which something is left',
    damage: () => run(`update media set filename = 'left.jpg' where state = 'erased'`),
    found: /^not erased: the row of media/,
  },
  {
    what: 'an event of an erased media',
    damage: () =>
      run(`insert into notification (type, channel, media_id, seq)
           select 'media.ready', channel, id, nextval('event_seq') from media where state = 'erased'`),
    found: /^not erased: an event \(media\.ready\) tells of media/,
  },
  {
    what: 'a webhook of an erased media',
    damage: () => run(`update delivery set body = 'left' where erased_at is not null`),
    found: /^not erased: the delivery of message/,
  },
  {
    what: 'a tombstone that names somebody',
    damage: () => run(`update message set sender_name = 'Ana' where erased_at is not null`),
    found: /^not erased: the row of message .* still names somebody/,
  },
  {
    what: 'a media that was to be erased',
    damage: () =>
      Promise.resolve({ webhooks: claims.webhooks.map((one) => ({ ...one, erased: 'yes' as const })) }),
    found: /^not erased: media .* of blip was to be erased and is ready/,
  },
  {
    what: 'a media that was erased unasked',
    damage: () =>
      Promise.resolve({ webhooks: claims.webhooks.map((one) => ({ ...one, erased: 'no' as const })) }),
    found: /^lost: media .* of sobot is erased, unasked/,
  },
  {
    what: 'a message that was sent twice',
    damage: () =>
      Promise.resolve({ taken: [...claims.taken, ...claims.taken.map((one) => ({ ...one, id: 'again' }))] }),
    found: /^doubled: courier \d+ got 2 messages, of which 1 were to be sent/,
  },
  {
    what: 'a message that the provider has and nobody asked for',
    damage: () =>
      Promise.resolve({ taken: [...claims.taken, { channel: 'courier', id: 'other', to: '551' }] }),
    found: /^lost: courier 551 got 1 messages, of which 0 were to be sent/,
  },
  {
    what: 'a message that is sent and the provider does not know',
    damage: () => Promise.resolve({ taken: [] }),
    found: /^lost: message .* is sent, and courier does not know it/,
  },
  {
    what: 'a message that the provider has and is failed here',
    damage: () => run(`update outbound set state = 'failed', message_id = null`),
    found: /^lost: courier \d+ got a message whose row does not say so/,
  },
  {
    what: 'a message that was taken on and is gone',
    damage: () => run('delete from outbound'),
    found: /^lost: message .* was taken on and is not there/,
  },
  {
    what: 'a message that still waits',
    damage: () => run(`update outbound set state = 'queued'`),
    found: /^lost: message .* is still queued/,
  },
  {
    what: 'a sent message that is not shown',
    damage: () => run(`delete from message where channel = 'courier'`),
    found: /^lost: message .* was sent and is not shown/,
  },
  {
    what: 'a report that was acknowledged',
    damage: () => run('delete from message_status'),
    found: /^lost: that courier taken-.* is sent was acknowledged/,
  },
  {
    what: 'a webhook that is still in the spool',
    damage: () => leave('spool/one.whole', 0),
    found: /^lost: one\.whole is still in the spool/,
  },
];

test.each(damages)('finds $what', async ({ damage, found }) => {
  const changed = await damage();
  const { failures } = await look(changed ?? {});
  expect(failures).toContainEqual(expect.stringMatching(found));
});
