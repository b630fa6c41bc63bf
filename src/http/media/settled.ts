/** `GET /v1/media/{id}?wait=`: answers when the media is no longer pending. */
import type { Response } from 'express';

import { seesChannel, type Access } from '../../domain/access.js';
import type { Notifications } from '../../infra/postgres/notifications.js';
import type { Lookup, MediaRecord } from '../../infra/tables/media/lookup.js';
import { noSuchMedia } from './visible.js';

export interface SettledMediaServices {
  readonly lookup: Pick<Lookup, 'mediaByIds'>;
  readonly notifications: Pick<Notifications, 'mediaChange'>;
  /** Aborted when the process is to end: waiting callers are answered with what is known. */
  readonly stopping: AbortSignal;
}

/** A caller that waits for a media. */
export interface WaitingCaller {
  readonly access: Access;
  readonly response: Response;
  readonly waitMs: number;
}

/** The media with this id as soon as it is no longer pending, at the latest after `waitMs`. */
export type SettledMedia = (id: string, caller: WaitingCaller) => Promise<MediaRecord>;

/**
 * While a caller waits, it holds no connection to the database: it looks at the media when it arrives and when something has happened to
 * the media. Many may do so at the same moment, since all who look together share one statement.
 */
export function createSettledMedia({ lookup, notifications, stopping }: SettledMediaServices): SettledMedia {
  const look = createSharedLook(lookup);

  const find = async (id: string, access: Access): Promise<MediaRecord> => {
    const media = await look(id);
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
        // Listening begins before looking, so that a change in between is heard.
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

/** So many are asked for by one statement. */
const mostTogether = 200;

/** A caller that waits for what is asked for. */
interface Question {
  readonly promise: Promise<MediaRecord | undefined>;
  readonly answer: (media: MediaRecord | undefined) => void;
  readonly fail: (error: unknown) => void;
}

/** Asks for media together: while a statement is under way, the ids for the next one are collected. */
function createSharedLook(
  lookup: Pick<Lookup, 'mediaByIds'>,
): (id: string) => Promise<MediaRecord | undefined> {
  const questions = new Map<string, Question>();
  let isAsking = false;

  const ask = async (together: ReadonlyMap<string, Question>): Promise<void> => {
    try {
      const found = await lookup.mediaByIds([...together.keys()]);
      const media = new Map(found.map((one) => [one.id, one]));
      for (const [id, { answer }] of together) answer(media.get(id));
    } catch (error) {
      for (const { fail } of together.values()) fail(error);
    }
  };
  const askAll = async (): Promise<void> => {
    isAsking = true;
    while (questions.size > 0) {
      const together = new Map([...questions].slice(0, mostTogether));
      for (const id of together.keys()) questions.delete(id);
      await ask(together);
    }
    isAsking = false;
  };

  return (id) => {
    const question = questions.get(id) ?? newQuestion();
    questions.set(id, question);
    if (!isAsking) void askAll();
    return question.promise;
  };
}

function newQuestion(): Question {
  let answer: Question['answer'] = () => undefined;
  let fail: Question['fail'] = () => undefined;
  const promise = new Promise<MediaRecord | undefined>((resolve, reject) => {
    answer = resolve;
    fail = reject;
  });
  return { promise, answer, fail };
}
