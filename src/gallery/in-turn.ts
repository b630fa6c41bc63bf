/**
 * Runs the requests of a list one after the other, so that no answer is older than the one before it. A request that
 * fails does not keep the next one from running.
 */
export function createTurns(): <Answer>(request: () => Promise<Answer>) => Promise<Answer> {
  let last: Promise<unknown> = Promise.resolve();
  return (request) => {
    const answer = last.then(request);
    last = answer.catch(() => undefined);
    return answer;
  };
}
