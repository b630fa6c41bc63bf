import { EventEmitter } from 'node:events';

import { afterEach, beforeEach, expect, test } from '@jest/globals';
import pg from 'pg';

import { queueConnections } from '../../../src/infra/queue/connections.js';
import { cloneDatabase, type TestDatabase } from '../../support/test-database.js';

let clone: TestDatabase;
let pool: pg.Pool;
let isEnding: boolean;
let connections: pg.Pool;
beforeEach(async () => {
  clone = await cloneDatabase();
  pool = new pg.Pool({ connectionString: clone.connectionString });
  // Its connections end with the others when the database stops.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  isEnding = false;
  connections = queueConnections({ pool, listener: new EventEmitter(), isEnding: () => isEnding });
});
afterEach(async () => {
  await pool.end();
  await clone.drop();
});

test('statements succeed and fail like those of the pool', async () => {
  const client = await connections.connect();
  try {
    expect((await client.query('select $1::int as one', [1])).rows).toEqual([{ one: 1 }]);
    await expect(client.query('select nothing')).rejects.toThrow('"nothing"');
  } finally {
    client.release();
  }
  await expect(connections.query('select nothing')).rejects.toThrow('"nothing"');
  expect(pool.waitingCount).toBe(0);
});

test('a statement that fails during the shutdown of the library returns an empty result', async () => {
  const client = await connections.connect();
  isEnding = true;
  await clone.goAway();
  expect(await client.query('select 1')).toMatchObject({ rows: [], rowCount: 0 });
  client.release();
  // The same applies to a connection that cannot be opened.
  const other = await connections.connect();
  expect(await other.query('select 1')).toMatchObject({ rows: [], rowCount: 0 });
  other.release();
  await clone.comeBack();
  expect((await connections.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
});

test('a connection that cannot be opened is an error before the shutdown', async () => {
  await clone.goAway();
  await expect(connections.connect()).rejects.toThrow('not currently accepting connections');
  await clone.comeBack();
});
