/** The event stream of the signed-in user, which reconnects whenever it ends. */
import { eventTypes } from '../domain/event.js';
import type { ToPage } from './live-messages.js';

const retryMs = 10_000;

interface Listening {
  /** The address of the stream. */
  readonly url: string;
  /** The id of the last event that is known; without it, the stream begins with the next event. */
  readonly after?: string | undefined;
}

/** Opens the stream; the returned function closes it. */
export function listenToEvents({ url, after }: Listening, tell: (message: ToPage) => void): () => void {
  let source: EventSource | undefined;
  let retry: ReturnType<typeof setTimeout> | undefined;
  // A stream that is opened anew continues where the last one ended.
  let last = after;
  const pass = (message: Exclude<ToPage, { readonly state: 'broken' }>): void => {
    last = message.id;
    tell(message);
  };
  const close = (): void => {
    source?.close();
    clearTimeout(retry);
  };
  const open = (): void => {
    close();
    const opened = (source = new EventSource(last === undefined ? url : `${url}?lastEventId=${last}`));
    opened.addEventListener('stream.open', ({ lastEventId: id }: MessageEvent<string>) => {
      pass({ state: 'live', id });
    });
    opened.addEventListener('error', () => {
      tell({ state: 'broken' });
      // The browser reconnects after a broken connection, but not after a response that is not a stream.
      if (opened.readyState === EventSource.CLOSED) retry = setTimeout(open, retryMs);
    });
    for (const type of eventTypes)
      opened.addEventListener(type, ({ data, lastEventId: id }: MessageEvent<string>) => {
        pass({ event: data, id });
      });
  };
  open();
  return close;
}
