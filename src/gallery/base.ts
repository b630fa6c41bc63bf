/** Where the service stands: `PUBLIC_URL` may have a path, and then everything is below it. */
const base = document.documentElement.dataset['base'] ?? '';

/** The address of a path of the service (`/admin/sent`, `/v1/media`), for links, pictures and calls. */
export function at(path: string): string {
  return base + path;
}

/** Whether this page is where it should be. Somebody who came past the proxy is sent to where its links and its cookie are. */
export function isBelowBase(): boolean {
  const { pathname, search, hash } = window.location;
  if (pathname.startsWith(`${base}/`)) return true;
  window.location.replace(at(pathname + search + hash));
  return false;
}
