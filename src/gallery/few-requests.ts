import { coalesced } from '../domain/concurrent-calls.js';

/** Between two runs, in milliseconds, so that a storm of events leaves time for everything else. */
const restMs = 500;

/** Runs a request that events cause: many events lead to few requests, and a late response replaces no newer one. */
export function withFewRequests(request: () => Promise<void>): () => Promise<void> {
  return coalesced(request, restMs);
}
