/**
 * The batches of a long clean-up cost the same from the first to the last, although they leave dead rows
 * behind.
 */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import pg from 'pg';

import { createAudit } from '../../../../src/infra/tables/audit.js';
import { createErasure } from '../../../../src/infra/tables/erasure/erasure.js';
import { createParked } from '../../../../src/infra/tables/erasure/parked.js';
import { createRetention, type Retention } from '../../../../src/infra/tables/erasure/retention.js';
import { createOrphans } from '../../../../src/infra/tables/media/blobs.js';
import { openMeasuredPool, type MeasuredPool } from '../../../support/measured-pool.js';
import { cloneDatabase, type TestDatabase } from '../../../support/test-database.js';
import { until } from '../../../support/until.js';

const rows = 20_000;
/** Nothing is vacuumed while a backup is made, since it still sees every row. */
let backup: pg.Client;
let database: TestDatabase;
let measured: MeasuredPool;

beforeEach(async () => {
  database = await cloneDatabase();
  backup = new pg.Client(database.connectionString);
  await backup.connect();
  measured = openMeasuredPool(database.connectionString);
});
afterEach(async () => {
  await measured.pool.end();
  await backup.end();
  await database.drop();
});

const before = new Date('2026-06-01T00:00:00Z');
/** One row for each minute of some days long ago, with ids of that time. */
const time = `('2026-01-01Z'::timestamptz + n * interval '1 minute')`;
const id = (kind: number): string =>
  `(lpad(to_hex((extract(epoch from ${time}) * 1000)::bigint), 12, '0') || '70008000' || lpad(${String(kind)}::text, 12, '0'))::uuid`;
const series = `generate_series(1, ${String(rows)}) as n`;

const inserts: Readonly<Record<keyof Retention | 'media' | 'blobs', readonly string[]>> = {
  deliveries: [
    `insert into delivery (id, channel, provider, content_hash, body, headers, outcome, received_at)
     select ${id(1)}, 'a', 'z-api', sha256(n::text::bytea), 'body', '{}', 'accepted', ${time} from ${series}`,
    `insert into message (id, channel, provider, message_id, direction, sender, received_at, delivery_id)
     select ${id(2)}, 'a', 'z-api', n::text, 'inbound', 'somebody', ${time}, ${id(1)} from ${series}`,
  ],
  outbound: [
    `insert into outbound (id, channel, provider, recipient, kind, options, state, not_before, created_at, actor)
     select ${id(3)}, 'a', 'z-api', 'somebody', 'image', '{}', 'failed', ${time}, ${time}, 'a' from ${series}`,
  ],
  contexts: [
    `insert into context (id, channel, message_id, kind, direction, person, received_at, is_provisional)
     select ${id(6)}, 'a', n::text, 'text', 'inbound', 'somebody', ${time}, false from ${series}`,
  ],
  loneContexts: [
    `insert into context (id, channel, message_id, kind, direction, person, received_at, is_provisional)
     select ${id(7)}, 'a', 'lone ' || n, 'text', 'inbound', 'somebody', ${time}, true from ${series}`,
  ],
  events: [
    `insert into notification (seq, type, channel, created_at) select n, 'media.ready', 'a', ${time} from ${series}`,
  ],
  notices: [
    `insert into notification_delivery (subscription_id, notification_id, created_at, settled_at)
     select gen_random_uuid(), n, ${time}, ${time} from ${series}`,
  ],
  blobs: [
    `insert into blob (sha256, type, bytes, previews, orphaned_at)
     select encode(sha256(n::text::bytea), 'hex'), 'image/jpeg', 1, '[]', ${time} from ${series}`,
  ],
  media: [
    `insert into media (id, channel, provider, position, direction, kind, state, received_at)
     select ${id(5)}, 'a', 'z-api', 0, 'inbound', 'image', 'ready', ${time} from ${series}`,
  ],
};

/** Automatic analysis would change plans between the batches that are compared. */
const keepPlans = `
  do $$ declare name regclass; begin
    for name in select oid from pg_class where relkind = 'r' and relnamespace = current_schema()::regnamespace loop
      execute format('alter table %s set (autovacuum_enabled = false)', name);
    end loop;
  end $$`;

async function prepare(kind: keyof typeof inserts, count = rows): Promise<void> {
  await database.query(keepPlans);
  for (const insert of inserts[kind])
    await database.query(insert.replace(series, `generate_series(1, ${String(count)}) as n`));
  await database.query('analyze');
  await backup.query('begin transaction isolation level repeatable read');
  await backup.query('select count(*) from media');
}

/**
 * For each statement, the pages of the last batch for each page of the first one; a few pages more or less do
 * not count.
 */
function growth(first: ReadonlyMap<string, number>, last: ReadonlyMap<string, number>): number[] {
  expect([...last.keys()]).toEqual([...first.keys()]);
  return [...last].map(([text, pages]) => pages / ((first.get(text) ?? 0) + 20));
}

/**
 * Batches are compared with the second one, since the first one of a connection reads the catalogue as well.
 */
async function compare(batch: () => Promise<boolean>, limit = 2): Promise<void> {
  await batch();
  measured.takePages();
  await batch();
  const second = measured.takePages();
  let last = second;
  for (let isMore = true; isMore;) {
    isMore = await batch();
    const pages = measured.takePages();
    if (isMore) last = pages;
  }
  expect(last).not.toBe(second);
  expect(Math.max(...growth(second, last))).toBeLessThan(limit);
}

// The rows to send are found and deleted by one statement, which mostly reads the indexes of what it deletes.
test.each([
  ['deliveries', 2],
  ['outbound', 1.1],
  ['events', 2],
  ['notices', 2],
] as const)('the last batch of %s reads no more than an earlier one', async (kind, limit) => {
  await prepare(kind);
  const retention = createRetention(measured.pool);
  let after: string | undefined;
  let deleted = 0;
  await compare(async () => {
    const { count, next } = await retention[kind](
      { channel: 'a', before, after },
      () => () => Promise.resolve(),
    );
    after = next;
    deleted += count;
    return next !== undefined;
  }, limit);
  expect(deleted).toBe(rows);
});

test('the last batch of media reads no more than an earlier one', async () => {
  await prepare('media');
  const now = (): Date => new Date();
  const { pool } = measured;
  const erasure = createErasure({
    pool,
    audit: createAudit(pool, now),
    now,
    messageIdsIn: () => Promise.resolve(undefined),
  });
  let after: string | undefined;
  let erased = 0;
  await compare(async () => {
    const page = { channel: 'a', limit: 1_000, after };
    const { last, media } = await erasure.receivedBefore(before, page, () => () => Promise.resolve());
    after = last;
    erased += media;
    return last !== undefined;
  });
  expect(erased).toBe(rows);
});

test('media that a hold keeps are looked at once', async () => {
  // Four pages, each of which would be read again.
  const held = 4_000;
  await prepare('media', held);
  await database.query(
    `insert into legal_hold (id, type, channel, subject, ids, reason, actor, created_at)
     values (gen_random_uuid(), 'tag', null, 'case', '{case}', 'a case', 'test', now())`,
  );
  await database.query(
    `insert into media_tag (key, media_id, channel, tag) select 'case', id, channel, 'case' from media`,
  );
  const now = (): Date => new Date();
  const { pool } = measured;
  const erasure = createErasure({
    pool,
    audit: createAudit(pool, now),
    now,
    messageIdsIn: () => Promise.resolve(undefined),
  });
  const run = async (): Promise<number> => {
    let after: string | undefined;
    let erased = 0;
    do {
      const page = { channel: 'a', limit: 1_000, after };
      const { last, media } = await erasure.receivedBefore(before, page, () => () => Promise.resolve());
      after = last;
      erased += media;
    } while (after !== undefined);
    return erased;
  };
  expect(await run()).toBe(0);
  // What the first run leaves behind in the index is passed over once more, as nothing is vacuumed.
  await backup.query('commit');
  await until(async () => {
    // An automatic ANALYZE at the same time keeps a vacuum from removing all of it.
    await database.query('vacuum media');
    measured.takePages();
    expect(await run()).toBe(0);
    return [...measured.takePages().values()].reduce((sum, some) => sum + some, 0) < 100;
  });

  await database.query('delete from legal_hold');
  const parked = createParked(pool);
  while ((await parked.release()) > 0);
  expect(await run()).toBe(held);
});

test('raw webhooks are set aside for a hold without waiting in a circle with an erasure', async () => {
  for (const insert of inserts.deliveries) await database.query(insert.replace(String(rows), '3'));
  const body = JSON.stringify({ phone: '5521911110001' });
  const first = `(select min(id::text)::uuid from delivery)`;
  await database.query(`update delivery set body = convert_to($1, 'UTF8') where id = ${first}`, [body]);
  await database.query(
    `insert into legal_hold (id, type, channel, subject, ids, reason, actor, created_at)
     values (gen_random_uuid(), 'person', 'a', '5521911110001', '{5521911110001}', 'a case', 'test', now())`,
  );
  const erasing = new pg.Client(database.connectionString);
  await erasing.connect();
  try {
    // An erasure has locked its messages, and is about to lock the webhooks that mention the person.
    await erasing.query('begin');
    await erasing.query('select from message order by id for update');
    const retention = createRetention(measured.pool);
    const batch = { channel: 'a', before, after: undefined };
    const deleting = retention.deliveries(batch, () => () => Promise.resolve());
    const waiting = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
    await until(async () => (await database.query(waiting)).length === 1);
    await erasing.query('select from delivery order by id for update');
    await erasing.query('commit');
    expect((await deleting).count).toBe(2);
  } finally {
    await erasing.end();
  }
  const left = await database.query('select body, parked_by is not null as parked from delivery');
  expect(left).toEqual([{ body: Buffer.from(body), parked: true }]);
});

test('the last orphans are deleted with no more reads than the first', async () => {
  await prepare('blobs');
  const orphans = createOrphans(measured.pool);
  const found = await database.query<{ sha256: string }>('select sha256 from blob order by sha256');
  const batches = Array.from({ length: rows / 1_000 }, (_, place) =>
    found.slice(place * 1_000, (place + 1) * 1_000).map(({ sha256 }) => sha256),
  );
  await compare(async () => {
    await orphans.discard(batches.shift() ?? [], () => Promise.resolve());
    return batches.length > 0;
  });
  expect(await database.query('select sha256 from blob')).toEqual([]);
});

test('the events of erased media are found without reading all others', async () => {
  await prepare('media');
  await database.query(
    `insert into notification (seq, type, channel, media_id, message_id, created_at)
     select n, 'media.ready', 'a', case when n % 2 = 0 then gen_random_uuid() end, case when n % 2 = 1 then n::text end, ${time}
     from ${series}`,
  );
  await database.query('analyze notification');
  const now = (): Date => new Date();
  const { pool } = measured;
  const erasure = createErasure({
    pool,
    audit: createAudit(pool, now),
    now,
    messageIdsIn: () => Promise.resolve(undefined),
  });
  const page = { channel: 'a', limit: 10 };
  await erasure.receivedBefore(before, page, () => () => Promise.resolve());
  measured.takePages();
  await erasure.receivedBefore(before, page, () => () => Promise.resolve());
  const found = [...measured.takePages()].filter(([text]) => text.includes('from notification '));
  expect(found).toHaveLength(2); // One of them deletes what was found.
  for (const [, pages] of found) expect(pages).toBeLessThan(100);
});

test('rows that the database dated into the future do not hold up older ones', async () => {
  await database.query(
    `insert into notification (seq, type, channel, created_at)
     select n, 'media.ready', 'a', now() + interval '10 years' from generate_series(1, 2500) as n`,
  );
  for (const insert of inserts.events) await database.query(insert.replace('select n,', 'select n + 2500,'));
  const retention = createRetention(measured.pool);
  let deleted = 0;
  let after: string | undefined;
  do {
    const { count, next } = await retention.events({ before, after }, () => () => Promise.resolve());
    deleted += count;
    after = next;
  } while (after !== undefined);
  expect(deleted).toBe(rows);
  expect(await database.query('select count(*)::int as count from notification')).toEqual([{ count: 2_500 }]);
});
