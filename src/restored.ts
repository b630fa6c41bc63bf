/** `npm run restored`: once after a backup was restored, before the service is started. Needs the settings and the database. */
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { ConfigError, loadConfig, readEnvironment, type Config } from './config.js';
import {
  compareFiles,
  isInUse,
  removeStrays,
  skipEventNumbers,
  type FilesAfterRestore,
} from './infra/after-restore.js';
import { openDatabase } from './infra/database.js';
import { startEmbeddedPostgres } from './infra/embedded-postgres.js';
import { createLogger } from './infra/logger.js';
import { migrate } from './infra/migrations.js';
import { openBlobStore } from './infra/open-blob-store.js';
import { createSendQueue } from './infra/send-queue.js';

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
  if (await isInUse(databaseUrl)) throw new Error('Inlet is running on this database: stop it first');
  const database = openDatabase(databaseUrl, createLogger(config.logLevel));
  try {
    await migrate(database);
    await skipEventNumbers(database.pool);
    const queue = createSendQueue(database.pool, () => new Date());
    const messages = wishes.send ? 0 : await queue.abandonAll(interrupted);
    const blobs = await openBlobStore(config);
    const files = await compareFiles(database.pool, blobs);
    if (wishes.removeFiles) await removeStrays(blobs, files.strays);
    blobs.close();
    console.log(report(files, messages, wishes));
  } finally {
    await database.close();
  }
}

function report({ strays, bereft }: FilesAfterRestore, messages: number, wishes: Wishes): string {
  const more = bereft.length > mostNamed ? ', and more' : '';
  const named = bereft.length > 0 ? `: ${bereft.slice(0, mostNamed).join(', ')}${more}` : '';
  return [
    `messages that waited   ${wishes.send ? 'will be sent' : `${String(messages)} are unknown now`}`,
    `files without a row    ${String(strays.length)}${wishes.removeFiles ? ', removed' : ''}`,
    `media without a file   ${String(bereft.length)}${named}`,
  ].join('\n');
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { send: { type: 'boolean' }, 'remove-files': { type: 'boolean' } },
  });
  const config = loadConfig(readEnvironment(), () => new Date());
  const postgres =
    config.databaseUrl === undefined
      ? await startEmbeddedPostgres(join(config.inletDir, 'postgres'))
      : undefined;
  try {
    await afterRestore(config, config.databaseUrl ?? postgres?.connectionString ?? '', {
      ...{ send: values.send === true, removeFiles: values['remove-files'] === true },
    });
  } finally {
    await postgres?.stop();
  }
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = error instanceof ConfigError ? 78 : 1;
});
