/**
 * What people note about media: tags, a note, and that an item needs no attention any more. The row is locked
 * while it is changed, and its revision decides whether somebody else was faster: SQL.
 */
import { transaction, type Pool, type Together, type Transaction } from '../../postgres/database.js';
import { heldError, keepHoldsOut } from '../holds.js';

export interface Annotations {
  readonly tags: readonly string[];
  readonly note: string | null;
  readonly resolvedAt: Date | null;
  /** Another number after each change. */
  readonly revision: number;
}

/** Members that are undefined stay as they are. */
export interface AnnotationChange {
  readonly tags?: readonly string[] | undefined;
  readonly note?: string | null | undefined;
  readonly resolved?: boolean | undefined;
  /** The revision that the caller has seen; undefined: any. */
  readonly revision?: number | undefined;
}

/** `changed` has what was there before; `conflict` what somebody else has written meanwhile. */
export type AnnotationOutcome =
  | { readonly type: 'changed'; readonly before: Annotations; readonly after: Annotations }
  | { readonly type: 'unchanged' | 'conflict'; readonly annotations: Annotations }
  | { readonly type: 'erased' };

export interface AnnotationTable {
  /** `together` belongs to the transaction of a change. Undefined: there is no such media item. */
  readonly change: (
    id: string,
    change: AnnotationChange,
    context: {
      readonly now: Date;
      readonly together: (before: Annotations, after: Annotations) => Together;
    },
  ) => Promise<AnnotationOutcome | undefined>;
  /** Tags that begin with a text, or all, in their order, some hundred at most. */
  readonly tags: (channels: readonly string[] | undefined, begin: string) => Promise<string[]>;
}

const mostTags = 500;

const columns = `coalesce(tags, '{}') as tags, note, resolved_at as "resolvedAt", annotation_revision as revision`;

export function createAnnotationTable(pool: Pool): AnnotationTable {
  return {
    change: (id, change, { now, together }) =>
      transaction(pool, async (connection) => {
        // Only tags decide what is held: notes do not wait for a hold that waits for an erasure.
        if (change.tags !== undefined) await keepHoldsOut(connection);
        const { rows } = await connection.query<Annotations & { state: string }>(
          `select ${columns}, state from media where id = $1 for update`,
          [id],
        );
        const [row] = rows;
        if (!row) return undefined;
        const { state, ...before } = row;
        if (state === 'erased') return { type: 'erased' };
        if (change.revision !== undefined && change.revision !== before.revision)
          return { type: 'conflict', annotations: before };
        const wanted = changed(before, change, now);
        if (isSame(before, wanted)) return { type: 'unchanged', annotations: before };
        await refuseHeldTags(connection, id, { before: before.tags, after: wanted.tags });
        const { rows: written } = await connection.query<Annotations>(
          `update media set tags = nullif($2::text[], '{}'), note = $3, resolved_at = $4, annotation_revision = annotation_revision + 1
           where id = $1 returning ${columns}`,
          [id, wanted.tags, wanted.note, wanted.resolvedAt],
        );
        const [after] = written;
        if (!after) return undefined;
        await together(before, after)(connection);
        return { type: 'changed', before, after };
      }),
    tags: async (channels, begin) => {
      // Each tag of each channel is entered once in the index, whatever the number of media.
      const { rows } = await pool.query<{ tag: string }>(
        `with recursive entry (channel, tag) as (
           (select channel, tag from media_tag order by channel, tag limit 1)
           union all
           select next.channel, next.tag from entry cross join lateral (
             select channel, tag from media_tag where (channel, tag) > (entry.channel, entry.tag) order by channel, tag limit 1
           ) as next
         )
         select distinct on (search_text(tag)) tag from (select * from entry limit 10000) as entry
         where ($1::text[] is null or channel = any($1)) and starts_with(search_text(tag), search_text($2))
         order by search_text(tag), tag limit ${String(mostTags)}`,
        [channels ?? null, begin],
      );
      return rows.map(({ tag }) => tag);
    },
  };
}

/** Throws `hold.active` if a tag that is held is removed: without it, nothing would keep the media item. */
async function refuseHeldTags(
  connection: Transaction,
  id: string,
  { before, after }: { readonly before: readonly string[]; readonly after: readonly string[] },
): Promise<void> {
  const removed = before.filter((tag) => !after.includes(tag));
  if (removed.length === 0) return;
  const { rows } = await connection.query<{ hold: string }>(
    `select hold.id as hold from media join legal_hold as hold
       on hold.type = 'tag' and (hold.channel is null or hold.channel = media.channel)
         and hold.ids && array(select search_text(tag) from unnest($2::text[]) as tag)
         and not hold.ids && array(select search_text(tag) from unnest($3::text[]) as tag)
     where media.id = $1 limit 1`,
    [id, removed, after],
  );
  const [found] = rows;
  if (found) throw heldError(found.hold);
}

function changed(before: Annotations, { tags, note, resolved }: AnnotationChange, now: Date): Annotations {
  const resolvedAt = resolved === true ? (before.resolvedAt ?? now) : null;
  return {
    tags: tags ?? before.tags,
    note: note === undefined ? before.note : note,
    resolvedAt: resolved === undefined ? before.resolvedAt : resolvedAt,
    revision: before.revision,
  };
}

function isSame(one: Annotations, other: Annotations): boolean {
  return (
    one.note === other.note &&
    one.resolvedAt?.getTime() === other.resolvedAt?.getTime() &&
    one.tags.length === other.tags.length &&
    one.tags.every((tag, place) => tag === other.tags[place])
  );
}
