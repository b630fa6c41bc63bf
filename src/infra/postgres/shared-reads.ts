/**
 * Pages of a numbered list that many callers request at the same moment share one statement and one
 * connection.
 */

/** A part of a numbered list. */
export interface NumberedPage<Item> {
  /** The items above the requested number, in order. */
  readonly items: readonly Item[];
  /** The number after which the next page begins. */
  readonly last: number;
  /** Whether there may be more items now. */
  readonly isFull: boolean;
}

type ReadPage<Item> = (after: number) => Promise<NumberedPage<Item>>;

/** A caller that has read everything up to `position`. */
interface Position {
  readonly position: number;
}

interface Reader<Item> extends Position {
  readonly answer: (page: NumberedPage<Item>) => void;
  readonly fail: (error: unknown) => void;
}

/** Readers within this distance share a page, of which half is left for what they have not read. */
const sharedDistance = 100;

/**
 * Reads one page at a time, for the reader that has waited longest and for all others for which the page
 * contains everything that they have not read. Readers that follow the list thus wait for one statement, and
 * a reader that is far behind delays them by one page at most.
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
    // A reader that arrives while a page is being read may need items that the page does not contain, so it
    // waits for the next one.
    while (waiting.size > 0) await readFor([...waiting]);
    isReading = false;
  };

  return (position) =>
    new Promise((answer, fail) => {
      waiting.add({ position, answer, fail });
      if (!isReading) void readAll();
    });
}

/** The position of the first reader, or of readers slightly behind it. */
function startOf(readers: readonly Position[]): number {
  const first = readers[0]?.position ?? 0;
  return readers
    .map(({ position }) => position)
    .filter((position) => first - position <= sharedDistance)
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
