/** Gauges of what waits. They are the same for every process, and read when the metrics are requested. */
import type pg from 'pg';
import { Gauge, type Registry } from 'prom-client';

import type { Spool } from '../spool/spool.js';

interface Depths {
  readonly tasks: Readonly<Record<string, { readonly jobs: number; readonly age: number }>>;
  readonly media: number;
  readonly mediaAge: number;
  readonly events: number;
  readonly eventsAge: number;
}

/**
 * Ages in seconds: of jobs since they became due, of media since their webhook, of events since they
 * happened.
 */
const depthsQuery = `
  select (select coalesce(json_object_agg(identifier, json_build_object('jobs', jobs, 'age', age)), '{}') from (
            select task.identifier, count(*)::int as jobs, greatest(0, extract(epoch from now() - min(greatest(job.run_at, job.created_at))))::float8 as age
            from graphile_worker._private_jobs as job join graphile_worker._private_tasks as task on task.id = job.task_id
            where job.run_at <= now() group by 1) as waiting) as tasks,
         (select count(*)::int from media where state = 'pending') as media,
         (select coalesce(extract(epoch from now() - min(received_at)), 0)::float8 from media where state = 'pending') as "mediaAge",
         (select count(*)::int from notification_delivery where settled_at is null) as events,
         (select coalesce(extract(epoch from now() - min(created_at)), 0)::float8
          from notification_delivery where settled_at is null) as "eventsAge"`;

/**
 * Prometheus' default timeout is ten seconds, and it should at least receive the counters of this process.
 */
const depths = { text: depthsQuery, query_timeout: 5_000 };

/** Registers the gauges of waiting jobs, media and events; the result reads them from the database. */
export function watchDepths(pool: pg.Pool, registry: Registry): () => Promise<void> {
  const registers = [registry];
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers });
  const byTask = { labelNames: ['task'] as const, registers };
  const jobs = new Gauge({ name: 'inlet_jobs_due', help: 'Jobs whose time has come', ...byTask });
  const ages = new Gauge({ name: 'inlet_jobs_due_seconds', help: 'How long the oldest is due', ...byTask });
  const media = gauge('inlet_media_pending', 'Media that are not here yet');
  const mediaAge = gauge('inlet_media_pending_seconds', 'Age of the oldest of them');
  const events = gauge('inlet_event_posts_waiting', 'Events on their way to subscribers');
  const eventsAge = gauge('inlet_event_posts_waiting_seconds', 'Age of the oldest of them');
  const single = [media, mediaAge, events, eventsAge];

  return async () => {
    jobs.reset();
    ages.reset();
    for (const one of single) one.set(NaN);
    const { rows } = await pool.query<Depths>(depths);
    const [now] = rows;
    if (!now) return;
    for (const [task, waiting] of Object.entries(now.tasks)) {
      jobs.set({ task }, waiting.jobs);
      ages.set({ task }, waiting.age);
    }
    media.set(now.media);
    mediaAge.set(now.mediaAge);
    events.set(now.events);
    eventsAge.set(now.eventsAge);
  };
}

/** Registers the gauges of the spool; the result counts the spool of all processes that share the folder. */
export function watchSpool(spool: Pick<Spool, 'count'>, registry: Registry): () => Promise<void> {
  const registers = [registry];
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers });
  const webhooks = gauge('inlet_spool_webhooks', 'Webhooks on the disk that wait for the database');
  const bytes = gauge('inlet_spool_bytes', 'Their bytes');
  const age = gauge('inlet_spool_seconds', 'Age of the oldest of them');
  const aside = gauge('inlet_spool_aside_webhooks', 'Webhooks on the disk that the database does not take');
  return async () => {
    const count = await spool.count();
    webhooks.set(count.webhooks);
    bytes.set(count.bytes);
    aside.set(count.aside);
    age.set(count.oldestAt === null ? 0 : (Date.now() - count.oldestAt.getTime()) / 1000);
  };
}
