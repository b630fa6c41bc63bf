/**
 * Handles a message that its sender has deleted: marks its media, and erases them if the operator has
 * configured that.
 */
import { AppError } from '../../domain/errors.js';
import type { Deletion, Deletions } from '../../infra/tables/media/deletions.js';
import type { Erase } from './erase.js';

export type TakeBack = (deletion: Deletion, tries: number) => Promise<void>;

export interface TakeBackOptions {
  readonly deletions: Deletions;
  readonly erase: Pick<Erase, 'media'>;
  readonly eraseWhenDeleted: boolean;
}

/** The actor in the audit trail. */
const actor = 'sender';

/** Providers guarantee no order and retry for up to a day, so the message may arrive after its deletion. */
const firstWaitMs = 10_000;
const maxTries = 15;

export function createTakeBack({ deletions, erase, eraseWhenDeleted }: TakeBackOptions): TakeBack {
  return async (deletion, tries) => {
    const media = await deletions.record(deletion);
    // Doubled each time, 15 waits add up to more than three days.
    if (media === undefined && tries < maxTries)
      await deletions.waitFor(deletion, tries + 1, firstWaitMs * 2 ** tries);
    if (!eraseWhenDeleted) return;
    for (const id of media ?? [])
      await erase.media({ id, channel: deletion.channel }, { actor }).catch(leaveHeld);
  };
}

/** What a legal hold keeps stays, and is marked like what is not erased at all. */
function leaveHeld(error: unknown): void {
  if (!(error instanceof AppError) || error.code !== 'hold.active') throw error;
}
