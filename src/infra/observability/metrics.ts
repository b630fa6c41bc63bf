/**
 * The contents of `/metrics` in Prometheus' format. Counters and durations belong to this process, as
 * Prometheus expects; queue depths and ages come from the database and are the same for every process.
 */
import type pg from 'pg';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

import type { Logger } from '../logging/logger.js';
import type { Spool } from '../spool/spool.js';

export interface Metrics {
  /**
   * Records an answered webhook. `channel` must exist, because names that strangers invent would remain as
   * labels forever.
   */
  readonly webhook: (seen: {
    readonly channel: string | null;
    /** The outcome of the receipt, or the error code. */
    readonly outcome: string;
    readonly milliseconds: number;
  }) => void;
  /** Records a download attempt: `ready` with its bytes, or an error code. */
  readonly fetched: (attempt: { readonly outcome: string; readonly bytes: number }) => void;
  readonly previewed: (milliseconds: number) => void;
  /** Records a message that was passed to its provider. */
  readonly sent: (message: { readonly channel: string; readonly outcome: string }) => void;
  /** Records an event that was posted to a subscriber. */
  readonly posted: (outcome: 'delivered' | 'failed') => void;
  readonly contentType: string;
  readonly text: () => Promise<string>;
}

/** Upper bounds in seconds. */
const answerBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5];
const previewBuckets = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

export interface MetricsSources {
  readonly pool: pg.Pool;
  readonly spool: Pick<Spool, 'count'>;
  readonly logger: Logger;
}

export function createMetrics({ pool, spool, logger }: MetricsSources): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const webhooks = new Counter({
    name: 'inlet_webhooks_total',
    help: 'Webhooks by channel and outcome',
    registers,
    labelNames: ['channel', 'outcome'],
  });
  const answers = new Histogram({
    name: 'inlet_webhook_answer_seconds',
    help: 'From the first byte of a webhook to its answer',
    registers,
    buckets: answerBuckets,
  });
  const fetches = new Counter({
    name: 'inlet_fetches_total',
    help: 'Attempts to fetch media, by how they ended',
    registers,
    labelNames: ['outcome'],
  });
  const bytes = new Counter({
    name: 'inlet_fetched_bytes_total',
    help: 'Bytes of media that became ready',
    registers,
  });
  const previews = new Histogram({
    name: 'inlet_preview_seconds',
    help: 'To decode a picture and make its previews',
    registers,
    buckets: previewBuckets,
  });
  const sends = new Counter({
    name: 'inlet_sends_total',
    help: 'Messages handed to their provider, by what came of it',
    registers,
    labelNames: ['channel', 'outcome'],
  });
  const posts = new Counter({
    name: 'inlet_event_posts_total',
    help: 'Events posted to subscribers',
    registers,
    labelNames: ['outcome'],
  });
  const depths = [watchDepths(pool, registry), watchSpool(spool, registry)];

  return {
    webhook: ({ channel, outcome, milliseconds }) => {
      webhooks.inc({ channel: channel ?? '', outcome });
      answers.observe(milliseconds / 1000);
    },
    fetched: ({ outcome, bytes: count }) => {
      fetches.inc({ outcome });
      bytes.inc(count);
    },
    previewed: (milliseconds) => {
      previews.observe(milliseconds / 1000);
    },
    sent: ({ channel, outcome }) => {
      sends.inc({ channel, outcome });
    },
    posted: (outcome) => {
      posts.inc({ outcome });
    },
    contentType: registry.contentType,
    text: async () => {
      // The counters of this process are reported even while the database is unavailable; the depths then
      // have no value.
      for (const settled of await Promise.allSettled(depths.map((read) => read())))
        if (settled.status === 'rejected')
          logger.warn({ err: settled.reason }, 'a queue depth could not be read');
      return registry.metrics();
    },
  };
}

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

function watchDepths(pool: pg.Pool, registry: Registry): () => Promise<void> {
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

/** Counts the spool of all processes that share the folder. */
function watchSpool(spool: Pick<Spool, 'count'>, registry: Registry): () => Promise<void> {
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
