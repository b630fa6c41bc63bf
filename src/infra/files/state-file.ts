/**
 * Small files that decide whether everything else can be used: secrets, marks and lock owners.
 *
 * Each file is written completely under a temporary name, synced, and only then given its name, which never
 * replaces a file that another process has created in the meantime. After that, the folder is synced. A
 * reader therefore finds either no file or a complete one, whatever happens in between: a full disk, a kill,
 * a power failure, or another process that creates the same file.
 *
 * Everything here is synchronous: it runs once, before the service does anything else.
 */
import { randomUUID } from 'node:crypto';
import {
  closeSync,
  constants,
  copyFileSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';

import { makeSyncedFolderNow, syncFolderNow } from './sync-folder.js';

/** A file and the condition that its content must meet. */
export interface StateFile {
  readonly path: string;
  readonly isComplete: (content: string) => boolean;
  /** What an operator can do if the file is incomplete; completes the error message. */
  readonly remedy: string;
}

/** The file exists but cannot be used. The message is one sentence for an operator. */
export class StateFileError extends Error {
  override readonly name = 'StateFileError';
}

const ownerOnly = 0o600;
/** Older versions of Inlet, and file systems without hard links, fill the file a moment after creating it. */
const fillTimeoutMs = 1_000;
const pollMs = 20;

/**
 * Returns the content of the file, or undefined if it does not exist. Throws {@link StateFileError} if it is
 * incomplete.
 */
export function readState(file: StateFile): string | undefined {
  const deadline = Date.now() + fillTimeoutMs;
  for (;;) {
    const content = contentOf(file);
    if (content === undefined) return undefined;
    if (file.isComplete(content)) {
      // The process that created the file may not have synced the folder yet, and data encrypted with a
      // secret must not outlive the secret.
      syncFolderNow(dirname(file.path));
      return content;
    }
    if (Date.now() > deadline)
      throw new StateFileError(`${file.path} ${describeFault(content)}: ${file.remedy}`);
    wait(pollMs);
  }
}

/**
 * Returns the content of the file and creates it if necessary. Processes that create it at the same time all
 * get the same content.
 */
export function readOrCreateState(file: StateFile, make: () => string): string {
  const existing = readState(file);
  if (existing !== undefined) return existing;
  makeSyncedFolderNow(dirname(file.path));
  writeTemporary(file.path, make(), (written) => {
    linkInPlace(written, file.path);
  });
  const created = readState(file);
  if (created === undefined)
    throw new StateFileError(`${file.path} was created but is missing: ${file.remedy}`);
  return created;
}

/** Writes the file, whether it exists or not. A reader finds either the old or the new content. */
export function replaceState(path: string, content: string): void {
  writeTemporary(path, content, (written) => {
    renameSync(written, path);
  });
}

function writeTemporary(path: string, content: string, publish: (written: string) => void): void {
  const written = `${path}.${randomUUID()}.new`;
  try {
    const descriptor = openSync(written, 'wx', ownerOnly);
    try {
      writeFileSync(descriptor, content);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    publish(written);
    syncFolderNow(dirname(path));
  } finally {
    rmSync(written, { force: true });
  }
}

/** A hard link is Node's only way to name a file without replacing another one. */
function linkInPlace(written: string, path: string): void {
  try {
    linkSync(written, path);
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return;
    if (!hardLinkErrors.has(codeOf(error))) throw error;
    copyInPlace(written, path);
  }
}

/** The errors of FAT, SMB and some FUSE file systems for a hard link. */
const hardLinkErrors: ReadonlySet<string> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']);

/** Not atomic: a kill in between leaves an incomplete file, which no start uses. */
function copyInPlace(written: string, path: string): void {
  try {
    copyFileSync(written, path, constants.COPYFILE_EXCL);
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return;
    throw error;
  }
  const descriptor = openSync(path, 'r+');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function contentOf({ path, remedy }: StateFile): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    if (codeOf(error) === 'EISDIR') throw new StateFileError(`${path} is a folder: ${remedy}`);
    throw error;
  }
}

function describeFault(content: string): string {
  return content.trim() === '' ? 'is empty' : `is incomplete (${String(content.length)} characters)`;
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? '';
}

function wait(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
