/** Checks erased data: tombstones name no person, and nothing else remains. */
import type { Finding } from './finding.js';
import type { MediaRecord, Records } from './records.js';

export function inspectErased(records: Records): Finding[] {
  const erased = records.media.filter(({ state }) => state === 'erased');
  return [
    ...rowsOf(erased),
    ...traces(records, new Set(erased.map(({ id }) => id))),
    ...messagesOf(records, erased),
    ...tombstones(records),
  ].map((what) => ({ kind: 'not erased', what }));
}

function rowsOf(erased: readonly MediaRecord[]): string[] {
  return erased
    .filter(({ sourceUrl, filename, sha256 }) => sourceUrl !== null || filename !== null || sha256 !== null)
    .map(({ id }) => `the row of media ${id} still says something of it`);
}

/** Events and attempts. */
function traces({ events, attempted }: Records, erased: ReadonlySet<string>): string[] {
  return [
    ...events
      .filter(({ mediaId }) => mediaId !== null && erased.has(mediaId))
      .map(({ type, mediaId }) => `an event (${type}) tells of media ${String(mediaId)}`),
    ...attempted.filter((id) => erased.has(id)).map((id) => `attempts of media ${id} are left`),
  ];
}

/** A message disappears with the last of its media, its delivery with the first. */
function messagesOf({ media, messages, deliveries }: Records, erased: readonly MediaRecord[]): string[] {
  const owners = new Set(erased.map(({ messageRowId }) => messageRowId));
  const alive = new Set(media.filter(({ state }) => state !== 'erased').map((one) => one.messageRowId));
  const full = new Set(deliveries.filter(({ bodyBytes }) => bodyBytes > 0).map(({ id }) => id));
  const touched = messages.filter(({ id }) => owners.has(id));
  return [
    ...touched
      .filter(({ id, erasedAt }) => erasedAt === null && !alive.has(id))
      .map(({ id }) => `message ${id} is there, its media are not`),
    ...touched
      .filter(({ deliveryId }) => deliveryId !== null && full.has(deliveryId))
      .map(({ id }) => `the delivery of message ${id} is there`),
  ];
}

function tombstones({ messages, deliveries, outbound }: Records): string[] {
  return [
    ...messages
      .filter(({ erasedAt, isPersonal }) => erasedAt !== null && isPersonal)
      .map(({ id }) => `the row of message ${id} still names somebody`),
    ...deliveries
      .filter(({ erasedAt, bodyBytes }) => erasedAt !== null && bodyBytes > 0)
      .map(({ id }) => `the body of delivery ${id} is there`),
    ...outbound
      .filter(({ state, isPersonal }) => state === 'erased' && isPersonal)
      .map(({ id }) => `the row of the sent message ${id} still names somebody`),
  ];
}
