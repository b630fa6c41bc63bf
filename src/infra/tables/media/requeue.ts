/**
 * Media whose next attempt comes earlier or later than planned. Each statement locks rows and moves their
 * jobs at once: SQL.
 */
import { transaction, type Pool, type Together } from '../../postgres/database.js';
import { addFetchJobs, fetchJobOf, priorities } from '../../queue/tasks.js';
import { hasLinkOf, type AttemptedMedia } from './attempts.js';

/** Each one is a moved job, and all are in one transaction. */
const wokenAtOnce = 1_000;

export async function postpone(
  pool: Pool,
  { id, sourceDelivery }: AttemptedMedia,
  afterMs: number,
): Promise<void> {
  await pool.query({
    name: 'media-postpone',
    text: addFetchJobs(
      `select id, now() + $2 * interval '1 ms' as run_at, ${String(priorities.waiting)} as priority
       from media where id = $1 and ${hasLinkOf('$3')}`,
    ),
    values: [id, afterMs, sourceDelivery],
  });
}

export function retryNow(
  pool: Pool,
  id: string,
  { now, together }: { readonly now: Date; readonly together: Together },
): Promise<boolean> {
  return transaction(pool, async (retrying) => {
    const { rows } = await retrying.query<{ added: string }>(
      `with m as (
         update media set state = 'pending', attempts = 0, decodings = 0, next_attempt_at = $2
         where id = $1 and state in ('rejected', 'failed') and coalesce(source_url, source_reference) is not null
         returning id, now() as run_at, ${String(priorities.first)} as priority
       ) ${addFetchJobs('select id, run_at, priority from m')}`,
      [id, now],
    );
    const isDone = Number(rows[0]?.added ?? 0) > 0;
    if (isDone) await together(retrying);
    return isDone;
  });
}

export async function wakeUnstored(pool: Pool): Promise<void> {
  let woken: number;
  do {
    const { rows } = await pool.query<{ added: string }>(
      `with due as (
         select id from media
         where state = 'pending' and error_code = 'media.storage_failed' and next_attempt_at > now()
         order by id limit $1 for update
       ), m as (
         update media set next_attempt_at = now() from due where media.id = due.id
         returning media.id, now() as run_at, ${String(priorities.retry)} as priority
       ) ${addFetchJobs('select id, run_at, priority from m')}`,
      [wokenAtOnce],
    );
    woken = Number(rows[0]?.added ?? 0);
  } while (woken === wokenAtOnce);
}

export async function reconcile(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ added: string }>(
    addFetchJobs(`
      select media.id, now() as run_at, ${String(priorities.waiting)} as priority from media
      where state = 'pending' and next_attempt_at < now() - interval '1 minute'
        and not exists (${fetchJobOf('media.id')})
      limit 1000`),
  );
  return Number(rows[0]?.added ?? 0);
}
