/** `inlet restored`: once after a backup was restored, before the service is started. Needs the settings and the database. */
import '../home.js';

import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { loadConfig, readEnvironment, type Config } from '../config.js';
import { openBlobStore } from '../infra/files/open-blob-store.js';
import { createLogger } from '../infra/logging/logger.js';
import { waitForDatabase, prepareDatabase } from '../infra/migrations/start-database.js';
import { openDatabase } from '../infra/postgres/database.js';
import { startEmbeddedPostgres } from '../infra/postgres/embedded/server.js';
import { commandLine } from '../infra/process/command-line.js';
import {
  compareFiles,
  isInUse,
  removeFiles,
  skipEventNumbers,
  type FilesAfterRestore,
} from '../infra/tables/after-restore.js';
import { createSendQueue } from '../infra/tables/sending/send-queue.js';
import { recountStats } from '../infra/tables/stats-sums.js';
import { fail, orExplain } from './command-line.js';

/** Says which, and how many more there are. */
const mostNamed = 20;

interface Wishes {
  /** Messages that were waiting are sent, though they may have been sent after the backup. */
  readonly send: boolean;
  readonly removeFiles: boolean;
}

const interrupted = {
  code: 'send.interrupted',
  message: 'a backup was restored: nobody knows whether the message was sent after it was made',
};

async function afterRestore(config: Config, databaseUrl: string, wishes: Wishes): Promise<void> {
  const logger = createLogger(config.logLevel);
  const starting = {
    connectionString: databaseUrl,
    logger,
    stopping: new AbortController().signal,
    setting: config.databaseUrl === undefined ? 'the embedded PostgreSQL' : 'DATABASE_URL',
  };
  await waitForDatabase(starting);
  if (await isInUse(databaseUrl)) throw new Error('Inlet is running on this database: stop it first');
  await prepareDatabase(starting);
  const database = openDatabase(databaseUrl, logger);
  try {
    await skipEventNumbers(database.work);
    await recountStats(database.work);
    const queue = createSendQueue(database.work, () => new Date());
    const messages = wishes.send ? 0 : await queue.abandonAll(interrupted);
    const blobs = await openBlobStore(config, logger);
    const files = await compareFiles(database.work, blobs);
    if (wishes.removeFiles) await removeFiles(blobs, files.filesWithoutRow);
    blobs.close();
    console.log(report(files, messages, wishes));
  } finally {
    await database.close();
  }
}

function report(
  { filesWithoutRow, mediaWithoutFile }: FilesAfterRestore,
  messages: number,
  wishes: Wishes,
): string {
  const more = mediaWithoutFile.length > mostNamed ? ', and more' : '';
  const named =
    mediaWithoutFile.length > 0 ? `: ${mediaWithoutFile.slice(0, mostNamed).join(', ')}${more}` : '';
  return [
    `messages that waited   ${wishes.send ? 'will be sent' : `${String(messages)} are unknown now`}`,
    `files without a row    ${String(filesWithoutRow.length)}${wishes.removeFiles ? ', removed' : ''}`,
    `media without a file   ${String(mediaWithoutFile.length)}${named}`,
  ].join('\n');
}

const about = {
  usage: `${commandLine('restored')} [--send] [--remove-files]`,
  does: 'Prepares a restored backup. Run it once, before the service is started.',
  options: {
    '--send': 'sends the messages that waited in the backup, though they may have been sent since',
    '--remove-files': 'removes the files that no row of the backup names',
  },
};

async function main(): Promise<void> {
  const { values } = orExplain(about, () =>
    parseArgs({ options: { send: { type: 'boolean' }, 'remove-files': { type: 'boolean' } } }),
  );
  const config = loadConfig(readEnvironment(), () => new Date());
  const postgres =
    config.databaseUrl === undefined
      ? await startEmbeddedPostgres(join(config.inletDir, 'postgres'))
      : undefined;
  try {
    await afterRestore(config, config.databaseUrl ?? postgres?.connectionString ?? '', {
      send: values.send === true,
      removeFiles: values['remove-files'] === true,
    });
  } finally {
    await postgres?.stop();
  }
}

main().catch(fail);
