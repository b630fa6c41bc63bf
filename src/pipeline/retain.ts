/** Every hour: what is older than it is to be kept goes, a bounded number of rows at a time. Safe with several workers. */
import type { Audit } from '../infra/audit.js';
import { countsOf, type Erasure } from '../infra/erasure.js';
import type { Retention } from '../infra/retention.js';
import type { Quarantine } from '../infra/quarantine.js';
import type { Discard } from './discard.js';

export interface RetainOptions {
  readonly erasure: Pick<Erasure, 'receivedBefore'>;
  readonly retention: Retention;
  readonly discard: Discard;
  readonly quarantine: Pick<Quarantine, 'sweep'>;
  readonly audit: Pick<Audit, 'record'>;
  readonly now: () => Date;
  /** Undefined: media are kept. */
  readonly mediaDays: number | undefined;
  readonly deliveryDays: number;
  /** Whether the process is on its way out: the rest can wait for the next run. */
  readonly stopping: () => boolean;
}

const eventDays = 7;
const noticeDays = 30;
const mediaAtOnce = 500;

export function createRetain(options: RetainOptions): () => Promise<void> {
  const { erasure, retention, discard, audit, now, mediaDays } = options;
  const daysAgo = (days: number): Date => new Date(now().getTime() - days * 86_400_000);
  // Raw webhooks hold what their media hold, so they are not kept any longer.
  const deliveryDays = Math.min(options.deliveryDays, mediaDays ?? Infinity);

  /** One batch after another until there is nothing left; answers how much it was. */
  const all = async (batch: () => Promise<number>): Promise<number> => {
    let sum = 0;
    for (let some = -1; some !== 0 && !options.stopping(); sum += some) some = await batch();
    return sum;
  };

  const eraseMedia = async (days: number, counts: Counts): Promise<number> => {
    const erased = await erasure.receivedBefore(daysAgo(days), mediaAtOnce);
    await discard(erased.blobs);
    add(counts, countsOf(erased));
    return erased.media;
  };

  return async () => {
    const counts: Counts = {};
    try {
      if (mediaDays !== undefined) await all(() => eraseMedia(mediaDays, counts));
      if (mediaDays !== undefined)
        add(counts, { outbound: await all(() => retention.outbound(daysAgo(mediaDays))) });
      add(counts, {
        deletedDeliveries: await all(() => retention.deliveries(daysAgo(deliveryDays))),
        events: await all(() => retention.events(daysAgo(eventDays))),
        notices: await all(() => retention.notices(daysAgo(noticeDays))),
      });
      await options.quarantine.sweep(daysAgo(deliveryDays));
    } finally {
      if (Object.values(counts).some((count) => count > 0))
        await audit.record({ actor: 'retention', action: 'retention.run', details: counts });
    }
  };
}

type Counts = Record<string, number>;

function add(counts: Counts, more: Readonly<Counts>): void {
  for (const [name, count] of Object.entries(more)) counts[name] = (counts[name] ?? 0) + count;
}
