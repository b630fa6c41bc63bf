/** A message that its sender has taken back: its media are marked, and erased where the operator wants that. */
import type { Deletion, Deletions } from '../../infra/tables/media/deletions.js';
import type { Erase } from './erase.js';

export type TakeBack = (deletion: Deletion, tries: number) => Promise<void>;

export interface TakeBackOptions {
  readonly deletions: Deletions;
  readonly erase: Pick<Erase, 'media'>;
  readonly eraseWhenDeleted: boolean;
}

/** Who has it erased, in the audit trail. */
const actor = 'sender';

/** Providers promise no order, and the longest of them tries for a day: the message may come after the word that it was taken back. */
const firstWaitMs = 10_000;
const mostTries = 15;

export function createTakeBack({ deletions, erase, eraseWhenDeleted }: TakeBackOptions): TakeBack {
  return async (deletion, tries) => {
    const media = await deletions.record(deletion);
    // Doubled each time, 15 waits are more than three days.
    if (media === undefined && tries < mostTries)
      await deletions.waitFor(deletion, tries + 1, firstWaitMs * 2 ** tries);
    if (!eraseWhenDeleted) return;
    for (const id of media ?? []) await erase.media({ id, channel: deletion.channel }, { actor });
  };
}
