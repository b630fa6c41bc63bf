import { closeSync, fsyncSync, mkdirSync, openSync } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/**
 * The errors of systems that cannot sync a folder or do not allow this user to do it. PostgreSQL ignores the
 * same ones (`fsync_fname_ext` in fd.c), because there is no alternative.
 */
const unsupportedCodes: ReadonlySet<string> = new Set(['EACCES', 'EISDIR', 'EBADF', 'EINVAL', 'ENOTSUP']);

/** When it resolves, the names in this folder survive a crash. */
export async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    ignoreUnsupported(error);
  }
}

/** A synchronous version for code that runs once at the start. */
export function syncFolderNow(folder: string): void {
  try {
    const descriptor = openSync(folder, 'r');
    try {
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    ignoreUnsupported(error);
  }
}

/**
 * Creates a folder whose name is durable. Its parents are synced even if the folder exists, because the
 * process that created it may not have done that yet, or may have died before.
 */
export async function makeSyncedFolder(folder: string, mode = 0o777): Promise<void> {
  await mkdir(folder, { recursive: true, mode });
  for (const parent of parentFolders(folder)) await syncFolder(parent);
}

/** A synchronous version for code that runs once at the start. */
export function makeSyncedFolderNow(folder: string, mode = 0o777): void {
  mkdirSync(folder, { recursive: true, mode });
  for (const parent of parentFolders(folder)) syncFolderNow(parent);
}

function parentFolders(folder: string): string[] {
  const parent = dirname(resolve(folder));
  return parent === resolve(folder) ? [] : [parent, ...parentFolders(parent)];
}

function ignoreUnsupported(error: unknown): void {
  if (!unsupportedCodes.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
}
