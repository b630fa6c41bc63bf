/**
 * Runs every hour and deletes data that is older than its retention period, a limited number of rows at a
 * time. Several workers may run it at once.
 */
import { newId } from '../../domain/id.js';
import { aroundMinutes } from '../../domain/keep-texts.js';
import { ownValue } from '../../domain/own-value.js';
import type { RetentionDays } from '../../domain/retention.js';
import type { Quarantine } from '../../infra/files/quarantine.js';
import type { Together } from '../../infra/postgres/database.js';
import type { Audit } from '../../infra/tables/audit.js';
import { countsOf, type Erasure } from '../../infra/tables/erasure/erasure.js';
import type { Parked } from '../../infra/tables/erasure/parked.js';
import type { Deleted, Retention, RetentionBatch } from '../../infra/tables/erasure/retention.js';
import type { PeopleSums } from '../../infra/tables/people/sums.js';
import type { Discard } from '../media/discard.js';

export interface RetainOptions {
  readonly erasure: Pick<Erasure, 'receivedBefore'>;
  readonly retention: Retention;
  readonly parked: Parked;
  readonly people: Pick<PeopleSums, 'settle'>;
  readonly discard: Discard;
  readonly quarantine: Pick<Quarantine, 'sweep'>;
  /** The media that a legal hold keeps, of some. */
  readonly heldOf: (mediaIds: readonly string[]) => Promise<ReadonlySet<string>>;
  readonly audit: Pick<Audit, 'record'>;
  readonly now: () => Date;
  /** For how long a channel is kept. */
  readonly daysOf: (channel: string) => RetentionDays;
  /** Returns whether the process is shutting down; the rest is then left to the next run. */
  readonly stopping: () => boolean;
}

/** A file may arrive for so long, and then be on its way through the spool. */
const loneDays = (2 * aroundMinutes) / (24 * 60);
const eventDays = 7;
const noticeDays = 30;
const mediaBatchSize = 500;

export function createRetain(options: RetainOptions): () => Promise<void> {
  const { retention, parked, people, quarantine, stopping } = options;
  const steps = createSteps(options);
  return async () => {
    const runCounts = startRunCounts(options.audit);
    // A hold on a person covers the ids that were told of the person until now.
    await people.settle();
    while (!stopping() && (await parked.release()) > 0);
    for (const channel of await parked.channels()) {
      if (stopping()) return;
      await steps.ofChannel(channel, runCounts);
    }
    await steps.deleteAll(retention.loneContexts, loneDays, { name: 'loneTexts', runCounts });
    await people.settle();
    await steps.deleteAll(retention.events, eventDays, { name: 'events', runCounts });
    await steps.deleteAll(retention.notices, noticeDays, { name: 'notices', runCounts });
    await quarantine.sweep({
      before: (channel) => steps.daysAgo(deliveryDaysOf(options.daysOf(channel))),
      findKept: options.heldOf,
    });
  };
}

/** Raw webhooks contain the same data as their media, so they are not kept any longer. */
function deliveryDaysOf({ mediaDays, deliveryDays }: RetentionDays): number {
  return Math.min(deliveryDays ?? Infinity, mediaDays ?? Infinity);
}

type DeleteBatch = (batch: RetentionBatch, together: (count: number) => Together) => Promise<Deleted>;

interface Steps {
  readonly daysAgo: (days: number) => Date;
  /** Deletes batch after batch until nothing is left. */
  readonly deleteAll: (deleteBatch: DeleteBatch, days: number, counted: CountedBatch) => Promise<void>;
  /** Erases and deletes what a channel has not to keep any longer. */
  readonly ofChannel: (channel: string, runCounts: RunCounts) => Promise<void>;
}

function createSteps({ erasure, retention, discard, now, daysOf, stopping }: RetainOptions): Steps {
  const daysAgo = (days: number): Date => new Date(now().getTime() - days * 86_400_000);

  const deleteAll: Steps['deleteAll'] = async (deleteBatch, days, { name, runCounts }) => {
    const before = daysAgo(days);
    let after: string | undefined;
    do {
      const { count, next } = await deleteBatch({ before, after }, (deleted) =>
        runCounts.auditWith({ [name]: deleted }),
      );
      after = next;
      runCounts.add({ [name]: count });
    } while (after !== undefined && !stopping());
  };

  /**
   * Starts with the oldest media and continues after the previous batch. Rows that another transaction has
   * locked are skipped.
   */
  const eraseMedia = async (channel: string, days: number, runCounts: RunCounts): Promise<void> => {
    const before = daysAgo(days);
    let after: string | undefined;
    do {
      const page = { channel, limit: mediaBatchSize, after };
      const { last, ...erased } = await erasure.receivedBefore(before, page, (some) =>
        runCounts.auditWith(countsOf(some)),
      );
      after = last;
      runCounts.add(countsOf(erased));
      await discard(erased.blobs);
    } while (after !== undefined && !stopping());
  };

  const ofChannel: Steps['ofChannel'] = async (channel, runCounts) => {
    const days = daysOf(channel);
    const { mediaDays } = days;
    const inChannel =
      (kind: 'outbound' | 'contexts' | 'deliveries'): DeleteBatch =>
      (batch, together) =>
        retention[kind]({ ...batch, channel }, together);
    if (mediaDays !== undefined) {
      await eraseMedia(channel, mediaDays, runCounts);
      await deleteAll(inChannel('outbound'), mediaDays, { name: 'outbound', runCounts });
      await deleteAll(inChannel('contexts'), mediaDays, { name: 'texts', runCounts });
    }
    const counted = { name: 'deletedDeliveries', runCounts };
    await deleteAll(inChannel('deliveries'), deliveryDaysOf(days), counted);
  };
  return { daysAgo, deleteAll, ofChannel };
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
