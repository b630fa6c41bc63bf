/** Reports each occurrence to both the metrics and the traces. */
import type { Metrics } from '../infra/observability/metrics.js';
import type { Tracing } from '../infra/observability/tracing.js';
import type { EventRecord } from '../infra/tables/events/log.js';

export interface PostedEvent {
  readonly outcome: 'delivered' | 'failed';
  /** The id of the subscription. */
  readonly subscription: string;
  readonly event: EventRecord;
  readonly milliseconds: number;
}

export type Observers = Pick<Tracing, 'webhook' | 'sent' | 'previewed'> & {
  readonly fetched: (attempt: Parameters<Metrics['fetched']>[0] & Parameters<Tracing['fetched']>[0]) => void;
  readonly posted: (post: PostedEvent) => void;
};

export function createObservers(metrics: Metrics, tracing: Tracing): Observers {
  return {
    webhook: (seen) => {
      metrics.webhook(seen);
      tracing.webhook(seen);
    },
    fetched: (attempt) => {
      metrics.fetched(attempt);
      tracing.fetched(attempt);
    },
    previewed: (milliseconds) => {
      metrics.previewed(milliseconds);
      tracing.previewed(milliseconds);
    },
    sent: (message) => {
      metrics.sent(message);
      tracing.sent(message);
    },
    posted: ({ event, ...post }) => {
      metrics.posted(post.outcome);
      tracing.posted({ ...post, type: event.type, about: subjectOf(event) });
    },
  };
}

/** The id whose trace the event belongs to; alerts have none. */
function subjectOf(event: EventRecord): string | null {
  if ('media' in event) return event.media.id;
  return 'status' in event ? event.outbound : null;
}
