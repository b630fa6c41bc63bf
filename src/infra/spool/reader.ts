/** Reads finished segments, and those of writers that died. */
import { readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname } from 'node:path';

import { ignoreMissing, isMissing } from '../files/missing-file.js';
import { syncFolder } from '../files/sync-folder.js';
import type { Logger } from '../logging/logger.js';
import { decodeRecords, type DecodedRecords, type SpooledWebhook } from './record.js';
import { listSegments, markOf, withState, type SegmentFile } from './segment-files.js';

/** The content of one file, to be committed in this order. */
export interface Segment {
  readonly webhooks: readonly SpooledWebhook[];
  /** Called when the rows are committed. When it resolves, the webhooks are not replayed again. */
  readonly markDone: () => Promise<void>;
}

/**
 * An open segment that changed more recently has a writer, which closes it when the database is available
 * again.
 */
const abandonedAfterMs = 2_000;

/** The oldest segment that no process is still writing to; undefined if there is none. */
export async function readOldestSegment(folder: string, logger: Logger): Promise<Segment | undefined> {
  for (const found of await listSegments(folder)) {
    const segment = await takeOver(found, logger);
    if (segment !== undefined) return segment;
  }
  return undefined;
}

/** The number of webhooks in the segment, or undefined if it no longer exists under this name. */
export async function countWebhooks({ path, name }: SegmentFile): Promise<number | undefined> {
  const bytes = await readFile(path).catch(ignoreMissing);
  return bytes && decodeRecords(bytes, markOf(name)).webhooks.length;
}

/**
 * Returns undefined if the segment is gone, another process writes to it, or it cannot be read and was
 * renamed.
 */
async function takeOver(
  { name, path: found, modifiedMs }: SegmentFile,
  logger: Logger,
): Promise<Segment | undefined> {
  const isOpen = name.endsWith('.open');
  if (isOpen && Math.abs(Date.now() - modifiedMs) < abandonedAfterMs) return undefined;
  const path = isOpen ? withState(found, 'left') : found;
  try {
    if (path !== found) await rename(found, path);
    return toSegment(path, decodeRecords(await readFile(path), markOf(name)), logger);
  } catch (error) {
    if (isMissing(error)) return undefined;
    logger.error({ err: error, segment: name }, 'a spool segment cannot be read');
    await rename(path, withState(path, 'damaged')).catch(ignoreMissing);
    return undefined;
  }
}

function toSegment(
  path: string,
  { webhooks, damagedBytes, tornBytes }: DecodedRecords,
  logger: Logger,
): Segment {
  // Only a writer that died leaves a torn end, and its sender received no answer.
  const isDamaged = damagedBytes > 0 || (tornBytes > 0 && !path.endsWith('.left'));
  const context = { segment: basename(path), webhooks: webhooks.length, damagedBytes, tornBytes };
  if (isDamaged) logger.error(context, 'a spool segment is damaged');
  else if (tornBytes > 0) logger.warn(context, 'a spool segment ends in the middle of a webhook');
  return {
    webhooks,
    markDone: async () => {
      if (isDamaged) await rename(path, withState(path, 'damaged')).catch(ignoreMissing);
      else await rm(path, { force: true });
      await syncFolder(dirname(path));
    },
  };
}
