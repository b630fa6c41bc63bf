import { at } from './base.js';

/** The address of the page of a person or a group, by any of their ids. */
export function personAddress(channel: string, id: string): string {
  return at(`/admin/people/${encodeURIComponent(channel)}/${encodeURIComponent(id)}`);
}

/** Whom the path of a page names; undefined if it is another page. */
export function personInPath(path: string): { readonly channel: string; readonly id: string } | undefined {
  const [, channel, id] = /^\/people\/([^/]+)\/([^/]+)$/.exec(path.slice(at('/admin').length)) ?? [];
  if (channel === undefined || id === undefined) return undefined;
  try {
    return { channel: decodeURIComponent(channel), id: decodeURIComponent(id) };
  } catch {
    return undefined; // The user may write anything into the address.
  }
}
