/** Why no file can be kept, in a name that can be looked up and in a sentence for the operator. */
import { ownValue } from '../../domain/own-value.js';
import { failureName } from '../logging/failure-name.js';

export class StoreTrouble extends Error {
  override readonly name = 'StoreTrouble';
  /** Stable and short: `NoSuchBucket`, `ENOSPC`. */
  readonly reason: string;

  constructor(reason: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }

  /** As other errors are looked up. */
  get code(): string {
    return this.reason;
  }
}

/** What was being done, and what helps against the failures that are known. */
export interface Attempted {
  /** As in "writing an object in the bucket pictures". */
  readonly doing: string;
  readonly hints: Readonly<Record<string, string>>;
}

export function troubleOf(error: unknown, { doing, hints }: Attempted): StoreTrouble {
  if (error instanceof StoreTrouble) return error;
  const reason = failureName(error);
  const hint = ownValue(hints, reason);
  return new StoreTrouble(reason, `${doing} failed: ${reason}${hint === undefined ? '' : ` (${hint})`}`, {
    cause: error,
  });
}

const folderHints: Readonly<Record<string, string>> = {
  ENOTDIR: 'a file is in the place of a folder',
  EEXIST: 'a file is in the place of a folder',
  EACCES: 'it is not writable for the user that Inlet runs as',
  EPERM: 'it is not writable for the user that Inlet runs as',
  EROFS: 'its file system is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the quota of the disk is used up',
  EXDEV: 'its folder tmp is on another file system',
  EIO: 'the disk is broken',
  ESTALE: 'its file system is not mounted any more',
  TimeoutError: 'the disk does not answer',
};

/** What keeps a folder from taking files. */
export function folderTrouble(error: unknown, folder: string): StoreTrouble {
  return troubleOf(error, { doing: `writing to UPLOADS_DIR (${folder})`, hints: folderHints });
}
