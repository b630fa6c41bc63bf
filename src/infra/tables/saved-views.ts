/**
 * Named sets of filters of the list of media. The largest number of an owner is kept by a lock, and what callers
 * see depends on their channels: SQL.
 */
import type { Owner } from '../../domain/access.js';
import { transaction, type Pool, type Transaction } from '../postgres/database.js';
import type { Contacts } from './erasure/locks.js';

export interface SavedView {
  readonly id: string;
  readonly name: string;
  /** Parameters of the list as texts. */
  readonly filters: Readonly<Record<string, string>>;
  /** Whether everybody sees it. */
  readonly shared: boolean;
  readonly isOwn: boolean;
  readonly createdAt: Date;
}

export type NewView = Omit<SavedView, 'isOwn'>;

export interface SavedViewTable {
  /**
   * Adds the view, or replaces the one of this owner with the same name. Undefined if the owner has the largest
   * number of views or is gone.
   */
  readonly save: (owner: Owner, view: NewView) => Promise<SavedView | undefined>;
  /**
   * Those of the owner and those that are shared, by name. A caller who is limited to channels sees shared views
   * of these channels, and those that name neither a channel nor a person nor words.
   */
  readonly list: (owner: Owner, channels: readonly string[] | undefined) => Promise<SavedView[]>;
  /** False if the owner has no such view; with `anyShared`, if the caller sees none in the list either. */
  readonly remove: (
    owner: Owner,
    id: string,
    other: { readonly anyShared: boolean; readonly channels: readonly string[] | undefined },
  ) => Promise<boolean>;
}

export const maxViewsOfOwner = 50;
const mostListed = 500;

const columns = `id, name, filters, shared, owner = $1::uuid as "isOwn", created_at as "createdAt"`;

/** The lock on the user makes the deletion of the user wait, which then deletes the view, or the other way round. */
const saveStatement = `
  with holder as (select id from user_account where id = $1::uuid for key share),
  others as (select count(*) as views from saved_view where owner = $1::uuid and name <> $4)
  insert into saved_view (owner, id, name, filters, shared, created_at)
  select $1::uuid, $3, $4, $5, $6, $7 from others
  where others.views < ${String(maxViewsOfOwner)} and (not $2::boolean or exists (select from holder))
  on conflict (owner, name) do update set filters = excluded.filters, shared = excluded.shared
  returning ${columns}`;

/** Of the owner, or shared with the channels of the caller. */
const isSeen = `(owner = $1::uuid or (shared and ($2::text[] is null or filters->>'channel' = any($2)
           or not filters ?| array['channel', 'from', 'chat', 'messageId', 'tag', 'q'])))`;

export function createSavedViewTable(pool: Pool): SavedViewTable {
  return {
    save: ({ id: owner, isUser }, { id, name, filters, shared, createdAt }) =>
      transaction(pool, async (saving) => {
        await saving.query(`select pg_advisory_xact_lock(hashtextextended('saved views ' || $1, 0))`, [
          owner,
        ]);
        const values = [owner, isUser, id, name, JSON.stringify(filters), shared, createdAt];
        return (await saving.query<SavedView>(saveStatement, values)).rows[0];
      }),
    list: async ({ id: owner }, channels) => {
      const { rows } = await pool.query<SavedView>(
        `select ${columns} from saved_view
         where ${isSeen} order by search_text(name), id limit ${String(mostListed)}`,
        [owner, channels ?? null],
      );
      return rows;
    },
    remove: async ({ id: owner }, id, { anyShared, channels }) => {
      const { rowCount } = await pool.query(
        `delete from saved_view where id = $3 and (owner = $1::uuid or $4) and ${isSeen}`,
        [owner, channels ?? null, id, anyShared],
      );
      return rowCount === 1;
    },
  };
}

/** Deletes the views that look for a person or a group that is erased. There are few views. */
export async function forgetViews(
  connection: Transaction,
  { channel, contacts }: Pick<Contacts, 'channel' | 'contacts'>,
): Promise<void> {
  await connection.query(
    `delete from saved_view
     where coalesce(filters->>'channel', $1) = $1
       and (filters->>'from' = any($2) or filters->>'chat' = any($2) or filters->>'q' = any($2))`,
    [channel, contacts],
  );
}
