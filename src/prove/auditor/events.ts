/** Checks events: each fact has one event, in an order without gaps for listeners. */
import type { HeardEvent } from './claims.js';
import { countsOver, type Finding } from './finding.js';
import type { EventRecord, MediaRecord, Records } from './records.js';

export function inspectEvents({ media, events }: Records): Finding[] {
  const findings: Finding[] = [];
  for (const { id, seq, type } of events)
    if (seq === null) findings.push({ kind: 'event', what: `event ${id} (${type}) was never told` });
  const numbered = events.filter(({ seq }) => seq !== null);
  for (const [seq, times] of countsOver(numbered, (one) => String(one.seq)))
    if (times > 1)
      findings.push({ kind: 'event', what: `the number ${seq} is that of ${String(times)} events` });
  for (const [fact, times] of countsOver(events.filter(isOnce), factOf))
    if (times > 1) findings.push({ kind: 'doubled', what: `${fact} was told ${String(times)} times` });
  const reported = new Set(events.map((one) => `${one.type} ${String(one.mediaId)}`));
  for (const one of media)
    if (isTold(one) && !reported.has(`media.${one.state} ${one.id}`))
      findings.push({ kind: 'event', what: `that media ${one.id} is ${one.state} was never told` });
  return findings;
}

/** Downloaded media. Uploads are ready from the start, so they need no event. */
function isTold({ state, sourceUrl, direction, errorCode }: MediaRecord): boolean {
  const isFetched = sourceUrl !== null || direction === 'inbound' || errorCode !== null;
  return isFetched && (state === 'ready' || state === 'rejected' || state === 'failed');
}

/** A failed download may be retried and fail again. */
const eventsOf: ReadonlySet<string> = new Set(['media.ready', 'media.deleted_by_sender', 'message.status']);
const isOnce = ({ type }: EventRecord): boolean => eventsOf.has(type);

function factOf({ type, channel, mediaId, messageId, status }: EventRecord): string {
  return mediaId === null
    ? `that ${channel} ${String(messageId)} is ${String(status)}`
    : `${type} of media ${mediaId}`;
}

/** Compares the events of a listener with the expected ones. Events of erased items are optional. */
export function inspectHeard({ events }: Records, heard: readonly HeardEvent[]): Finding[] {
  const findings: Finding[] = [];
  let last = 0;
  for (const { seq } of heard) {
    // An event may be repeated directly after a broken connection, and not later.
    if (seq < last)
      findings.push({ kind: 'event', what: `event ${String(seq)} was told after ${String(last)}` });
    last = Math.max(last, seq);
  }
  const known = new Map(heard.map((one) => [one.seq, one]));
  for (const { seq, type, mediaId } of events) {
    if (seq === null) continue;
    const one = known.get(seq);
    if (!one)
      findings.push({ kind: 'event', what: `who listened did not hear event ${String(seq)} (${type})` });
    else if (one.type !== type || one.mediaId !== mediaId)
      findings.push({ kind: 'event', what: `event ${String(seq)} was told as something else` });
  }
  return findings;
}
