/**
 * Whether files can be kept, tried out again and again: often while they cannot, seldom while they can. The log says why they
 * cannot, again every minute while that lasts, and once that it is over.
 */
import { setTimeout as delay } from 'node:timers/promises';

import type { Logger } from '../logging/logger.js';
import { troubleOf, type StoreTrouble } from './store-trouble.js';

export interface StorageWatch {
  /** What keeps files from being written now; undefined: nothing does. Calls that come while it is tried out share the answer. */
  readonly look: () => Promise<StoreTrouble | undefined>;
  /** Something could not be kept: if nothing is known to be wrong, a look is taken soon. */
  readonly doubt: () => void;
  /** What the last look has found. */
  readonly trouble: () => StoreTrouble | undefined;
  /** Resolves when files can be written. */
  readonly usable: () => Promise<void>;
  /** Begins to look by itself. */
  readonly start: () => void;
  readonly close: () => void;
}

interface StorageWatchOptions {
  /** Rejects when no file can be written now. */
  readonly tryOut: () => Promise<unknown>;
  /** Called when files can be written again. */
  readonly recovered: () => Promise<void>;
  readonly logger: Logger;
}

const lookAgainMs = { usable: 30_000, inTrouble: 3_000 } as const;
const repeatMs = 60_000;
const hints = { TimeoutError: 'it does not answer' };
/** Many pictures may doubt at once. */
const doubtsMs = 1_000;
/** A disk or a store that does not answer for so long is no use. */
const patienceMs = 10_000;

export function createStorageWatch({ tryOut, recovered, logger }: StorageWatchOptions): StorageWatch {
  let isWatching = false;
  let timer: NodeJS.Timeout | undefined;
  let looking: Promise<StoreTrouble | undefined> | undefined;
  let found: StoreTrouble | undefined;
  let saidAt = 0;
  let lookedAt = -Infinity;
  let waiting: (() => void)[] = [];

  const note = (trouble: StoreTrouble | undefined): void => {
    const before = found;
    found = trouble;
    if (trouble === undefined) {
      for (const goOn of waiting.splice(0)) goOn();
      if (before === undefined) return;
      logger.info({ reason: before.reason }, 'files can be written again');
      recovered().catch((error: unknown) => {
        logger.warn({ err: error }, 'what waited for files to be written could not be woken up');
      });
      return;
    }
    if (before?.reason === trouble.reason && Date.now() - saidAt < repeatMs) return;
    saidAt = Date.now();
    logger.error({ reason: trouble.reason }, `no file can be written: ${trouble.message}`);
  };

  /** Whoever took the last look: the next one is soon while something is wrong. */
  const lookLater = (): void => {
    clearTimeout(timer);
    if (!isWatching) return;
    timer = setTimeout(() => void look(), found ? lookAgainMs.inTrouble : lookAgainMs.usable).unref();
  };

  const look = (): Promise<StoreTrouble | undefined> =>
    (looking ??= inTime(tryOut())
      .then(
        () => undefined,
        (error: unknown) => troubleOf(error, { doing: 'trying out the store of files', hints }),
      )
      .then((trouble) => {
        looking = undefined;
        lookedAt = performance.now();
        note(trouble);
        lookLater();
        return trouble;
      }));

  return {
    look,
    doubt: () => {
      if (found === undefined && performance.now() - lookedAt > doubtsMs) void look();
    },
    trouble: () => found,
    usable: async () => {
      if ((await look()) !== undefined) await new Promise<void>((goOn) => waiting.push(goOn));
    },
    start: () => {
      isWatching = true;
      void look();
    },
    close: () => {
      isWatching = false;
      clearTimeout(timer);
      waiting = [];
    },
  };
}

async function inTime(work: Promise<unknown>): Promise<void> {
  const timer = new AbortController();
  const late = delay(patienceMs, undefined, { signal: timer.signal, ref: false }).then(() => {
    const seconds = String(patienceMs / 1000);
    throw Object.assign(new Error(`no answer within ${seconds} seconds`), { name: 'TimeoutError' });
  });
  late.catch(() => undefined); // The timer is ended when the answer comes first.
  try {
    await Promise.race([work, late]);
  } finally {
    timer.abort();
  }
}
