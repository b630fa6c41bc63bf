/**
 * Whether the failure means that there is no such file or folder. Any other failure, such as that of a disk
 * or a missing permission, says nothing about what exists.
 */
export function isMissing(error: unknown): boolean {
  return (error as Partial<NodeJS.ErrnoException>).code === 'ENOENT';
}

/**
 * A handler for `catch`: the result is undefined if there is no such file, and other failures are thrown
 * again.
 */
export function ignoreMissing(error: unknown): undefined {
  if (!isMissing(error)) throw error;
}
