/** What happens while one looks: the service's events, and what each page wants to know of them. */
import { effect, signal } from '@preact/signals';

import { eventTypes } from '../domain/event.js';
import type { EventView } from '../http/shapes/event.js';
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

/** Listens as long as somebody is signed in. */
export function startLive(): () => void {
  let source: EventSource | undefined;
  let retry: number | undefined;
  const close = (): void => {
    source?.close();
    source = undefined;
    window.clearTimeout(retry);
  };
  const open = (): void => {
    close();
    const opened = (source = new EventSource('/v1/events'));
    opened.addEventListener('open', () => {
      if (liveState.value === 'broken') for (const listener of afterGap) listener();
      liveState.value = 'live';
    });
    opened.addEventListener('error', () => {
      liveState.value = 'broken';
      // The browser itself tries again after a broken connection, but never after an answer that was no stream.
      if (opened.readyState === EventSource.CLOSED) retry = window.setTimeout(open, retryMs);
    });
    for (const type of eventTypes) opened.addEventListener(type, tell);
  };
  const signedIn = effect(() => {
    if (session.value) open();
    else {
      close();
      liveState.value = 'off';
    }
  });
  return () => {
    signedIn();
    close();
  };
}

const retryMs = 10_000;

function tell(message: MessageEvent<string>): void {
  const event = JSON.parse(message.data) as EventView;
  for (const listener of listeners) listener(event);
}
