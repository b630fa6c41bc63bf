/** Queries the database of the service under test, bypassing its API. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import pg from 'pg';

import type { BenchService } from '../bench/service.js';

type Place = Pick<BenchService, 'inletDir'>;

/** The connection to the embedded server that runs now; another start uses another port. */
export async function databaseUrlOf({ inletDir }: Place): Promise<string> {
  const folder = join(inletDir, 'postgres');
  const password = await readFile(join(folder, 'password'), 'utf8');
  // The fourth line of a running server's file is its port.
  const port = (await readFile(join(folder, 'data', 'postmaster.pid'), 'utf8')).split('\n')[3] ?? '';
  return `postgresql://inlet:${password.trim()}@127.0.0.1:${port.trim()}/postgres`;
}

/** Runs `work` with a connection to the embedded server of a service. */
export async function withRows<T>(place: Place, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: await databaseUrlOf(place) });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** The current count; `text` returns a column `count`. */
export async function countNow(place: Place, text: string, values: readonly unknown[] = []): Promise<number> {
  return withRows(place, async (client) => {
    const { rows } = await client.query<{ count: number }>(text, [...values]);
    return rows[0]?.count ?? 0;
  });
}

/** How many of these media exist now, in any state. */
export function countMedia(place: Place, media: readonly string[]): Promise<number> {
  return countNow(place, 'select count(*)::int as count from media where id = any($1)', [media]);
}

const defaultTimeoutMs = 15_000;

/**
 * Counts the stored webhooks. Webhooks that were acknowledged while the database was slow are on disk for a
 * moment, so this waits until there are `wanted`, up to a limit.
 */
export async function countDeliveries(service: Place, expected = 0): Promise<number> {
  return waitFor(service, { text: 'select count(*)::int as count from delivery', wanted: expected });
}

/** Counts how many of these deliveries are stored, waiting in the same way. */
export async function countKept(
  service: Place,
  deliveries: readonly string[],
  timeoutMs = defaultTimeoutMs,
): Promise<number> {
  return waitFor(service, {
    text: 'select count(*)::int as count from delivery where id = any($1)',
    values: [deliveries],
    wanted: new Set(deliveries).size,
    patienceMs: timeoutMs,
  });
}

/** Counts how many of these media are ready, and waits for all of them as long as `patienceMs` allows. */
export async function countReady(
  service: Place,
  media: readonly string[],
  patienceMs: number,
): Promise<number> {
  return waitFor(service, {
    text: `select count(*)::int as count from media where id = any($1) and state = 'ready'`,
    values: [media],
    wanted: media.length,
    patienceMs,
  });
}

interface Counting {
  readonly text: string;
  readonly values?: readonly unknown[];
  readonly wanted: number;
  readonly patienceMs?: number;
}

/** Repeats the query until there are `wanted`, up to a limit. */
async function waitFor(
  service: Place,
  { text, values = [], wanted, patienceMs = defaultTimeoutMs }: Counting,
): Promise<number> {
  return withRows(service, async (client) => {
    const started = Date.now();
    for (;;) {
      const { rows } = await client.query<{ count: number }>(text, [...values]);
      const count = rows[0]?.count ?? -1;
      if (count >= wanted || Date.now() - started > patienceMs) return count;
      await delay(200);
    }
  });
}

export async function postgresVersion(service: Place): Promise<string> {
  return withRows(service, async (client) => {
    const { rows } = await client.query<{ server_version: string }>('show server_version');
    return rows[0]?.server_version ?? 'unknown';
  });
}
