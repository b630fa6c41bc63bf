/** Classifies failed statements by what a caller can do about them. */

/** The database did not answer in time. A write may still succeed. */
export class DatabaseTimeoutError extends Error {
  override readonly name = 'DatabaseTimeoutError';
}

/**
 * SQLSTATE classes for values that PostgreSQL cannot store (22), rows that violate a constraint (23) and
 * exceeded size limits (54). Every other failure says nothing about the data: the same statement may succeed
 * later.
 */
const refusedStates = /^(22|23|54)/;

/** A serialization failure or a deadlock: repeating the whole transaction may succeed. */
const conflictStates = /^(40001|40P01)$/;

/** SQLSTATE codes have five characters. None begins with an E, unlike Node's codes such as `EPERM`. */
const sqlState = /^[0-9A-DF-Z][0-9A-Z]{4}$/;

/** The codes that Node reports if no server answers at the address. */
const networkErrors =
  /^(ECONN\w+|EPIPE|ETIMEDOUT|EHOSTUNREACH|EHOSTDOWN|ENETUNREACH|ENETDOWN|ENOTFOUND|EAI_\w+)$/;

/** Failures that the driver reports without a code. */
const driverMessages =
  /connection terminated|timeout expired|timeout exceeded when trying to connect|not queryable|read timeout|cannot use a pool after/i;

/** Prisma's codes look like an SQLSTATE, of which only class P0 begins with a P. */
const prismaCode = /^P[1-9]\d{3}$/;

/**
 * Failures that Prisma reports without an SQLSTATE: connections (P1), no free connection, a closed
 * transaction, a conflict, too many connections.
 */
const prismaFailures = /^(P1\d{3}|P20(24|28|34|37))$/;

interface MaybeDatabaseError {
  readonly name?: unknown;
  readonly code?: unknown;
  /** The system call that failed. */
  readonly syscall?: unknown;
  /** Prisma's copy of the driver's error. */
  readonly meta?: {
    readonly driverAdapterError?: { readonly cause?: { readonly originalCode?: unknown } };
  };
}

/** The SQLSTATE or Node's code of the error. */
export function codeOf(error: unknown): string | undefined {
  const { code, meta } = (error ?? {}) as MaybeDatabaseError;
  const original = meta?.driverAdapterError?.cause?.originalCode;
  if (typeof original === 'string') return original;
  return typeof code === 'string' ? code : undefined;
}

function isPrismaInitialization(error: unknown): boolean {
  return ((error ?? {}) as MaybeDatabaseError).name === 'PrismaClientInitializationError';
}

/**
 * Whether the database refuses the data itself. Only then is the caller's input at fault, and a retry is
 * useless.
 */
export function isDataRefused(error: unknown): boolean {
  return refusedStates.test(codeOf(error) ?? '');
}

/** Whether a statement was abandoned because the server did not answer in time. */
export function isNoAnswer(error: unknown): boolean {
  return error instanceof Error && /^query read timeout$/i.test(error.message);
}

/** Whether the whole transaction can be repeated. */
export function isConflict(error: unknown): boolean {
  return conflictStates.test(codeOf(error) ?? '');
}

/**
 * Whether the database is at fault: it is unavailable, too slow, out of connections or space, or it refuses
 * necessary privileges. The caller's input is not at fault, and the same request may succeed later.
 */
export function isDatabaseFailure(error: unknown): boolean {
  if (error instanceof DatabaseTimeoutError || isPrismaInitialization(error)) return true;
  const code = codeOf(error);
  if (code !== undefined && prismaCode.test(code)) return prismaFailures.test(code);
  if (code === undefined) return error instanceof Error && driverMessages.test(error.message);
  return (sqlState.test(code) && !refusedStates.test(code)) || isNetworkFailure(error, code);
}

/** A server at a local socket is unavailable if there is no such file (`ENOENT`). */
function isNetworkFailure(error: unknown, code: string): boolean {
  return networkErrors.test(code) || (error as MaybeDatabaseError).syscall === 'connect';
}
