/** Passes the events of the service on to the pages. */
import { effect, signal } from '@preact/signals';

import type { EventView } from './api.js';
import { at } from './base.js';
import { joinElection } from './elected-stream.js';
import { listenToEvents } from './event-stream.js';
import type { FromPage, ToPage } from './live-messages.js';
import { messageOf } from './problem-text.js';
import { session } from './session.js';

type Listener = (event: EventView) => void;

/** `live`: receives every event; `broken`: reconnecting. */
export const liveState = signal<'off' | 'live' | 'broken'>('off');
/** A message for screen readers. */
export const announcement = signal('');

/** Says what is wrong, for actions that have no place of their own for it. */
export function sayProblem(error: unknown): void {
  announcement.value = messageOf(error);
}

const listeners = new Set<Listener>();
const atBegin = new Set<() => void>();

/** Adds a listener; the returned function removes it. */
export function onEvent(listener: Listener): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

/**
 * Adds a listener that loads data again when the stream begins, at first or after a broken connection: what the
 * page has may be older than the first event. The returned function removes it.
 */
export function onStreamBegun(listener: () => void): () => void {
  atBegin.add(listener);
  return () => void atBegin.delete(listener);
}

/** Listens while a user is signed in and the page is open; the returned function stops. */
export function startLive(): () => void {
  const connection = connect(handle);
  const leave = (): void => {
    connection.leave();
  };
  // The browser may keep a page for its "back" button. Such a page receives no events until it is shown
  // again.
  const reconnect = ({ persisted }: PageTransitionEvent): void => {
    if (!persisted || !session.value) return;
    liveState.value = 'broken';
    connection.listen(session.value.tokenId);
  };
  window.addEventListener('pagehide', leave);
  window.addEventListener('pageshow', reconnect);
  const signedIn = effect(() => {
    if (session.value) connection.listen(session.value.tokenId);
    else {
      leave();
      liveState.value = 'off';
    }
  });
  return () => {
    signedIn();
    leave();
    window.removeEventListener('pagehide', leave);
    window.removeEventListener('pageshow', reconnect);
  };
}

interface Connection {
  /** Receives the events that this token has access to. */
  readonly listen: (tokenId: string) => void;
  readonly leave: () => void;
}

/**
 * Shares a stream with the other pages. In browsers without shared workers (Chrome on Android), one of the
 * pages has the stream. Over plain HTTP these have no locks to elect one with, and open a stream for each
 * page.
 */
function connect(receive: (message: ToPage) => void): Connection {
  const url = at('/v1/events');
  if (!('SharedWorker' in window))
    return 'locks' in navigator
      ? connectAnew((tokenId) => joinElection({ url, tokenId }, receive))
      : connectAnew(() => listenToEvents({ url }, receive));
  const { port } = new SharedWorker(document.documentElement.dataset['live'] ?? '');
  port.addEventListener('message', ({ data }: MessageEvent<ToPage>) => {
    receive(data);
  });
  port.start();
  const post = (message: FromPage): void => {
    port.postMessage(message);
  };
  return {
    listen: (tokenId) => {
      post({ listen: tokenId });
    },
    leave: () => {
      post({ leave: true });
    },
  };
}

/** For streams that this page ends and begins itself. */
function connectAnew(begin: (tokenId: string) => () => void): Connection {
  let end = (): void => undefined;
  return {
    listen: (tokenId) => {
      end();
      end = begin(tokenId);
    },
    leave: () => {
      end();
    },
  };
}

function handle(message: ToPage): void {
  if ('event' in message) {
    const event = JSON.parse(message.event) as EventView;
    for (const listener of listeners) listener(event);
    return;
  }
  const wasLive = liveState.value === 'live';
  liveState.value = message.state;
  if (!wasLive && message.state === 'live') for (const listener of atBegin) listener();
}
