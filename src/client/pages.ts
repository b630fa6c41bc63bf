/** Lists that come in pages, newest first. */
import type { Query } from './addresses.js';
import type { CallOptions, Transport } from './transport.js';

/** One page of a list. */
export interface Page<Item> {
  readonly items: readonly Item[];
  /** The `cursor` of the next page; null at the end. */
  readonly nextCursor: string | null;
}

/** Iterates over all items and loads each page when it is needed. */
export interface List<Item> extends AsyncIterable<Item> {
  /** The first page, or the page at the cursor of the query. */
  readonly page: () => Promise<Page<Item>>;
}

/** The part of a list to load. */
export interface PageQuery {
  /** Number of items in a page, 1 to 200; 50 by default. */
  readonly limit?: number | undefined;
  /** The `nextCursor` of the previous page. */
  readonly cursor?: string | undefined;
}

export interface ListRequest {
  readonly path: string;
  readonly query?: Query | undefined;
  readonly options: CallOptions | undefined;
}

export function listOf<Item>({ json }: Transport, { path, query, options }: ListRequest): List<Item> {
  const page = (cursor?: string) =>
    json<Page<Item>>({
      ...options,
      method: 'GET',
      path,
      query: cursor === undefined ? query : { ...query, cursor },
    });
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

/** The items of a list without pages. */
export async function itemsOf<Item>({ json }: Transport, request: ListRequest): Promise<readonly Item[]> {
  const { path, query, options } = request;
  const { items } = await json<{ readonly items: readonly Item[] }>({
    ...options,
    method: 'GET',
    path,
    query,
  });
  return items;
}
