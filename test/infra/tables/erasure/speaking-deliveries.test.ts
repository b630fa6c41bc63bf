/**
 * What a search for raw webhooks leaves out because an earlier one has seen it, and what it must not leave
 * out.
 */
import { setTimeout as delay } from 'node:timers/promises';

import { afterEach, beforeEach, expect, test } from '@jest/globals';
import pg from 'pg';

import { newId } from '../../../../src/domain/id.js';
import {
  findNaming,
  findSpeaking,
  makeMark,
  type SearchMark,
} from '../../../../src/infra/tables/erasure/speaking-deliveries.js';
import { cloneDatabase, type TestDatabase } from '../../../support/test-database.js';
import { until } from '../../../support/until.js';

let database: TestDatabase;
let pool: pg.Pool;
beforeEach(async () => {
  database = await cloneDatabase();
  pool = new pg.Pool({ connectionString: database.connectionString, max: 12 });
  // The end of the pool does not wait until its connections are closed, and the database is dropped then.
  pool.on('error', () => undefined);
});
afterEach(async () => {
  await pool.end();
  await database.drop();
});

const channel = 'z-api';
const contact = '5511999990000';
const messageId = 'CON-1:17';

/** A raw webhook that speaks of the person and of the message; answers its id. */
async function write(connection: Pick<pg.ClientBase, 'query'>, id = newId()): Promise<string> {
  const body = Buffer.from(JSON.stringify({ id, from: contact, conversation: 'CON-1', event: 17 }));
  await connection.query(
    `insert into delivery (id, channel, provider, content_hash, body, headers, outcome, received_at)
     values ($1, $2, $2, sha256($3::bytea), $3, '{}', 'accepted', now())`,
    [id, channel, body],
  );
  return id;
}

/**
 * A mark from which on the webhook counts as seen. A transaction of any database of the test server that is
 * older than the webhook delays this.
 */
async function markAfter(id: string): Promise<SearchMark> {
  return until(async () => {
    const mark = await makeMark(pool);
    const { rows } = await pool.query(
      'select from delivery where id = $1 and age(xmin) > age($2::text::xid)',
      [id, mark.oldestTransaction],
    );
    return rows.length === 1 && mark;
  });
}

async function speaking(since?: SearchMark): Promise<string[]> {
  return (await findSpeaking(pool, { channel, contact, since })).ids.toSorted();
}

/** As the one and as the other search finds them. */
async function found(since?: SearchMark): Promise<string[]> {
  const ids = await speaking(since);
  const question = { channel, messageId, from: since?.from ?? new Date(0), since };
  expect((await findNaming(pool, question, () => Promise.resolve([messageId]))).toSorted()).toEqual(ids);
  return ids;
}

test('a later search finds what was written since, and leaves out what was there', async () => {
  const mark = await markAfter(await write(pool));
  expect(await found()).toHaveLength(1);
  expect(await found(mark)).toEqual([]);
  const later = await write(pool);
  expect(await found(mark)).toEqual([later]);
});

test('a later search finds what an older transaction had written and not committed', async () => {
  const slow = await pool.connect();
  await slow.query('begin');
  const late = await write(slow);
  await write(pool);
  const mark = await makeMark(pool);
  expect(await found()).toHaveLength(1);
  await slow.query('commit');
  slow.release();
  expect(await found(mark)).toContain(late);
});

test('a later search finds what was changed since', async () => {
  const changed = await write(pool);
  const mark = await makeMark(pool);
  await pool.query(`update delivery set outcome = 'ignored'`);
  expect(await found(mark)).toEqual([changed]);
});

test('two searches find everything that many writers have committed between and before them', async () => {
  const writers = Array.from({ length: 8 }, async (_, writer) => {
    for (let turn = 0; turn < 25; turn += 1) {
      const connection = await pool.connect();
      await connection.query('begin');
      await write(connection);
      await delay((writer * turn) % 17);
      await connection.query('savepoint inner_one');
      await write(connection);
      await delay((writer + turn) % 11);
      await connection.query(turn % 5 === 0 ? 'rollback' : 'commit');
      connection.release();
    }
  });
  const rounds: { mark: SearchMark; first: string[] }[] = [];
  for (let round = 0; round < 10; round += 1) {
    await delay(20);
    const mark = await makeMark(pool);
    rounds.push({ mark, first: await speaking() });
  }
  await Promise.all(writers);
  const all = await found();
  expect(all).toHaveLength(8 * 20 * 2);
  for (const { mark, first } of rounds) {
    const later = await found(mark);
    expect([...new Set([...first, ...later])].toSorted()).toEqual(all);
  }
  const last = all.at(-1);
  expect(last !== undefined && (await found(await markAfter(last)))).not.toHaveLength(all.length);
});

test('a body that is too deep to be parsed is searched all the same', async () => {
  const deep = (who: string) => Buffer.from(`${'['.repeat(500_000)}"${who}"${']'.repeat(500_000)}`);
  const ids: string[] = [];
  for (const body of [deep(contact), deep(`1${contact}`), deep(contact.slice(1))]) {
    const id = newId();
    await pool.query(
      `insert into delivery (id, channel, provider, content_hash, body, headers, outcome, received_at)
       values ($1, $2, $2, sha256($3::bytea), $3, '{}', 'malformed', now())`,
      [id, channel, body],
    );
    ids.push(id);
  }
  expect(await speaking()).toEqual([ids[0]]);
});
