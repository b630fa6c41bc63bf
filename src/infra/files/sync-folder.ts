import { closeSync, fsyncSync, mkdirSync, openSync } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/**
 * What systems answer that cannot sync a folder, or do not let this user do it. PostgreSQL overlooks the same ones
 * (`fsync_fname_ext` in fd.c): there is nothing that could be done instead.
 */
const notPossible: ReadonlySet<string> = new Set(['EACCES', 'EISDIR', 'EBADF', 'EINVAL', 'ENOTSUP']);

/** When it resolves, the names in this folder are as they are now, also after a crash. */
export async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    unlessNotPossible(error);
  }
}

/** The same, for what runs once at a start. */
export function syncFolderNow(folder: string): void {
  try {
    const descriptor = openSync(folder, 'r');
    try {
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    unlessNotPossible(error);
  }
}

/**
 * Makes a folder whose name is durable. Those above it are synced even when the folder is there already: the process that
 * made it may not have come to that, or may have been killed before.
 */
export async function makeSyncedFolder(folder: string, mode = 0o777): Promise<void> {
  await mkdir(folder, { recursive: true, mode });
  for (const parent of foldersAbove(folder)) await syncFolder(parent);
}

/** The same, for what runs once at a start. */
export function makeSyncedFolderNow(folder: string, mode = 0o777): void {
  mkdirSync(folder, { recursive: true, mode });
  for (const parent of foldersAbove(folder)) syncFolderNow(parent);
}

function foldersAbove(folder: string): string[] {
  const parent = dirname(resolve(folder));
  return parent === resolve(folder) ? [] : [parent, ...foldersAbove(parent)];
}

function unlessNotPossible(error: unknown): void {
  if (!notPossible.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
}
