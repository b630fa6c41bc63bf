/**
 * One stream of events for all pages of the gallery in a browser. Without TLS, a browser opens at most six
 * connections to a server. With a stream in each page, the seventh page would never load.
 */
import { listenToEvents } from './event-stream.js';
import type { FromPage, ToPage } from './live-messages.js';

const pages = new Set<MessagePort>();
let stream: { readonly who: string; readonly end: () => void } | undefined;
let state: ToPage | undefined;

function tellAll(message: ToPage): void {
  if ('state' in message) state = message;
  for (const page of pages) page.postMessage(message);
}

/** A user who signs in after another one must not receive events that only the first user may see. */
function listen(page: MessagePort, who: string): void {
  pages.add(page);
  if (stream?.who === who) {
    if (state) page.postMessage(state);
    return;
  }
  stream?.end();
  state = undefined;
  // The script is in /admin/assets/, so the API is two folders above it, also if PUBLIC_URL has a path.
  const { href: url } = new URL('../../v1/events', globalThis.location.href);
  stream = { who, end: listenToEvents({ url }, tellAll) };
}

function leave(page: MessagePort): void {
  pages.delete(page);
  if (pages.size > 0) return;
  stream?.end();
  stream = undefined;
}

globalThis.addEventListener('connect', (event) => {
  const [page] = (event as MessageEvent).ports;
  page?.addEventListener('message', ({ data }: MessageEvent<FromPage>) => {
    if ('listen' in data) listen(page, data.listen);
    else leave(page);
  });
  page?.start();
});
