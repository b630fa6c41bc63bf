/** Reads that many callers ask for at the same moment: they share one statement, and so one connection, however many they are. */

/**
 * Callers that come while an answer is under way share the next one, which is asked for when that one has come: no caller gets an answer
 * that is older than its question.
 */
export function shareNext<T>(ask: () => Promise<T>): () => Promise<T> {
  let underWay: Promise<unknown> = Promise.resolve();
  let next: Promise<T> | undefined;
  const askNext = (): Promise<T> => {
    next = undefined;
    const answer = ask();
    underWay = answer.catch(() => undefined);
    return answer;
  };
  return () => (next ??= underWay.then(askNext));
}

/** A part of a numbered list. */
export interface NumberedPage<Item> {
  /** With numbers above the one that was asked for, in their order. */
  readonly items: readonly Item[];
  /** Where to read on. */
  readonly last: number;
  /** Whether there may be more right now. */
  readonly isFull: boolean;
}

type ReadPage<Item> = (after: number) => Promise<NumberedPage<Item>>;

/** A reader that has read everything up to `position`. */
interface Position {
  readonly position: number;
}

interface Reader<Item> extends Position {
  readonly answer: (page: NumberedPage<Item>) => void;
  readonly fail: (error: unknown) => void;
}

/** Readers that are so close together are served by one page. Half of a page is left for what they have not read. */
const closeTogether = 100;

/**
 * Reads one page at a time, for the reader that has waited longest and for all others for which the page holds everything that they have
 * not read. So readers that follow the list wait for one statement, and a reader that is far behind delays them by no more than a page.
 */
export function sharePages<Item extends { readonly seq: number }>(read: ReadPage<Item>): ReadPage<Item> {
  const waiting = new Set<Reader<Item>>();
  let isReading = false;

  const readFor = async (readers: readonly Reader<Item>[]): Promise<void> => {
    const from = startOf(readers);
    try {
      const page = await read(from);
      for (const reader of readers.filter((one) => isServedBy(page, from, one))) {
        waiting.delete(reader);
        reader.answer(partFor(page, reader));
      }
    } catch (error) {
      for (const reader of readers) {
        waiting.delete(reader);
        reader.fail(error);
      }
    }
  };
  const readAll = async (): Promise<void> => {
    isReading = true;
    // A reader that comes while a page is read may look for something that the page does not hold, and waits for the next one.
    while (waiting.size > 0) await readFor([...waiting]);
    isReading = false;
  };

  return (position) =>
    new Promise((answer, fail) => {
      waiting.add({ position, answer, fail });
      if (!isReading) void readAll();
    });
}

/** The position of the first reader, or of the readers a little behind it. */
function startOf(readers: readonly Position[]): number {
  const first = readers[0]?.position ?? 0;
  return readers
    .map(({ position }) => position)
    .filter((position) => first - position <= closeTogether)
    .reduce((least, position) => Math.min(least, position), first);
}

function isServedBy(
  { last, isFull }: Pick<NumberedPage<unknown>, 'last' | 'isFull'>,
  from: number,
  { position }: Position,
): boolean {
  return position >= from && (!isFull || position < last);
}

function partFor<Item extends { readonly seq: number }>(
  { items, last, isFull }: NumberedPage<Item>,
  { position }: Position,
): NumberedPage<Item> {
  return {
    items: items.filter(({ seq }) => seq > position),
    last: Math.max(last, position),
    isFull,
  };
}
