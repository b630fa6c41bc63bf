/** Every hour: what is older than it is to be kept goes, a bounded number of rows at a time. Safe with several workers. */
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

  /** One batch after another until there is nothing left. */
  const all = async (kind: keyof Retention, days: number, { name, account }: Counting): Promise<void> => {
    const before = daysAgo(days);
    let some: number;
    do {
      some = await retention[kind](before, (count) => account.with({ [name]: count }));
      account.add({ [name]: some });
    } while (some !== 0 && !options.stopping());
  };

  /** From the oldest on, each batch behind the one before: what somebody else has locked is left to them. */
  const eraseMedia = async (days: number, account: Account): Promise<void> => {
    const before = daysAgo(days);
    let after: string | undefined;
    do {
      const page = { limit: mediaAtOnce, after };
      const { last, ...erased } = await erasure.receivedBefore(before, page, (some) =>
        account.with(countsOf(some)),
      );
      after = last;
      account.add(countsOf(erased));
      await discard(erased.blobs);
    } while (after !== undefined && !options.stopping());
  };

  return async () => {
    const account = openAccount(audit);
    if (mediaDays !== undefined) {
      await eraseMedia(mediaDays, account);
      await all('outbound', mediaDays, { name: 'outbound', account });
    }
    await all('deliveries', deliveryDays, { name: 'deletedDeliveries', account });
    await all('events', eventDays, { name: 'events', account });
    await all('notices', noticeDays, { name: 'notices', account });
    await options.quarantine.sweep(daysAgo(deliveryDays));
  };
}

type Counts = Readonly<Record<string, number>>;

/** What a run has done so far: one entry in the audit trail, which each batch brings up to date in its own transaction. */
interface Account {
  /** For the transaction of a batch that does so much. */
  readonly with: (batch: Counts) => Together;
  /** The batch was committed. */
  readonly add: (batch: Counts) => void;
}

interface Counting {
  /** Of the count in the account. */
  readonly name: string;
  readonly account: Account;
}

function openAccount(audit: Pick<Audit, 'record'>): Account {
  const run = { id: newId(), actor: 'retention', action: 'retention.run' };
  let counts: Counts = {};
  return {
    with: (batch) => (connection) => audit.record({ ...run, details: sumOf(counts, batch) }, connection),
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
