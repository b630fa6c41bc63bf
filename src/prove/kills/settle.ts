/** After the last kill: everything that was begun comes to its end, and then time passes. */
import { readdir, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import type { Simulator } from '../../demo/providers/index.js';
import { maintainTask } from '../../infra/queue/tasks.js';
import { withRows } from '../rows.js';
import type { Book } from './book.js';
import type { Fleet } from './fleet.js';
import type { Traffic } from './traffic.js';

const lookEveryMs = 250;
const hourMs = 3_600_000;

/** What there still is to do, of which nothing may be left. */
const leftStatement = `
  select (select count(*) from media where state = 'pending')::int as media,
         (select count(*) from outbound where state in ('queued', 'sending'))::int as sending,
         (select count(*) from notification where seq is null)::int as events,
         (select count(*) from graphile_worker._private_jobs)::int as jobs`;

/** What waits for its next attempt after so many deaths is tried now. */
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

/** Waits until nothing is left to do, though not for ever: what then is left, the auditor names. */
export async function settle({ fleet, simulator, traffic, book }: Scene): Promise<void> {
  await traffic.stop();
  await untilDone(fleet);
  // From here on nobody hears of reports any more, so that there is an end to what is told.
  simulator.reportTo('http://127.0.0.1:9');
  await untilDone(fleet);
  await age(fleet);
  await withRows(fleet, (client) => client.query('select graphile_worker.add_job($1)', [maintainTask]));
  await untilDone(fleet);
  await untilHeard(fleet, book);
  await traffic.hangUp();
}

/** As long as it gets less, and a minute more. */
const patienceMs = 60_000;

async function untilDone(fleet: Fleet): Promise<void> {
  let least = Infinity;
  let since = Date.now();
  while (least > 0 && Date.now() - since < patienceMs) {
    const left = await withRows(fleet, async (client) => {
      for (const statement of hurryStatements) await client.query(statement);
      const { rows } = await client.query<Record<string, number>>(leftStatement);
      return Object.values(rows[0] ?? {}).reduce((sum, one) => sum + one, 0);
    });
    const spooled = (await readdir(join(fleet.inletDir, 'spool')).catch(() => [])).length;
    if (left + spooled < least) {
      least = left + spooled;
      since = Date.now();
    }
    if (least > 0) await delay(lookEveryMs);
  }
}

async function untilHeard(fleet: Fleet, { heard }: Book): Promise<void> {
  const { rows } = await withRows(fleet, (client) =>
    client.query<{ last: number | null }>('select max(seq)::float8 as last from notification'),
  );
  const since = Date.now();
  while ((heard.at(-1)?.seq ?? 0) < (rows[0]?.last ?? 0) && Date.now() - since < patienceMs)
    await delay(lookEveryMs);
}

/** All files and orphans are as old as if they had lain there for an hour: old enough to be swept. */
async function age(fleet: Fleet): Promise<void> {
  const then = new Date(Date.now() - hourMs);
  for (const entry of await readdir(fleet.uploadsDir, { recursive: true, withFileTypes: true }))
    if (entry.isFile()) await utimes(join(entry.parentPath, entry.name), then, then);
  await withRows(fleet, (client) =>
    client.query('update blob set orphaned_at = $1 where orphaned_at is not null', [then]),
  );
}
