/**
 * The database stops, and the process is killed: webhooks that were answered with 200 are finally stored,
 * once.
 */
import { afterEach, beforeEach, expect, test } from '@jest/globals';

import { until } from '../support/until.js';
import { startSpoolingService, type SpoolingService, type StoredRow } from './spooling.js';

let spooling: SpoolingService;
beforeEach(async () => {
  spooling = await startSpoolingService();
}, 180_000);
afterEach(() => spooling.remove());

test('webhooks are accepted while the database is stopped, and stored when it is available again', async () => {
  const { expectEachOnce, postgres, ready, sendAll, service, spooled } = spooling;
  await sendAll('before', 5);
  await postgres.stop();
  await sendAll('away', 60);
  expect((await ready()).body.detail).toBe('database: away, spooling');
  expect(await spooled()).not.toEqual([]);
  await postgres.start();
  await until(async () => (await ready()).status === 200, 60_000);
  await sendAll('after', 5);
  await expectEachOnce();
  expect(service().output()).not.toMatch(/Ana|5511|look/);
}, 270_000);

test('a process that is killed while it spools has spooled every webhook that it answered', async () => {
  const { acknowledged, expectEachOnce, postgres, restart, sendAll, service, spooled } = spooling;
  await sendAll('before', 5);
  await postgres.stop();
  for (let time = 0; time < 3; time += 1) {
    const name = `killed ${String(time)}`;
    const before = acknowledged.length;
    // Webhooks are sent until the service is gone; unanswered ones may be stored or not, and are sent again
    // below.
    const sending = sendAll(name, 10_000).catch((error: unknown) => error);
    await until(() => acknowledged.length > before + 20 + 7 * time);
    await service().kill('SIGKILL');
    expect(String(await sending)).toMatch(/ECONN|EPIPE|socket hang up/);
    const unanswered = `${name} ${String(acknowledged.length - before)}`;
    await postgres.start();
    await restart();
    await until(async () => (await spooled()).length === 0, 60_000);
    const known = await postgres.query<StoredRow>(
      `select caption, media.id as media from message join media on message_row_id = message.id where caption = '${unanswered}'`,
    );
    for (const { caption, media } of known) acknowledged.push([caption, media]);
    await expectEachOnce();
    await postgres.stop();
  }
  await postgres.start();
}, 360_000);

test('a process that is killed while it replays continues in order', async () => {
  const { acknowledged, expectEachOnce, postgres, restart, rows, send, sendAll, service, spooled } = spooling;
  await send('before');
  // The replay gets stuck, so that the process is killed in the middle, however fast it is.
  await postgres.query(
    `create sequence replayed;
     create function stick() returns trigger language plpgsql as
       'begin if nextval(''replayed'') > 300 then perform pg_sleep(3600); end if; return new; end';
     create trigger stick before insert on delivery for each row execute function stick()`,
  );
  await postgres.stop();
  await sendAll('spooled', 600);
  await postgres.start();
  const found = await until(async () => {
    const some = await rows();
    return some.length > 1 && some;
  }, 60_000);
  await service().kill('SIGKILL');
  expect(found.length).toBeLessThan(600);
  // The oldest was replayed first.
  expect(found.map(({ caption, media }) => [caption, media])).toEqual(acknowledged.slice(0, found.length));
  expect(await spooled()).not.toEqual([]);
  await postgres.query(
    `select pg_terminate_backend(pid, 5000) from pg_stat_activity where wait_event = 'PgSleep'`,
  );
  await postgres.query('drop trigger stick on delivery');
  await restart();
  await expectEachOnce();
}, 360_000);
