/** `GET /v1/alerts`: what is wrong now. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { pino } from 'pino';

import { openDatabase, type Database } from '../../../src/infra/postgres/database.js';
import { createAlertTable, type Condition } from '../../../src/infra/tables/alerts.js';
import { call, type Page } from '../../support/client.js';
import { startTestService, type TestService } from '../../support/test-service.js';

let service: TestService;
let database: Database;
beforeAll(async () => {
  service = await startTestService({ queue: false });
  database = openDatabase(service.database.connectionString, pino({ level: 'silent' }));
});
afterAll(async () => {
  await database.close();
  await service.stop();
});

interface Alert {
  readonly id: string;
  readonly type: string;
  readonly subject: string;
}

async function page(query: string, channels?: readonly string[]): Promise<Page<Alert>> {
  const token = service.token('media:read', channels ? { channels } : {});
  return (await call<Page<Alert>>(service.url, `/v1/alerts?${query}`, { token })).body;
}

const subjectsOf = async (channels?: readonly string[]) =>
  (await page('', channels)).items.map(({ subject }) => subject);

const since = new Date('2026-11-20T10:00:00Z');
const message = 'it is wrong';
const silent = (channel: string): Condition => ({
  type: 'alert.channel_silent',
  subject: channel,
  channel,
  since,
  message,
});
const disk: Condition = { type: 'alert.disk_filling', subject: 'disk', channel: null, since, message };

/** As the job that looks every minute does. */
const tell = (...conditions: readonly Condition[]) =>
  createAlertTable(database.work, 'by hand').tell(conditions, new Date());

it('lists alerts from their beginning to their end, newest first and page by page', async () => {
  await tell(silent('z-api'));
  await tell(silent('z-api'), disk);
  await tell(silent('z-api'), disk, silent('blip'));
  const first = await page('limit=2');
  expect(first.items).toMatchObject([
    { type: 'alert.channel_silent', subject: 'blip', channel: 'blip', since: since.toISOString(), message },
    { type: 'alert.disk_filling', subject: 'disk', channel: null },
  ]);
  const next = await page(`limit=2&cursor=${first.nextCursor ?? ''}`);
  expect([next.items.map(({ subject }) => subject), next.nextCursor]).toEqual([['z-api'], null]);
  await tell(disk);
  expect(await subjectsOf()).toEqual(['disk']);
});

it('shows a token that is limited to channels only the alerts about these', async () => {
  await tell(silent('z-api'), silent('blip'), disk);
  expect(await subjectsOf(['blip', 'sobot'])).toEqual(['blip']);
  expect(await subjectsOf(['sobot'])).toEqual([]);
});

it('needs the scope of the statistics', async () => {
  const token = service.token('facts:write');
  expect(await call(service.url, '/v1/alerts', { token })).toMatchObject({ status: 403 });
});
