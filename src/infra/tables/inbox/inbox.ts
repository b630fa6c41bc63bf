/**
 * Where verified webhooks become rows. Webhooks that arrive while a commit is under way wait for the next one, and all
 * that wait are written by ONE statement: delivery, messages, media and the jobs that fetch them. Measured here: a
 * statement costs 0.7 ms for one webhook and 5.6 ms for 64. Nothing else is waited for on this path.
 *
 * A large webhook is written in parts, each by itself, while small ones go on. Its parts are idempotent: one that was interrupted is
 * completed when the webhook comes again.
 */
import type { Together } from '../../postgres/database.js';
import { DatabaseLateError, isDataRefused } from '../../postgres/errors.js';
import {
  commitBatch,
  commitMore,
  emptyErased,
  receiptOf,
  tryOut,
  type Committed,
  type InboxDatabase,
} from './commit.js';
import { isLarge, partsOf, rowsOf, type InboxEntry } from './entry.js';

export interface Inbox {
  /**
   * Resolves when the entry is durable. Rejects when the database did not take it: then nothing of it is kept, or a large one in part.
   * With `patienceMs`, it rejects with a `DatabaseLateError` soon after that time: then the database may have taken it all the same.
   */
  readonly commit: (entry: InboxEntry, patienceMs?: number) => Promise<Committed>;
  /**
   * Reads the entry again, for instance after its parser has learned: rows that exist stay as they are but for links that lead nowhere,
   * new ones are added. Of a large one, `together` belongs to the first part.
   */
  readonly recommit: (entry: InboxEntry, together?: Together) => Promise<Committed>;
  /** Writes a webhook and takes it back. Rejects when the database takes none at all. */
  readonly tryOut: () => Promise<void>;
}

interface Waiting {
  readonly entry: InboxEntry;
  /** When patience with the database ends, on the clock of `performance`. */
  readonly until: number;
  readonly resolve: (committed: Committed) => void;
  readonly reject: (error: unknown) => void;
}

/** Bounds one statement: memory for its JSON, its time, and how much one bad row makes us do again. */
const mostInBatch = { entries: 128, rows: 1_000, bytes: 8_388_608 } as const;
/**
 * While PostgreSQL works on one batch, the next one gathers, so that neither waits for the other. The third connection of the intake
 * is for large webhooks and for those that are read again, one after the other.
 */
const batchesAtOnce = 2;

/** How often the clock is looked at while somebody waits: one timer for all of them. */
const lookEveryMs = 100;

/** The pool must be one whose statements go by key (see database.ts). */
export function createInbox(database: InboxDatabase): Inbox {
  const { pool } = database;
  const waiting: Waiting[] = [];
  const underWay = new Set<readonly Waiting[]>();
  let entriesUnderWay = 0;
  let scheduled = false;
  let looking = false;
  let part: Promise<unknown> = Promise.resolve();

  // A statement costs a millisecond before its first row: a second one goes off only with as many as are under way.
  const isTime = (): boolean =>
    waiting.length > 0 &&
    (underWay.size === 0 || (underWay.size < batchesAtOnce && waiting.length >= entriesUnderWay));

  const send = (): void => {
    scheduled = false;
    if (!isTime()) return;
    const batch = waiting.splice(0, batchSize(waiting));
    underWay.add(batch);
    entriesUnderWay += batch.length;
    void settle(database, batch).then(() => {
      underWay.delete(batch);
      entriesUnderWay -= batch.length;
      schedule();
    });
  };

  const schedule = (): void => {
    if (scheduled || !isTime()) return;
    scheduled = true;
    // Those that arrive in the same turn of the event loop go together.
    setImmediate(send);
  };

  /** Tells those whose patience has ended. An entry that has not been sent yet is not sent any more. */
  const look = (): void => {
    looking = false;
    const now = performance.now();
    const isLate = ({ until }: Waiting): boolean => until <= now;
    const late = [...waiting, ...[...underWay].flat()].filter(isLate);
    const patient = waiting.filter((one) => !isLate(one));
    waiting.splice(0, waiting.length, ...patient);
    for (const { reject } of late) reject(lateness());
    if (waiting.length > 0 || underWay.size > 0) lookLater();
  };

  const lookLater = (): void => {
    if (looking) return;
    looking = true;
    setTimeout(look, lookEveryMs).unref();
  };

  /** One part at a time, so that they use one connection; parts of several webhooks take turns. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const result = part.then(work);
    part = result.catch(() => undefined);
    return result;
  };

  const commitLarge = async (entry: InboxEntry, until: number): Promise<Committed> => {
    const [first, ...others] = partsOf(entry);
    if (!first) return receiptOf(entry, []);
    const inTime = <T>(work: () => Promise<T>): Promise<T> =>
      notAfter(
        until,
        inTurn(() => (performance.now() < until ? work() : Promise.reject(lateness()))),
      );
    const committed = [await inTime(() => commitOne(database, first))];
    const delivery = committed[0]?.delivery ?? entry.id;
    for (const other of others)
      committed.push(await inTime(() => commitMore(database, { entry: other, delivery })));
    await inTime(() => emptyErased(database, { entry, delivery }));
    return receiptOf(entry, committed);
  };

  return {
    commit: (entry, patienceMs = Infinity) => {
      const until = performance.now() + patienceMs;
      if (isLarge(entry)) return commitLarge(entry, until);
      return new Promise((resolve, reject) => {
        waiting.push({ entry, until, resolve, reject });
        schedule();
        lookLater();
      });
    },
    recommit: async (entry, together) => {
      const committed: Committed[] = [];
      for (const [place, one] of partsOf(entry).entries()) {
        const more = { entry: one, delivery: entry.id, together: place === 0 ? together : undefined };
        committed.push(await inTurn(() => commitMore(database, more)));
      }
      if (isLarge(entry)) await inTurn(() => emptyErased(database, { entry, delivery: entry.id }));
      const receipt = receiptOf(entry, committed);
      return { ...receipt, duplicate: committed.every(({ duplicate }) => duplicate) };
    },
    tryOut: () => inTurn(() => tryOut(pool)),
  };
}

/** Settles like the work, or when the time is up; the work may then go on. */
async function notAfter<T>(until: number, work: Promise<T>): Promise<T> {
  if (until === Infinity) return work;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(lateness());
    }, until - performance.now());
  });
  return Promise.race([work, late]).finally(() => {
    clearTimeout(timer);
  });
}

function lateness(): DatabaseLateError {
  return new DatabaseLateError('the database did not answer in time');
}

/** How many of those that wait go together: at least one. */
function batchSize(waiting: readonly Waiting[]): number {
  let bytes = 0;
  let rows = 0;
  const tooMany = waiting.findIndex(({ entry }, place) => {
    bytes += entry.body.length;
    rows += rowsOf(entry);
    return (
      place >= mostInBatch.entries || (place > 0 && (bytes > mostInBatch.bytes || rows > mostInBatch.rows))
    );
  });
  return tooMany < 0 ? waiting.length : tooMany;
}

async function settle(database: InboxDatabase, batch: readonly Waiting[]): Promise<void> {
  try {
    const entries = batch.map(({ entry }) => entry);
    const committed = await commitBatch(database, entries);
    batch.forEach(({ resolve, reject }, place) => {
      const one = committed[place];
      if (one) resolve(one);
      else reject(new Error('the database did not answer for a delivery'));
    });
  } catch (error) {
    // One bad row must not take its neighbours down; a database that is away is away for all of them.
    if (batch.length > 1 && isDataRefused(error)) for (const one of batch) await settle(database, [one]);
    else for (const { reject } of batch) reject(error);
  }
}

async function commitOne(database: InboxDatabase, entry: InboxEntry): Promise<Committed> {
  const [committed] = await commitBatch(database, [entry]);
  if (!committed) throw new Error('the database did not answer for a delivery');
  return committed;
}
