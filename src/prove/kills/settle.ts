/** Finishes all work after the last kill, and then lets time pass. */
import { readdir, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import type { Simulator } from '../../demo/providers/index.js';
import { maintainTask } from '../../infra/queue/tasks.js';
import { withRows } from '../rows.js';
import type { Book } from './ledger.js';
import type { Fleet } from './fleet.js';
import type { Traffic } from './traffic.js';

const pollMs = 250;
const hourMs = 3_600_000;

/** The remaining work, which must all be finished. */
const remainingQuery = `
  select (select count(*) from media where state = 'pending')::int as media,
         (select count(*) from outbound where state in ('queued', 'sending'))::int as sending,
         (select count(*) from notification where seq is null)::int as events,
         (select count(*) from graphile_worker._private_jobs)::int as jobs`;

/** Runs postponed attempts now, because so many deaths have delayed them. */
const hurryStatements = [
  'update graphile_worker._private_jobs set run_at = now() where run_at > now() and locked_at is null',
  'update outbound set not_before = now() where not_before > now()',
];

interface Scene {
  readonly fleet: Fleet;
  readonly simulator: Simulator;
  readonly traffic: Traffic;
  readonly book: Book;
}

/** Waits until no work is left, up to a limit; the auditor then reports the rest. */
export async function settle({ fleet, simulator, traffic, book }: Scene): Promise<void> {
  await traffic.stop();
  await waitUntilDone(fleet);
  // From now on no reports are sent, so that the events come to an end.
  simulator.reportTo('http://127.0.0.1:9');
  await waitUntilDone(fleet);
  await age(fleet);
  await withRows(fleet, (client) => client.query('select graphile_worker.add_job($1)', [maintainTask]));
  await waitUntilDone(fleet);
  await waitForEvents(fleet, book);
  await traffic.hangUp();
}

/** Waits as long as the amount decreases, and a minute more. */
const timeoutMs = 60_000;

async function waitUntilDone(fleet: Fleet): Promise<void> {
  let fewest = Infinity;
  let since = Date.now();
  while (fewest > 0 && Date.now() - since < timeoutMs) {
    const remaining = await withRows(fleet, async (client) => {
      for (const statement of hurryStatements) await client.query(statement);
      const { rows } = await client.query<Record<string, number>>(remainingQuery);
      return Object.values(rows[0] ?? {}).reduce((sum, one) => sum + one, 0);
    });
    const spooled = (await readdir(join(fleet.inletDir, 'spool')).catch(() => [])).length;
    if (remaining + spooled < fewest) {
      fewest = remaining + spooled;
      since = Date.now();
    }
    if (fewest > 0) await delay(pollMs);
  }
}

async function waitForEvents(fleet: Fleet, { heard }: Book): Promise<void> {
  const { rows } = await withRows(fleet, (client) =>
    client.query<{ last: number | null }>('select max(seq)::float8 as last from notification'),
  );
  const since = Date.now();
  while ((heard.at(-1)?.seq ?? 0) < (rows[0]?.last ?? 0) && Date.now() - since < timeoutMs)
    await delay(pollMs);
}

/** Makes all files and orphans an hour old, which is old enough for the sweep. */
async function age(fleet: Fleet): Promise<void> {
  const then = new Date(Date.now() - hourMs);
  for (const entry of await readdir(fleet.uploadsDir, { recursive: true, withFileTypes: true }))
    if (entry.isFile()) await utimes(join(entry.parentPath, entry.name), then, then);
  await withRows(fleet, (client) =>
    client.query('update blob set orphaned_at = $1 where orphaned_at is not null', [then]),
  );
}
