/** `GET /v1/media/{id}?wait=`: responds when the media item is no longer pending. */
import type { Response } from 'express';

import type { Access } from '../../domain/access.js';
import type { Notifications } from '../../infra/postgres/notifications.js';
import type { Lookup, MediaRecord } from '../../infra/tables/media/lookup.js';
import { findVisible } from './visible.js';

export interface SettledMediaServices {
  readonly lookup: Pick<Lookup, 'media'>;
  readonly notifications: Pick<Notifications, 'mediaChange'>;
  /** Aborts at shutdown: waiting callers then receive the current state. */
  readonly stopping: AbortSignal;
}

/** A caller that waits for a media item. */
export interface WaitingCaller {
  readonly access: Access;
  readonly response: Response;
  readonly waitMs: number;
}

/** Resolves when the media item with this id is no longer pending, or after `waitMs`. */
export type SettledMedia = (id: string, caller: WaitingCaller) => Promise<MediaRecord>;

/**
 * A waiting caller occupies no database connection: its media item is read at the beginning and after each
 * change. Simultaneous reads share one statement.
 */
export function createSettledMedia({ lookup, notifications, stopping }: SettledMediaServices): SettledMedia {
  return async (id, { access, response, waitMs }) => {
    const over = new AbortController();
    const end = (): void => {
      over.abort();
    };
    const timer = setTimeout(end, waitMs);
    stopping.addEventListener('abort', end);
    response.once('close', end);
    try {
      for (;;) {
        // Listens before it reads, so that no change in between is missed.
        const change = notifications.mediaChange(id, over.signal);
        const media = await findVisible(lookup, id, access);
        if (media.state !== 'pending' || over.signal.aborted || stopping.aborted) return media;
        await change;
      }
    } finally {
      clearTimeout(timer);
      stopping.removeEventListener('abort', end);
      end();
    }
  };
}
