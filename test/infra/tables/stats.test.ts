/**
 * The sums of the statistics are what a count of all rows finds, whatever happens to the rows and however
 * much of it at once.
 */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { pino } from 'pino';

import { newId } from '../../../src/domain/id.js';
import { openDatabase, type Database } from '../../../src/infra/postgres/database.js';
import { createAudit } from '../../../src/infra/tables/audit.js';
import { createErasure, type Erasure } from '../../../src/infra/tables/erasure/erasure.js';
import { createRetention } from '../../../src/infra/tables/erasure/retention.js';
import { createInbox } from '../../../src/infra/tables/inbox/inbox.js';
import { createMediaTable, type MediaTable } from '../../../src/infra/tables/media/media.js';
import { createPeopleSums } from '../../../src/infra/tables/people/sums.js';
import { createStatsSums, recountStats } from '../../../src/infra/tables/stats-sums.js';
import { createStats, type StatsRecord } from '../../../src/infra/tables/stats.js';
import { cloneDatabase, type TestDatabase } from '../../support/test-database.js';
import { entry, mediaRow, messageRow, nothingElse, pseudonym } from './inbox/entries.js';

let clone: TestDatabase;
let database: Database;
let table: MediaTable;
let erasure: Erasure;
beforeEach(async () => {
  clone = await cloneDatabase();
  database = openDatabase(clone.connectionString, pino({ level: 'silent' }));
  table = createMediaTable(database.workByKey);
  const now = (): Date => new Date();
  const audit = createAudit(database.work, now);
  erasure = createErasure({
    pool: database.erasing,
    audit,
    now,
    messageIdsIn: () => Promise.resolve(undefined),
  });
});
afterEach(async () => {
  await database.close();
  await clone.drop();
});

const channels = ['z-api', 'blip'] as const;
const kinds = ['image', 'video'] as const;
const hourMs = 3_600_000;
const begin = Date.now();
const failure = { code: 'media.timeout', message: 'too slow' } as const;

/** What is done, with numbers that choose what it is done to. */
const action = fc.record({
  what: fc.constantFrom(
    'receive',
    'receive',
    'receive',
    'store',
    'store',
    'upload',
    'refuse',
    'retry',
    'again',
    'erase',
    'forget',
    'retain',
    'fold',
  ),
  one: fc.nat(1_000),
  other: fc.nat(1_000),
});
type Action = typeof action extends fc.Arbitrary<infer Value> ? Value : never;

async function idIn(state: string, choice: number): Promise<string | undefined> {
  const rows = await clone.query<{ id: string }>('select id from media where state = $1 order by id', [
    state,
  ]);
  return rows[choice % Math.max(rows.length, 1)]?.id;
}

const chosen = <Value>(values: readonly [Value, ...Value[]], choice: number): Value =>
  values[choice % values.length] ?? values[0];

const steps: Readonly<Record<Action['what'], (action: Action) => Promise<unknown>>> = {
  receive: ({ one, other }) => {
    const name = newId();
    const isMalformed = one % 5 === 0;
    const media = isMalformed
      ? []
      : [
          mediaRow(name, { kind: chosen(kinds, other) }),
          mediaRow(name, { kind: 'audio', state: chosen(['pending', 'failed'], one) }),
        ];
    return createInbox({ pool: database.intake, pseudonym }, () => 'all').commit(
      entry(name, {
        channel: chosen(channels, one),
        receivedAt: new Date(begin - (one % 70) * hourMs).toISOString(),
        outcome: isMalformed ? 'malformed' : 'accepted',
        messages: isMalformed ? [] : [messageRow(name, { sender: String(other % 7) })],
        media,
      }),
    );
  },
  store: async ({ one, other }) => {
    const id = await idIn('pending', one);
    if (id !== undefined) await table.markReady(id, await blobOf(other));
  },
  upload: async ({ one, other }) => {
    const upload = {
      id: newId(),
      channel: chosen(channels, one),
      provider: 'blip',
      kind: 'image',
      filename: null,
    } as const;
    await table.addUpload(upload, await blobOf(other), new Date(begin - (one % 70) * hourMs));
  },
  refuse: async ({ one, other }) => {
    const id = await idIn('pending', one);
    if (id !== undefined)
      await table.markRefused({ id, sourceDelivery: null }, chosen(['failed', 'rejected'], other), failure);
  },
  retry: async ({ one }) => {
    const id = await idIn('pending', one);
    const next = { at: new Date(begin + hourMs), now: new Date(begin) };
    if (id !== undefined) await table.scheduleRetry({ id, sourceDelivery: null }, next, failure);
  },
  again: async ({ one, other }) => {
    const id = await idIn(chosen(['failed', 'rejected'], other), one);
    if (id !== undefined) await table.retryNow(id, new Date(), nothingElse);
  },
  erase: async ({ one, other }) => {
    const id = await idIn(chosen(['ready', 'pending', 'failed'], other), one);
    // A dry run is undone.
    if (id !== undefined)
      await erasure.media({ id, channel: 'z-api' }, other % 3 === 0 ? null : { actor: 'test' });
  },
  forget: ({ one, other }) =>
    erasure.person(
      { channel: chosen(channels, one), ids: [{ contact: String(other % 7), pseudonym: String(other % 7) }] },
      { actor: 'test' },
    ),
  retain: async ({ one }) => {
    const before = new Date(begin - (40 + (one % 40)) * hourMs);
    const channel = chosen(channels, one);
    await erasure.receivedBefore(before, { channel, limit: 5 }, () => nothingElse);
    const batch = { channel, before, after: undefined };
    await createRetention(database.work).deliveries(batch, () => nothingElse);
  },
  fold: () => createStatsSums(database.work).fold(),
};

function blobOf(choice: number) {
  const sha256 = String(choice % 9).repeat(64);
  const blob = {
    sha256,
    type: 'image/jpeg',
    bytes: 1_000 + (choice % 9),
    width: 1,
    height: 1,
    thumbhash: null,
    perceptualHash: null,
    previews: [],
    warnings: [],
    metadata: null,
  };
  return table.announce(blob, new Date());
}

interface Row {
  readonly day: string;
  readonly channel: string;
  readonly kind: string;
  readonly direction: string;
  readonly state: string;
  readonly received: Date;
  readonly milliseconds: number | null;
  readonly bytes: number;
}

/** Everything counted from the rows. */
async function counted(since: Date, lateBefore: Date) {
  const rows = await clone.query<Row>(
    `select (received_at at time zone 'UTC')::date::text as day, channel, kind, direction, state, received_at as received,
            coalesce(bytes, 0)::float8 as bytes,
            case when message_row_id is not null then extract(epoch from ready_at - received_at)::float8 * 1000 end as milliseconds
     from media left join blob on blob.sha256 = media.sha256`,
  );
  const [malformed] = await clone.query<{ count: number }>(
    `select count(*)::int as count from delivery where outcome = 'malformed' and received_at >= $1`,
    [since],
  );
  const recent = rows.filter(({ received }) => received >= since);
  const by = (keyOf: (row: Row) => string) => {
    const sums = new Map<string, { media: number; bytes: number }>();
    for (const row of recent) {
      const sum = sums.get(keyOf(row)) ?? { media: 0, bytes: 0 };
      sums.set(keyOf(row), { media: sum.media + 1, bytes: sum.bytes + row.bytes });
    }
    return Object.fromEntries([...sums].sort());
  };
  const ofDay = (row: Row): string => `${row.day} ${row.channel}`;
  const pending = rows.filter(({ state }) => state === 'pending');
  return {
    byChannel: by(({ channel }) => channel),
    byState: by(({ state }) => state),
    byKind: by(({ kind }) => kind),
    byDirection: by(({ direction }) => direction),
    byDay: by(ofDay),
    late: pending.filter(
      ({ received }) => received.getTime() < Math.floor(lateBefore.getTime() / 60_000) * 60_000,
    ).length,
    malformed: malformed?.count,
    medians: Object.fromEntries(
      [...new Set(recent.map(ofDay))]
        .sort()
        .map((key) => [key, medianOf(recent.filter((row) => ofDay(row) === key))]),
    ),
  };
}

function medianOf(rows: readonly Row[]): number | null {
  const all = rows
    .flatMap(({ milliseconds }) => (milliseconds === null ? [] : [milliseconds]))
    .sort((a, b) => a - b);
  const low = all[Math.ceil(all.length / 2) - 1];
  const high = all[Math.floor(all.length / 2)];
  return low === undefined || high === undefined ? null : (low + high) / 2_000;
}

function shown(record: StatsRecord) {
  const by = <Group extends { readonly media: number; readonly bytes: number }>(
    groups: readonly Group[],
    keyOf: (group: Group) => string,
  ) =>
    Object.fromEntries(
      groups.map((group) => [keyOf(group), { media: group.media, bytes: group.bytes }] as const).sort(),
    );
  return {
    byChannel: by(record.byChannel, ({ channel }) => channel),
    byState: by(record.byState, ({ state }) => state),
    byKind: by(record.byKind, ({ kind }) => kind),
    byDirection: by(record.byDirection, ({ direction }) => direction),
    byDay: by(record.byDay, ({ day, channel }) => `${day} ${channel}`),
    late: record.late,
    malformed: record.malformed,
  };
}

async function compare(): Promise<void> {
  const since = new Date(Math.floor((begin - 48 * hourMs) / (24 * hourMs)) * 24 * hourMs);
  const lateBefore = new Date(begin - 10 * hourMs);
  const { medians, ...counts } = await counted(since, lateBefore);
  const record = await createStats(database.api).read({ channels: undefined, since, lateBefore });
  expect(shown(record)).toEqual(counts);
  for (const { day, channel, medianSeconds } of record.byDay) {
    const exact = medians[`${day} ${channel}`] ?? null;
    if (exact === null) expect(medianSeconds).toBeNull();
    else expect(Math.abs((medianSeconds ?? 0) - exact)).toBeLessThanOrEqual(exact * 0.05 + 0.001);
  }
}

test('the counts are those of the rows after any changes, one after another or at once', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(action, { minLength: 1, maxLength: 8 }), { minLength: 5, maxLength: 15 }),
      async (rounds) => {
        for (const together of rounds) {
          await Promise.all(together.map((one) => steps[one.what](one)));
          await compare();
        }
        while ((await createStatsSums(database.work).fold()) > 0);
        await compare();
        expect(await clone.query('select from stats_change')).toHaveLength(0);
      },
    ),
    { numRuns: 8 },
  );
}, 540_000);

test('sums of nothing are not kept', async () => {
  await steps.receive({ what: 'receive', one: 1, other: 1 });
  await clone.query('delete from media');
  await clone.query('delete from delivery');
  while ((await createStatsSums(database.work).fold()) > 0);
  for (const name of ['stats_day', 'stats_pending', 'stats_duration', 'stats_median', 'stats_malformed'])
    expect(await clone.query(`select from ${name}`)).toHaveLength(0);
});

test('a backup of data alone, which is restored without triggers, is counted anew', async () => {
  for (let place = 0; place < 20; place += 1)
    await steps.receive({ what: 'receive', one: place, other: place });
  await clone.query('truncate stats_change');
  await recountStats(database.work);
  await compare();
});

test('adding them ends although new ones arrive all the time', async () => {
  const arrival = { isOver: false };
  const arriving = (async () => {
    for (let place = 0; !arrival.isOver; place += 1)
      await Promise.all(
        Array.from({ length: 8 }, (_, other) => steps.receive({ what: 'receive', one: place, other })),
      );
  })();
  const sums = createStatsSums(database.work);
  try {
    for (let round = 0; round < 10; round += 1) {
      await sums.foldMost();
      await createPeopleSums(database.work).foldMost();
    }
  } finally {
    arrival.isOver = true;
    await arriving;
  }
  await sums.foldMost();
  await compare();
  expect(await clone.query('select from stats_change')).toHaveLength(0);
});

test('changes are added to the sums by one process at a time, and none is lost', async () => {
  for (let place = 0; place < 30; place += 1)
    await steps.receive({ what: 'receive', one: place, other: place });
  await Promise.all(Array.from({ length: 5 }, () => createStatsSums(database.work).fold()));
  await compare();
});
