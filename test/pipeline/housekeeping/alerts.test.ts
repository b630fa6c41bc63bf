/** Alerts begin and end once, whatever number of processes sees what is wrong. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { pino } from 'pino';

import { newId } from '../../../src/domain/id.js';
import { openDatabase, type Database } from '../../../src/infra/postgres/database.js';
import { createSpool } from '../../../src/infra/spool/spool.js';
import { createAlertTable, type AlertTable } from '../../../src/infra/tables/alerts.js';
import { createChannelActivity } from '../../../src/infra/tables/channel-activity.js';
import { disabledByHand } from '../../../src/infra/tables/events/subscription.js';
import { createAlerts } from '../../../src/pipeline/housekeeping/alerts.js';
import { createProcessReports } from '../../../src/pipeline/housekeeping/process-reports.js';
import { listenTo } from '../../support/event-stream.js';
import { startTestService, type TestService } from '../../support/test-service.js';
import { until } from '../../support/until.js';

const logger = pino({ level: 'silent' });
const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

let service: TestService;
let database: Database;
let table: AlertTable;
let folder: string;
let clock: Date;
const now = (): Date => clock;
const pass = (milliseconds: number): void => {
  clock = new Date(clock.getTime() + milliseconds);
};

beforeEach(async () => {
  clock = new Date('2026-11-21T10:00:00.000Z');
  service = await startTestService({ queue: false, now });
  database = openDatabase(service.database.connectionString, logger);
  table = createAlertTable(database.work, disabledByHand);
  folder = await mkdtemp(join(tmpdir(), 'inlet-alerts-'));
});
afterEach(async () => {
  await database.close();
  await service.stop();
  await rm(folder, { recursive: true });
});

/** One run of the job, as any process may make it. */
function look(): Promise<void> {
  const enabled = ['z-api', 'sobot'].map((id) => ({ id, enabled: true }));
  const channels = [...enabled, { id: 'blip', enabled: false }];
  return createAlerts({
    table,
    channels: { entries: () => channels as never },
    activity: createChannelActivity(database.work, logger),
    thresholds: { channelSilentMinutes: 60, channelRefusedMinutes: 10, mediaLateMinutes: 15 },
    now,
  })();
}

type Told = readonly [type: string, state: string, subject: string];

async function told(): Promise<Told[]> {
  const rows = (await service.database.query(
    `select type, status, details ->> 'subject' as subject from notification where type like 'alert.%' order by id`,
  )) as unknown as readonly { type: string; status: string; subject: string }[];
  return rows.map(({ type, status, subject }) => [type, status, subject]);
}

async function seen(channel: string, webhook: Date | null, refused: Date | null = null): Promise<void> {
  await service.database.query(
    `insert into channel_activity (channel, last_webhook_at, last_refused_at) values ($1, $2, $3)
     on conflict (channel) do update set last_webhook_at = excluded.last_webhook_at, last_refused_at = excluded.last_refused_at`,
    [channel, webhook, refused],
  );
}

describe('a channel', () => {
  it('is silent after some time, and ends to be with the next webhook', async () => {
    await seen('z-api', clock);
    await seen('sobot', null);
    await seen('blip', clock);
    await look();
    expect(await told()).toEqual([]);
    pass(hourMs);
    await Promise.all([look(), look(), look()]);
    pass(hourMs);
    await look();
    expect(await told()).toEqual([['alert.channel_silent', 'began', 'z-api']]);
    await seen('z-api', clock);
    await look();
    await look();
    expect((await told()).slice(1)).toEqual([['alert.channel_silent', 'ended', 'z-api']]);
  });

  it('is refused if calls fail for a while and none is verified', async () => {
    await seen('z-api', clock, new Date(clock.getTime() + minuteMs));
    await seen('sobot', null, clock);
    pass(2 * minuteMs);
    await look();
    expect(await told()).toEqual([['alert.channel_refused', 'began', 'sobot']]);
    await seen('z-api', new Date(clock.getTime() - 20 * minuteMs), clock);
    await seen('sobot', clock, new Date(clock.getTime() - 1));
    await look();
    expect((await told()).slice(1)).toEqual([
      ['alert.channel_refused', 'began', 'z-api'],
      ['alert.channel_refused', 'ended', 'sobot'],
    ]);
  });
});

it('media are late until none is', async () => {
  const pending = (minute: Date, media: number) =>
    service.database.query(
      `insert into stats_pending (minute, channel, media) values ($1, 'z-api', $2)
       on conflict (minute, channel) do update set media = excluded.media`,
      [minute, media],
    );
  const minute = clock;
  await pending(minute, 3);
  await look();
  pass(16 * minuteMs);
  await look();
  await look();
  await pending(minute, 0);
  await look();
  expect(await told()).toEqual([
    ['alert.media_late', 'began', 'z-api'],
    ['alert.media_late', 'ended', 'z-api'],
  ]);
});

it('a subscription that was disabled is an alert, unless a person did it', async () => {
  const ids = [newId(), newId()];
  const add = (id: string | undefined, reason: string) =>
    service.database.query(
      `insert into subscription (id, url, types, channels, secret, created_at, disabled_at, disabled_reason)
       values ($1, 'https://example.com', '{}', '{}', '', now(), now(), $2)`,
      [id, reason],
    );
  await add(ids[0], 'the receiver answered 410 (gone)');
  await add(ids[1], disabledByHand);
  await look();
  await service.database.query('update subscription set disabled_at = null, disabled_reason = null');
  await look();
  expect(await told()).toEqual([
    ['alert.subscription_disabled', 'began', ids[0]],
    ['alert.subscription_disabled', 'ended', ids[0]],
  ]);
});

describe('what a process sees', () => {
  it('is one alert for all, and ends when none reports it any more', async () => {
    const report = { type: 'alert.disk_filling', since: clock, message: '3.0 % are free' } as const;
    await table.report({ ...report, reporter: 'one:/data' }, now());
    await table.report({ ...report, reporter: 'two:/data' }, now());
    await look();
    pass(90_000);
    await table.report({ ...report, reporter: 'two:/data' }, now());
    pass(90_000);
    await look();
    expect(await told()).toEqual([['alert.disk_filling', 'began', 'disk']]);
    pass(90_000);
    await look();
    expect((await told()).slice(1)).toEqual([['alert.disk_filling', 'ended', 'disk']]);
  });

  it('is its spool while webhooks wait there, and its disk while it is nearly full', async () => {
    const spool = createSpool({ folder: join(folder, 'spool'), maxBytes: 1e6, logger });
    await spool.append({
      id: newId(),
      channel: 'z-api',
      provider: 'z-api',
      media: [newId()],
      headers: {},
      receivedAt: clock.toISOString(),
      body: Buffer.from('{}'),
    });
    await spool.close();
    const reports = createProcessReports({
      table,
      spool,
      folders: [folder],
      // Every disk has less free.
      diskFreePercent: 100,
      logger,
      now,
      intervals: { lookMs: 5, reportMs: 20 },
    });
    reports.start();
    const types = async () => {
      const rows = await service.database.query('select type from process_report order by type');
      return (rows as unknown as readonly { type: string }[]).map(({ type }) => type);
    };
    await until(async () => (await types()).length === 2);
    await reports.close();
    expect(await types()).toEqual(['alert.disk_filling', 'alert.spool_in_use']);
  });
});

it('streams are told, but no token of other channels', async () => {
  const stream = await listenTo(service);
  const limited = await listenTo(service, { token: service.token('media:read', { channels: ['sobot'] }) });
  await seen('z-api', clock);
  await table.report({ type: 'alert.spool_in_use', reporter: 'a', since: clock, message: 'x' }, clock);
  await look();
  pass(hourMs);
  await look();
  await stream.count(3);
  expect(stream.told.map(({ event, data }) => [event, data.channel, data.data])).toEqual([
    [
      'alert.spool_in_use',
      null,
      { state: 'began', subject: 'spool', since: '2026-11-21T10:00:00.000Z', until: null, message: 'x' },
    ],
    [
      'alert.channel_silent',
      'z-api',
      {
        state: 'began',
        subject: 'z-api',
        since: '2026-11-21T10:00:00.000Z',
        until: null,
        message: 'the channel has received nothing since 2026-11-21T10:00:00.000Z',
      },
    ],
    [
      'alert.spool_in_use',
      null,
      {
        state: 'ended',
        subject: 'spool',
        since: '2026-11-21T10:00:00.000Z',
        until: '2026-11-21T11:00:00.000Z',
        message: 'x',
      },
    ],
  ]);
  expect(limited.told).toEqual([]);
  await stream.close();
  await limited.close();
});
