/** Webhooks that are written while somebody whom they name is erased. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { pino } from 'pino';

import { openDatabase, type Database } from '../../../../src/infra/postgres/database.js';
import { createAudit } from '../../../../src/infra/tables/audit.js';
import { createErasure, type Erasure } from '../../../../src/infra/tables/erasure/erasure.js';
import type { InboxEntry } from '../../../../src/infra/tables/inbox/entry.js';
import { createInbox, type Inbox } from '../../../../src/infra/tables/inbox/inbox.js';
import { cloneDatabase, type TestDatabase } from '../../../support/test-database.js';
import { until } from '../../../support/until.js';
import { entry, mediaRow, messageRow, pseudonym, statusRow } from './entries.js';

let database: TestDatabase;
let opened: Database;
let inbox: Inbox;
let erasure: Erasure;
beforeEach(async () => {
  database = await cloneDatabase();
  opened = openDatabase(database.connectionString, pino({ level: 'silent' }));
  inbox = createInbox({ pool: opened.intake, pseudonym }, () => 'all');
  const now = (): Date => new Date();
  erasure = createErasure({
    pool: opened.api,
    audit: createAudit(opened.api, now),
    now,
    messageIdsIn: () => Promise.resolve(undefined),
  });
});
afterEach(async () => {
  await opened.close();
  await database.drop();
});

const channel = 'z-api';
const ana = '5511999990000';
const bia = '5511988880000';
const eraseAna = () =>
  erasure.person({ channel, ids: [{ contact: ana, pseudonym: pseudonym(channel, ana) }] }, { actor: 'test' });

const count = async (from: string): Promise<number> =>
  (await database.query<{ count: number }>(`select count(*)::int as count from ${from}`))[0]?.count ?? -1;

/**
 * A webhook of several parts: a picture in each message, of Ana and Bia by turns, and a report on a text of
 * each of them.
 */
function large(pictures: number): InboxEntry {
  const names = Array.from({ length: pictures }, (_, index) => `m${String(index)}`);
  const body = Buffer.from(JSON.stringify({ pictures, messages: [{ from: ana }, { from: bia }] }));
  return entry('large', {
    body,
    messages: names.map((name, index) => messageRow(name, { sender: index % 2 === 0 ? ana : bia })),
    media: names.map((name) => mediaRow(name)),
    statuses: [...names, 'a text'].map((name) => statusRow(name)),
  });
}

/** Begins to write the webhook, does the work while its last parts are still to come, and lets them come. */
async function inTheMiddle(one: InboxEntry, work: () => Promise<unknown>): Promise<void> {
  const messages = [messageRow(one.messages.at(-1)?.message_id ?? '', { sender: bia })];
  await inbox.commit(entry('came before', { messages, media: [] }));
  const holder = new pg.Client(database.connectionString);
  await holder.connect();
  try {
    await holder.query('begin');
    await holder.query('select from message for update');
    const written = inbox.commit(one);
    await until(async () => (await count(waitingForLocks)) === 1);
    await work();
    await holder.query('commit');
    await written;
  } finally {
    await holder.end();
  }
}

const waitingForLocks = `pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
const namesAna = `message where '${ana}' in (sender, recipient, chat)`;
const ofBia = `media join message on message.id = message_row_id where sender = '${bia}' and state = 'pending'`;
const holdsAna = `delivery where position('${ana}' in encode(body, 'escape')) > 0`;

describe('a large webhook that is emptied while it is written', () => {
  test('brings what is of others, and nothing of the person who is erased', async () => {
    await inTheMiddle(large(1_000), async () => {
      const erased = await eraseAna();
      expect(erased?.messages).toBeGreaterThan(100);
      expect(erased?.messages).toBeLessThan(500);
    });
    expect(await count(namesAna)).toBe(0);
    expect(await count(holdsAna)).toBe(0);
    expect(await count(ofBia)).toBe(500);
  });

  test('keeps the reports on messages that are still there, and no others', async () => {
    await inTheMiddle(large(1_000), eraseAna);
    const told = await database.query<{ name: string }>(
      'select message_status.message_id as name from message_status order by 1',
    );
    const living = await database.query<{ name: string }>(
      'select message_id as name from message where erased_at is null order by 1',
    );
    expect(told).toEqual(living);
    expect(told).toHaveLength(500);
  });

  test('is the same when the erasure comes while one of its parts is committed', async () => {
    const one = large(1_000);
    const written = inbox.commit(one);
    await until(async () => (await count(`message where erased_at is null`)) > 0);
    const erasing = eraseAna();
    await Promise.all([written, erasing]);
    expect(await count(namesAna)).toBe(0);
    expect(await count(holdsAna)).toBe(0);
    expect(await count(ofBia)).toBe(500);
  });

  test('is completed when it comes again after it was cut off', async () => {
    const one = large(1_000);
    await inbox.commit(one);
    const later = one.messages.slice(600).map(({ id }) => id);
    await database.query('delete from media where message_row_id = any($1)', [later]);
    await database.query('delete from message where id = any($1)', [later]);
    await eraseAna();
    await inbox.commit(large(1_000));
    expect(await count(namesAna)).toBe(0);
    expect(await count(holdsAna)).toBe(0);
    expect(await count(ofBia)).toBe(500);
  });

  test('brings what the person writes after the erasure', async () => {
    await inbox.commit(large(10));
    await eraseAna();
    await inbox.commit(
      entry('later', { messages: [messageRow('later', { sender: ana })], media: [mediaRow('later')] }),
    );
    expect(await count(namesAna)).toBe(1);
  });
});
