/** The audit trail: who did what, and when. Entries are only added, but for that of a run that goes on; persons are named by a keyed hash. */
import { newId } from '../../domain/id.js';
import type { Prisma } from '../generated/client.js';
import type { Pool, Transaction } from '../postgres/database.js';
import { columnsOf, pageOf, type FilteredList, type Page } from '../postgres/pages.js';

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
  /** With a transaction: as part of it, so that a deed and its entry are true together. */
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
  const name = actorName ?? (await nameOf(prisma, actor));
  const counted = { details: details as Prisma.InputJsonObject };
  await prisma.auditEntry.upsert({
    where: { id },
    create: { id, at, actor, actorName: name, action, channel, target, ...counted },
    update: counted,
  });
}

async function nameOf(prisma: Prisma.TransactionClient, actor: string): Promise<string | null> {
  const token = await prisma.apiToken.findUnique({ where: { id: actor }, select: { name: true } });
  return token?.name ?? null;
}
