/** The time limit of a backfill, and how the next call continues. */
import { setTimeout as delay } from 'node:timers/promises';

import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { pino } from 'pino';

import type { Channel } from '../../../src/domain/channel.js';
import type { HttpRequest } from '../../../src/domain/provider.js';
import { noOwnRetention } from '../../../src/domain/retention.js';
import { openDatabase, type Database } from '../../../src/infra/postgres/database.js';
import { createAudit } from '../../../src/infra/tables/audit.js';
import { createKnownMessages } from '../../../src/infra/tables/known-messages.js';
import { createBackfill } from '../../../src/pipeline/channels/backfill.js';
import { twilio } from '../../../src/providers/twilio/index.js';
import { pseudonym } from '../../infra/tables/inbox/entries.js';
import { credentials } from '../../support/signing.js';
import { cloneDatabase, type TestDatabase } from '../../support/test-database.js';

let database: TestDatabase;
let opened: Database;
beforeEach(async () => {
  database = await cloneDatabase();
  opened = openDatabase(database.connectionString, pino({ level: 'silent' }));
});
afterEach(async () => {
  await opened.close();
  await database.drop();
});

const now = (): Date => new Date();
const channel: Channel = {
  id: 'twilio',
  provider: 'twilio',
  source: 'environment',
  settings: [],
  adapter: twilio.load(credentials['twilio'], now),
};

/** The oldest message that a page has, which is no incoming one. */
const oldestOf = (page: number): Date => new Date(Date.UTC(2026, 10, 21) - page * 60_000);

/** A backfill of an account that always has another page; each but the first one takes as long as there is time. */
function endless(maxMs: number) {
  const asked: HttpRequest[] = [];
  const stopping = new AbortController();
  const http = async (request: HttpRequest) => {
    asked.push(request);
    if (asked.length > 1) await delay(maxMs);
    const messages = [{ direction: 'outbound-api', date_sent: oldestOf(asked.length).toUTCString() }];
    const next_page_uri = `${new URL(request.url).pathname}?Page=${String(asked.length)}`;
    return { status: 200, headers: {}, body: { messages, next_page_uri } };
  };
  const backfill = createBackfill({
    channels: {
      entry: () => ({
        ...channel,
        name: null,
        enabled: true,
        retention: noOwnRetention,
        createdAt: null,
        updatedAt: null,
        channel,
        problem: null,
      }),
    },
    http: () => http,
    known: createKnownMessages(opened.api, pseudonym),
    receive: () => Promise.reject(new Error('nothing is to be stored')),
    audit: createAudit(opened.api, now),
    now,
    stopping: stopping.signal,
    maxMs,
  });
  return { asked, stopping, run: () => backfill({ id: 'twilio', since: now() }, 'test') };
}

const incomplete = { found: 0, stored: 0, failed: 0, complete: false };

test('ends after its time, and says where the next call continues', async () => {
  const { asked, run } = endless(5_000);
  const report = await run();
  expect(asked.length).toBeGreaterThan(1);
  expect(report).toEqual({ ...incomplete, until: oldestOf(asked.length) });
});

test('asks at least once', async () => {
  const { asked, run } = endless(0);
  expect(await run()).toEqual({ ...incomplete, until: oldestOf(1) });
  expect(asked).toHaveLength(1);
});

test('ends early when the process shuts down', async () => {
  const { asked, stopping, run } = endless(60_000);
  stopping.abort();
  expect(await run()).toEqual({ ...incomplete, until: oldestOf(1) });
  expect(asked).toHaveLength(1);
});
