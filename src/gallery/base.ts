/** The path of `PUBLIC_URL`. All addresses of the service are below it. */
const base = document.documentElement.dataset['base'] ?? '';

/** The address of a path of the service (`/admin/sent`, `/v1/media`), for links, pictures and calls. */
export function at(path: string): string {
  return base + path;
}

/**
 * Whether this page is below the path. A visitor who bypassed the proxy is redirected, because links and the
 * cookie need the path.
 */
export function isBelowBase(): boolean {
  const { pathname, search, hash } = window.location;
  if (pathname.startsWith(`${base}/`)) return true;
  window.location.replace(at(pathname + search + hash));
  return false;
}
