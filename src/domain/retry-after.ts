const maxWaitMs = 60 * 60 * 1000;

/**
 * The time that a `Retry-After` header asks for (RFC 9110: seconds or a date), or undefined if it is not
 * understood. At most an hour from `now`, so that a host cannot postpone a picture for years.
 */
export function parseRetryAfter(value: string | undefined, now: Date): Date | undefined {
  const text = value?.trim() ?? '';
  const waitMs = /^\d+$/.test(text) ? Number(text) * 1000 : parseHttpDate(text) - now.getTime();
  if (Number.isNaN(waitMs)) return undefined;
  return new Date(now.getTime() + Math.min(Math.max(waitMs, 0), maxWaitMs));
}

/** Milliseconds since 1970, or NaN if it is not an HTTP date. `Date.parse` alone accepts "-1" as a year. */
function parseHttpDate(text: string): number {
  if (!/^(mon|tue|wed|thu|fri|sat|sun)/i.test(text)) return Number.NaN;
  // The oldest of the three formats (asctime) has no time zone and means GMT.
  return Date.parse(/GMT$/i.test(text) ? text : `${text} GMT`);
}
