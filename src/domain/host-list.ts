/** Lists of exact hosts as operators write them: `host`, `host:port`, `[v6]`, `[v6]:port`, in lower case. */

/** The port that `url` uses, even if the scheme implies it: `443` for `https://example.org/`. */
export function portOf(url: URL): string {
  if (url.port !== '') return url.port;
  return url.protocol === 'https:' ? '443' : '80';
}

/** Whether the list contains this host with exactly this port. */
export function listsHostAndPort(list: readonly string[], url: URL): boolean {
  return list.includes(`${url.hostname}:${portOf(url)}`);
}

/** Whether the list contains this host, with this port or without a port. */
export function listsHost(list: readonly string[], url: URL): boolean {
  return list.includes(url.hostname) || listsHostAndPort(list, url);
}
