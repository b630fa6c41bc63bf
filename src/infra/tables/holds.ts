/**
 * Legal holds: what must not be erased. Whether something is held is decided when it is about to be erased,
 * by functions of the database (see the migration `holds`), so that new media and new ids of a person are
 * covered. An erasure and the beginning of a hold exclude each other by an advisory lock: SQL.
 */
import { AppError } from '../../domain/errors.js';
import type { HoldType } from '../../domain/hold.js';
import type { LegalHold } from '../generated/client.js';
import { transaction, type Pool, type Together, type Transaction } from '../postgres/database.js';
import { columnsOf, pageOf, type FilteredList, type Page } from '../postgres/pages.js';

export type HoldRecord = Omit<LegalHold, 'type' | 'ids'> & {
  readonly type: HoldType;
  readonly ids: readonly string[];
};

export interface HoldFilter {
  /** Undefined means all. Holds on tags of all channels are only included then. */
  readonly channels?: readonly string[] | undefined;
  /** Only the holds that keep this media item. */
  readonly media?: string | undefined;
}

export interface HoldTable {
  /** Waits until erasures that have begun are finished; those that begin later find the hold. */
  readonly add: (hold: HoldRecord, together: Together) => Promise<HoldRecord>;
  /** Newest first. */
  readonly list: (filter: HoldFilter, page: Page) => Promise<HoldRecord[]>;
  readonly find: (id: string, channels: HoldFilter['channels']) => Promise<HoldRecord | null>;
  /** Resolves to false if the hold has ended already. */
  readonly remove: (id: string, together: Together) => Promise<boolean>;
}

const lock = `hashtextextended('holds', 0)`;
/** An erasure of a person may take minutes: the caller then tries again. */
const longestWait = '10s';

/**
 * Makes the transaction part of an erasure: no hold begins before it has ended. Called before any row is
 * locked, so that nobody waits in a circle.
 */
export async function keepHoldsOut(connection: Pick<Transaction, 'query'>): Promise<void> {
  await connection.query(`select pg_advisory_xact_lock_shared(${lock})`);
}

/** The error for what a hold keeps from being erased. */
export function heldError(hold: string): AppError {
  return new AppError('hold.active', `the legal hold ${hold} keeps this; end the hold first`);
}

const holds: FilteredList<HoldFilter> = {
  select: `select ${columnsOf<HoldRecord>({
    id: 'id',
    type: 'type',
    channel: 'channel',
    subject: 'subject',
    ids: 'ids',
    reason: 'reason',
    actor: 'actor',
    actorName: 'actor_name',
    createdAt: 'created_at',
  })} from legal_hold`,
  key: 'id',
  conditions: { channels: 'channel = any(?)', media: 'id in (select holds_of_media(?::uuid))' },
};

export function createHoldTable(pool: Pool): HoldTable {
  return {
    add: (hold, together) =>
      transaction(pool, async (connection) => {
        await connection.query(`set local lock_timeout = '${longestWait}'`);
        await connection.query(`select pg_advisory_xact_lock(${lock})`);
        const { rows } = await connection.query<HoldRecord>(
          `insert into legal_hold (id, type, channel, subject, ids, reason, actor, actor_name, created_at)
           values ($1, $2, $3, $4, case when $2 = 'tag' then array[search_text($4)] else $5::text[] end, $6, $7,
                   (select name from api_token where id = $7), $8)
           returning actor_name as "actorName", ids`,
          [hold.id, hold.type, hold.channel, hold.subject, hold.ids, hold.reason, hold.actor, hold.createdAt],
        );
        await together(connection);
        return { ...hold, ...rows[0] };
      }),

    list: async (filter, page) => (await pool.query<HoldRecord>(pageOf(holds, filter, page))).rows,

    find: async (id, channels) => {
      const row = await pool.prisma.legalHold.findUnique({ where: { id } });
      if (!row) return null;
      const isVisible = !channels || (row.channel !== null && channels.includes(row.channel));
      return isVisible ? (row as HoldRecord) : null;
    },

    remove: (id, together) =>
      transaction(pool, async (connection) => {
        const { count } = await connection.prisma(({ legalHold }) => legalHold.deleteMany({ where: { id } }));
        if (count === 0) return false;
        await together(connection);
        return true;
      }),
  };
}
