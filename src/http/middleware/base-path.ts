/** Serves everything below the path of `PUBLIC_URL`, whether the reverse proxy removes that path or not. */
import type { RequestListener } from 'node:http';

/** The path without a trailing slash, for example `/inlet`; empty if there is none. */
export function basePathOf(publicUrl: string): string {
  return new URL(publicUrl).pathname.replace(/\/+$/, '');
}

/** Removes the path from the URL of each request before `listener` handles it. */
export function belowBasePath(publicUrl: string, listener: RequestListener): RequestListener {
  const base = basePathOf(publicUrl);
  if (base === '') return listener;
  return (request, response) => {
    const { url = '' } = request;
    const rest = url.startsWith(base) ? url.slice(base.length) : undefined;
    if (rest !== undefined && /^(?:[/?]|$)/.test(rest))
      request.url = rest.startsWith('/') ? rest : `/${rest}`;
    listener(request, response);
  };
}
