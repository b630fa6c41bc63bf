/** Records are kept in memory, and no answer is older than the question. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type pg from 'pg';
import { pino } from 'pino';

import { newId } from '../../../../src/domain/id.js';
import { prepareDatabase } from '../../../../src/infra/migrations/start-database.js';
import { openDatabase, type Database } from '../../../../src/infra/postgres/database.js';
import { startEmbeddedPostgres } from '../../../../src/infra/postgres/embedded/server.js';
import { createMediaForToken, type ReadMediaForToken } from '../../../../src/infra/tables/media/for-token.js';
import { createLookup } from '../../../../src/infra/tables/media/lookup.js';
import { createPeopleSums } from '../../../../src/infra/tables/people/sums.js';
import { cloneDatabase, type TestDatabase } from '../../../support/test-database.js';

const run = promisify(execFile);

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

const sha256 = 'a'.repeat(64);

/** Stores a media item that waits for its download. */
async function store(query: (text: string, values: unknown[]) => Promise<unknown>): Promise<string> {
  const mediaId = newId();
  const messageId = newId();
  await query(
    `insert into message (id, channel, provider, message_id, direction, sender, received_at)
     values ($1, 'z-api', 'z-api', $2, 'inbound', '5511999990000', now())`,
    [messageId, messageId],
  );
  await query(
    `insert into media (id, channel, provider, message_row_id, position, direction, kind, state, received_at)
     values ($1, 'z-api', 'z-api', $2, 0, 'inbound', 'image', 'pending', now())`,
    [mediaId, messageId],
  );
  return mediaId;
}

let id: string;
/** The names of the statements since the media item was stored. */
let statements: string[];
let read: ReadMediaForToken;
beforeEach(async () => {
  id = await store(clone.query);
  statements = [];
  const query = ((asked: pg.QueryConfig) => {
    statements.push(asked.name ?? '');
    return database.api.query(asked);
  }) as unknown as Database['api']['query'];
  read = createMediaForToken({ query });
});

const versions = 'media-versions-for-tokens';
const records = 'media-for-tokens';

test('a record is read once as long as it stays the same', async () => {
  const first = await read(id, 't1');
  expect(first).toMatchObject({ isRevoked: false, media: { id, note: null } });
  expect((await read(id, 't1')).media).toBe(first.media);
  expect((await read(id, 't2')).media).toBe(first.media);
  expect(statements).toEqual([records, versions, versions]);
});

test('after every change, the record is the present one', async () => {
  const lookup = createLookup(database.api, createPeopleSums(database.api));
  const changes = [
    `update media set note = 'called back' where id = '${id}'`,
    `update media set tags = '{"refund"}' where id = '${id}'`,
    `update message set caption = 'look' where id = (select message_row_id from media where id = '${id}')`,
    `insert into blob (sha256, type, bytes, previews) values ('${sha256}', 'image/jpeg', 1, '[]')`,
    `update media set state = 'ready', sha256 = '${sha256}' where id = '${id}'`,
    `update blob set width = 3 where sha256 = '${sha256}'`,
    `begin; update media set note = 'twice' where id = '${id}'; update media set note = null where id = '${id}'; commit`,
    `vacuum full media`,
    `insert into legal_hold (id, type, channel, subject, ids, reason, actor, created_at)
     values ('${newId()}', 'media', 'z-api', '${id}', '{}', 'Case 1', 'a', now())`,
    `delete from legal_hold`,
    `update media set state = 'erased', sha256 = null, erased_at = now() where id = '${id}'`,
    `delete from media where id = '${id}'`,
  ];
  for (const change of changes) {
    await read(id, 't1');
    await clone.query(change);
    expect({ change, media: (await read(id, 't1')).media }).toEqual({
      change,
      media: await lookup.media(id),
    });
  }
  expect((await read(id, 't1')).media).toBeNull();
});

test('a token is known to be revoked in the next answer, whether or not there is a record', async () => {
  const token = newId();
  await clone.query(
    `insert into api_token (id, name, scopes, channels, created_at) values ($1, 'a', '{}', '{}', now())`,
    [token],
  );
  expect(await read(id, token)).toMatchObject({ isRevoked: false });
  await clone.query('update api_token set revoked_at = now() where id = $1', [token]);
  expect(await read(id, token)).toMatchObject({ isRevoked: true, media: { id } });
  expect(await read(newId(), token)).toEqual({ isRevoked: true, media: null });
});

test('questions at the same time share a statement, also if one of the records is new', async () => {
  await read(id, 't1');
  const unknown = newId();
  const answers = await Promise.all([read(id, 't1'), read(unknown, 't1'), read(id, 't2')]);
  expect(answers.map(({ media }) => media?.id)).toEqual([id, undefined, id]);
  expect(statements).toEqual([records, records]);
});

test('a change that a failover has lost is not answered, even if another one has its numbers', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'inlet-failover-'));
  const data = join(folder, 'data');
  const standby = join(folder, 'standby');
  const silent = pino({ level: 'silent' });
  /** Works with the server as it is, which gets an address of its own each time. */
  const during = async <T>(work: (present: Database) => Promise<T>): Promise<T> => {
    const server = await startEmbeddedPostgres(folder);
    const { connectionString } = server;
    const stopping = new AbortController().signal;
    await prepareDatabase({ connectionString, setting: 'DATABASE_URL', logger: silent, stopping });
    const present = openDatabase(connectionString, silent);
    try {
      return await work(present);
    } finally {
      await present.close();
      await server.stop();
    }
  };
  let current: Database['api'] | undefined;
  const query = ((asked: pg.QueryConfig) => current?.query(asked)) as unknown as Database['api']['query'];
  const readFrom = createMediaForToken({ query });
  const stored = await during(async ({ api }) => {
    await api.query('alter system set autovacuum = off'); // It would use up numbers of transactions.
    return store((text, values) => api.query(text, values));
  });
  await run('cp', ['-a', data, standby]);
  const change = async (note: string): Promise<unknown> =>
    during(async ({ api }) => {
      current = api;
      const { rows } = await api.query<Record<string, string>>(
        'update media set note = $2 where id = $1 returning xmin::text, ctid::text',
        [stored, note],
      );
      expect((await readFrom(stored, 't1')).media).toMatchObject({ note });
      return rows;
    });
  try {
    const lost = await change('lost');
    await rm(data, { recursive: true });
    await run('cp', ['-a', standby, data]);
    expect(await change('kept')).toEqual(lost);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}, 180_000);
