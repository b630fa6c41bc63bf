/** Logs refused and malformed webhooks, rarely and as counts only, because their content is foreign. */
import type { Logger } from '../../infra/logging/logger.js';

export interface RefusalLog {
  /** `channel`: null for all channels that do not exist. `outcome`: the error code, or `malformed`. */
  readonly note: (channel: string | null, outcome: string) => void;
}

/**
 * The interval between two lines of a channel. A wrong secret, or strangers, would otherwise fill the log.
 */
const logIntervalMs = 60_000;

export function createRefusalLog(logger: Pick<Logger, 'warn'>): RefusalLog {
  /** The counts by outcome since the last line of each channel. */
  const unlogged = new Map<string | null, Map<string, number>>();

  const log = (channel: string | null, counts: ReadonlyMap<string, number>): void => {
    logger.warn({ channel, webhooks: Object.fromEntries(counts) }, 'webhooks were refused or malformed');
    unlogged.set(channel, new Map());
    setTimeout(() => {
      const since = unlogged.get(channel);
      unlogged.delete(channel);
      if (since && since.size > 0) log(channel, since);
    }, logIntervalMs).unref();
  };

  return {
    note: (channel, outcome) => {
      const counts = unlogged.get(channel);
      if (counts) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
      else log(channel, new Map([[outcome, 1]]));
    },
  };
}
