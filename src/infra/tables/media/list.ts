/**
 * The list of media. A page costs the same however many media there are: each filter is answered from an
 * index that has the fitting media in the order of the list, or a bounded number of media is looked through
 * (decision 127). Keyset pages, in SQL.
 */
import type pg from 'pg';

import type { Pool } from '../../postgres/database.js';
import { conditionsOf, createParameters, type Page } from '../../postgres/pages.js';
import { candidates, isServed } from './candidates.js';
import { conditions, type MediaFilter } from './filter.js';
import { selectMedia, type MediaRecord } from './records.js';
import { isIndexed, readWithTexts, textStatement } from './text-search.js';

export interface MediaPage {
  /** Newest first. There may be fewer than the limit although more follow: see `next`. */
  readonly items: readonly MediaRecord[];
  /** The id behind which the next page begins; undefined if this is the last one. */
  readonly next: string | undefined;
}

interface MediaListOptions {
  /** How many media one request looks through if no index answers its filter. */
  readonly mostScanned?: number;
  /** Called before names are searched, so that people who have just arrived are found. */
  readonly refreshPeople: () => Promise<void>;
}

type List = (filter: MediaFilter, page: Page) => Promise<MediaPage>;
type ReadMedia = (query: pg.QueryConfig) => Promise<MediaRecord[]>;

/** Two reads by key for each of them, and two for each of their people and groups: some 20 ms. */
const defaultScanned = 2_000;
/** The part of them that is looked at first: a text that many media have fills a page from it. */
const firstPart = 1 / 8;

/** `readMedia` reads the records that a statement with {@link selectMedia} finds. */
export function createMediaList(
  pool: Pick<Pool, 'query'>,
  readMedia: ReadMedia,
  { mostScanned = defaultScanned, refreshPeople }: MediaListOptions,
): List {
  const scanner = createScanner(pool, mostScanned);
  const readByIds = async (ids: readonly string[]): Promise<MediaRecord[]> =>
    ids.length === 0 ? [] : readMedia({ name: 'media-page', text: byIds, values: [ids] });

  /** What is found may be deleted before it is read, so the next page begins behind what was found. */
  const read = async ({ ids, end }: Scanned, { limit }: Page): Promise<MediaPage> => ({
    items: await readByIds(ids.slice(0, limit)),
    next: end ?? (ids.length > limit ? ids[limit - 1] : undefined),
  });

  /**
   * Finds the text by its indexes. Undefined: they do not know such a text, or so many have it that the newest
   * are soon found without them.
   */
  const findText = async (filter: MediaFilter, page: Page): Promise<MediaPage | undefined> => {
    const { q } = filter;
    if (q === undefined || !isIndexed(q)) return undefined;
    const { rows } = await pool.query<{ ids: string[]; isTooMuch: boolean }>(
      textStatement(filter, page, { q, most: mostScanned }),
    );
    const { ids, isTooMuch } = rows[0] ?? { ids: [], isTooMuch: false };
    return isTooMuch ? undefined : read({ ids, end: null }, page);
  };

  return async (filter, page) => {
    if (filter.q === undefined && isServed(filter))
      return pageOf(await readMedia(exactStatement(filter, page)), page);
    if (filter.q !== undefined) await refreshPeople();
    const first = await scanner.begin(filter, page);
    if (first.end === null) return read(first, page);
    // If too few of the newest media have the text to fill the page, the indexes know better who has it.
    const isRare = !scanner.canFill(page, first);
    const rare = isRare ? await findText(filter, page) : undefined;
    if (rare) return rare;
    const scanned = await scanner.goOn(filter, page, first);
    const found = scanned.end === null || isRare ? undefined : await findText(filter, page);
    return found ?? read(scanned, page);
  };
}

/** Looks through the newest media that an index finds, until the page is full or so many were looked at. */
interface Scanner {
  readonly begin: (filter: MediaFilter, page: Page) => Promise<Scanned>;
  /** Whether the page is likely to be filled, by what fitted at the beginning. */
  readonly canFill: (page: Page, first: Scanned) => boolean;
  readonly goOn: (filter: MediaFilter, page: Page, first: Scanned) => Promise<Scanned>;
}

function createScanner(pool: Pick<Pool, 'query'>, mostScanned: number): Scanner {
  const firstSize = Math.ceil(mostScanned * firstPart);
  const scan = async (filter: MediaFilter, page: Page, size: number): Promise<Scanned> => {
    const { rows } = await pool.query<{ ids: string[]; end: string | null }>(
      scanStatement(filter, page, size),
    );
    const { ids, end } = rows[0] ?? { ids: [], end: null };
    return { ids, end: ids.length > page.limit ? null : end };
  };
  return {
    begin: (filter, page) => scan(filter, page, firstSize),
    canFill: ({ limit }, { ids }) => (mostScanned / firstSize) * ids.length > limit,
    goOn: async (filter, page, first) => {
      let size = firstSize;
      let scanned = first;
      while (scanned.end !== null && size < mostScanned) {
        size = Math.min(enoughFor(page, { found: scanned.ids.length, among: size }), mostScanned);
        scanned = await scan(filter, page, size);
      }
      return scanned;
    },
  };
}

/** How many have to be looked at to fill the page, with something to spare, if as many of them fit as before. */
function enoughFor(
  { limit }: Page,
  { found, among }: { readonly found: number; readonly among: number },
): number {
  return Math.ceil((1.5 * among * (limit + 1)) / found);
}

interface Scanned {
  /** The media that fit, one more than the page holds at most. */
  readonly ids: readonly string[];
  /** The last one that was looked at, if the page is not full and more follow. */
  readonly end: string | null;
}

const byIds = `${selectMedia} where media.id = any($1) order by media.id desc`;

/** One more was asked for than the page holds: if it is there, another page follows. */
function pageOf(found: readonly MediaRecord[], { limit }: Page): MediaPage {
  const items = found.slice(0, limit);
  return { items, next: found.length > limit ? items.at(-1)?.id : undefined };
}

/** An index has everything that fits, in order. */
function exactStatement(filter: MediaFilter, { limit, after }: Page): pg.QueryConfig {
  const parameters = createParameters();
  const ids = candidates(filter, { after, size: limit + 1 }, parameters);
  return {
    text: `${selectMedia} where media.id = any(array(${ids})) order by media.id desc`,
    values: parameters.values,
  };
}

/**
 * The media that fit among so many candidates, and the last candidate if there are that many. Each is read by
 * its key (`offset 0` keeps it so): the planner would scan all messages instead, which takes 0.1 s with a
 * million.
 */
function scanStatement(filter: MediaFilter, { limit, after }: Page, size: number): pg.QueryConfig {
  const parameters = createParameters();
  const found = candidates(filter, { after, size }, parameters);
  const wanted = ['true', ...conditionsOf(conditions, filter, parameters)].join(' and ');
  return {
    text: `
      with candidate as materialized (${found}),
      ${filter.q === undefined ? readOnly(wanted) : readWithTexts(wanted, filter.q, { filter, parameters })},
      fitting as (select id from fit order by id desc limit ${String(limit + 1)})
      select array(select id from fitting) as ids,
             (select id from candidate order by id desc offset ${String(size - 1)} limit 1) as "end"`,
    values: parameters.values,
  };
}

function readOnly(wanted: string): string {
  return `
      fit as (
        select media.id from candidate
        cross join lateral (select * from media where media.id = candidate.id offset 0) as media
        where ${wanted}
      )`;
}
