/** Tells the operator of webhooks that were not taken or not understood: seldom, and in numbers only, since what they hold is foreign. */
import type { Logger } from '../../infra/logging/logger.js';

export interface RefusalLog {
  /** `channel`: null for all that do not exist, together. `outcome`: the code of the refusal, or `malformed`. */
  readonly note: (channel: string | null, outcome: string) => void;
}

/** How long a channel is silent after a line of it: a wrong secret would fill the log, and strangers could. */
const silenceMs = 60_000;

export function createRefusalLog(logger: Pick<Logger, 'warn'>): RefusalLog {
  /** What has come since the last line of a channel, by outcome. */
  const silent = new Map<string | null, Map<string, number>>();

  const tell = (channel: string | null, counts: ReadonlyMap<string, number>): void => {
    logger.warn({ channel, webhooks: Object.fromEntries(counts) }, 'webhooks were refused or not understood');
    silent.set(channel, new Map());
    setTimeout(() => {
      const since = silent.get(channel);
      silent.delete(channel);
      if (since && since.size > 0) tell(channel, since);
    }, silenceMs).unref();
  };

  return {
    note: (channel, outcome) => {
      const counts = silent.get(channel);
      if (counts) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
      else tell(channel, new Map([[outcome, 1]]));
    },
  };
}
