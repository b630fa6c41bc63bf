/**
 * Lists of media: every filter finds what fits, in order, page by page, however it is answered, and without
 * reading the whole table.
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type pg from 'pg';
import { pino } from 'pino';

import { landmarks, populate } from '../../../../src/bench/growth/population.js';
import { newId } from '../../../../src/domain/id.js';
import { mediaStates } from '../../../../src/domain/media.js';
import { digitsOf } from '../../../../src/domain/person.js';
import { mediaKinds } from '../../../../src/domain/provider.js';
import { openDatabase, type Database } from '../../../../src/infra/postgres/database.js';
import type { MediaFilter } from '../../../../src/infra/tables/media/filter.js';
import { createMediaList } from '../../../../src/infra/tables/media/list.js';
import { toMediaRecord } from '../../../../src/infra/tables/media/records.js';
import { createPeopleSums } from '../../../../src/infra/tables/people/sums.js';
import { cloneDatabase, type TestDatabase } from '../../../support/test-database.js';

type Query = (query: pg.QueryConfig) => Promise<{ readonly rows: readonly Record<string, unknown>[] }>;

let clone: TestDatabase;
let database: Database;
beforeAll(async () => {
  clone = await cloneDatabase();
  database = openDatabase(clone.connectionString, pino({ level: 'silent' }));
});
afterAll(async () => {
  await database.close();
  await clone.drop();
});

function listOf(query: Query, mostScanned: number): ReturnType<typeof createMediaList> {
  const pool = { query } as unknown as Database['api'];
  return createMediaList(pool, async (statement) => (await query(statement)).rows.map(toMediaRecord), {
    mostScanned,
    refreshPeople: () => Promise.resolve(),
  });
}

/** Adds everything that has arrived to the sums of people. */
async function countPeople(of: Database): Promise<void> {
  const { fold } = createPeopleSums(of.api);
  while ((await fold()) > 0);
}

/** Ids of all pages. */
async function walk(
  filter: MediaFilter,
  { limit, mostScanned }: { readonly limit: number; readonly mostScanned: number },
): Promise<string[]> {
  const list = listOf((statement) => database.api.query(statement), mostScanned);
  const ids: string[] = [];
  for (let after: string | undefined, isFirst = true; isFirst || after !== undefined; isFirst = false) {
    const { items, next } = await list(filter, { limit, after });
    expect(items.length).toBeLessThanOrEqual(limit);
    ids.push(...items.map(({ id }) => id));
    after = next;
  }
  return ids;
}

interface Row {
  readonly id: string;
  readonly channel: string;
  readonly provider: string;
  readonly direction: string;
  readonly kind: string;
  readonly state: string;
  readonly from: string | null;
  readonly chat: string | null;
  readonly messageId: string | null;
  readonly recipient: string | null;
  readonly caption: string | null;
  readonly filename: string | null;
  readonly tag: string | null;
  /** The words of a fact. */
  readonly words: string | null;
  readonly favouriteOf: string | null;
  readonly resolved: boolean;
  readonly sha256: string | null;
  readonly receivedAt: Date;
}

const anyOf = <Value>(values: readonly Value[], seed: number): Value => {
  const value = values[seed % values.length];
  if (value === undefined) throw new Error('there is no value');
  return value;
};
const channels = ['blip', 'z-api', 'shop'] as const;
const people = ['551100', '5511900000101'] as const;
/** The name that a person had last. */
const names: Readonly<Record<string, string>> = {
  '551100': 'Zoë Müller',
  '5511900000101': 'José 100%',
  'group-1': 'Peças',
};
const files = ['a', 'b'].map((digit) => digit.repeat(64));
const captions = [null, null, 'a red rose', '100% off_now', 'Rosé and thorn', 'ab'] as const;
const filenames = [null, null, null, 'Peça nova.PDF', 'rose.txt'] as const;
const tags = [null, null, 'Peça 4711', 'other'] as const;
const words = [null, null, null, 'Fatura nº 12', 'rosa vermelha'] as const;
const owners = ['a', 'b'].map((digit) => `${digit.repeat(8)}-0000-7000-8000-000000000000`);
const begin = Date.now();

function partiesOf(place: number, random: number): Pick<Row, 'from' | 'chat' | 'recipient'> {
  return {
    from: anyOf(people, random >>> 4),
    // Some providers name the person as the conversation.
    chat: anyOf([null, 'group-1', 'group-2', people[0]], random >>> 5),
    recipient: place % 4 === 0 ? anyOf(people, random >>> 9) : null,
  };
}

/** Ten seconds apart. One in eight has the id of another time, as after a replay. */
function rowsOf(count: number): Row[] {
  return Array.from({ length: count }, (_, place) => {
    const random = (place * 2_654_435_761) >>> 7;
    const state = anyOf(mediaStates, random >>> 2);
    const isUpload = place % 13 === 0;
    const isGone = isUpload || state === 'erased';
    return {
      id: newId(),
      channel: anyOf(channels, random),
      // A channel may have been removed and added again with another provider.
      provider: anyOf(place % 9 === 0 ? ['sobot'] : ['blip', 'z-api', 'blip'], random),
      direction: place % 4 === 0 ? 'outbound' : 'inbound',
      kind: anyOf(mediaKinds.slice(0, 4), random >>> 3),
      state,
      ...(isGone ? { from: null, chat: null, recipient: null } : partiesOf(place, random)),
      messageId: isUpload ? null : `M-${String(place)}`,
      caption: isUpload ? null : anyOf(captions, random >>> 6),
      ...(state === 'erased'
        ? { filename: null, tag: null, words: null, favouriteOf: null }
        : {
            filename: anyOf(filenames, random >>> 8),
            tag: anyOf(tags, random >>> 10),
            words: anyOf(words, random >>> 11),
            favouriteOf: anyOf([null, null, ...owners], random >>> 12),
          }),
      resolved: place % 5 === 0,
      sha256: state === 'ready' ? anyOf(files, random >>> 2) : null,
      receivedAt: new Date(begin + (place % 8 === 0 ? -3_600_000 : 0) - place * 10_000),
    };
  });
}

/** An id as of this moment, in the order of the places. */
function withIds(rows: readonly Row[]): Row[] {
  return rows.map((row, place) => {
    const at = place % 8 === 0 ? new Date(begin - place * 10_000) : row.receivedAt;
    const time = at.getTime().toString(16).padStart(12, '0');
    return { ...row, id: `${time.slice(0, 8)}-${time.slice(8)}${row.id.slice(13)}` };
  });
}

describe('a filter', () => {
  const rows = withIds(rowsOf(400));

  beforeAll(async () => {
    for (const row of rows) {
      const message = newId();
      if (row.messageId !== null) {
        // A message of an erased media may have other media left: here it keeps its person.
        await clone.query(
          `insert into message (id, channel, provider, message_id, direction, sender, recipient, chat, caption, received_at,
                                sender_name, chat_name)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) on conflict do nothing`,
          [
            message,
            row.channel,
            row.provider,
            row.messageId,
            row.direction,
            row.from ?? 'nobody',
            row.recipient,
            row.chat,
            row.caption,
            row.receivedAt,
            row.from === null ? null : names[row.from],
            row.chat === null ? null : names[row.chat],
          ],
        );
      }
      await clone.query(
        `insert into media (id, channel, provider, message_row_id, position, direction, kind, state, received_at, sha256, filename)
         values ($1, $2, $3, $4, 0, $5, $6, $7, $8, $9, $10)`,
        [
          row.id,
          row.channel,
          row.provider,
          row.messageId === null ? null : message,
          row.direction,
          row.kind,
          row.state,
          row.receivedAt,
          row.sha256,
          row.filename,
        ],
      );
      await clone.query(
        `update media set tags = nullif(array_remove(array[$2::text], null), '{}'),
                          resolved_at = case when $3::boolean then now() end where id = $1`,
        [row.id, row.tag, row.resolved],
      );
      if (row.words !== null) await addFact(row.id, row.words);
      if (row.favouriteOf !== null) await addFavourite(row.id, row.favouriteOf);
    }
    await countPeople(database);
  });

  const addFact = (media: string, text: string) =>
    clone.query(
      `insert into media_fact (media_id, source, type, value, text, actor, recorded_at)
       values ($1, 'ocr', 'text', to_jsonb($2::text), $2, 'token', now())`,
      [media, text],
    );
  const addFavourite = (media: string, owner: string) =>
    clone.query('insert into favourite (owner, media_id) values ($1, $2)', [owner, media]);
  const isReceived = ({ receivedAt }: Row, { since, until }: MediaFilter): boolean =>
    receivedAt >= (since ?? new Date(0)) && receivedAt < (until ?? new Date(2 * begin));
  const fits = (row: Row, filter: MediaFilter): boolean => {
    const { channels: some, since, until, q, ...exact } = filter;
    return (
      isReceived(row, { since, until }) &&
      (some?.includes(row.channel) ?? true) &&
      (q === undefined ||
        textsOf(row).some((text) => folded(text).includes(folded(q))) ||
        namesOf(row).some((text) => folded(text).includes(folded(digitsOf(q) ?? q)))) &&
      Object.entries(exact).every(
        ([name, value]) => value === undefined || row[name as keyof typeof exact] === value,
      )
    );
  };
  const textsOf = ({ caption, filename, tag, words: ofFact }: Row): string[] => [
    caption ?? '',
    filename ?? '',
    tag ?? '',
    ofFact ?? '',
  ];
  /** Names and numbers that a search looks at: of a sent message, those of its recipient. */
  const namesOf = ({ direction, from, recipient, chat }: Row): string[] =>
    [direction === 'outbound' ? recipient : from, chat].flatMap((id) =>
      id === null ? [] : [id, names[id] ?? '', id.replace('551190', '55110')],
    );
  const folded = (text: string): string =>
    text
      .normalize('NFKD')
      .replace(/[\u0300-\u036f]/g, '')
      .toLowerCase();
  const moment = fc.integer({ min: -20, max: 800 }).map((place) => new Date(begin - place * 10_000));
  const given = <Value>(values: readonly Value[]): fc.Arbitrary<Value | undefined> =>
    fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, fc.constantFrom(...values));
  const anyFilter: fc.Arbitrary<MediaFilter> = fc.record({
    channels: given([['blip'], ['z-api', 'shop'], [], ['nowhere']]),
    provider: given(['blip', 'z-api', 'sobot', 'nobody']),
    direction: given(['inbound', 'outbound']),
    kind: given(mediaKinds),
    state: given(mediaStates),
    from: given([...people, 'nobody']),
    chat: given(['group-1', 'group-2', people[0]]),
    messageId: fc.oneof(
      { weight: 9, arbitrary: fc.constant(undefined) },
      fc.constantFrom('M-3', 'M-10', 'M-999'),
    ),
    sha256: given([...files, 'c'.repeat(64)]),
    tag: given(['Peça 4711', 'other', 'none']),
    resolved: given([true, false]),
    favouriteOf: given([...owners, 'cccccccc-0000-7000-8000-000000000000']),
    since: fc.oneof(fc.constant(undefined), moment),
    until: fc.oneof(fc.constant(undefined), moment),
    q: given([
      'rose',
      'ROSE',
      'rosé',
      '%',
      'ab',
      'off_n',
      'xyz',
      '_',
      'PECA',
      'muller',
      'zoe muller',
      '551100',
      'é',
      'jose 1',
      '110000',
      '190000010',
      '+55 11 90000-0101',
      '(21) 90000-0101',
      'group',
      '5',
      'FATURA N',
      'rosa v',
    ]),
  });

  test('finds everything that fits, once and in order, whatever it is combined with', async () => {
    const inOrder = rows.toSorted((one, other) => (one.id < other.id ? 1 : -1));
    await fc.assert(
      fc.asyncProperty(
        anyFilter,
        fc.integer({ min: 1, max: 40 }),
        fc.constantFrom(7, 60, 1_000),
        async (filter, limit, mostScanned) => {
          const expected = inOrder.filter((row) => fits(row, filter)).map(({ id }) => id);
          expect(await walk(filter, { limit, mostScanned })).toEqual(expected);
        },
      ),
      { numRuns: 400 },
    );
  }, 360_000);
});

test('what a process of an earlier version writes is found by person and conversation, and what it erases is not', async () => {
  const message = newId();
  const media = newId();
  await clone.query(
    `with m as (
       insert into message (id, channel, provider, message_id, direction, sender, chat, received_at)
       values ($1, 'old', 'old', 'M-old', 'inbound', '5599', 'old-group', now()) returning id
     )
     insert into media (id, channel, provider, message_row_id, position, direction, kind, state, received_at)
     select $2, 'old', 'old', id, 0, 'inbound', 'image', 'pending', now() from m`,
    [message, media],
  );
  const range = { limit: 10, mostScanned: 10 };
  expect(await walk({ from: '5599' }, range)).toEqual([media]);
  expect(await walk({ chat: 'old-group' }, range)).toEqual([media]);
  await clone.query(`update media set state = 'erased' where id = $1`, [media]);
  expect(await clone.query('select person, conversation from media where id = $1', [media])).toEqual([
    { person: null, conversation: null },
  ]);
});

describe('the number of pages of the database that a list reads', () => {
  const sizes = [2_000, 40_000] as const;
  const mostScanned = 500;
  const made = new Map<number, { readonly clone: TestDatabase; readonly database: Database }>();

  beforeAll(async () => {
    for (const count of sizes) {
      const own = await cloneDatabase();
      const ownDatabase = openDatabase(own.connectionString, pino({ level: 'silent' }));
      made.set(count, { clone: own, database: ownDatabase });
      await populate((text, values) => own.query(text, values), { count });
      await own.query(addFacts);
      await own.query(addFavourites, [starring]);
      await countPeople(ownDatabase);
      await own.query('vacuum analyze');
    }
  }, 360_000);
  afterAll(async () => {
    for (const one of made.values()) {
      await one.database.close();
      await one.clone.drop();
    }
  });

  /** One media item in four has words, and ten have a word that is rare. */
  const addFacts = `
    insert into media_fact (media_id, source, type, value, text, actor, recorded_at)
    select id, 'scanner', 'text', '""', 'invoice ' || place || case when place <= 40 then ' zeppelin' else '' end, 'token', received_at
    from (select *, row_number() over (order by id) as place from media) as media where place % 4 = 0`;

  /** One media item in three is a favourite of somebody, and a tenth of these of one user. */
  const starring = '019aa5e2-0000-7000-8000-000000000000';
  const addFavourites = `
    insert into favourite (owner, media_id)
    select case when place % 30 = 0 then $1 else gen_random_uuid() end, id
    from (select *, row_number() over (order by id) as place from media) as media where place % 3 = 0`;

  const now = Date.now();
  const daysAgo = (days: number): Date => new Date(now - days * 86_400_000);
  const filters: Readonly<Record<string, MediaFilter>> = {
    nothing: {},
    channel: { channels: ['blip'] },
    provider: { provider: 'sobot' },
    direction: { direction: 'outbound' },
    'a frequent kind': { kind: 'image' },
    'a rare kind': { kind: 'sticker' },
    'a frequent state': { state: 'ready' },
    'a rare state': { state: 'rejected' },
    'a state that no media has': { state: 'erased' },
    'a provider and a kind that never occur together': { provider: 'sobot', kind: 'video' },
    'a person with few media': { from: landmarks.personOf(7) },
    'a person with a tenth of all': { from: landmarks.busyPerson },
    'a kind that a busy person has never sent': { from: landmarks.busyPerson, kind: 'sticker' },
    'a group': { chat: landmarks.group },
    'a message': { messageId: landmarks.messageIdOf(77) },
    'a file': { sha256: landmarks.sharedFile },
    'a tag that no media have': { tag: 'none' },
    'a kind that a file does not have': { sha256: landmarks.sharedFile, kind: 'sticker' },
    favourites: { favouriteOf: starring },
    'favourites of nobody': { favouriteOf: '019aa5e2-0000-7000-8000-000000000001' },
    'the last day': { since: daysAgo(1) },
    'one day long ago': { since: daysAgo(200), until: daysAgo(199) },
    'until long ago': { until: daysAgo(200) },
    'ten years': { since: daysAgo(3_650), until: daysAgo(-10) },
    'a day before everything': { since: daysAgo(3_650), until: daysAgo(3_649) },
    'a kind of one day': { kind: 'document', since: daysAgo(200), until: daysAgo(199) },
    'a frequent word': { q: 'order' },
    'a word that does not occur': { q: 'xylophone' },
    'a frequent word of facts': { q: 'invoice' },
    'a rare word of facts': { q: 'zeppelin' },
    'two letters': { q: 'br' },
    'two letters that do not occur': { q: 'qz' },
  };

  async function blocksOf(count: number, filter: MediaFilter, after?: string): Promise<number> {
    const one = made.get(count);
    if (!one) throw new Error('there is no such database');
    let blocks = 0;
    const explained: Query = async (statement) => {
      const { rows } = await one.database.api.query<{ 'QUERY PLAN': readonly { readonly Plan: Plan }[] }>({
        text: `explain (analyze, buffers, format json) ${statement.text}`,
        values: statement.values ?? [],
      });
      const plan = rows[0]?.['QUERY PLAN'][0]?.Plan;
      blocks += (plan?.['Shared Hit Blocks'] ?? 0) + (plan?.['Shared Read Blocks'] ?? 0);
      return one.database.api.query(statement);
    };
    await listOf(explained, mostScanned)(filter, { limit: 50, after });
    return blocks;
  }

  interface Plan {
    readonly 'Shared Hit Blocks': number;
    readonly 'Shared Read Blocks': number;
  }

  /** Indexes of many have a level more. */
  function mostBlocks({ q, sha256, kind }: MediaFilter, few: number): number {
    // What no index answers is looked through: two reads by key for each of so many media, and two for each
    // person and group if names are searched.
    if (q !== undefined) return Math.min(few * 2 + 500, mostScanned * 16);
    return sha256 !== undefined && kind !== undefined ? mostScanned * 8 : few * 2 + 500;
  }

  test.each(Object.entries(filters))('does not grow with the number of media: %s', async (_, filter) => {
    const few = await blocksOf(sizes[0], filter);
    const many = await blocksOf(sizes[1], filter);
    expect(many).toBeLessThan(mostBlocks(filter, few));
  });

  test('is the same far back in the list', async () => {
    const [deep] =
      (await made
        .get(sizes[1])
        ?.clone.query<{ id: string }>('select id from media order by id desc offset 30000 limit 1')) ?? [];
    for (const filter of [{}, { kind: 'image' }, { from: landmarks.busyPerson }])
      expect(await blocksOf(sizes[1], filter, deep?.id)).toBeLessThan(
        (await blocksOf(sizes[1], filter)) * 2 + 500,
      );
  });
});
