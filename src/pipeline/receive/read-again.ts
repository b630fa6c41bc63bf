/**
 * Reads webhooks again whose expression could not be evaluated when they arrived, because the machine had no
 * time for it, other webhooks of the channel took it, or no process could be started. Nobody has to notice them and to replay them by hand.
 */
import { AppError } from '../../domain/errors.js';
import { notYetEvaluated } from '../../domain/receipt.js';
import { isDataRefused } from '../../infra/postgres/errors.js';
import type { UnevaluatedDeliveries, UnevaluatedDelivery } from '../../infra/tables/deliveries.js';
import type { Inbox } from '../../infra/tables/inbox/inbox.js';
import { entryOf, type ReadDependencies } from './replay.js';

export interface ReadAgainOptions extends ReadDependencies {
  readonly deliveries: UnevaluatedDeliveries;
  readonly inbox: Pick<Inbox, 'recommit'>;
  readonly now: () => Date;
}

/** Links to files have expired afterwards, and a person has to look at the cause. */
const patienceMs = 86_400_000;
/** The other work of the job that reads them again must not wait for longer. */
const longestRunMs = 20_000;
/** If there was no time for so many deliveries of a channel, there is none for its others, either. */
const mostFailures = 3;

/** Resolves to the number of deliveries that were understood. */
export function createReadAgain(options: ReadAgainOptions): () => Promise<number> {
  const { deliveries, now } = options;
  return async () => {
    const started = performance.now();
    const since = new Date(now().getTime() - patienceMs);
    const failures = new Map<string, number>();
    let understood = 0;
    let page = await deliveries.list(since);
    while (page.length > 0) {
      for (const delivery of page) {
        const failed = failures.get(delivery.channel) ?? 0;
        if (failed >= mostFailures) continue;
        if (performance.now() - started > longestRunMs) return understood;
        const result = await readOne(options, delivery);
        if (result === 'understood') understood += 1;
        else if (result === 'not yet') failures.set(delivery.channel, failed + 1);
      }
      page = await deliveries.list(since, page.at(-1)?.id);
    }
    return understood;
  };
}

/**
 * `over`: it is known now why it is not understood. It may also be erased, or its channel may be one of another
 * provider or gone.
 */
type Result = 'understood' | 'not yet' | 'over';

async function readOne(
  { deliveries, channels, evaluate, inbox }: ReadAgainOptions,
  { id, channel: channelId, provider }: UnevaluatedDelivery,
): Promise<Result> {
  const channel = channels.any(channelId);
  if (channel?.provider !== provider) return 'over';
  const delivery = await deliveries.read(id);
  if (!delivery) return 'over';
  try {
    const entry = await entryOf(delivery, channel, evaluate);
    if (entry.reason === notYetEvaluated) return 'not yet';
    await inbox.recommit(entry);
    return entry.outcome === 'malformed' ? 'over' : 'understood';
  } catch (error) {
    // It was deleted meanwhile, cannot be read any more, or cannot be stored. Others must not wait for it.
    if (error instanceof AppError || isDataRefused(error)) return 'over';
    throw error;
  }
}
