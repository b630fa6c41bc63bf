/** Erases on request. When it resolves, the rows are erased and the files are deleted. */
import { setTimeout as delay } from 'node:timers/promises';

import { AppError } from '../../domain/errors.js';
import type { Pseudonym } from '../../domain/pseudonym.js';
import type { Quarantine } from '../../infra/files/quarantine.js';
import type { Spool } from '../../infra/spool/spool.js';
import type { Actor, Erased, Erasure } from '../../infra/tables/erasure/erasure.js';
import type { People } from '../../infra/tables/people/people.js';
import type { PeopleSums } from '../../infra/tables/people/sums.js';
import type { Discard } from '../media/discard.js';

/** With `null` instead of an actor, nothing is erased and the result says what would be. */
export interface Erase {
  /**
   * Resolves when all acknowledged webhooks are in the database, so that the caller finds everything it wants
   * to erase. Throws `service.unavailable` if they do not get there in time.
   */
  readonly waitForSpool: () => Promise<void>;
  readonly media: (
    media: { readonly id: string; readonly channel: string },
    by: Actor | null,
  ) => Promise<Erased>;
  /** Throws `contact.not_found`. */
  readonly contact: (who: Contact, by: Actor | null) => Promise<Erased>;
}

interface Contact {
  readonly channel: string;
  readonly contact: string;
}

export interface EraseOptions {
  readonly erasure: Pick<Erasure, 'media' | 'person'>;
  readonly discard: Discard;
  readonly quarantine: Pick<Quarantine, 'sweep'>;
  readonly pseudonym: Pseudonym;
  readonly spool: Pick<Spool, 'isEmpty'>;
  readonly people: Pick<PeopleSums, 'settle'>;
  /** All ids of a person, this one first. */
  readonly idsOf: People['idsOf'];
}

/** How long an erasure waits for acknowledged webhooks that are not in the database yet. */
const spoolTimeoutMs = 5_000;
const pollMs = 50;

export function createErase(options: EraseOptions): Erase {
  const { erasure, discard, quarantine, people, pseudonym, spool, idsOf } = options;
  /** An erasure does not find webhooks in the spool, and they would be stored after it. */
  const waitForSpool = async (): Promise<void> => {
    const deadline = performance.now() + spoolTimeoutMs;
    while (!(await spool.isEmpty())) {
      if (performance.now() > deadline)
        throw new AppError(
          'service.unavailable',
          'webhooks in the spool are not stored yet; try again later',
        );
      await delay(pollMs);
    }
  };
  // The files are deleted after the commit, because the transaction may still be rolled back before it. If
  // this process dies in between, the jobs that were committed with the rows delete the files.
  const finish = async (erased: Erased, by: Actor | null): Promise<Erased> => {
    if (by === null) return erased;
    await people.settle();
    await discard(erased.blobs);
    await quarantine.sweep();
    return erased;
  };
  return {
    waitForSpool,
    media: async (media, by) => {
      // A hold on the person covers the ids that messages have told of the person until now.
      await people.settle();
      return finish(await erasure.media(media, by), by);
    },
    contact: async ({ channel, contact }, by) => {
      const ids = (await idsOf(channel, contact)).map((id) => ({
        contact: id,
        pseudonym: pseudonym(channel, id),
      }));
      const erased = await erasure.person({ channel, ids }, by);
      if (!erased) throw new AppError('contact.not_found', 'no person in this channel has this identifier');
      return finish(erased, by);
    },
  };
}
