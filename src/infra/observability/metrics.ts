/**
 * The contents of `/metrics` in Prometheus' format. Counters and durations belong to this process, as
 * Prometheus expects; queue depths and ages come from the database and are the same for every process.
 */
import type pg from 'pg';
import { collectDefaultMetrics, Counter, Histogram, Registry } from 'prom-client';

import type { Logger } from '../logging/logger.js';
import type { Spool } from '../spool/spool.js';
import { watchDepths, watchSpool } from './depth-gauges.js';

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
  collectDefaultMetrics({ register: registry });
  const counters = { ...countWebhooks(registry), ...countMedia(registry), ...countCalls(registry) };
  const depths = [watchDepths(pool, registry), watchSpool(spool, registry)];
  return {
    ...counters,
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

function countWebhooks(registry: Registry): Pick<Metrics, 'webhook'> {
  const registers = [registry];
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
  return {
    webhook: ({ channel, outcome, milliseconds }) => {
      webhooks.inc({ channel: channel ?? '', outcome });
      answers.observe(milliseconds / 1000);
    },
  };
}

function countMedia(registry: Registry): Pick<Metrics, 'fetched' | 'previewed'> {
  const registers = [registry];
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
  return {
    fetched: ({ outcome, bytes: count }) => {
      fetches.inc({ outcome });
      bytes.inc(count);
    },
    previewed: (milliseconds) => {
      previews.observe(milliseconds / 1000);
    },
  };
}

function countCalls(registry: Registry): Pick<Metrics, 'sent' | 'posted'> {
  const registers = [registry];
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
  return {
    sent: ({ channel, outcome }) => {
      sends.inc({ channel, outcome });
    },
    posted: (outcome) => {
      posts.inc({ outcome });
    },
  };
}
