/**
 * Small files that decide whether everything else can be used: secrets, marks, and who holds a lock.
 *
 * Each is written whole under another name, synced, and only then given its name, which never replaces a file that another
 * process has made in the meantime. The folder is synced after that. So a reader finds no file or a whole one, whatever
 * happens in between: a full disk, a kill, a power cut, or another process that makes the same file.
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

/** A file and what must be true of it. */
export interface StateFile {
  readonly path: string;
  readonly isWhole: (content: string) => boolean;
  /** What an operator can do when it is not whole; ends the sentence that says so. */
  readonly remedy: string;
}

/** The file is there and cannot be used. The message is one sentence for an operator. */
export class StateFileError extends Error {
  override readonly name = 'StateFileError';
}

const ownerOnly = 0o600;
/** A version of Inlet before this function, or a file system without hard links, fills the file a moment after making it. */
const fillingMs = 1_000;
const lookAgainMs = 20;

/** The content of the file. Undefined: there is none. Throws {@link StateFileError} when it is not whole. */
export function readState(file: StateFile): string | undefined {
  const until = Date.now() + fillingMs;
  for (;;) {
    const content = contentOf(file);
    if (content === undefined) return undefined;
    if (file.isWhole(content)) {
      // The process that made the file may not have come to this yet, and what is sealed with a secret must not outlive it.
      syncFolderNow(dirname(file.path));
      return content;
    }
    if (Date.now() > until) throw new StateFileError(`${file.path} ${fault(content)}: ${file.remedy}`);
    wait(lookAgainMs);
  }
}

/** The content of the file, which is made when there is none. Of several processes that make it at once, all get the same. */
export function keptState(file: StateFile, make: () => string): string {
  const kept = readState(file);
  if (kept !== undefined) return kept;
  makeSyncedFolderNow(dirname(file.path));
  writeAside(file.path, make(), (written) => {
    putInPlace(written, file.path);
  });
  const made = readState(file);
  if (made === undefined) throw new StateFileError(`${file.path} was made and is not there: ${file.remedy}`);
  return made;
}

/** Writes the file, whatever is there. A reader finds the old content or the new one. */
export function replaceState(path: string, content: string): void {
  writeAside(path, content, (written) => {
    renameSync(written, path);
  });
}

function writeAside(path: string, content: string, publish: (written: string) => void): void {
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

/** A hard link is the only way that Node has to give a file a name without replacing another one. */
function putInPlace(written: string, path: string): void {
  try {
    linkSync(written, path);
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return;
    if (!withoutHardLinks.has(codeOf(error))) throw error;
    copyInPlace(written, path);
  }
}

/** What FAT, SMB and some FUSE file systems answer to a hard link. */
const withoutHardLinks: ReadonlySet<string> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']);

/** Not at once, so that a kill in between leaves a file that is not whole, which no start uses. */
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

function fault(content: string): string {
  return content.trim() === '' ? 'is empty' : `is not whole (${String(content.length)} characters)`;
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? '';
}

function wait(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
