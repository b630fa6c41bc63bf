/**
 * Turns verified webhooks into rows. Webhooks that arrive during a commit are written together with the next
 * one by one statement: delivery, messages, media and the jobs that fetch them. Nothing else is waited for on
 * this path.
 *
 * A large webhook is written in parts, each by itself, while small ones continue. Its parts are idempotent:
 * an interrupted one is completed when the webhook arrives again.
 */
import { createSequence } from '../../../domain/concurrent-calls.js';
import type { KeepTexts } from '../../../domain/keep-texts.js';
import type { Together } from '../../postgres/database.js';
import { createBatches, databaseTimeout } from './batches.js';
import {
  commitBatch,
  commitMore,
  emptyErased,
  receiptOf,
  tryOut,
  type Committed,
  type InboxDatabase,
} from './commit.js';
import { isLarge, partsOf, type InboxEntry } from './entry.js';

export interface Inbox {
  /**
   * Resolves when the entry is durable. If it rejects, the database did not accept it: nothing of it is kept,
   * or some parts of a large one. With `timeoutMs`, it rejects with a `DatabaseTimeoutError` soon after that
   * time; the database may have accepted it nevertheless.
   */
  readonly commit: (entry: InboxEntry, timeoutMs?: number) => Promise<Committed>;
  /**
   * Reads the entry again, for instance after its parser was improved. Existing rows stay as they are, except
   * for links that lead nowhere, and new ones are added. For a large one, `together` belongs to the first
   * part.
   */
  readonly recommit: (entry: InboxEntry, together?: Together) => Promise<Committed>;
  /** Writes a webhook and removes it again. Rejects if the database accepts none at all. */
  readonly tryOut: () => Promise<void>;
}

/**
 * The pool must be one whose statements find rows by key (see database.ts). `keepTexts` says which messages
 * without files a channel keeps.
 */
export function createInbox(database: InboxDatabase, keepTexts: (channel: string) => KeepTexts): Inbox {
  const kept = (entry: InboxEntry): InboxEntry => {
    if (entry.contexts.length === 0) return entry;
    const mode = keepTexts(entry.channel);
    if (mode === 'none') return { ...entry, contexts: [] };
    return { ...entry, contexts: entry.contexts.map((row) => ({ ...row, is_provisional: mode !== 'all' })) };
  };
  const commitTogether = createBatches(database);
  /** One part at a time, so that they use one connection; parts of several webhooks take turns. */
  const inTurn = createSequence();

  const commitLarge = async (entry: InboxEntry, until: number): Promise<Committed> => {
    const [first, ...others] = partsOf(entry);
    if (!first) return receiptOf(entry, []);
    const inTime = <T>(work: () => Promise<T>): Promise<T> =>
      rejectAfter(
        until,
        inTurn(() => (performance.now() < until ? work() : Promise.reject(databaseTimeout()))),
      );
    const committed = [await inTime(() => commitOne(database, first))];
    const delivery = committed[0]?.delivery ?? entry.id;
    for (const other of others)
      committed.push(await inTime(() => commitMore(database, { entry: other, delivery })));
    await inTime(() => emptyErased(database, { entry, delivery }));
    return receiptOf(entry, committed);
  };

  return {
    commit: (received, timeoutMs = Infinity) => {
      const entry = kept(received);
      const until = performance.now() + timeoutMs;
      return isLarge(entry) ? commitLarge(entry, until) : commitTogether(entry, until);
    },
    recommit: async (received, together) => {
      const entry = kept(received);
      const committed: Committed[] = [];
      for (const [place, one] of partsOf(entry).entries()) {
        const more = { entry: one, delivery: entry.id, together: place === 0 ? together : undefined };
        committed.push(await inTurn(() => commitMore(database, more)));
      }
      if (isLarge(entry)) await inTurn(() => emptyErased(database, { entry, delivery: entry.id }));
      const receipt = receiptOf(entry, committed);
      return { ...receipt, duplicate: committed.every(({ duplicate }) => duplicate) };
    },
    tryOut: () => inTurn(() => tryOut(database.pool)),
  };
}

/** Settles like the work, or rejects at the deadline; the work may then continue. */
async function rejectAfter<T>(until: number, work: Promise<T>): Promise<T> {
  if (until === Infinity) return work;
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => {
        reject(databaseTimeout());
      },
      Math.max(0, until - performance.now()),
    );
  });
  return Promise.race([work, timeout]).finally(() => {
    clearTimeout(timer);
  });
}

async function commitOne(database: InboxDatabase, entry: InboxEntry): Promise<Committed> {
  const [committed] = await commitBatch(database, [entry]);
  if (!committed) throw new Error('the database did not answer for a delivery');
  return committed;
}
