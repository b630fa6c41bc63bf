/** Whether it is time to say something again, by what it is about. Few different things are expected. */
export function createSeldom(everyMs: number): (about: string) => boolean {
  const saidAt = new Map<string, number>();
  return (about) => {
    const now = performance.now();
    if (now - (saidAt.get(about) ?? -Infinity) < everyMs) return false;
    if (saidAt.size >= mostRemembered) saidAt.clear();
    saidAt.set(about, now);
    return true;
  };
}

const mostRemembered = 1_000;
