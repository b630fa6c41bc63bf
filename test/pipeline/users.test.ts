/** Sessions and tokens of users while the user is changed, and after they have ended. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { pino } from 'pino';

import { loadConfig } from '../../src/config.js';
import { createAccess } from '../../src/compose/access.js';
import { createCalls } from '../../src/compose/calls.js';
import { openDatabase, transaction, type Database } from '../../src/infra/postgres/database.js';
import { createAudit } from '../../src/infra/tables/audit.js';
import { createEndedAccess } from '../../src/infra/tables/ended-access.js';
import { authSecret } from '../support/test-service.js';
import { cloneDatabase, type TestDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

let storage: TestDatabase;
let database: Database;
let access: ReturnType<typeof createAccess>['services'];
let time = Date.parse('2026-11-21T10:00:00.000Z');
const now = (): Date => new Date(time);

beforeAll(async () => {
  storage = await cloneDatabase();
  const logger = pino({ level: 'silent' });
  database = openDatabase(storage.connectionString, logger);
  const config = loadConfig({ AUTH_SECRET: authSecret }, now);
  const audit = createAudit(database.api, now);
  const foundation = { audit, database, logger, now } as Parameters<typeof createAccess>[1];
  access = createAccess(config, foundation, createCalls(config)).services;
});
afterAll(async () => {
  await Promise.all([access.tokens.close(), access.sessions.close()]);
  await database.close();
  await storage.drop();
});

const fernanda = {
  email: 'fernanda@example.com',
  name: 'Fernanda',
  role: 'admin',
  channels: null,
} as const;
const options = { way: 'invitation', remember: false } as const;

it('a token that is created while its owner is disabled waits, and is refused', async () => {
  const request = { ...fernanda, email: 'owner@example.com' };
  const { user } = await access.users.create(request, 'test');
  const { bearer } = await access.sessions.signInAs(user, options);
  const grant = {
    name: 'late',
    scopes: ['admin'],
    channels: null,
    expiresInSeconds: null,
    user: { id: user.id, isSession: false },
  } as const;
  let created: Promise<unknown> = Promise.resolve();
  await transaction(database.work, async ({ query }) => {
    await query('update user_account set disabled_at = now() where id = $1', [user.id]);
    created = access.tokens.create(grant, bearer.tokenId);
    created.catch(() => undefined);
    await until(async () => {
      const { rowCount } = await database.work.query(
        `select from pg_stat_activity
         where datname = current_database() and wait_event_type = 'Lock' and query like '%for share%'`,
      );
      return rowCount === 1;
    });
  });
  await expect(created).rejects.toMatchObject({ code: 'auth.revoked' });
});

it('what has ended by itself is deleted, and nothing else', async () => {
  const { user } = await access.users.create({ ...fernanda, email: 'ended@example.com' }, 'test');
  const session = await access.sessions.signInAs(user, options);
  const token = await access.tokens.create(
    { name: 'short', scopes: ['admin'], channels: null, expiresInSeconds: 60 },
    'test',
  );
  const ids = [session.bearer.tokenId, token.record.id];
  const left = async () => {
    const rows = await storage.query<{ id: string }>('select id from api_token where id = any($1)', [ids]);
    return rows.map(({ id }) => id).sort();
  };
  const ended = createEndedAccess(database.work, now);
  time += 12 * 3_600_000;
  await ended.remove();
  expect(await left()).toEqual([...ids].sort());
  time += 2 * 3_600_000;
  await ended.remove();
  expect(await left()).toEqual([token.record.id]);
  expect((await access.users.find(user.id, undefined))?.invitationExpiresAt).not.toBeNull();
  time += 8 * 86_400_000;
  await ended.remove();
  expect((await access.users.find(user.id, undefined))?.invitationExpiresAt).toBeNull();
});
