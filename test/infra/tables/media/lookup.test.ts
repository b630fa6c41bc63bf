import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { pino } from 'pino';

import { newId } from '../../../../src/domain/id.js';
import { openDatabase, type Database } from '../../../../src/infra/postgres/database.js';
import { createPeopleSums } from '../../../../src/infra/tables/people/sums.js';
import { createLookup } from '../../../../src/infra/tables/media/lookup.js';
import { cloneDatabase, type TestDatabase } from '../../../support/test-database.js';

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

const commit = (): Promise<unknown> =>
  clone.query(
    `with m as (
       insert into message (id, channel, provider, message_id, direction, sender, received_at)
       values ($1, 'z-api', 'z-api', 'just now', 'inbound', '5511999990000', now()) returning id
     )
     insert into media (id, channel, provider, message_row_id, position, direction, kind, state, received_at)
     select $2, 'z-api', 'z-api', id, 0, 'inbound', 'image', 'pending', now() from m`,
    [newId(), newId()],
  );

test('a message that is committed while somebody looks for it is seen with its media, or not at all', async () => {
  // It comes between the questions, whichever is asked first.
  const message = new Proxy(database.api.prisma.message, {
    get: (target, name) =>
      name === 'findUnique'
        ? async (query: Parameters<typeof target.findUnique>[0]) => {
            await commit();
            return target.findUnique(query);
          }
        : (Reflect.get(target, name) as unknown),
  });
  const prisma = new Proxy(database.api.prisma, {
    get: (target, name) => (name === 'message' ? message : (Reflect.get(target, name) as unknown)),
  });
  const found = await createLookup(
    { query: database.api.query.bind(database.api), prisma },
    createPeopleSums(database.api),
  ).message('z-api', 'just now');
  expect(found?.media).toHaveLength(1);
});
