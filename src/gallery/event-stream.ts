/** The event stream of the signed-in user, which reconnects whenever it ends. */
import { eventTypes } from '../domain/event.js';
import type { ToPage } from './live-messages.js';

const retryMs = 10_000;

/** Opens the stream; the returned function closes it. */
export function listenToEvents(url: string, tell: (message: ToPage) => void): () => void {
  let source: EventSource | undefined;
  let retry: ReturnType<typeof setTimeout> | undefined;
  const close = (): void => {
    source?.close();
    clearTimeout(retry);
  };
  const open = (): void => {
    close();
    const opened = (source = new EventSource(url));
    opened.addEventListener('open', () => {
      tell({ state: 'live' });
    });
    opened.addEventListener('error', () => {
      tell({ state: 'broken' });
      // The browser reconnects after a broken connection, but not after a response that is not a stream.
      if (opened.readyState === EventSource.CLOSED) retry = setTimeout(open, retryMs);
    });
    for (const type of eventTypes)
      opened.addEventListener(type, ({ data }: MessageEvent<string>) => {
        tell({ event: data });
      });
  };
  open();
  return close;
}
