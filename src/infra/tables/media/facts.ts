/** What external programs have found out about media. Rows are erased with their media item. */
import { wordsOf, type Fact } from '../../../domain/fact.js';
import type { MediaFact } from '../../generated/client.js';
import type { Pool } from '../../postgres/database.js';

export type FactRecord = Fact & { readonly recordedAt: Date };

export interface NewFact {
  readonly mediaId: string;
  readonly fact: Fact;
  /** The id of the token. */
  readonly actor: string;
}

export interface FactTable {
  /**
   * Adds the fact, or replaces the one of the same source and type. Undefined if the media item is not ready
   * any more or has the largest number of facts.
   */
  readonly record: (fact: NewFact) => Promise<FactRecord | undefined>;
  /** The facts of each of these media that has any, in a fixed order. */
  readonly of: (mediaIds: readonly string[]) => Promise<ReadonlyMap<string, readonly FactRecord[]>>;
}

/** Each source has a few types, and few programs look at one media item. */
export const maxFactsOfMedia = 50;

/**
 * The lock makes an erasure wait for the fact, which it then deletes, or the fact wait for the erasure, after
 * which the media item is not ready.
 */
const recordStatement = `
  with media as (select id from media where id = $1 and state = 'ready' for share),
  others as (select count(*) as facts from media_fact where media_id = $1 and (source, type) <> ($2, $3))
  insert into media_fact (media_id, source, type, value, language, confidence, text, actor, recorded_at)
  select media.id, $2, $3, $4, $5, $6, $7, $8, $9 from media, others where others.facts < ${String(maxFactsOfMedia)}
  on conflict (media_id, source, type) do update set
    value = excluded.value, language = excluded.language, confidence = excluded.confidence, text = excluded.text,
    actor = excluded.actor, recorded_at = excluded.recorded_at`;

export function createFactTable(pool: Pick<Pool, 'query' | 'prisma'>, now: () => Date): FactTable {
  return {
    record: async ({ mediaId, fact, actor }) => {
      const { source, type, value, language, confidence } = fact;
      const recordedAt = now();
      const json = JSON.stringify(value);
      const values = [mediaId, source, type, json, language, confidence, wordsOf(fact), actor, recordedAt];
      const { rowCount } = await pool.query({ name: 'record-fact', text: recordStatement, values });
      return rowCount === 1 ? { ...fact, recordedAt } : undefined;
    },
    of: async (mediaIds) => {
      const rows = await pool.prisma.mediaFact.findMany({
        where: { mediaId: { in: [...mediaIds] } },
        orderBy: [{ type: 'asc' }, { source: 'asc' }],
      });
      const found = new Map<string, FactRecord[]>();
      for (const row of rows) found.set(row.mediaId, [...(found.get(row.mediaId) ?? []), factOf(row)]);
      return found;
    },
  };
}

/** Only this service writes the columns, after it has validated them. */
function factOf({ source, type, value, language, confidence, recordedAt }: MediaFact): FactRecord {
  return { source, type, value, language, confidence, recordedAt } as unknown as FactRecord;
}
