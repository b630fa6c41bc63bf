/**
 * Stores verified webhooks on disk while the database is unavailable. They are appended to segments in one
 * folder, synced before the sender is answered, replayed, and deleted once their rows are written. Several
 * processes may share the folder.
 *
 * A process that takes over an open segment renames it before reading it (see segment-files.ts for the
 * names); the writer checks the name after each sync, and writes again what may not have been read.
 */
import { randomBytes } from 'node:crypto';
import { open, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { makeSyncedFolder, syncFolder } from '../files/sync-folder.js';
import type { Logger } from '../logging/logger.js';
import { createSpoolCounter, type SpoolCount } from './counter.js';
import { readOldestSegment, type Segment } from './reader.js';
import { encodeRecord, markBytes, type SpooledWebhook } from './record.js';
import { listSegments, segmentFileName } from './segment-files.js';
import { createSpoolWriter, type SpoolWriterOptions } from './writer.js';

export type { SpoolCount } from './counter.js';
export type { Segment } from './reader.js';

export interface Spool {
  /**
   * Resolves when the webhook is durable. Rejects if the disk fails or there is no room; nothing of the
   * webhook remains then.
   */
  readonly append: (webhook: SpooledWebhook) => Promise<void>;
  /** The oldest segment that no process is still writing to; undefined if there is none. */
  readonly oldest: () => Promise<Segment | undefined>;
  readonly isEmpty: () => Promise<boolean>;
  /** Rejects if no file can be created in the folder. */
  readonly probe: () => Promise<void>;
  /** Stores a webhook separately for examination. Resolves when it is durable. */
  readonly setAside: (webhook: SpooledWebhook) => Promise<void>;
  /** The number of spooled webhooks of all processes that share the folder. */
  readonly count: () => Promise<SpoolCount>;
  readonly close: () => Promise<void>;
}

export interface SpoolOptions extends SpoolWriterOptions {
  readonly logger: Logger;
}

export function createSpool({ folder, maxBytes, logger }: SpoolOptions): Spool {
  const writer = createSpoolWriter({ folder, maxBytes });
  return {
    append: writer.append,
    oldest: async () => {
      await writer.closeSegment();
      return readOldestSegment(folder, logger);
    },
    isEmpty: async () => (await listSegments(folder)).length === 0,
    probe: async () => {
      if (maxBytes > 0) await probe(folder); // With 0, the spool is disabled.
    },
    setAside: (webhook) => writeAside(folder, webhook),
    count: createSpoolCounter(folder),
    close: writer.closeSegment,
  };
}

async function probe(folder: string): Promise<void> {
  await makeSyncedFolder(folder, 0o700);
  const path = join(folder, 'trial');
  try {
    await writeFile(path, '', { mode: 0o600 });
  } finally {
    await rm(path, { force: true });
  }
}

async function writeAside(folder: string, webhook: SpooledWebhook): Promise<void> {
  const mark = randomBytes(markBytes);
  const path = join(folder, segmentFileName(Date.parse(webhook.receivedAt), mark, 'aside'));
  const file = await open(path, 'ax', 0o600);
  try {
    await file.appendFile(encodeRecord(webhook, mark));
    await file.datasync();
  } finally {
    await file.close();
  }
  await syncFolder(folder);
}
