import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { pino } from 'pino';

import { newId } from '../../../src/domain/id.js';
import { openDatabase, type Database } from '../../../src/infra/postgres/database.js';
import { listen, type Notifications } from '../../../src/infra/postgres/notifications.js';
import { cloneDatabase, type TestDatabase } from '../../support/test-database.js';
import { until } from '../../support/until.js';

let clone: TestDatabase;
let database: Database;
let notifications: Notifications;
beforeAll(async () => {
  clone = await cloneDatabase();
  database = openDatabase(clone.connectionString, pino({ level: 'silent' }));
  notifications = listen(database, pino({ level: 'silent' }));
  await until(async () => (await listeners()).length === 1);
});
afterAll(async () => {
  await notifications.close();
  await database.close();
  await clone.drop();
});

async function listeners(): Promise<number[]> {
  const rows = await clone.query<{ pid: number }>(
    `select pid from pg_stat_activity where datname = current_database() and query like 'listen %' and state = 'idle'`,
  );
  return rows.map(({ pid }) => pid);
}

const notify = (id: string): Promise<unknown> => clone.query(`select pg_notify('inlet_media', $1)`, [id]);

/** How a wait went: false while it lasts. */
function waitFor(id: string, signal = new AbortController().signal) {
  const wait = { over: false, end: notifications.mediaChange(id, signal) };
  void wait.end.then(() => (wait.over = true));
  return wait;
}

describe('a caller that waits for media', () => {
  test('is woken when it changes, and nobody else is', async () => {
    const id = newId();
    const other = newId();
    const waits = [waitFor(id), waitFor(id), waitFor(id)];
    const elsewhere = new AbortController();
    const bystander = waitFor(other, elsewhere.signal);
    await notify(id);
    await Promise.all(waits.map(({ end }) => end));
    expect(bystander.over).toBe(false);
    elsewhere.abort();
    await bystander.end;
  });

  test('is not woken by what happened before', async () => {
    const id = newId();
    // Notifications come in order: when the second is here, the first has been.
    const flush = async (): Promise<void> => {
      const last = newId();
      const wait = waitFor(last);
      await notify(last);
      await wait.end;
    };
    await notify(id);
    await flush();
    const abort = new AbortController();
    const wait = waitFor(id, abort.signal);
    await flush();
    expect(wait.over).toBe(false);
    abort.abort();
    await wait.end;
  });

  test('stops waiting when it is told to', async () => {
    const abort = new AbortController();
    const wait = waitFor(newId(), abort.signal);
    abort.abort();
    await wait.end;
    expect(wait.over).toBe(true);
  });

  test('does not wait at all when it was told before', async () => {
    await waitFor(newId(), AbortSignal.abort()).end;
  });

  test('can wait again', async () => {
    const id = newId();
    await waitFor(id, AbortSignal.abort()).end;
    const again = waitFor(id);
    await notify(id);
    await again.end;
  });
});

test('a connection that the server ends is made anew, several times', async () => {
  for (let time = 0; time < 2; time++) {
    const [pid] = await until(async () => {
      const found = await listeners();
      return found.length === 1 && found;
    });
    const id = newId();
    const wait = waitFor(id);
    await clone.query('select pg_terminate_backend($1, 5000)', [pid]);
    await until(async () => (await listeners()).some((other) => other !== pid));
    // Notifications were missed meanwhile, so every waiting caller reads the state again.
    await wait.end;
    const again = waitFor(id);
    await notify(id);
    await again.end;
  }
});

test('a listener receives the messages of its topic, is notified after a reconnect, and can stop', async () => {
  const received: string[] = [];
  const elsewhere: string[] = [];
  let resumed = 0;
  const stop = notifications.on('channels', {
    received: (payload) => received.push(payload),
    resumed: () => (resumed += 1),
  });
  notifications.on('outbox', { received: (payload) => elsewhere.push(payload) });
  const say = (payload: string): Promise<unknown> =>
    clone.query(`select pg_notify('inlet_channels', $1)`, [payload]);
  await until(() => Promise.resolve(resumed === 1));
  await say('one');
  await until(() => Promise.resolve(received.length === 1));

  await clone.query('select pg_terminate_backend($1, 5000)', [(await listeners())[0]]);
  await until(() => Promise.resolve(resumed === 2));
  await say('two');
  await until(() => Promise.resolve(received.length === 2));

  stop();
  await say('three');
  const wait = waitFor('last');
  await notify('last');
  await wait.end;
  expect({ received, elsewhere }).toEqual({ received: ['one', 'two'], elsewhere: [] });
});

test('closing ends the connection, also while it is being made', async () => {
  const others = await listeners();
  const brief = listen(database, pino({ level: 'silent' }));
  await brief.close();
  expect(await until(async () => (await listeners()).length === others.length)).toBe(true);
});
