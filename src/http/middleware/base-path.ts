/** Where `PUBLIC_URL` has a path, everything stands below it, whether the proxy in front takes that path away or not. */
import type { RequestListener } from 'node:http';

/** Without a slash at its end: `/inlet`, or nothing. */
export function basePathOf(publicUrl: string): string {
  return new URL(publicUrl).pathname.replace(/\/+$/, '');
}

/** What `listener` is asked for never begins with the path. */
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
