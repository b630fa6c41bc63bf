/** Lists that come in pages, newest first. */
import type { Query, Transport } from './transport.js';

export interface Page<Item> {
  readonly items: readonly Item[];
  /** Give it back as `cursor` for the next page; null at the end. */
  readonly nextCursor: string | null;
}

/** All items, one after another; pages are asked for as they are needed. */
export interface List<Item> extends AsyncIterable<Item> {
  /** The first page, or the one at the cursor of the query. */
  readonly page: () => Promise<Page<Item>>;
}

export function listOf<Item>({ json }: Transport, path: string, query: Query = {}): List<Item> {
  const page = (cursor?: string) =>
    json<Page<Item>>({ method: 'GET', path, query: cursor === undefined ? query : { ...query, cursor } });
  return {
    page: () => page(),
    [Symbol.asyncIterator]: async function* () {
      for (let { items, nextCursor } = await page(); ; { items, nextCursor } = await page(nextCursor)) {
        yield* items;
        if (nextCursor === null) return;
      }
    },
  };
}
