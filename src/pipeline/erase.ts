/** Erases on demand. When it resolves, the rows are erased and the files are gone. */
import type { Pseudonym } from '../domain/pseudonym.js';
import type { Actor, Erased, Erasure } from '../infra/erasure.js';
import type { Quarantine } from '../infra/quarantine.js';
import type { Discard } from './discard.js';

export interface Erase {
  readonly media: (media: { readonly id: string; readonly channel: string }, by: Actor) => Promise<Erased>;
  readonly contact: (
    who: { readonly channel: string; readonly contact: string },
    by: Actor,
  ) => Promise<Erased>;
}

export interface EraseOptions {
  readonly erasure: Pick<Erasure, 'media' | 'person'>;
  readonly discard: Discard;
  readonly quarantine: Pick<Quarantine, 'sweep'>;
  readonly pseudonym: Pseudonym;
}

export function createErase({ erasure, discard, quarantine, pseudonym }: EraseOptions): Erase {
  // The files go after the commit: before it, everything might still be undone. Should this process die in between, the
  // jobs that were committed as well remove them.
  const finish = async (erased: Erased): Promise<Erased> => {
    await discard(erased.blobs);
    await quarantine.sweep();
    return erased;
  };
  return {
    media: async (media, by) => finish(await erasure.media(media, by)),
    contact: async (who, by) =>
      finish(await erasure.person({ ...who, pseudonym: pseudonym(who.channel, who.contact) }, by)),
  };
}
