/**
 * Short names of failures that operators can look up. They contain nothing personal, so they may appear in
 * logs and in the readiness report.
 */
import { types } from 'node:util';

import { AppError } from '../../domain/errors.js';

/** Names that the S3 SDK uses when the answer has none; the status then says more. */
const genericNames = new Set(['', 'Error', 'UnknownError', 'Unknown', 'S3ServiceException']);
/** A name has no spaces; other text may be a message that contains values. */
const plainName = /^[\w.-]{1,64}$/;

/**
 * Returns the code of the system or of the store (`ENOSPC`, `NoSuchBucket`), the status of an answer, or the
 * class of the error.
 */
export function failureName(error: unknown): string {
  if (!types.isNativeError(error)) return 'UnknownError';
  if (error instanceof AppError && error.cause !== undefined) return failureName(error.cause);
  return codeOf(error) ?? nameOf(error);
}

function codeOf(error: Error): string | undefined {
  if ('code' in error && typeof error.code === 'string' && plainName.test(error.code)) return error.code;
  // A host with several addresses has an error for each of them; the first one with a code represents all.
  const others: readonly unknown[] = error instanceof AggregateError ? error.errors : [];
  for (const other of others) {
    const code = types.isNativeError(other) ? codeOf(other) : undefined;
    if (code !== undefined) return code;
  }
  return undefined;
}

function nameOf(error: Error): string {
  if (!genericNames.has(error.name) && plainName.test(error.name)) return error.name;
  const status = statusOf(error);
  return status === undefined ? 'UnknownError' : `HTTP ${String(status)}`;
}

/** Returns the HTTP status that an error of the SDK carries. */
export function statusOf(error: unknown): number | undefined {
  if (!types.isNativeError(error) || !('$metadata' in error)) return undefined;
  const { httpStatusCode } = error.$metadata as { httpStatusCode?: number };
  return httpStatusCode;
}
