/**
 * Reads a media item and whether a token is revoked. Programs and pages ask for the same few media items again and
 * again, so records are cached. Before each answer, a statement asks whether they have changed since: the client of
 * PostgreSQL takes a fifth of the time of such an answer to read the seventy columns of a record again.
 */
import type { Pool } from '../../postgres/database.js';
import { shareReads } from '../shared-reads.js';
import { mediaColumns, mediaTables, mediaVersion, toMediaRecord, type MediaRecord } from './records.js';

export interface MediaForToken {
  readonly isRevoked: boolean;
  readonly media: MediaRecord | null;
}

export type ReadMediaForToken = (id: string, tokenId: string) => Promise<MediaForToken>;

/** Records have 2 to 4 KB. The one that was used least recently makes room. */
const maxCached = 500;

/** A record as it was at this version. */
interface CachedRecord {
  readonly version: string;
  readonly media: MediaRecord;
}

/** Calls at the same time share a statement, see {@link shareReads}. */
export function createMediaForToken(pool: Pick<Pool, 'query'>): ReadMediaForToken {
  const cache = new Map<string, CachedRecord>();
  const read = shareReads(async (keys) => {
    const pairs = keys.map(pairOf);
    const found = (await readUnchanged(pool, cache, pairs)) ?? (await readAll(pool, cache, pairs));
    return new Map(
      pairs.map((pair) => [
        keyOf(pair),
        { isRevoked: found.revoked.has(pair.tokenId), media: found.media.get(pair.id) ?? null },
      ]),
    );
  });
  return async (id, tokenId) => (await read(keyOf({ id, tokenId }))) ?? { isRevoked: false, media: null };
}

/** A media item, and the token that is to read it. */
interface Pair {
  readonly id: string;
  readonly tokenId: string;
}

const idLength = 36;

/** All ids of media have the same length. */
function keyOf({ id, tokenId }: Pair): string {
  return id + tokenId;
}

function pairOf(key: string): Pair {
  return { id: key.slice(0, idLength), tokenId: key.slice(idLength) };
}

interface Found {
  readonly revoked: ReadonlySet<string>;
  readonly media: ReadonlyMap<string, MediaRecord>;
}

/** One row even if there are no such media, because of the tokens. */
const selectFor = (columns: string): string => `
  select token.revoked, found.*
  from (select array(select id from api_token where id = any($2) and revoked_at is not null) as revoked) as token
  left join (select ${columns}, ${mediaVersion} ${mediaTables} where media.id = any($1)) as found on true`;

const selectVersions = { name: 'media-versions-for-tokens', text: selectFor('media.id as "media.id"') };
const selectRecords = { name: 'media-for-tokens', text: selectFor(mediaColumns) };

type Row = Readonly<Record<string, unknown>> & {
  readonly revoked: string[];
  readonly 'media.id': string | null;
  readonly version: string;
};

/** Undefined if a record is not cached or was changed. */
async function readUnchanged(
  pool: Pick<Pool, 'query'>,
  cache: Map<string, CachedRecord>,
  pairs: readonly Pair[],
): Promise<Found | undefined> {
  if (!pairs.every(({ id }) => cache.has(id))) return undefined;
  const rows = await readRows(pool, selectVersions, pairs);
  const media = new Map<string, MediaRecord>();
  for (const { 'media.id': id, version } of rows) {
    if (id === null) continue;
    const known = cache.get(id);
    if (known?.version !== version) return undefined;
    media.set(id, known.media);
    putNewest(cache, known);
  }
  for (const { id } of pairs) if (!media.has(id)) cache.delete(id);
  return { revoked: new Set(rows[0]?.revoked), media };
}

async function readAll(
  pool: Pick<Pool, 'query'>,
  cache: Map<string, CachedRecord>,
  pairs: readonly Pair[],
): Promise<Found> {
  const rows = await readRows(pool, selectRecords, pairs);
  const media = new Map<string, MediaRecord>();
  for (const row of rows) {
    if (row['media.id'] === null) continue;
    const record = toMediaRecord(row);
    putNewest(cache, { version: row.version, media: record });
    media.set(record.id, record);
  }
  return { revoked: new Set(rows[0]?.revoked), media };
}

async function readRows(
  pool: Pick<Pool, 'query'>,
  statement: { readonly name: string; readonly text: string },
  pairs: readonly Pair[],
): Promise<readonly Row[]> {
  const ids = new Set(pairs.map(({ id }) => id));
  const tokens = new Set(pairs.map(({ tokenId }) => tokenId));
  return (await pool.query<Row>({ ...statement, values: [[...ids], [...tokens]] })).rows;
}

function putNewest(cache: Map<string, CachedRecord>, record: CachedRecord): void {
  cache.delete(record.media.id);
  cache.set(record.media.id, record);
  for (const oldest of cache.keys()) {
    if (cache.size <= maxCached) return;
    cache.delete(oldest);
  }
}
