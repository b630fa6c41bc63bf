/** What PostgreSQL, its driver or the network says when a statement fails, sorted by what a caller can do about it. */

/** The database has not said in time whether it took something; it may still take it. */
export class DatabaseLateError extends Error {
  override readonly name = 'DatabaseLateError';
}

/**
 * SQLSTATE classes for values that PostgreSQL cannot take (22), rows that break a rule (23) and exceeded limits of size (54).
 * Every other failure says nothing about the data: the same statement may succeed later.
 */
const refusedStates = /^(22|23|54)/;

/** The transaction lost against another one, a serialization failure or a deadlock: repeating it as a whole may succeed. */
const conflictStates = /^(40001|40P01)$/;

/** SQLSTATE codes have five characters, and none begins with an E, as Node's own codes do: `EPERM`, `ECONNRESET`. */
const sqlState = /^[0-9A-DF-Z][0-9A-Z]{4}$/;

/** What Node reports when nobody answers at the address of the server. */
const networkErrors =
  /^(ECONN\w+|EPIPE|ETIMEDOUT|EHOSTUNREACH|EHOSTDOWN|ENETUNREACH|ENETDOWN|ENOTFOUND|EAI_\w+)$/;

/** What the driver reports without a code. */
const driverMessages =
  /connection terminated|timeout expired|timeout exceeded when trying to connect|not queryable|read timeout|cannot use a pool after/i;

/** Prisma's own codes look like an SQLSTATE, whose class P0 is the only one that begins with a P. */
const prismaCode = /^P[1-9]\d{3}$/;

/** What Prisma reports without an SQLSTATE: connections (P1), and no connection, end of a transaction, conflict, too many connections. */
const prismaFailures = /^(P1\d{3}|P20(24|28|34|37))$/;

interface MaybeDatabaseError {
  readonly name?: unknown;
  readonly code?: unknown;
  /** What Node asked the system for. */
  readonly syscall?: unknown;
  /** Where Prisma keeps what the driver has said. */
  readonly meta?: {
    readonly driverAdapterError?: { readonly cause?: { readonly originalCode?: unknown } };
  };
}

/** SQLSTATE, or Node's code. */
export function codeOf(error: unknown): string | undefined {
  const { code, meta } = (error ?? {}) as MaybeDatabaseError;
  const original = meta?.driverAdapterError?.cause?.originalCode;
  if (typeof original === 'string') return original;
  return typeof code === 'string' ? code : undefined;
}

function isPrismaInitialization(error: unknown): boolean {
  return ((error ?? {}) as MaybeDatabaseError).name === 'PrismaClientInitializationError';
}

/** Whether the database refuses the data itself. Only then is the caller's input at fault, and trying again is useless. */
export function isDataRefused(error: unknown): boolean {
  return refusedStates.test(codeOf(error) ?? '');
}

/** Whether a statement was given up because the server had not answered it in time. */
export function isNoAnswer(error: unknown): boolean {
  return error instanceof Error && /^query read timeout$/i.test(error.message);
}

/** Whether the whole transaction may simply be repeated. */
export function isConflict(error: unknown): boolean {
  return conflictStates.test(codeOf(error) ?? '');
}

/**
 * Whether the failure is the database's own: it is away, too slow, out of connections or space, or it does not let us do what we
 * need. The caller's input is not at fault, and the same request may succeed later.
 */
export function isDatabaseFailure(error: unknown): boolean {
  if (error instanceof DatabaseLateError || isPrismaInitialization(error)) return true;
  const code = codeOf(error);
  if (code !== undefined && prismaCode.test(code)) return prismaFailures.test(code);
  if (code === undefined) return error instanceof Error && driverMessages.test(error.message);
  return (sqlState.test(code) && !refusedStates.test(code)) || isNetworkFailure(error, code);
}

/** A server at a socket of this machine is away when there is no such file (`ENOENT`). */
function isNetworkFailure(error: unknown, code: string): boolean {
  return networkErrors.test(code) || (error as MaybeDatabaseError).syscall === 'connect';
}
