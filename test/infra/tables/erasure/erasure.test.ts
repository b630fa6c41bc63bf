/** Erasures that meet others who change the same rows. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import pg from 'pg';

import { newId } from '../../../../src/domain/id.js';
import { openPool, type Pool } from '../../../../src/infra/postgres/database.js';
import { createAudit } from '../../../../src/infra/tables/audit.js';
import { createErasure, type Erasure } from '../../../../src/infra/tables/erasure/erasure.js';
import { cloneDatabase, type TestDatabase } from '../../../support/test-database.js';
import { until } from '../../../support/until.js';

let database: TestDatabase;
let pool: Pool;
let erasure: Erasure;
beforeEach(async () => {
  database = await cloneDatabase();
  pool = openPool({ connectionString: database.connectionString, max: 2 });
  const now = (): Date => new Date();
  erasure = createErasure({
    pool,
    audit: createAudit(pool, now),
    now,
    messageIdsIn: () => undefined,
  });
});
afterEach(async () => {
  await pool.end();
  await database.drop();
});

test('an upload that becomes part of a message while it is erased is erased with it', async () => {
  const id = newId();
  const message = newId();
  await database.query(
    `insert into media (id, channel, provider, position, direction, kind, state, received_at)
     values ($1, 'z-api', 'z-api', 0, 'outbound', 'image', 'ready', now())`,
    [id],
  );
  const sending = new pg.Client(database.connectionString);
  await sending.connect();
  try {
    await sending.query('begin');
    await sending.query(
      `insert into message (id, channel, provider, message_id, direction, sender, recipient, received_at)
       values ($1, 'z-api', 'z-api', 'sent', 'outbound', '', '5511999990000', now())`,
      [message],
    );
    await sending.query('update media set message_row_id = $2 where id = $1', [id, message]);
    const erasing = erasure.media({ id, channel: 'z-api' }, { actor: 'test' });
    await until(async () => {
      const waiting = await database.query(
        `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
      );
      return waiting.length === 1;
    });
    await sending.query('commit');
    expect(await erasing).toMatchObject({ media: 1, messages: 1 });
  } finally {
    await sending.end();
  }
  expect(await database.query('select state from media')).toEqual([{ state: 'erased' }]);
  expect(await database.query('select recipient from message')).toEqual([{ recipient: null }]);
});
