/**
 * Receives what other apps share with the installed gallery (`share_target` of the manifest), keeps the files
 * in this browser, and opens the form that offers them. It is responsible for that one address and leaves all
 * other requests of the gallery alone.
 *
 * The request may as well come from a page of a stranger, which a worker cannot tell. All that such a page
 * achieves is a form with its file, in which nothing is sent before the user chooses a person.
 */
import { createSharedFiles } from './shared-files.js';

/** The event of a worker for services; the types for pages do not have it. */
interface FetchEvent extends Event {
  readonly request: Request;
  readonly respondWith: (response: Promise<Response>) => void;
}

const here = new URL(globalThis.location.href);
const base = here.pathname.replace(/\/admin\/share-worker\.js$/, '');

async function receive(request: Request): Promise<Response> {
  const form = await request.formData();
  await createSharedFiles(base).keep(form.getAll('files').filter((value) => value instanceof File));
  return Response.redirect(`${here.origin}${base}/admin/sent?shared`, 303);
}

globalThis.addEventListener('fetch', (event) => {
  const { request, respondWith } = event as FetchEvent;
  if (request.method === 'POST') respondWith.call(event, receive(request));
});
