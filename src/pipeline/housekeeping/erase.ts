/** Erases on demand. When it resolves, the rows are erased and the files are gone. */
import { setTimeout as delay } from 'node:timers/promises';

import { AppError } from '../../domain/errors.js';
import type { Pseudonym } from '../../domain/pseudonym.js';
import type { Quarantine } from '../../infra/files/quarantine.js';
import type { Spool } from '../../infra/spool/spool.js';
import type { Actor, Erased, Erasure } from '../../infra/tables/erasure/erasure.js';
import type { Discard } from '../media/discard.js';

/** With `null` in place of an actor, nothing is erased: the answer is what would be. */
export interface Erase {
  /**
   * Resolves when the webhooks that were acknowledged are in the database, so that a caller finds what it wants to erase. Throws
   * `service.unavailable` when they do not get there soon.
   */
  readonly untilReplayed: () => Promise<void>;
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
}

/** How long an erasure waits for webhooks that were acknowledged and are not in the database yet. */
const spoolPatienceMs = 5_000;
const lookAgainMs = 50;

export function createErase({ erasure, discard, quarantine, pseudonym, spool }: EraseOptions): Erase {
  /** What lies in the spool is found by no erasure, and would come in after it. */
  const untilReplayed = async (): Promise<void> => {
    const until = performance.now() + spoolPatienceMs;
    while (!(await spool.isEmpty())) {
      if (performance.now() > until)
        throw new AppError(
          'service.unavailable',
          'webhooks wait in the spool; erase again when they are read',
        );
      await delay(lookAgainMs);
    }
  };
  // The files go after the commit: before it, everything might still be undone. Should this process die in between, the
  // jobs that were committed as well remove them.
  const finish = async (erased: Erased, by: Actor | null): Promise<Erased> => {
    if (by === null) return erased;
    await discard(erased.blobs);
    await quarantine.sweep();
    return erased;
  };
  return {
    untilReplayed,
    media: async (media, by) => finish(await erasure.media(media, by), by),
    contact: async ({ channel, contact }, by) => {
      const person = { channel, contact, pseudonym: pseudonym(channel, contact) };
      const erased = await erasure.person(person, by);
      if (!erased)
        throw new AppError('contact.not_found', 'nobody in this channel is known by this identifier');
      return finish(erased, by);
    },
  };
}
