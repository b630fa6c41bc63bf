/** Erasures that meet others who change the same rows. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import pg from 'pg';

import { newId } from '../../../../src/domain/id.js';
import { openPool, transaction, type Pool } from '../../../../src/infra/postgres/database.js';
import { createAudit } from '../../../../src/infra/tables/audit.js';
import { eraseSent } from '../../../../src/infra/tables/erasure/erase-all.js';
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
    messageIdsIn: () => Promise.resolve(undefined),
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

test('what webhooks brought of a message whose sending was erased is erased, unless a hold has begun since', async () => {
  const bring = async (name: string, recipient: string): Promise<void> => {
    const message = newId();
    await database.query(
      `insert into message (id, channel, provider, message_id, direction, sender, recipient, received_at)
       values ($1, 'z-api', 'z-api', $2, 'outbound', '', $3, now())`,
      [message, name, recipient],
    );
    await database.query(
      `insert into media (id, channel, provider, message_row_id, position, direction, kind, state, received_at)
       values ($1, 'z-api', 'z-api', $2, 0, 'outbound', 'image', 'ready', now())`,
      [newId(), message],
    );
  };
  await bring('held', '5521911110001');
  await bring('free', '5521911110002');
  await database.query(
    `insert into legal_hold (id, type, channel, subject, ids, reason, actor, created_at)
     values ($1, 'person', 'z-api', '5521911110001', '{5521911110001}', 'a case', 'test', now())`,
    [newId()],
  );
  for (const messageId of ['held', 'free'])
    await transaction(pool, (connection) =>
      eraseSent(connection, { channel: 'z-api', provider: 'z-api', messageId, now: new Date() }),
    );
  const left = `select message_id, recipient, state from message join media on message_row_id = message.id order by message_id`;
  expect(await database.query(left)).toEqual([
    { message_id: 'free', recipient: null, state: 'erased' },
    { message_id: 'held', recipient: '5521911110001', state: 'ready' },
  ]);
});
