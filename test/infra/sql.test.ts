/**
 * Ordinary reads and writes go through Prisma Client; decision 123 says what SQL is for. Every file with
 * statements stands here with its reason, and with how many there are: one more is to be a decision, too.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

import { expect, test } from '@jest/globals';

import { projectFolder } from '../../src/infra/process/project-folder.js';

interface Allowed {
  readonly most: number;
  readonly reason: string;
}
const allowed: Readonly<Record<string, Allowed>> = {
  'src/compose/index.ts': { most: 1, reason: 'asks no table: whether the database answers' },
  'src/infra/migrations/half-migration.ts': { most: 9, reason: 'changes the schema' },
  'src/infra/migrations/inspect-database.ts': {
    most: 4,
    reason: 'asks before a start, when tables may be missing: privileges and applied migrations',
  },
  'src/infra/migrations/migrate.ts': { most: 17, reason: 'changes the schema' },
  'src/infra/migrations/start-database.ts': { most: 1, reason: 'asks no table: version and privileges' },
  'src/infra/observability/depth-gauges.ts': { most: 1, reason: 'reads the tables of the queue' },
  'src/infra/postgres/database.ts': { most: 8, reason: 'transactions, settings and advisory locks' },
  'src/infra/postgres/embedded/process.ts': { most: 3, reason: 'administers the server' },
  'src/infra/postgres/embedded/server.ts': { most: 2, reason: 'administers the server' },
  'src/infra/postgres/notifications.ts': { most: 2, reason: 'LISTEN and NOTIFY' },
  'src/infra/postgres/pooler.ts': { most: 3, reason: 'asks no table: which server process answers' },
  'src/infra/postgres/prisma.ts': { most: 1, reason: 'passes on the statements of Prisma Client' },
  'src/infra/queue/lane.ts': { most: 1, reason: 'the tables of the queue' },
  'src/infra/queue/queue.ts': { most: 4, reason: 'the tables of the queue, LISTEN and advisory locks' },
  'src/infra/tables/after-restore.ts': { most: 3, reason: 'sessions, sequences, one very long list' },
  'src/infra/tables/alerts.ts': {
    most: 2,
    reason: 'one statement that compares, changes and tells; keyset page',
  },
  'src/infra/tables/audit.ts': { most: 1, reason: 'keyset page' },
  'src/infra/tables/channel-activity.ts': { most: 1, reason: 'batch with its own rule for conflicts' },
  'src/infra/tables/channels.ts': { most: 1, reason: 'lock' },
  'src/infra/tables/erasure/erase-all.ts': { most: 1, reason: 'locks in one order' },
  'src/infra/tables/erasure/erasure.ts': { most: 2, reason: 'reads all messages of a channel; batch' },
  'src/infra/tables/erasure/held.ts': { most: 5, reason: 'functions of the database' },
  'src/infra/tables/erasure/locks.ts': { most: 4, reason: 'locks in one order' },
  'src/infra/tables/erasure/parked.ts': { most: 2, reason: 'batches that lock, one entry of an index each' },
  'src/infra/tables/erasure/retention.ts': { most: 13, reason: 'batches that lock' },
  'src/infra/tables/erasure/speaking-deliveries.ts': { most: 6, reason: 'searches bytes and transactions' },
  'src/infra/tables/erasure/steps.ts': { most: 16, reason: 'batches that lock' },
  'src/infra/tables/events/log.ts': { most: 3, reason: 'sequence, and pages with joins' },
  'src/infra/tables/events/publisher.ts': { most: 1, reason: 'advisory lock and batch' },
  'src/infra/tables/events/notification-deliveries.ts': { most: 7, reason: 'jobs, clock of the database' },
  'src/infra/tables/events/resend.ts': { most: 3, reason: 'jobs, clock of the database' },
  'src/infra/tables/events/subscription-changes.ts': { most: 4, reason: 'jobs, locks' },
  'src/infra/tables/events/subscriptions.ts': { most: 2, reason: 'jobs, clock of the database' },
  'src/infra/tables/inbox/statements.ts': { most: 9, reason: 'batches, for speed' },
  'src/infra/tables/media/annotations.ts': {
    most: 4,
    reason: 'lock, function of the database, and one entry of an index for each tag',
  },
  'src/infra/tables/media/blobs.ts': { most: 7, reason: 'locks' },
  'src/infra/tables/media/deletions.ts': { most: 2, reason: 'locks and jobs' },
  'src/infra/tables/media/evidence.ts': { most: 1, reason: 'counts what one index lists' },
  'src/infra/tables/media/facts.ts': { most: 1, reason: 'lock' },
  'src/infra/tables/media/favourites.ts': { most: 1, reason: 'locks' },
  'src/infra/tables/media/attempts.ts': { most: 5, reason: 'locks and jobs, for each picture' },
  'src/infra/tables/media/known-blobs.ts': { most: 4, reason: 'speed, for each picture' },
  'src/infra/tables/media/for-token.ts': { most: 1, reason: 'speed, and versions of rows' },
  'src/infra/tables/media/list.ts': { most: 2, reason: 'keyset pages' },
  'src/infra/tables/media/lookup.ts': { most: 2, reason: 'speed, and keyset pages' },
  'src/infra/tables/holds.ts': { most: 5, reason: 'advisory lock, function of the database, keyset page' },
  'src/infra/tables/people/sums.ts': { most: 16, reason: 'batches that move rows, advisory lock' },
  'src/infra/tables/people/people.ts': { most: 5, reason: 'keyset pages, counts by index' },
  'src/infra/tables/people/timeline.ts': { most: 1, reason: 'keyset pages of several tables' },
  'src/infra/tables/sending/accepted.ts': { most: 6, reason: 'locks and jobs' },
  'src/infra/tables/sending/claims.ts': { most: 6, reason: 'claims, clock of the database' },
  'src/infra/tables/sending/outbound.ts': { most: 5, reason: 'lock, jobs, keyset page' },
  'src/infra/tables/sending/send-queue.ts': { most: 6, reason: 'locks, clock of the database' },
  'src/infra/tables/media/requeue.ts': { most: 4, reason: 'locks and jobs' },
  'src/infra/tables/media/similar.ts': { most: 1, reason: 'expressions, and limits of each look-up' },
  'src/infra/tables/saved-views.ts': { most: 5, reason: 'lock, conditions on JSON' },
  'src/infra/tables/shares.ts': { most: 1, reason: 'keyset page' },
  'src/infra/tables/sign-in-attempts.ts': { most: 1, reason: 'conditional conflicts' },
  'src/infra/tables/stats-sums.ts': { most: 9, reason: 'batches that move rows, advisory lock' },
  'src/infra/tables/stats.ts': { most: 3, reason: 'sums by several columns, and medians' },
  'src/infra/tables/tokens.ts': { most: 4, reason: 'keyset page, conditional conflicts, and speed' },
  'src/infra/tables/users.ts': { most: 4, reason: 'keyset page, locks' },
};

/** Programs that show and measure the product, pages, and what Prisma has generated. */
const others = /^src\/(demo|prove|bench|gallery|client|infra\/generated)\//;

/** A call that takes the text of a statement: pg's, or Prisma Client's raw ones. */
const statement = /\bquery[<(]|\$(?:query|execute)Raw/g;

function sources(): string[] {
  return readdirSync(join(projectFolder, 'src'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(projectFolder, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter((path) => !others.test(path));
}

test('every statement in SQL has a reason', () => {
  const tooMany = sources().flatMap((path) => {
    const count = readFileSync(join(projectFolder, path), 'utf8').match(statement)?.length ?? 0;
    const most = allowed[path]?.most ?? 0;
    return count > most ? [`${path}: ${String(count)} statements, ${String(most)} are listed`] : [];
  });
  expect(tooMany).toEqual([]);
});
