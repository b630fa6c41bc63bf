/** Explains why files cannot be stored, with a name that can be looked up and a sentence for the operator. */
import { ownValue } from '../../domain/own-value.js';
import { failureName } from '../logging/failure-name.js';

export class StorageProblem extends Error {
  override readonly name = 'StorageProblem';
  /** Stable and short: `NoSuchBucket`, `ENOSPC`. */
  readonly reason: string;

  constructor(reason: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }

  /** Makes `failureName` return the reason. */
  get code(): string {
    return this.reason;
  }
}

/** The action that failed, and advice for known failures. */
export interface FailedAction {
  /** For example "writing an object in the bucket pictures". */
  readonly action: string;
  readonly hints: Readonly<Record<string, string>>;
}

export function toStorageProblem(error: unknown, { action, hints }: FailedAction): StorageProblem {
  if (error instanceof StorageProblem) return error;
  const reason = failureName(error);
  const hint = ownValue(hints, reason);
  return new StorageProblem(reason, `${action} failed: ${reason}${hint === undefined ? '' : ` (${hint})`}`, {
    cause: error,
  });
}

const folderHints: Readonly<Record<string, string>> = {
  ENOTDIR: 'a file has the name of a required folder',
  EEXIST: 'a file has the name of a required folder',
  EACCES: 'it is not writable for the user that Inlet runs as',
  EPERM: 'it is not writable for the user that Inlet runs as',
  EROFS: 'its file system is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the quota of the disk is used up',
  EXDEV: 'its folder tmp is on another file system',
  EIO: 'the disk reports an I/O error',
  ESTALE: 'its file system is no longer mounted',
  TimeoutError: 'the disk does not respond',
};

/** The problem that prevents writing to a folder. */
export function folderProblem(error: unknown, folder: string): StorageProblem {
  return toStorageProblem(error, { action: `writing to UPLOADS_DIR (${folder})`, hints: folderHints });
}
