/** The order in which events are told, and who is noted down to be told of them. */
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import pg from 'pg';
import { pino } from 'pino';

import { newId } from '../../../../src/domain/id.js';
import { openDatabase, type Database } from '../../../../src/infra/postgres/database.js';
import { listen, type Notifications } from '../../../../src/infra/postgres/notifications.js';
import { openOutbox, type Outbox } from '../../../../src/infra/tables/events/publisher.js';
import { cloneDatabase, type TestDatabase } from '../../../support/test-database.js';
import { until } from '../../../support/until.js';

const silent = pino({ level: 'silent' });
let clone: TestDatabase;
let processes: { database: Database; notifications: Notifications; outbox: Outbox }[];

beforeAll(async () => {
  clone = await cloneDatabase();
  // Two processes that publish at the same time.
  processes = [1, 2].map(() => {
    const database = openDatabase(clone.connectionString, silent);
    const notifications = listen(database, silent);
    return { database, notifications, outbox: openOutbox(database.work, notifications, silent) };
  });
  await until(() => processes.every(({ notifications }) => notifications.isListening()));
});
afterAll(async () => {
  for (const { database, notifications, outbox } of processes) {
    await outbox.close();
    await notifications.close();
    await database.close();
  }
  await clone.drop();
});
beforeEach(async () => {
  await clone.query('truncate notification, notification_delivery, subscription');
});

const insert = `with n as (insert into notification (type, channel, message_id, status) values ($1, $2, $3, 'sent'))
  select pg_notify('inlet_outbox', '')`;

async function published(): Promise<{ message_id: string }[]> {
  return clone.query('select message_id from notification where seq is not null order by seq');
}

test('an event whose transaction ends late is told after those that are told already', async () => {
  const [early, late] = [0, 1].map(() => new pg.Client({ connectionString: clone.connectionString }));
  if (!early || !late) throw new Error('there are two');
  await Promise.all([early.connect(), late.connect()]);
  try {
    await late.query('begin');
    await late.query(insert, ['message.status', 'blip', 'written first, true last']);
    await early.query(insert, ['message.status', 'blip', 'written last, true first']);
    await until(async () => (await published()).length === 1);
    await late.query('commit');
    await until(async () => (await published()).length === 2);
    expect((await published()).map((row) => row.message_id)).toEqual([
      'written last, true first',
      'written first, true last',
    ]);
  } finally {
    await Promise.all([early.end(), late.end()]);
  }
});

test('many events written at once by several are all published, each once', async () => {
  const count = 1_200; // More than are published at once.
  const channels = ['blip', 'sobot'];
  await Promise.all(
    channels.map((channel) =>
      clone.query(
        `with n as (insert into notification (type, channel, message_id, status)
                    select 'message.status', $1, number::text, 'sent' from generate_series(1, $2) as number)
         select pg_notify('inlet_outbox', '')`,
        [channel, count / 2],
      ),
    ),
  );
  await until(async () => (await published()).length === count);
  const [row] = await clone.query<{ numbers: string }>(
    'select count(distinct seq) as numbers from notification',
  );
  expect(Number(row?.numbers)).toBe(count);
});

test('an event is noted down for every subscription that wants it, and for no other', async () => {
  const subscriptions = {
    all: { types: [], channels: [] },
    type: { types: ['message.status'], channels: [] },
    channel: { types: [], channels: ['blip', 'sobot'] },
    'another type': { types: ['media.ready'], channels: [] },
    'another channel': { types: [], channels: ['vonage'] },
    disabled: { types: [], channels: [], disabled: true },
  };
  for (const [name, { types, channels, ...rest }] of Object.entries(subscriptions)) {
    await clone.query(
      `insert into subscription (id, url, description, types, channels, secret, created_at, disabled_at)
       values ($1, 'https://x.example', $2, $3, $4, '', now(), case when $5 then now() end)`,
      [newId(), name, types, channels, 'disabled' in rest],
    );
  }
  await clone.query(insert, ['message.status', 'blip', 'one']);
  const told = await until(async () => {
    const rows = await clone.query<{ description: string }>(
      'select description from notification_delivery join subscription on subscription.id = subscription_id order by 1',
    );
    return rows.length > 0 && rows;
  });
  expect(told.map(({ description }) => description)).toEqual(['all', 'channel', 'type']);
  const jobs = await clone.query(`select from graphile_worker._private_jobs where key like 'notify:%'`);
  expect(jobs).toHaveLength(3);
});
