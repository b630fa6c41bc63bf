import { join } from 'node:path';

import type { Config } from '../../config.js';
import { inspectDatabase, type DatabaseState } from '../../infra/migrations/inspect-database.js';
import { DatabaseStartError } from '../../infra/migrations/start-database.js';
import { EmbeddedPostgresError, findEmbeddedPostgres } from '../../infra/postgres/embedded/server.js';
import type { Finding } from './finding.js';

const subject = 'database';
/** The PostgreSQL versions with which Inlet is tested. */
const tested = { oldest: 14, newest: 18 } as const;
/** Signatures of Vonage from the future are refused; everything else tolerates larger differences. */
const maxClockDifferenceMs = 5_000;

interface CheckedDatabase {
  /** Undefined if the database cannot be queried now. */
  readonly state: DatabaseState | undefined;
  readonly findings: readonly Finding[];
}

/** Checks access, version, privileges, pending migrations, and the clock of the database. */
export async function checkDatabase(config: Config): Promise<CheckedDatabase> {
  try {
    const address = await addressOf(config);
    if (address === undefined) {
      const says = `the embedded PostgreSQL in ${join(config.inletDir, 'postgres')} is started with the service`;
      return { state: undefined, findings: [{ level: 'ok', subject, says }, clockFinding(undefined)] };
    }
    const state = await inspectDatabase(address);
    return {
      state,
      findings: [versionFinding(state), rightsFinding(state), migrationFinding(state), clockFinding(state)],
    };
  } catch (error) {
    if (!(error instanceof DatabaseStartError || error instanceof EmbeddedPostgresError)) throw error;
    return { state: undefined, findings: [{ level: 'problem', subject, says: error.message }] };
  }
}

async function addressOf({
  databaseUrl,
  inletDir,
}: Config): Promise<{ readonly connectionString: string; readonly setting: string } | undefined> {
  if (databaseUrl !== undefined) return { connectionString: databaseUrl, setting: 'DATABASE_URL' };
  const running = await findEmbeddedPostgres(join(inletDir, 'postgres'));
  return running === undefined
    ? undefined
    : { connectionString: running, setting: 'the embedded PostgreSQL' };
}

function versionFinding({ version }: DatabaseState): Finding {
  const says = `PostgreSQL ${version} answers, and gives each session a connection of its own`;
  return Number.parseInt(version, 10) > tested.newest
    ? {
        level: 'warning',
        subject,
        says: `${says}; Inlet is tried with PostgreSQL ${String(tested.oldest)} to ${String(tested.newest)} only`,
      }
    : { level: 'ok', subject, says };
}

function rightsFinding({ missingRights }: DatabaseState): Finding {
  return missingRights.length === 0
    ? { level: 'ok', subject: 'privileges', says: 'the user of the database may do what it has to' }
    : {
        level: 'problem',
        subject: 'privileges',
        says: `the user of the database lacks ${missingRights.join(', and ')}: see "The database" in docs/operations.md`,
      };
}

function migrationFinding({ migrations: { pending, unknown } }: DatabaseState): Finding {
  if (unknown.length > 0)
    return {
      level: 'warning',
      subject: 'migrations',
      says: 'a later version of Inlet has changed this database: start that version',
    };
  if (pending.length === 0) return { level: 'ok', subject: 'migrations', says: 'the tables are up to date' };
  return {
    level: 'ok',
    subject: 'migrations',
    says: `the next start applies ${String(pending.length)}: make a backup first if the database has data`,
  };
}

function clockFinding(state: DatabaseState | undefined): Finding {
  const now = `${new Date().toISOString().slice(0, 19)}Z`;
  if (state === undefined) return { level: 'ok', subject: 'clock', says: now };
  const { clockAheadMs } = state;
  const seconds = (Math.abs(clockAheadMs) / 1_000).toFixed(1);
  return Math.abs(clockAheadMs) <= maxClockDifferenceMs
    ? { level: 'ok', subject: 'clock', says: `${now}, as in the database` }
    : {
        level: 'warning',
        subject: 'clock',
        says: `${now}, ${seconds} seconds ${clockAheadMs > 0 ? 'behind' : 'ahead of'} the database: let both machines keep their time with NTP`,
      };
}
