import { randomUUID } from 'node:crypto';

/** An id lower than all ids created from this time on, because ids sort by time. */
export function lowestIdAt(moment: Date): string {
  const time = Math.max(0, moment.getTime()).toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-0000-0000-000000000000`;
}

/** The time at which an id was created, to the millisecond. */
export function momentOf(id: string): Date {
  return new Date(parseInt(id.slice(0, 8) + id.slice(9, 13), 16));
}

let lastMs = 0;
let sequence = 0;

/**
 * Creates a UUIDv7 (RFC 9562) that sorts by creation within this process: 48 bits of milliseconds, a counter,
 * random bits. It uses Node's randomUUID, which fetches random bytes in bulk: the package `uuid` asks the
 * system for every id, which alone took 20 µs of each webhook.
 */
export function newId(): string {
  const now = Date.now();
  if (now <= lastMs && sequence < 0xfff) sequence += 1;
  else {
    lastMs = Math.max(now, lastMs + 1);
    sequence = 0;
  }
  const time = lastMs.toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${sequence.toString(16).padStart(3, '0')}${randomUUID().slice(18)}`;
}
