/**
 * `inlet restored`: prepares a restored backup before the first start. Needs the settings and the database.
 */
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
import { recountPeople } from '../infra/tables/people/sums.js';
import { recountStats } from '../infra/tables/stats-sums.js';
import { fail, orExplain } from './command-line.js';

/** The maximum number of media items that the report names. */
const maxNamed = 20;

interface Options {
  /** Sends the messages that were waiting, although they may have been sent after the backup. */
  readonly send: boolean;
  readonly removeFiles: boolean;
}

const interrupted = {
  code: 'send.interrupted',
  message: 'a backup was restored: it is unknown whether the message was sent after the backup',
};

async function afterRestore(config: Config, databaseUrl: string, options: Options): Promise<void> {
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
    await recountPeople(database.work);
    const queue = createSendQueue(database.work, () => new Date());
    const messages = options.send ? 0 : await queue.abandonAll(interrupted);
    const blobs = await openBlobStore(config, logger);
    const files = await compareFiles(database.work, blobs);
    if (options.removeFiles) await removeFiles(blobs, files.filesWithoutRow);
    blobs.close();
    console.log(report(files, messages, options));
  } finally {
    await database.close();
  }
}

function report(
  { filesWithoutRow, mediaWithoutFile }: FilesAfterRestore,
  messages: number,
  options: Options,
): string {
  const more = mediaWithoutFile.length > maxNamed ? ', and more' : '';
  const named =
    mediaWithoutFile.length > 0 ? `: ${mediaWithoutFile.slice(0, maxNamed).join(', ')}${more}` : '';
  return [
    `messages that waited   ${options.send ? 'will be sent' : `${String(messages)} are unknown now`}`,
    `files without a row    ${String(filesWithoutRow.length)}${options.removeFiles ? ', removed' : ''}`,
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
