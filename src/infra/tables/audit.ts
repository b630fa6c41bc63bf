/**
 * The audit trail: who did what, and when. Entries are only added, except that a run of retention updates its
 * own; people are named by a keyed hash.
 */
import { newId } from '../../domain/id.js';
import type { Prisma } from '../generated/client.js';
import type { Pool, Transaction } from '../postgres/database.js';
import { columnsOf, pageOf, type FilteredList, type Page } from '../postgres/pages.js';

export interface AuditRecord {
  /**
   * The id of the token, or a name such as `retention`. The entry of a session names its user instead, so that the
   * trail says what a person did, whatever the session.
   */
  readonly actor: string;
  /** The name of the token by default, if it has one. */
  readonly actorName?: string | null;
  /** The name of the action, for instance `contact.erase` or `channel.create`. */
  readonly action: string;
  readonly channel?: string | null;
  /** The id of the affected object. */
  readonly target?: string | null;
  /** Counts and similar facts. */
  readonly details?: Readonly<Record<string, unknown>>;
  /**
   * For work of several transactions with one entry: the first one creates it with this id, and each later
   * one updates its details.
   */
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
  /** Undefined means all. Entries without a channel are only included then. */
  readonly channels?: readonly string[] | undefined;
  readonly action?: string | undefined;
  readonly actor?: string | undefined;
  readonly target?: string | undefined;
  readonly since?: Date | undefined;
  readonly until?: Date | undefined;
}

export interface Audit {
  /** With a transaction, the entry is part of it, so that an action and its entry are committed together. */
  readonly record: (entry: AuditRecord, transaction?: Pick<Transaction, 'prisma'>) => Promise<void>;
  /** Newest first. */
  readonly list: (filter: AuditFilter, page: Page) => Promise<AuditEntry[]>;
}

const entries: FilteredList<AuditFilter> = {
  select: `select ${columnsOf<AuditEntry>({
    id: 'id',
    at: 'at',
    actor: 'actor',
    actorName: 'actor_name',
    action: 'action',
    channel: 'channel',
    target: 'target',
    details: 'details',
  })} from audit_entry`,
  key: 'id',
  conditions: {
    channels: 'channel = any(?)',
    action: 'action = ?',
    actor: 'actor = ?',
    target: 'target = ?',
    since: 'at >= ?',
    until: 'at < ?',
  },
};

export function createAudit(pool: Pool, now: () => Date): Audit {
  return {
    record: async (entry, transaction) => {
      const write = (prisma: Prisma.TransactionClient): Promise<void> => writeEntry(prisma, entry, now());
      await (transaction ? transaction.prisma(write) : write(pool.prisma));
    },

    list: async (filter, page) => (await pool.query<AuditEntry>(pageOf(entries, filter, page))).rows,
  };
}

async function writeEntry(
  prisma: Prisma.TransactionClient,
  { id = newId(), actor, actorName, action, channel = null, target = null, details = {} }: AuditRecord,
  at: Date,
): Promise<void> {
  const known = await knownActor(prisma, actor);
  const by = { actor: known.id, actorName: actorName ?? known.name };
  const counted = { details: details as Prisma.InputJsonObject };
  await prisma.auditEntry.upsert({
    where: { id },
    create: { id, at, ...by, action, channel, target, ...counted },
    update: counted,
  });
}

/** The user of a session instead of the session itself, and the name of the token. */
async function knownActor(
  { apiToken }: Prisma.TransactionClient,
  actor: string,
): Promise<{ readonly id: string; readonly name: string | null }> {
  const select = { name: true, userId: true, isSession: true };
  const token = await apiToken.findUnique({ where: { id: actor }, select });
  if (!token) return { id: actor, name: null };
  return { id: token.isSession ? (token.userId ?? actor) : actor, name: token.name };
}
