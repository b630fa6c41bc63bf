/** A service with a database that can stop and hang, and the webhooks that it has answered with 200. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect } from '@jest/globals';

import { startPostgres, type PostgresServer } from '../../src/prove/postgres-server.js';
import { call, type Answer, type Problem, type Receipt } from '../support/client.js';
import { picture } from '../support/payloads.js';
import { until } from '../support/until.js';
import { startService, webhookSecret, type RunningService } from './service.js';

export interface StoredRow {
  readonly caption: string;
  readonly media: string;
}

export interface SpoolingService {
  readonly postgres: PostgresServer;
  /** The running process, which `restart` replaces. */
  readonly service: () => RunningService;
  readonly restart: () => Promise<void>;
  /** The caption of the message and the id of its media item, in the order of the answers. */
  readonly acknowledged: [caption: string, media: string | undefined][];
  readonly send: (caption: string) => Promise<void>;
  /** Sends so many webhooks, one after another. */
  readonly sendAll: (name: string, count: number) => Promise<void>;
  readonly ready: () => Promise<Answer<Problem>>;
  /** The files of the spool. */
  readonly spooled: () => Promise<string[]>;
  /** The order is that of arrival, by id and by time of receipt. */
  readonly rows: () => Promise<StoredRow[]>;
  /** Waits until the spool is empty, and expects each acknowledged webhook once. */
  readonly expectEachOnce: () => Promise<void>;
  readonly remove: () => Promise<void>;
}

export async function startSpoolingService(): Promise<SpoolingService> {
  const [cwd, postgres] = await Promise.all([
    mkdtemp(join(tmpdir(), 'inlet-spool-process-')),
    startPostgres(),
  ]);
  const start = (): Promise<RunningService> =>
    startService(cwd, {
      DATABASE_URL: postgres.connectionString,
      AUTH_SECRET: 'x'.repeat(32),
      PROCESS_MODE: 'api',
    });
  let service = await start();
  const acknowledged: SpoolingService['acknowledged'] = [];
  const send = async (caption: string): Promise<void> => {
    const { status, body } = await call<Receipt>(service.url, `/webhooks/z-api?token=${webhookSecret}`, {
      method: 'post',
      json: picture('z-api', { messageId: caption, caption }),
    });
    expect([caption, status, body.outcome, body.duplicate]).toEqual([caption, 200, 'accepted', false]);
    acknowledged.push([caption, body.media[0]]);
  };
  const spooled = async (): Promise<string[]> => readdir(join(cwd, '.inlet', 'spool')).catch(() => []);
  const rows = (): Promise<StoredRow[]> =>
    postgres.query<StoredRow>(`select caption, media.id as media from message join media on message_row_id = message.id
                       order by media.received_at, media.id`);
  return {
    postgres,
    service: () => service,
    restart: async () => {
      service = await start();
    },
    acknowledged,
    send,
    sendAll: async (name, count) => {
      for (let place = 0; place < count; place += 1) await send(`${name} ${String(place)}`);
    },
    ready: () => call(service.url, '/health/ready'),
    spooled,
    rows,
    expectEachOnce: async () => {
      await until(async () => (await rows().catch(() => [])).length >= acknowledged.length, 90_000);
      await until(async () => (await spooled()).length === 0, 90_000);
      const found = await rows();
      expect(found.map(({ caption, media }) => [caption, media])).toEqual(acknowledged);
      const [counts] = await postgres.query<{ deliveries: number; jobs: number }>(
        `select (select count(*)::int from delivery) as deliveries, (select count(*)::int from graphile_worker._private_jobs) as jobs`,
      );
      expect(counts).toEqual({ deliveries: acknowledged.length, jobs: acknowledged.length });
    },
    remove: async () => {
      await service.kill('SIGKILL');
      await postgres.remove();
      await rm(cwd, { recursive: true });
    },
  };
}
