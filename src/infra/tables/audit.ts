/** The audit trail: who did what, and when. Entries are only added, but for that of a run that goes on; persons are named by a keyed hash. */
import type pg from 'pg';

import { newId } from '../../domain/id.js';

export interface AuditRecord {
  /** The id of the token, or a name such as `retention`. */
  readonly actor: string;
  /** When not given: the name of the token, where it has one. */
  readonly actorName?: string | null;
  /** For instance `contact.erase` or `channel.create`. */
  readonly action: string;
  readonly channel?: string | null;
  /** Id of what it was done to. */
  readonly target?: string | null;
  /** Counts and the like. */
  readonly details?: Readonly<Record<string, unknown>>;
  /** Work of several transactions has one entry: the first one makes it under this id, each later one brings its details up to date. */
  readonly id?: string;
}

export interface AuditEntry {
  readonly id: string;
  readonly at: Date;
  readonly actor: string;
  readonly actorName: string | null;
  readonly action: string;
  readonly channel: string | null;
  readonly target: string | null;
  readonly details: Readonly<Record<string, unknown>>;
}

export interface AuditFilter {
  /** Undefined: all. What belongs to no channel is seen by those who see all. */
  readonly channels?: readonly string[] | undefined;
  readonly action?: string | undefined;
  readonly actor?: string | undefined;
  readonly since?: Date | undefined;
  readonly until?: Date | undefined;
}

export interface Audit {
  /** With a connection: as part of its transaction, so that a deed and its entry are true together. */
  readonly record: (entry: AuditRecord, connection?: Pick<pg.ClientBase, 'query'>) => Promise<void>;
  /** Newest first. */
  readonly list: (
    filter: AuditFilter,
    page: { readonly limit: number; readonly after?: string | undefined },
  ) => Promise<AuditEntry[]>;
}

export function createAudit(pool: pg.Pool, now: () => Date): Audit {
  return {
    record: async (entry, connection = pool) => {
      const { actor, actorName = null, action, channel = null, target = null, details = {} } = entry;
      const { id = newId() } = entry;
      await connection.query(
        `insert into audit_entry (id, at, actor, actor_name, action, channel, target, details)
         values ($1, $2, $3, coalesce($4, (select name from api_token where id = $3)), $5, $6, $7, $8)
         on conflict (id) do update set details = excluded.details`,
        [id, now(), actor, actorName, action, channel, target, JSON.stringify(details)],
      );
    },

    list: async ({ channels, action, actor, since, until }, { limit, after }) => {
      const { rows } = await pool.query<AuditEntry>(
        `select id, at, actor, actor_name as "actorName", action, channel, target, details from audit_entry
         where ($1::text[] is null or channel = any($1)) and ($2::text is null or action = $2)
           and ($3::text is null or actor = $3) and ($4::timestamptz is null or at >= $4)
           and ($5::timestamptz is null or at < $5) and ($6::uuid is null or id < $6)
         order by id desc limit $7`,
        [channels ?? null, action ?? null, actor ?? null, since ?? null, until ?? null, after ?? null, limit],
      );
      return rows;
    },
  };
}
