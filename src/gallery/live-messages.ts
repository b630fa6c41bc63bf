/** The messages between a page and the worker that listens for all pages. */

/** A page starts listening with the id of its token, or stops. */
export type FromPage = { readonly listen: string } | { readonly leave: true };

/** The worker reports the state of the stream, or the JSON of an event. */
export type ToPage = { readonly state: 'live' | 'broken' } | { readonly event: string };
