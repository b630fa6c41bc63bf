/**
 * Media that look like another one. Two hashes of 64 bits that differ in at most seven have a quarter in
 * which they differ in at most one: the quarters are indexed, and the values with one other bit are looked up
 * as well. SQL, since each look-up reads a limited number of rows.
 */
import type { Pool } from '../../postgres/database.js';

export interface Similar {
  readonly id: string;
  /** How many bits of the hash differ, from 0 to {@link maxDistance}. */
  readonly distance: number;
}

/** The nearest ready media, newest first among equals. `channels` undefined: of all channels. */
export type FindSimilar = (
  media: { readonly id: string; readonly sha256: string },
  channels: readonly string[] | undefined,
) => Promise<Similar[]>;

/** Copies that were scaled and compressed again differ in up to six bits. */
export const maxDistance = 7;
const maxFound = 50;
/** Of a quarter with one value: some fifteen blobs in a million have the same one by chance. */
const maxOfQuarter = 200;
/** Of one blob: the items of other channels are among them. */
const maxOfBlob = 1_000;
const quarterBits = 16;

const quarters = [
  '(perceptual_hash >> 48) & 65535',
  '(perceptual_hash >> 32) & 65535',
  '(perceptual_hash >> 16) & 65535',
  'perceptual_hash & 65535',
];
const flips = [0, ...Array.from({ length: quarterBits }, (_, bit) => 2 ** bit)].join(', ');

const statement = `
  with wanted as materialized (select perceptual_hash as hash from blob where sha256 = $2),
  candidate as (
    ${quarters
      .map(
        (quarter) => `
    select near.sha256, near.perceptual_hash from wanted cross join unnest(array[${flips}]::bigint[]) as flip
    cross join lateral (
      select sha256, perceptual_hash from blob
      where perceptual_hash is not null and (${quarter}) = ((${quarter.replace('perceptual_hash', 'wanted.hash')}) # flip)
      limit ${String(maxOfQuarter)}
    ) as near`,
      )
      .join(' union ')}
  ),
  found as materialized (
    select sha256, distance from (
      select candidate.sha256, bit_count((candidate.perceptual_hash # wanted.hash)::bit(64))::int as distance
      from candidate cross join wanted where candidate.sha256 <> $2
      union all select $2, 0
    ) as measured
    where distance <= ${String(maxDistance)} order by sha256 <> $2, distance, sha256 limit ${String(maxFound)}
  )
  select item.id, found.distance from found cross join lateral (
    select id, channel, state from media where media.sha256 = found.sha256 order by id desc limit ${String(maxOfBlob)}
  ) as item
  where item.state = 'ready' and item.id <> $1 and ($3::text[] is null or item.channel = any($3))
  order by found.sha256 <> $2, found.distance, item.id desc limit ${String(maxFound)}`;

export function createFindSimilar(pool: Pick<Pool, 'query'>): FindSimilar {
  return async ({ id, sha256 }, channels) => {
    const values = [id, sha256, channels ?? null];
    const { rows } = await pool.query<Similar>({ name: 'similar-media', text: statement, values });
    return rows;
  };
}
