/** A source of numbers in [0, 1). */
export type Random = () => number;

/** The first numbers of similar seeds resemble one another, so they are skipped. */
const warmUp = 16;

/**
 * Xorshift32: the same seed gives the same numbers on every machine, unlike `Math.random`. It uses no global
 * in each step, because looking up `Math` two million times takes seconds inside Jest.
 */
export function seededRandom(seed: number): Random {
  let state = Math.imul(seed, 0x9e3779b1) ^ 0x85ebca6b || 1;
  const next = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 0x1_0000_0000;
  };
  for (let step = 0; step < warmUp; step += 1) next();
  return next;
}

/** A number in [low, high). */
export function between(random: Random, [low, high]: readonly [number, number]): number {
  return low + random() * (high - low);
}
