/**
 * Stores verified webhooks in the spool while the database is unavailable, and replays them afterwards, with
 * the ids and the time of their arrival. Rows are unique, so repeating a replay changes nothing.
 *
 * Webhooks are replayed in the order of receipt, within a segment and from segment to segment. New webhooks
 * that arrive after the database is available again do not wait for the spool; all webhooks are sorted by
 * their time of receipt.
 */
import type { Receipt } from '../../domain/receipt.js';
import type { Logger } from '../../infra/logging/logger.js';
import { isDatabaseFailure } from '../../infra/postgres/errors.js';
import { createWakeLoop } from '../../infra/postgres/wake-loop.js';
import type { Spool } from '../../infra/spool/spool.js';
import type { InboxEntry } from '../../infra/tables/inbox/entry.js';
import type { WebhookFallback } from './receive.js';
import { createReplay, type ReplayDependencies } from './replay-spool.js';

export interface Spooling extends WebhookFallback {
  /**
   * Replays what is in the spool, and checks it regularly, because other processes may have left webhooks
   * there.
   */
  readonly start: () => void;
  /**
   * The state at the last webhook. `here`: the database stores webhooks. `spooling`: the spool does.
   * `refusing`: neither does.
   */
  readonly state: () => 'here' | 'spooling' | 'refusing';
  readonly close: () => Promise<void>;
}

interface SpoolingDependencies extends Pick<
  ReplayDependencies,
  'spool' | 'inbox' | 'channels' | 'evaluate' | 'logger'
> {
  /**
   * Runs the work unless another process is running it, and returns whether it ran. Rejects if the database
   * is unavailable.
   */
  readonly runExclusively: (work: () => Promise<void>) => Promise<boolean>;
}

const retryMs = 500;
const checkIntervalMs = 10_000;

export function createSpooling(dependencies: SpoolingDependencies): Spooling {
  const { spool, logger } = dependencies;
  const closed = new AbortController();
  const availability = createAvailability(logger);
  const replay = createReplay({
    ...dependencies,
    noteDatabaseUp: availability.noteUp,
    stopSignal: closed.signal,
  });
  const loop = createWakeLoop(() =>
    tryReplay(dependencies, availability, { replay, stopSignal: closed.signal }),
  );
  let isRefusing = false;
  let timer: NodeJS.Timeout | undefined;

  const checkSpool = (): void => {
    void wakeIfFilled(dependencies, loop.wake);
  };

  return {
    start: () => {
      checkSpool();
      void probeFolder(spool, logger);
      void reportSetAside(spool, logger);
      timer = setInterval(checkSpool, checkIntervalMs).unref();
    },
    isActive: availability.isDown,
    activate: (reason) => {
      if (!availability.isDown())
        logger.warn({ err: reason }, 'the database is unavailable: webhooks go to the spool');
      availability.noteDown();
      loop.wake();
    },
    store: async (entry) => {
      try {
        await append(spool, entry);
        isRefusing = false;
      } catch (error) {
        isRefusing = true;
        throw error;
      }
      loop.wake();
      return receiptOf(entry);
    },
    state: () => {
      if (!availability.isDown()) return 'here';
      return isRefusing ? 'refusing' : 'spooling';
    },
    close: async () => {
      clearInterval(timer);
      closed.abort();
      await loop.close();
      await spool.close();
    },
  };
}

/** Whether the database stored the last webhook or replay. */
interface Availability {
  readonly isDown: () => boolean;
  readonly noteDown: () => void;
  readonly noteUp: () => void;
}

function createAvailability(logger: Logger): Availability {
  let isDown = false;
  return {
    isDown: () => isDown,
    noteDown: () => {
      isDown = true;
    },
    noteUp: () => {
      if (isDown) logger.info('the database is available again');
      isDown = false;
    },
  };
}

/** Returns the pause in milliseconds before the next attempt, or undefined if the spool is empty. */
async function tryReplay(
  { spool, runExclusively, logger }: SpoolingDependencies,
  { isDown, noteDown, noteUp }: Availability,
  { replay, stopSignal }: { readonly replay: () => Promise<void>; readonly stopSignal: AbortSignal },
): Promise<number | undefined> {
  try {
    // The process that runs the replay has found the database available.
    if (!(await runExclusively(replay))) noteUp();
    if (await spool.isEmpty()) return undefined;
  } catch (error) {
    if (isDatabaseFailure(error)) noteDown();
    if (!isDown() && !stopSignal.aborted) logger.error({ err: error }, 'the spool could not be replayed');
  }
  return retryMs;
}

function append(spool: Spool, entry: InboxEntry): Promise<void> {
  const { id, channel, provider, headers, receivedAt, body } = entry;
  return spool.append({ id, channel, provider, media: mediaIdsOf(entry), headers, receivedAt, body });
}

function receiptOf(entry: InboxEntry): Receipt {
  return { delivery: entry.id, outcome: entry.outcome, duplicate: false, media: mediaIdsOf(entry) };
}

function mediaIdsOf({ media }: InboxEntry): string[] {
  return media.map(({ id }) => id);
}

async function wakeIfFilled({ spool, logger }: SpoolingDependencies, wake: () => void): Promise<void> {
  try {
    if (!(await spool.isEmpty())) wake();
  } catch (error) {
    logger.warn({ err: error }, 'the spool cannot be read');
  }
}

async function probeFolder(spool: Spool, logger: Logger): Promise<void> {
  try {
    await spool.probe();
  } catch (error) {
    const { code: reason } = error as NodeJS.ErrnoException;
    logger.warn(
      { reason },
      'INLET_DIR: the folder spool is not writable, so webhooks are refused while the database is unavailable',
    );
  }
}

async function reportSetAside(spool: Spool, logger: Logger): Promise<void> {
  const { aside } = await spool.count().catch(() => ({ aside: 0 }));
  if (aside > 0) logger.error({ webhooks: aside }, 'the spool contains webhooks that were set aside');
}
