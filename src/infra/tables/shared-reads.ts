/**
 * Reads of single rows that many callers share: one statement for all of them, and none of them sees anything
 * older than its call.
 */

/** The largest number of keys in one statement. */
const mostTogether = 200;

/** A caller that waits for the row of a key. */
interface Question<Row> {
  readonly promise: Promise<Row | undefined>;
  readonly answer: (row: Row | undefined) => void;
  readonly fail: (error: unknown) => void;
}

/**
 * Resolves with the row of a key, or undefined if there is none. While a statement is under way, the keys for
 * the next one are collected: the statement that answers a call always begins after the call, so a change
 * that was committed before is seen, in every process. Rejects if the statement fails. `read` returns the
 * rows by key; keys without a row are absent.
 */
export function shareReads<Row>(
  read: (keys: readonly string[]) => Promise<ReadonlyMap<string, Row>>,
): (key: string) => Promise<Row | undefined> {
  let questions = new Map<string, Question<Row>>();
  let isReading = false;

  const takeQuestions = (): ReadonlyMap<string, Question<Row>> => {
    const all = questions;
    if (all.size <= mostTogether) {
      questions = new Map();
      return all;
    }
    const together = new Map([...all].slice(0, mostTogether));
    for (const key of together.keys()) all.delete(key);
    return together;
  };
  const readOnce = async (together: ReadonlyMap<string, Question<Row>>): Promise<void> => {
    try {
      const rows = await read([...together.keys()]);
      for (const [key, { answer }] of together) answer(rows.get(key));
    } catch (error) {
      for (const { fail } of together.values()) fail(error);
    }
  };
  const readAll = async (): Promise<void> => {
    while (questions.size > 0) await readOnce(takeQuestions());
    isReading = false;
  };

  return (key) => {
    const known = questions.get(key);
    if (known) return known.promise;
    const question = newQuestion<Row>();
    questions.set(key, question);
    if (!isReading) {
      isReading = true;
      // Requests that arrive together are begun in the same turn of the event loop.
      setImmediate(() => void readAll());
    }
    return question.promise;
  };
}

function newQuestion<Row>(): Question<Row> {
  let answer: Question<Row>['answer'] = () => undefined;
  let fail: Question<Row>['fail'] = () => undefined;
  const promise = new Promise<Row | undefined>((resolve, reject) => {
    answer = resolve;
    fail = reject;
  });
  return { promise, answer, fail };
}
