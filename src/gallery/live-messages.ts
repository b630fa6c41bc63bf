/** The messages between a page and the worker that listens for all pages. */

/** A page starts listening with the id of its token, or stops. */
export type FromPage = { readonly listen: string } | { readonly leave: true };

/**
 * The state of the stream, or the JSON of an event. The id is the place in the stream: that of the event, or
 * that at which the stream has begun.
 */
export type ToPage =
  | { readonly state: 'live'; readonly id: string }
  | { readonly state: 'broken' }
  | { readonly event: string; readonly id: string };
