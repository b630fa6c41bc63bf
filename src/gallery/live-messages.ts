/** What a page and the worker that listens for all pages say to each other. */

/** From a page: it wants to hear what the person may hear who is signed in, or nothing any more. */
export type FromPage = { readonly listen: string } | { readonly leave: true };

/** To a page: whether the stream is there, and the data of an event. */
export type ToPage = { readonly state: 'live' | 'broken' } | { readonly event: string };
