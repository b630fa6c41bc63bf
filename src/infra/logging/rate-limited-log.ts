/**
 * Returns a function that says whether it is time to log about a subject again. The number of different
 * subjects should be small.
 */
export function createRateLimitedLog(intervalMs: number): (about: string) => boolean {
  const loggedAt = new Map<string, number>();
  return (about) => {
    const now = performance.now();
    if (now - (loggedAt.get(about) ?? -Infinity) < intervalMs) return false;
    if (loggedAt.size >= maxRemembered) loggedAt.clear();
    loggedAt.set(about, now);
    return true;
  };
}

const maxRemembered = 1_000;
