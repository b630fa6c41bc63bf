/** `GET /v1/media/{id}?wait=`: responds when the media item is no longer pending. */
import type { Response } from 'express';

import { seesChannel, type Access } from '../../domain/access.js';
import type { Notifications } from '../../infra/postgres/notifications.js';
import type { Lookup, MediaRecord } from '../../infra/tables/media/lookup.js';
import { noSuchMedia } from './visible.js';

export interface SettledMediaServices {
  readonly lookup: Pick<Lookup, 'mediaByIds'>;
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
  const read = createSharedRead(lookup);

  const find = async (id: string, access: Access): Promise<MediaRecord> => {
    const media = await read(id);
    if (media && seesChannel(access, media.channel)) return media;
    throw noSuchMedia();
  };

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
        const media = await find(id, access);
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

/** The maximum number of media items that one statement reads. */
const maxPerStatement = 200;

/** A read that is shared by all callers that wait for the same media item. */
interface PendingRead {
  readonly promise: Promise<MediaRecord | undefined>;
  readonly resolve: (media: MediaRecord | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/** Reads media items together: while a statement runs, the ids for the next one are collected. */
function createSharedRead(
  lookup: Pick<Lookup, 'mediaByIds'>,
): (id: string) => Promise<MediaRecord | undefined> {
  const pending = new Map<string, PendingRead>();
  let isReading = false;

  const readTogether = async (reads: ReadonlyMap<string, PendingRead>): Promise<void> => {
    try {
      const found = await lookup.mediaByIds([...reads.keys()]);
      const media = new Map(found.map((one) => [one.id, one]));
      for (const [id, { resolve }] of reads) resolve(media.get(id));
    } catch (error) {
      for (const { reject } of reads.values()) reject(error);
    }
  };
  const readAll = async (): Promise<void> => {
    isReading = true;
    while (pending.size > 0) {
      const reads = new Map([...pending].slice(0, maxPerStatement));
      for (const id of reads.keys()) pending.delete(id);
      await readTogether(reads);
    }
    isReading = false;
  };

  return (id) => {
    const read = pending.get(id) ?? newRead();
    pending.set(id, read);
    if (!isReading) void readAll();
    return read.promise;
  };
}

function newRead(): PendingRead {
  let resolve: PendingRead['resolve'] = () => undefined;
  let reject: PendingRead['reject'] = () => undefined;
  const promise = new Promise<MediaRecord | undefined>((onResult, onError) => {
    resolve = onResult;
    reject = onError;
  });
  return { promise, resolve, reject };
}
