const longestWaitMs = 60 * 60 * 1000;

/**
 * The moment a `Retry-After` header asks for (RFC 9110: seconds or a date), or undefined when it asks for nothing
 * we understand. At most an hour from `now`: a host must not be able to park a picture for years.
 */
export function parseRetryAfter(value: string | undefined, now: Date): Date | undefined {
  const text = value?.trim() ?? '';
  const waitMs = /^\d+$/.test(text) ? Number(text) * 1000 : parseHttpDate(text) - now.getTime();
  if (Number.isNaN(waitMs)) return undefined;
  return new Date(now.getTime() + Math.min(Math.max(waitMs, 0), longestWaitMs));
}

/** Milliseconds since 1970, NaN when it is no HTTP date. `Date.parse` alone takes "-1" for a year. */
function parseHttpDate(text: string): number {
  if (!/^(mon|tue|wed|thu|fri|sat|sun)/i.test(text)) return Number.NaN;
  // The oldest of the three forms (asctime) names no zone and means GMT.
  return Date.parse(/GMT$/i.test(text) ? text : `${text} GMT`);
}
