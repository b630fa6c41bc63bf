/**
 * Runs every hour and deletes data that is older than its retention period, a limited number of rows at a
 * time. Several workers may run it at once.
 */
import { newId } from '../../domain/id.js';
import { ownValue } from '../../domain/own-value.js';
import type { Quarantine } from '../../infra/files/quarantine.js';
import type { Together } from '../../infra/postgres/database.js';
import type { Audit } from '../../infra/tables/audit.js';
import { countsOf, type Erasure } from '../../infra/tables/erasure/erasure.js';
import type { Retention } from '../../infra/tables/erasure/retention.js';
import type { Discard } from '../media/discard.js';

export interface RetainOptions {
  readonly erasure: Pick<Erasure, 'receivedBefore'>;
  readonly retention: Retention;
  readonly discard: Discard;
  readonly quarantine: Pick<Quarantine, 'sweep'>;
  readonly audit: Pick<Audit, 'record'>;
  readonly now: () => Date;
  /** If undefined, media are kept forever. */
  readonly mediaDays: number | undefined;
  readonly deliveryDays: number;
  /** Returns whether the process is shutting down; the rest is then left to the next run. */
  readonly stopping: () => boolean;
}

const eventDays = 7;
const noticeDays = 30;
const mediaBatchSize = 500;

export function createRetain(options: RetainOptions): () => Promise<void> {
  const { erasure, retention, discard, audit, now, mediaDays } = options;
  const daysAgo = (days: number): Date => new Date(now().getTime() - days * 86_400_000);
  // Raw webhooks contain the same data as their media, so they are not kept any longer.
  const deliveryDays = Math.min(options.deliveryDays, mediaDays ?? Infinity);

  /** Deletes batch after batch until nothing is left. */
  const deleteAll = async (
    kind: keyof Retention,
    days: number,
    { name, runCounts }: CountedBatch,
  ): Promise<void> => {
    const before = daysAgo(days);
    let after: string | undefined;
    do {
      const { count, next } = await retention[kind]({ before, after }, (deleted) =>
        runCounts.auditWith({ [name]: deleted }),
      );
      after = next;
      runCounts.add({ [name]: count });
    } while (after !== undefined && !options.stopping());
  };

  /**
   * Starts with the oldest media and continues after the previous batch. Rows that another transaction has
   * locked are skipped.
   */
  const eraseMedia = async (days: number, runCounts: RunCounts): Promise<void> => {
    const before = daysAgo(days);
    let after: string | undefined;
    do {
      const page = { limit: mediaBatchSize, after };
      const { last, ...erased } = await erasure.receivedBefore(before, page, (some) =>
        runCounts.auditWith(countsOf(some)),
      );
      after = last;
      runCounts.add(countsOf(erased));
      await discard(erased.blobs);
    } while (after !== undefined && !options.stopping());
  };

  return async () => {
    const runCounts = startRunCounts(audit);
    if (mediaDays !== undefined) {
      await eraseMedia(mediaDays, runCounts);
      await deleteAll('outbound', mediaDays, { name: 'outbound', runCounts });
    }
    await deleteAll('deliveries', deliveryDays, { name: 'deletedDeliveries', runCounts });
    await deleteAll('events', eventDays, { name: 'events', runCounts });
    await deleteAll('notices', noticeDays, { name: 'notices', runCounts });
    await options.quarantine.sweep(daysAgo(deliveryDays));
  };
}

type Counts = Readonly<Record<string, number>>;

/**
 * The counts of a run so far: one entry in the audit trail, which each batch updates in its own transaction.
 */
interface RunCounts {
  /** Updates the audit entry in the transaction of a batch with these counts. */
  readonly auditWith: (batch: Counts) => Together;
  /** Adds the counts of a committed batch. */
  readonly add: (batch: Counts) => void;
}

interface CountedBatch {
  /** The name of the count in the audit entry. */
  readonly name: string;
  readonly runCounts: RunCounts;
}

function startRunCounts(audit: Pick<Audit, 'record'>): RunCounts {
  const run = { id: newId(), actor: 'retention', action: 'retention.run' };
  let counts: Counts = {};
  return {
    auditWith: (batch) => (connection) => audit.record({ ...run, details: sumOf(counts, batch) }, connection),
    add: (batch) => {
      counts = sumOf(counts, batch);
    },
  };
}

function sumOf(counts: Counts, more: Counts): Counts {
  const names = [...Object.keys(counts), ...Object.keys(more)];
  return Object.fromEntries(
    names.map((name) => [name, (ownValue(counts, name) ?? 0) + (ownValue(more, name) ?? 0)]),
  );
}
