import { access, readdir, rmdir, constants } from 'node:fs/promises';
import { join } from 'node:path';

import type { Config } from '../../config.js';
import { openBlobStore } from '../../infra/files/open-blob-store.js';
import { pingScanner } from '../../infra/files/malware-scanner.js';
import { createStaging } from '../../infra/files/staging.js';
import { createStorageWatch } from '../../infra/files/storage-watch.js';
import { createLogger } from '../../infra/logging/logger.js';
import type { Finding } from './finding.js';
import { existing } from './machine.js';

/** Whether files can be stored. Tests it like the service: a small file is written, read and removed. */
export async function checkFiles(config: Config): Promise<Finding> {
  const { uploadsDir, s3 } = config;
  const subject = s3 === undefined ? 'UPLOADS_DIR' : 'bucket';
  const { folder, isMade } = await existing(uploadsDir);
  if (!isMade && s3 === undefined) return checkParent(uploadsDir, folder);
  const trouble = await probeFiles(config, isMade);
  if (trouble !== undefined) return { level: 'problem', subject, says: trouble };
  return { level: 'ok', subject, says: `files can be written to ${s3?.bucket ?? uploadsDir}` };
}

async function checkParent(uploadsDir: string, parent: string): Promise<Finding> {
  const subject = 'UPLOADS_DIR';
  try {
    await access(parent, constants.W_OK | constants.X_OK);
    return { level: 'ok', subject, says: `${uploadsDir}; the first start makes it` };
  } catch {
    return {
      level: 'problem',
      subject,
      says: `${uploadsDir} cannot be made, since ${parent} cannot be written by this user: make it, or name another folder`,
    };
  }
}

/** Returns the problem that prevents writing files. Folders that the probe creates are removed again. */
async function probeFiles(config: Config, hasFolder: boolean): Promise<string | undefined> {
  const { uploadsDir } = config;
  const before = hasFolder ? await readdir(uploadsDir) : [];
  const logger = createLogger('silent');
  const blobs = await openBlobStore(config, logger);
  const staging = createStaging(join(uploadsDir, 'tmp'));
  const watch = createStorageWatch({
    probe: () => Promise.all([...(hasFolder ? [staging.probe()] : []), blobs.probe()]),
    onRecovery: () => Promise.resolve(),
    logger,
  });
  try {
    return (await watch.check())?.message;
  } finally {
    watch.close();
    blobs.close();
    const made = (hasFolder ? ['tmp', 'blobs'] : []).filter((name) => !before.includes(name));
    for (const name of made) await rmdir(join(uploadsDir, name)).catch(() => undefined);
  }
}

/** Whether the malware scanner responds, if one is configured. */
export async function checkScanner({ clamd }: Config): Promise<Finding[]> {
  if (clamd === undefined) return [];
  const subject = 'CLAMD_HOST';
  const answers = await pingScanner(clamd);
  return [
    answers
      ? { level: 'ok', subject, says: 'the malware scanner answers' }
      : {
          level: 'warning',
          subject,
          says: 'the malware scanner does not answer, and no file becomes ready without it: start clamd, or correct the address',
        },
  ];
}
