/** What happens while one looks: the service's events, and what each page wants to know of them. */
import { effect, signal } from '@preact/signals';

import type { EventView } from './api.js';
import { at } from './base.js';
import { listenToEvents } from './event-stream.js';
import type { FromPage, ToPage } from './live-messages.js';
import { session } from './session.js';

type Listener = (event: EventView) => void;

/** `live`: hears everything; `broken`: the connection is being made anew. */
export const liveState = signal<'off' | 'live' | 'broken'>('off');
/** Read out by screen readers. */
export const announcement = signal('');

const listeners = new Set<Listener>();
const afterGap = new Set<() => void>();

/** Ends with the answered function. */
export function onEvent(listener: Listener): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

/** For looking again, when the connection was broken for a time. */
export function onReconnected(listener: () => void): () => void {
  afterGap.add(listener);
  return () => void afterGap.delete(listener);
}

/** Listens as long as somebody is signed in and the page is open. */
export function startLive(): () => void {
  const connection = connect(hear);
  const leave = (): void => {
    connection.leave();
  };
  // A page that the browser has put aside, to be shown again by "back", hears nothing meanwhile.
  const comeBack = ({ persisted }: PageTransitionEvent): void => {
    if (!persisted || !session.value) return;
    liveState.value = 'broken';
    connection.listen(session.value.tokenId);
  };
  window.addEventListener('pagehide', leave);
  window.addEventListener('pageshow', comeBack);
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
    window.removeEventListener('pageshow', comeBack);
  };
}

interface Connection {
  /** Hears what this person may hear. */
  readonly listen: (who: string) => void;
  readonly leave: () => void;
}

/** Shares a stream with the other pages. A browser that has no workers for several pages (Android) gives each page its own. */
function connect(tell: (message: ToPage) => void): Connection {
  if (!('SharedWorker' in window)) return connectAlone(tell);
  const { port } = new SharedWorker(document.documentElement.dataset['live'] ?? '');
  port.addEventListener('message', ({ data }: MessageEvent<ToPage>) => {
    tell(data);
  });
  port.start();
  const say = (message: FromPage): void => {
    port.postMessage(message);
  };
  return {
    listen: (who) => {
      say({ listen: who });
    },
    leave: () => {
      say({ leave: true });
    },
  };
}

function connectAlone(tell: (message: ToPage) => void): Connection {
  let end = (): void => undefined;
  return {
    listen: () => {
      end();
      end = listenToEvents(at('/v1/events'), tell);
    },
    leave: () => {
      end();
    },
  };
}

function hear(message: ToPage): void {
  if ('event' in message) {
    const event = JSON.parse(message.event) as EventView;
    for (const listener of listeners) listener(event);
    return;
  }
  const wasBroken = liveState.value === 'broken';
  liveState.value = message.state;
  if (wasBroken && message.state === 'live') for (const listener of afterGap) listener();
}
