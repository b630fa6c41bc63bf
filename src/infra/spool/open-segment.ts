import { randomBytes } from 'node:crypto';
import { open, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';

import { ignoreMissing } from '../files/missing-file.js';
import { syncFolder } from '../files/sync-folder.js';
import { markBytes } from './record.js';
import { segmentFileName, withState } from './segment-files.js';

/** A segment to which this process appends. */
export interface OpenSegment {
  readonly mark: Buffer;
  /** The number of synced bytes. */
  readonly bytes: () => number;
  /**
   * Appends and syncs the records. Resolves to false if another process took over the segment, which may have
   * read it before this call. Rejects if the disk fails; nothing of the records remains then. In both cases
   * the segment is closed.
   */
  readonly append: (records: readonly Buffer[]) => Promise<boolean>;
  readonly close: () => Promise<void>;
}

/** Creates a segment in an existing folder; `time` becomes part of its name. */
export async function createOpenSegment(folder: string, time: number): Promise<OpenSegment> {
  const mark = randomBytes(markBytes);
  const path = join(folder, segmentFileName(time, mark, 'open'));
  const file = await open(path, 'ax', 0o600);
  try {
    await syncFolder(folder);
  } catch (error) {
    await file.close();
    throw error;
  }
  let synced = 0;

  /** The state `whole` is used only if the segment contains nothing but complete records. */
  const close = async (state: 'whole' | 'left'): Promise<void> => {
    await file.close();
    if (synced === 0) await rm(path, { force: true });
    else await rename(path, withState(path, state)).catch(ignoreMissing);
  };

  /** Removes records that were not acknowledged. */
  const rollBack = async (): Promise<void> => {
    const isWhole = await file.truncate(synced).then(
      () => true,
      () => false,
    );
    await close(isWhole ? 'whole' : 'left').catch(() => undefined);
  };

  return {
    mark,
    bytes: () => synced,
    append: async (records) => {
      const data = Buffer.concat(records);
      try {
        if (data.length > 0) {
          await file.appendFile(data);
          await file.datasync();
        }
        if (await isInPlace(file, path)) {
          synced += data.length;
          return true;
        }
      } catch (error) {
        await rollBack();
        throw error;
      }
      await file.close();
      return false;
    },
    close: () => close('whole'),
  };
}

async function isInPlace(file: FileHandle, path: string): Promise<boolean> {
  const [mine, there] = await Promise.all([file.stat(), stat(path).catch(() => undefined)]);
  return mine.ino === there?.ino;
}
