import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { pino } from 'pino';

import { newId } from '../../../../src/domain/id.js';
import { openDatabase, type Database } from '../../../../src/infra/postgres/database.js';
import { DatabaseTimeoutError } from '../../../../src/infra/postgres/errors.js';
import type { InboxEntry, MediaRow } from '../../../../src/infra/tables/inbox/entry.js';
import { createInbox, type Inbox } from '../../../../src/infra/tables/inbox/inbox.js';
import { bestRound } from '../../../support/best-round.js';
import { cloneDatabase, type TestDatabase } from '../../../support/test-database.js';
import { until } from '../../../support/until.js';
import { entry, mediaRow, messageRow, pseudonym, statusRow } from './entries.js';

let database: TestDatabase;
let opened: Database[];
let inbox: Inbox;
beforeEach(async () => {
  database = await cloneDatabase();
  opened = [];
  inbox = openInbox();
});
afterEach(async () => {
  await Promise.all(opened.map((one) => one.close()));
  await database.drop();
});

function openInbox(): Inbox {
  const one = openDatabase(database.connectionString, pino({ level: 'silent' }));
  opened.push(one);
  return createInbox({ pool: one.intake, pseudonym }, () => 'all');
}

const count = async (table: string): Promise<number> =>
  (await database.query<{ count: number }>(`select count(*)::int as count from ${table}`))[0]?.count ?? -1;

/** The media that jobs are there for. */
async function jobs(): Promise<(string | null)[]> {
  const rows = await database.query<{ id: string | null }>(
    `select payload ->> 'mediaId' as id from graphile_worker._private_jobs order by id`,
  );
  return rows.map(({ id }) => id);
}

const sorted = (ids: readonly string[]): string[] => ids.toSorted();
const numbered = (length: number, name: string): InboxEntry[] =>
  Array.from({ length }, (_, index) => entry(`${name} ${String(index)}`));

describe('one webhook', () => {
  test('is kept byte for byte, with everything that was read from it', async () => {
    const body = Buffer.from([0, 255, 254, 13, 10, 0x27, 0x5c, 0]);
    const one = entry('one', {
      body,
      headers: { 'user-agent': `a "quoted" 'thing'` },
      outcome: 'malformed',
      reason: 'half of it',
      messages: [messageRow('m', { caption: `it's \\ "quoted" 👋 $1`, chat: 'group', recipient: 'us' })],
      media: [
        mediaRow('m', { source_expires_at: '2026-11-21T11:00:00.000Z', source_credentials: true }),
        mediaRow('m', { position: 1, declared_type: 'image/png', declared_sha256: 'ab', filename: 'a.png' }),
      ],
      statuses: [
        statusRow('earlier', { at: '2026-11-21T09:00:00.000Z', status: 'failed', error_code: '131' }),
      ],
    });
    const committed = await inbox.commit(one);

    expect(committed).toEqual({
      delivery: one.id,
      duplicate: false,
      media: one.media.map(({ id }) => id),
    });
    const [delivery] = await database.query('select * from delivery');
    expect(delivery).toEqual({
      id: one.id,
      channel: 'z-api',
      provider: 'z-api',
      body,
      headers: one.headers,
      content_hash: Buffer.from(one.contentHash, 'hex'),
      outcome: 'malformed',
      reason: 'half of it',
      received_at: new Date(one.receivedAt),
      erased_at: null,
      parked_by: null,
    });
    const [message] = await database.query('select * from message');
    expect(message).toMatchObject({
      id: one.messages[0]?.id,
      channel: 'z-api',
      provider: 'z-api',
      message_id: 'm',
      chat: 'group',
      caption: `it's \\ "quoted" 👋 $1`,
      delivery_id: one.id,
      sent_at: new Date('2026-11-21T10:00:00Z'),
    });
    const media = await database.query('select * from media order by position');
    expect(media).toMatchObject([
      {
        id: one.media[0]?.id,
        message_row_id: one.messages[0]?.id,
        state: 'pending',
        attempts: 0,
        source_expires_at: new Date('2026-11-21T11:00:00Z'),
        source_credentials: true,
        next_attempt_at: new Date(one.receivedAt),
      },
      { position: 1, declared_type: 'image/png', declared_sha256: 'ab', filename: 'a.png' },
    ]);
    const [status] = await database.query('select * from message_status');
    expect(status).toMatchObject({ message_id: 'earlier', status: 'failed', error_code: '131' });
  });

  test('gives jobs to pictures that are to be fetched, and to no others', async () => {
    const states = ['pending', 'rejected', 'failed', 'pending'] as const;
    const media = states.map((state, position) =>
      mediaRow('m', { state, position, ...(state !== 'pending' && { source_url: null }) }),
    );
    await inbox.commit(entry('one', { messages: [messageRow('m')], media }));
    await inbox.commit(entry('two', { messages: [], media: [], outcome: 'ignored' }));
    const pending = media.filter(({ state }) => state === 'pending').map(({ id }) => id);
    expect(await jobs()).toEqual(pending.toSorted());
    const [job] = await database.query<{ payload: unknown; max_attempts: number; task: string }>(
      `select payload, jobs.max_attempts, task_identifier as task from graphile_worker.jobs
       join graphile_worker._private_jobs using (id) where payload ->> 'mediaId' = $1`,
      [pending[0]],
    );
    expect(job).toEqual({ payload: { mediaId: pending[0] }, max_attempts: 32_767, task: 'fetch' });
  });

  test('that the database refuses leaves nothing behind', async () => {
    const bad = entry('bad', { media: [mediaRow('bad', { source_expires_at: 'soon' })] });
    await expect(inbox.commit(bad)).rejects.toMatchObject({ code: '22007' });
    expect(await count('delivery')).toBe(0);
    expect(await count('message')).toBe(0);
    expect(await jobs()).toEqual([]);
  });
});

describe('many webhooks at once', () => {
  test('are all written, and each answer is about its own', async () => {
    const entries = numbered(500, 'picture');
    const committed = await Promise.all(entries.map((one) => inbox.commit(one)));

    expect(committed).toEqual(
      entries.map((one) => ({ delivery: one.id, duplicate: false, media: [one.media[0]?.id] })),
    );
    expect(await count('delivery')).toBe(500);
    const rows = await database.query<{ name: string; delivery: string; media: string }>(
      `select message.message_id as name, delivery.id as delivery, media.id as media from media
       join message on message.id = message_row_id join delivery on delivery.id = delivery_id`,
    );
    expect(new Set(rows.map(({ name, delivery, media }) => [name, delivery, media].join()))).toEqual(
      new Set(entries.map((one) => [one.messages[0]?.message_id, one.id, one.media[0]?.id].join())),
    );
    expect(await jobs()).toEqual(sorted(entries.map((one) => one.media[0]?.id ?? '')));
  });

  test('are written together, not one by one', async () => {
    const entries = numbered(500, 'picture');
    await Promise.all(entries.map((one) => inbox.commit(one)));
    const [row] = await database.query<{ transactions: number }>(
      'select count(distinct xmin::text)::int as transactions from delivery',
    );
    expect(row?.transactions).toBeLessThanOrEqual(10);
  });

  test('may be the same: one is new, the others are told of it', async () => {
    const copies = Array.from({ length: 20 }, () => entry('same'));
    const committed = await Promise.all(copies.map((one) => inbox.commit(one)));

    expect(committed.filter(({ duplicate }) => !duplicate)).toHaveLength(1);
    expect(new Set(committed.map(({ delivery }) => delivery)).size).toBe(1);
    expect(new Set(committed.flatMap(({ media }) => media)).size).toBe(1);
    const [kept] = await database.query<{ id: string; media: string }>(
      'select delivery.id, media.id as media from delivery, media',
    );
    expect(committed[0]).toMatchObject({ delivery: kept?.id, media: [kept?.media] });
    expect(await jobs()).toHaveLength(1);
  });

  test('are not taken down by a bad one among them', async () => {
    const bad: InboxEntry[] = [
      entry('bad date', { receivedAt: '2026-13-45T10:00:00Z' }),
      entry('bad expiry', { media: [mediaRow('bad expiry', { source_expires_at: 'soon' })] }),
      entry('bad text', { messages: [messageRow('bad text', { caption: 'NUL \u0000' })] }),
      entry('bad id', { id: 'not a uuid' }),
    ];
    const good = numbered(60, 'good');
    const mixed = [...good.slice(0, 20), ...bad, ...good.slice(20)];
    const settled = await Promise.allSettled(mixed.map((one) => inbox.commit(one)));

    const refused = mixed.filter((_, index) => settled[index]?.status === 'rejected');
    expect(refused).toEqual(bad);
    expect(await count('delivery')).toBe(60);
    expect(await jobs()).toEqual(sorted(good.map((one) => one.media[0]?.id ?? '')));
  });

  test('go on after a bad one: the next batch is written', async () => {
    await inbox.commit(entry('bad', { receivedAt: 'never' })).catch(() => undefined);
    expect((await inbox.commit(entry('next'))).duplicate).toBe(false);
  });
});

describe('what came before', () => {
  test('is recognised by its content, later and from another process', async () => {
    const first = await inbox.commit(entry('again'));
    const second = await openInbox().commit(entry('again'));
    expect(second).toEqual({ ...first, duplicate: true });
    expect(await count('delivery')).toBe(1);
  });

  test('is another delivery on another channel', async () => {
    await inbox.commit(entry('again'));
    const other = await inbox.commit(entry('again', { channel: 'second' }));
    expect(other.duplicate).toBe(false);
    expect(await count('media')).toBe(2);
  });

  test('in another envelope is another delivery, but not another picture', async () => {
    const first = await inbox.commit(
      entry('one envelope', { messages: [messageRow('m')], media: [mediaRow('m')] }),
    );
    const second = entry('another envelope', { messages: [messageRow('m')], media: [mediaRow('m')] });
    const again = await inbox.commit(second);
    expect(again).toEqual({ delivery: second.id, duplicate: true, media: first.media });
    expect(await count('delivery')).toBe(2);
    expect(await count('media')).toBe(1);
    expect(await jobs()).toEqual(sorted(first.media));
  });

  test('with another kind of attachment brings that one only', async () => {
    const first = await inbox.commit(entry('one', { messages: [messageRow('m')], media: [mediaRow('m')] }));
    const second = entry('two', {
      messages: [messageRow('m')],
      media: [mediaRow('m'), mediaRow('m', { kind: 'audio' })],
    });
    const committed = await inbox.commit(second);
    expect(committed).toEqual({
      delivery: second.id,
      duplicate: false,
      media: [first.media[0], second.media[1]?.id],
    });
    expect(await count('media')).toBe(2);
  });

  test('of a status is written once', async () => {
    const status = (name: string): InboxEntry =>
      entry(name, { messages: [], media: [], statuses: [statusRow('m')], outcome: 'status' });
    await Promise.all([inbox.commit(status('a')), inbox.commit(status('b'))]);
    expect(await count('message_status')).toBe(1);
    expect(await count('delivery')).toBe(2);
  });
});

describe('reading again', () => {
  test('adds what was not understood before, and leaves what exists', async () => {
    const first = entry('one', { messages: [], media: [], outcome: 'malformed', reason: 'what?' });
    await inbox.commit(first);
    const learned = { ...entry('one'), id: first.id };
    expect(await inbox.recommit(learned)).toEqual({
      delivery: first.id,
      duplicate: false,
      media: [learned.media[0]?.id],
    });
    const again = await inbox.recommit({ ...entry('one'), id: first.id });
    expect(again).toEqual({ delivery: first.id, duplicate: true, media: [learned.media[0]?.id] });
    expect(await database.query('select outcome, reason from delivery')).toEqual([
      { outcome: 'accepted', reason: null },
    ]);
    expect(await jobs()).toEqual([learned.media[0]?.id ?? '']);
  });
});

test('two processes that receive the same 200 webhooks write each once, and neither sees a deadlock', async () => {
  const names = Array.from({ length: 200 }, (_, index) => `same ${String(index)}`);
  const inboxes = [inbox, openInbox()];
  // Several messages each, and in opposite orders, which is what deadlocks are made of.
  const shared = (name: string): InboxEntry =>
    entry(name, {
      messages: [messageRow(name), messageRow(`${name}'`)],
      media: [mediaRow(`${name}'`), mediaRow(name)],
      statuses: [statusRow(name), statusRow(`${name}'`)],
    });
  const committed = await Promise.all(
    inboxes.map((one, index) =>
      Promise.all((index === 0 ? names : names.toReversed()).map((name) => one.commit(shared(name)))),
    ),
  );

  const mine = committed[0] ?? [];
  const theirs = committed[1]?.toReversed() ?? [];
  names.forEach((_, index) => {
    expect([mine[index]?.duplicate, theirs[index]?.duplicate].toSorted()).toEqual([false, true]);
    expect(mine[index]?.delivery).toBe(theirs[index]?.delivery);
    expect(mine[index]?.media).toEqual(theirs[index]?.media);
  });
  expect(await count('delivery')).toBe(200);
  expect(await count('message')).toBe(400);
  expect(await count('media')).toBe(400);
  expect(await count('message_status')).toBe(400);
  expect(await jobs()).toEqual(sorted(mine.flatMap(({ media }) => media)));
  expect(await deadlocks()).toBe(0);
});

test('two processes that receive the same messages in different envelopes write each message once', async () => {
  const names = Array.from({ length: 200 }, (_, index) => `m${String(index)}`);
  const inboxes = [inbox, openInbox()];
  const committed = await Promise.all(
    inboxes.map((one, index) =>
      Promise.all(
        (index === 0 ? names : names.toReversed()).map((name) =>
          one.commit(
            entry(`${name} in envelope ${String(index)}`, {
              messages: [messageRow(name)],
              media: [mediaRow(name)],
            }),
          ),
        ),
      ),
    ),
  );
  const mine = committed[0] ?? [];
  const theirs = committed[1]?.toReversed() ?? [];
  expect(mine.map(({ media }) => media)).toEqual(theirs.map(({ media }) => media));
  expect(await count('delivery')).toBe(400);
  expect(await count('media')).toBe(200);
  expect(await jobs()).toEqual(sorted(mine.flatMap(({ media }) => media)));
  expect(await deadlocks()).toBe(0);
});

describe('a message that comes again with another link', () => {
  const told = (name: string, url: string | null, changed: Partial<MediaRow> = {}): InboxEntry =>
    entry(name, { messages: [messageRow('m')], media: [mediaRow('m', { source_url: url, ...changed })] });
  const media = async (): Promise<Record<string, unknown> | undefined> =>
    (await database.query('select * from media order by id'))[0];
  const set = (columns: string) => database.query(`update media set ${columns}`);

  test.each([
    [
      'pending',
      `attempts = 3, next_attempt_at = now() + interval '1 hour', error_code = 'media.http_status'`,
    ],
    ['failed', `state = 'failed', attempts = 12, next_attempt_at = null, error_code = 'media.gone'`],
    [
      'rejected',
      `state = 'rejected', attempts = 1, next_attempt_at = null, error_code = 'media.too_many_redirects'`,
    ],
  ])('has it fetched at once when the media is %s', async (_, columns) => {
    const first = await inbox.commit(
      told('one', 'http://host/old', { declared_sha256: 'ab', filename: 'a.jpg' }),
    );
    await set(columns);
    const again = told('two', 'http://host/new', { source_credentials: true, declared_type: 'image/png' });
    expect(await inbox.commit(again)).toEqual({ delivery: again.id, duplicate: true, media: first.media });
    expect(await media()).toMatchObject({
      state: 'pending',
      source_url: 'http://host/new',
      source_credentials: true,
      attempts: 0,
      declared_type: 'image/png',
      declared_sha256: null,
      filename: 'a.jpg',
      error_code: null,
      source_delivery_id: again.id,
    });
    const [due] = await database.query<{ due: boolean }>(
      `select run_at <= now() as due from graphile_worker.jobs where key = 'fetch:${first.media[0] ?? ''}'`,
    );
    expect(due).toEqual({ due: true });
  });

  test('has it fetched when there was none at first', async () => {
    const without = { state: 'rejected', error_code: 'media.no_address' } as const;
    await inbox.commit(told('one', null, without));
    await inbox.commit(told('two', 'http://host/new'));
    expect(await media()).toMatchObject({ state: 'pending', source_url: 'http://host/new' });
    await inbox.commit(told('three', null, without));
    expect(await media()).toMatchObject({ state: 'pending', source_url: 'http://host/new' });
  });

  test.each(['ready', 'erased'])('changes nothing when the media is %s', async (state) => {
    await inbox.commit(told('one', 'http://host/old'));
    await set(`state = '${state}'`);
    await inbox.commit(told('two', 'http://host/new'));
    expect(await media()).toMatchObject({ state, source_url: 'http://host/old' });
  });

  test('keeps the later link while it is tried, and takes the earlier one once that has failed', async () => {
    const one = told('one', 'http://host/old');
    await inbox.commit(one);
    await inbox.commit(told('two', 'http://host/new'));
    await inbox.recommit(one);
    await inbox.commit({ ...told('one', 'http://host/old') });
    expect(await media()).toMatchObject({ source_url: 'http://host/new' });
    await set(`state = 'failed'`);
    await inbox.recommit(one);
    expect(await media()).toMatchObject({ state: 'pending', source_url: 'http://host/old' });
  });

  test('has the latest link in the end when many come at once, and there are no deadlocks', async () => {
    const names = Array.from({ length: 30 }, (_, index) => `m${String(index)}`);
    const both = (round: number): InboxEntry =>
      entry(`round ${String(round)}`, {
        messages: names.map((name) => messageRow(name)),
        media: names.map((name) => mediaRow(name, { source_url: `http://host/${name}/${String(round)}` })),
      });
    const rounds = Array.from({ length: 12 }, (_, round) => both(round));
    const other = openInbox();
    await Promise.all(rounds.map((one, index) => (index % 2 === 0 ? inbox : other).commit(one)));
    const urls = await database.query<{ url: string }>('select source_url as url from media');
    expect(new Set(urls.map(({ url }) => url.split('/').at(-1)))).toEqual(new Set(['11']));
    expect(await deadlocks()).toBe(0);
  });

  test('brings nothing back that was erased, and does not keep the raw bytes', async () => {
    await inbox.commit(told('one', 'http://host/old'));
    await database.query(`update message set erased_at = now(), sender = ''`);
    await set(`state = 'erased', source_url = null`);
    const again = told('two', 'http://host/new', {});
    const other = {
      ...again,
      media: [...again.media, { ...mediaRow('m', { kind: 'video' }), delivery_id: again.id }],
    };
    await inbox.commit(other);
    expect(await database.query('select state from media')).toEqual([{ state: 'erased' }]);
    const [kept] = await database.query('select body, erased_at from delivery where id = $1', [again.id]);
    expect(kept).toMatchObject({ body: Buffer.alloc(0), erased_at: expect.any(Date) });
  });
});

describe('another attachment of a message that is erased at the same time', () => {
  test('waits for the erasure, and is not added then', async () => {
    await inbox.commit(entry('one', { messages: [messageRow('m')], media: [mediaRow('m')] }));
    const erasing = new pg.Client(database.connectionString);
    await erasing.connect();
    try {
      await erasing.query('begin');
      await erasing.query(`select from message for update`);
      const second = entry('two', { messages: [messageRow('m')], media: [mediaRow('m', { kind: 'video' })] });
      const committing = inbox.commit(second);
      await until(async () => (await waitingForLocks()) > 0);
      await erasing.query(`update message set erased_at = now(), sender = ''`);
      await erasing.query(`update media set state = 'erased'`);
      await erasing.query('commit');
      await committing;
      expect(await database.query('select kind, state from media')).toEqual([
        { kind: 'image', state: 'erased' },
      ]);
      expect(await database.query('select body from delivery where id = $1', [second.id])).toEqual([
        { body: Buffer.alloc(0) },
      ]);
    } finally {
      await erasing.end();
    }
  });
});

describe('a message that lives on after one of its media was erased', () => {
  const both = [mediaRow('m'), mediaRow('m', { kind: 'video' })];
  const bringing = (name: string, media: readonly MediaRow[]) =>
    entry(name, { messages: [messageRow('m')], media: media.map((row) => ({ ...row, id: newId() })) });
  const bodies = () => database.query<{ body: Buffer }>('select body from delivery order by id');
  const media = () => database.query('select kind, state from media order by kind');
  const empty = { body: Buffer.alloc(0) };
  const alive = [
    { kind: 'image', state: 'erased' },
    { kind: 'video', state: 'pending' },
  ];
  const erased = `update media set state = 'erased', source_url = null where kind = 'image'`;

  test('keeps no webhook that brings it again', async () => {
    await inbox.commit(bringing('one', both));
    await database.query(`${erased}; update delivery set body = '', erased_at = now()`);
    await inbox.commit(bringing('two', both));
    expect(await bodies()).toEqual([empty, empty]);
    expect(await media()).toEqual(alive);
  });

  test('gets another attachment, whose webhook is not kept either', async () => {
    await inbox.commit(bringing('one', both));
    await database.query(`${erased}; update delivery set body = '', erased_at = now()`);
    const other = mediaRow('m', { kind: 'audio', source_url: 'http://host/other' });
    expect((await inbox.commit(bringing('two', [other]))).media).toHaveLength(1);
    expect(await bodies()).toEqual([empty, empty]);
    expect(await database.query(`select state, source_url from media where kind = 'audio'`)).toEqual([
      { state: 'pending', source_url: 'http://host/other' },
    ]);
  });

  test('keeps no webhook that is known and still holds it, when it comes again or is read again', async () => {
    const one = bringing('one', both);
    const two = bringing('two', both);
    await inbox.commit(one);
    await inbox.commit(two);
    await database.query(erased);
    await inbox.commit(bringing('one', both));
    await inbox.recommit(two);
    expect(await bodies()).toEqual([empty, empty]);
    expect(await media()).toEqual(alive);
  });

  test('keeps no webhook that came while the media was being erased', async () => {
    await inbox.commit(bringing('one', both));
    const erasing = new pg.Client(database.connectionString);
    await erasing.connect();
    try {
      // The message is locked and does not change: what waits for it sees the row as it was.
      await erasing.query('begin');
      await erasing.query('select from message for update');
      const committing = inbox.commit(bringing('two', both));
      await until(async () => (await waitingForLocks()) > 0);
      await erasing.query(`${erased}; update delivery set body = '', erased_at = now()`);
      await erasing.query('commit');
      await committing;
      expect(await bodies()).toEqual([empty, empty]);
      expect(await media()).toEqual(alive);
    } finally {
      await erasing.end();
    }
  });
});

describe('a large webhook', () => {
  const large = (name: string, count: number): InboxEntry =>
    entry(name, {
      messages: Array.from({ length: count / 2 }, (_, index) => messageRow(`${name} ${String(index)}`)),
      media: Array.from({ length: count }, (_, index) =>
        mediaRow(`${name} ${String(index % (count / 2))}`, { position: Math.floor((2 * index) / count) }),
      ),
      statuses: Array.from({ length: count }, (_, index) => statusRow(`${name} ${String(index)}`)),
    });

  test('is written whole, in order, and recognised', async () => {
    const one = large('large', 2_000);
    const committed = await inbox.commit(one);
    expect(committed).toEqual({ delivery: one.id, duplicate: false, media: one.media.map(({ id }) => id) });
    expect(await count('delivery')).toBe(1);
    expect(await count('message')).toBe(1_000);
    expect(await count('media')).toBe(2_000);
    expect(await count('message_status')).toBe(2_000);
    expect(await jobs()).toHaveLength(2_000);
    expect(await inbox.commit(large('large', 2_000))).toEqual({ ...committed, duplicate: true });
    expect(await count('media')).toBe(2_000);
  });

  test('that was cut off in the middle is completed when it comes again', async () => {
    const one = large('large', 2_000);
    await inbox.commit(one);
    await database.query(`delete from media where id > $1`, [one.media[700]?.id]);
    await database.query(`delete from message where id > $1`, [one.messages[700]?.id]);
    const again = await inbox.commit(large('large', 2_000));
    expect(again.media).toHaveLength(2_000);
    expect(await count('media')).toBe(2_000);
    expect(await count('message')).toBe(1_000);
  });

  test('brings everything else when some of it was erased before, and is not kept raw', async () => {
    const one = large('large', 2_000);
    const messages = one.messages.slice(0, 1);
    await inbox.commit(entry('first', { messages, media: one.media.slice(0, 1) }));
    await database.query(`update message set erased_at = now(), sender = ''`);
    await database.query(`update media set state = 'erased'`);
    await inbox.commit(one);
    expect(await count(`media where state = 'pending'`)).toBe(1_998);
    expect(await count('message_status')).toBe(2_000);
    expect(await database.query('select body from delivery where id = $1', [one.id])).toEqual([
      { body: Buffer.alloc(0) },
    ]);
  });

  test('does not keep small ones waiting', async () => {
    const waitsBeside = async (round: number): Promise<number[]> => {
      const writing = inbox.commit(large(`large ${String(round)}`, 3_000));
      const written = new AbortController();
      void writing.finally(() => {
        written.abort();
      });
      const waits: number[] = [];
      for (let index = 0; !written.signal.aborted; index += 1) {
        const began = performance.now();
        await inbox.commit(entry(`small ${String(round)} ${String(index)}`));
        waits.push(performance.now() - began);
      }
      expect((await writing).media).toHaveLength(3_000);
      return waits;
    };
    const waits = await bestRound(waitsBeside, (all) => all.length > 10 && Math.max(...all) < 2_000);
    expect(waits.length).toBeGreaterThan(10);
    expect(Math.max(...waits)).toBeLessThan(2_000);
  });

  test('that takes longer than its sender waits is given up for now, and nobody else is', async () => {
    await expect(inbox.commit(large('large', 5_000), 1)).rejects.toBeInstanceOf(DatabaseTimeoutError);
    expect((await inbox.commit(entry('small'), 5_000)).duplicate).toBe(false);
    expect((await inbox.commit(large('large', 5_000))).media).toHaveLength(5_000);
  });
});

describe('a trial', () => {
  test('leaves nothing behind', async () => {
    await inbox.tryOut();
    for (const table of ['delivery', 'message', 'media', 'message_status', 'notification'])
      expect(await count(table)).toBe(0);
    expect(await jobs()).toEqual([]);
  });

  test('fails where a webhook would', async () => {
    await database.query('alter table message_status rename to elsewhere');
    await expect(inbox.tryOut()).rejects.toMatchObject({ code: '42P01' });
  });
});

/** Sessions that wait for somebody else. */
async function waitingForLocks(): Promise<number> {
  const [row] = await database.query<{ count: number }>(
    `select count(*)::int as count from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
  );
  return row?.count ?? 0;
}

/** As the server counts them; a connection hands its counts in when it ends. */
async function deadlocks(): Promise<number> {
  await Promise.all(opened.splice(0).map((one) => one.close()));
  await until(async () => {
    const [row] = await database.query<{ others: number }>(
      `select count(*)::int as others from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`,
    );
    return row?.others === 0;
  });
  const [row] = await database.query<{ deadlocks: number }>(
    'select deadlocks::int from pg_stat_database where datname = current_database()',
  );
  return row?.deadlocks ?? -1;
}

test('ten thousand failed pictures come again, with other links, to a database that has no statistics of them', async () => {
  const names = Array.from({ length: 10_000 }, (_, index) => `m ${String(index)}`);
  const crowd = (link: string): InboxEntry =>
    entry(`crowd ${link}`, {
      messages: names.map((name) => messageRow(name)),
      media: names.map((name, index) =>
        mediaRow(name, { state: 'failed', source_url: `${link}/${String(index)}` }),
      ),
    });
  const first = await inbox.commit(crowd('https://one.example.com'));
  // Each statement has ten seconds: comparing all with all takes longer.
  const again = await inbox.commit(crowd('https://two.example.com'));
  expect(again).toMatchObject({ duplicate: true, media: first.media });
  const [row] = await database.query<{ count: number }>(
    `select count(*)::int as count from media where state = 'pending' and source_url like 'https://two.%'`,
  );
  expect(row?.count).toBe(10_000);
}, 180_000);
