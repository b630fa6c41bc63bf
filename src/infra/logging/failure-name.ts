/** The short names by which operators look failures up. They hold nothing personal, so that logs and readiness may show them. */
import { types } from 'node:util';

import { AppError } from '../../domain/errors.js';

/** Names that the SDK of S3 gives when the answer has none; its status then says more. */
const unnamed = new Set(['', 'Error', 'UnknownError', 'Unknown', 'S3ServiceException']);
/** A name never has spaces; anything else may be a message with values in it. */
const plain = /^[\w.-]{1,64}$/;

/** The code of the system or of the store (`ENOSPC`, `NoSuchBucket`), the status of an answer, or the class of the error. */
export function failureName(error: unknown): string {
  if (!types.isNativeError(error)) return 'UnknownError';
  if (error instanceof AppError && error.cause !== undefined) return failureName(error.cause);
  return codeOf(error) ?? nameOf(error);
}

function codeOf(error: Error): string | undefined {
  if ('code' in error && typeof error.code === 'string' && plain.test(error.code)) return error.code;
  // Each address of a host that has several fails for itself; the first that says why speaks for all.
  const others: readonly unknown[] = error instanceof AggregateError ? error.errors : [];
  for (const other of others) {
    const code = types.isNativeError(other) ? codeOf(other) : undefined;
    if (code !== undefined) return code;
  }
  return undefined;
}

function nameOf(error: Error): string {
  if (!unnamed.has(error.name) && plain.test(error.name)) return error.name;
  const status = statusOf(error);
  return status === undefined ? 'UnknownError' : `HTTP ${String(status)}`;
}

/** The status of the answer that an error of the SDK came with. */
export function statusOf(error: unknown): number | undefined {
  if (!types.isNativeError(error) || !('$metadata' in error)) return undefined;
  const { httpStatusCode } = error.$metadata as { httpStatusCode?: number };
  return httpStatusCode;
}
