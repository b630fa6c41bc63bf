/** Rounds of a measurement of time, for a machine on which other programs run. */

const maxRounds = 5;

/**
 * Measures until a result is good enough, and returns the last one. Other programs only ever make a
 * measurement slower, while a fault shows in every round. What must hold in each round is checked by `measure`.
 */
export async function bestRound<Result>(
  measure: (round: number) => Promise<Result>,
  isGood: (result: Result) => boolean,
): Promise<Result> {
  let result = await measure(1);
  for (let round = 2; round <= maxRounds && !isGood(result); round += 1) result = await measure(round);
  return result;
}
