/**
 * One stream of events for all pages of a browser that has no shared workers. The page that holds a lock has
 * the stream and passes everything on to the others. When it is closed, the browser gives the lock to the
 * next page, which continues after the last event that it has received, so that none is missed.
 *
 * Systems of phones suspend pages in the background, also the one with the stream. So the page that the user
 * looks at takes the stream over from one that is not visible.
 */
import { listenToEvents } from './event-stream.js';
import { createExclusive } from './exclusive.js';
import type { ToPage } from './live-messages.js';

/** For how long a page waits for the one with the stream. A suspended page does not answer. */
const answerMs = 3_000;

type BetweenPages =
  | { readonly type: 'message'; readonly message: ToPage }
  /** A page that the user looks at wants to know which page has the stream. */
  | { readonly type: 'question' }
  | { readonly type: 'answer'; readonly isVisible: boolean; readonly message: ToPage | undefined };

interface Candidate {
  /** The address of the stream. */
  readonly url: string;
  /** Pages share a stream only if they have access to the same events. */
  readonly tokenId: string;
}

/** Takes part until the returned function is called. */
export function joinElection({ url, tokenId }: Candidate, receive: (message: ToPage) => void): () => void {
  const name = `inlet-events ${url} ${tokenId}`;
  const channel = new BroadcastChannel(name);
  const tell = (message: BetweenPages): void => {
    channel.postMessage(message);
  };
  const place = createPlace(receive);
  const stream = createExclusive(name, () =>
    listenToEvents({ url, after: place.last() }, (message) => {
      tell({ type: 'message', message });
      place.take(message);
    }),
  );
  let patience: ReturnType<typeof setTimeout> | undefined;
  const stopWaiting = (): void => {
    clearTimeout(patience);
    patience = undefined;
  };
  const takeOver = (): void => {
    stopWaiting();
    if (isVisible()) stream.takeOver();
  };
  const ask = (): void => {
    if (!isVisible() || stream.isHeld()) return;
    tell({ type: 'question' });
    stopWaiting();
    patience = setTimeout(() => {
      // Nobody has told where the stream is, so events may have been missed.
      if (!stream.isHeld() && place.last() === undefined) receive({ state: 'broken' });
      takeOver();
    }, answerMs);
  };
  channel.addEventListener('message', ({ data }: MessageEvent<BetweenPages>) => {
    if (data.type === 'question') {
      if (stream.isHeld()) tell({ type: 'answer', isVisible: isVisible(), message: place.now() });
      return;
    }
    if (data.message) place.take(data.message);
    if (data.type === 'message' || patience === undefined) return;
    if (data.isVisible) stopWaiting();
    else takeOver();
  });
  document.addEventListener('visibilitychange', ask);
  ask();
  return () => {
    stopWaiting();
    document.removeEventListener('visibilitychange', ask);
    stream.leave();
    channel.close();
  };
}

function isVisible(): boolean {
  return document.visibilityState === 'visible';
}

/** What a page has received. */
interface Place {
  /** The id of the last event; undefined if the page knows none yet. */
  readonly last: () => string | undefined;
  /** The state and the place for a page that has received nothing yet. */
  readonly now: () => ToPage | undefined;
  /** Passes a message on, except for an event that was received before. */
  readonly take: (message: ToPage) => void;
}

function createPlace(receive: (message: ToPage) => void): Place {
  let last: string | undefined;
  let state: 'live' | 'broken' | undefined;
  const isNew = (id: string): boolean => last === undefined || Number(id) > Number(last);
  return {
    last: () => last,
    now: () => (state === 'live' && last !== undefined ? { state, id: last } : state && { state: 'broken' }),
    take: (message) => {
      if ('event' in message) {
        if (!isNew(message.id)) return;
        last = message.id;
      } else {
        ({ state } = message);
        if (message.state === 'live' && isNew(message.id)) {
          // The stream goes on behind events that this page has not received.
          if (last !== undefined) receive({ state: 'broken' });
          last = message.id;
        }
      }
      receive(message);
    },
  };
}
