/** The database has not said in time whether it took something; it may still take it. */
export class DatabaseLateError extends Error {
  override readonly name = 'DatabaseLateError';
}

/**
 * PostgreSQL's classes for lost connections (08), refused ones (28, 3D, 55000: connections are not allowed), a server that goes
 * down, comes up or has no room (57P, 53), and one that only reads, as a replica does (25006).
 */
const awayStates = /^(08|28|3D|53|57P|25006$|55000$)/;
/** What Node says when there is nobody at the other end. */
const networkErrors =
  /^(ECONN\w+|EPIPE|ETIMEDOUT|EHOSTUNREACH|EHOSTDOWN|ENETUNREACH|ENETDOWN|ENOTFOUND|EAI_\w+|ENOENT|EACCES)$/;
/** What the driver says of it, without a code. */
const driverWords =
  /connection terminated|timeout expired|timeout exceeded when trying to connect|not queryable|read timeout/i;

/**
 * Whether this says that the database is away or too slow, and nothing about what it was given. Everything else (a row that
 * it does not take, a mistake of ours) is not its absence.
 */
export function isDatabaseAway(error: unknown): boolean {
  if (error instanceof DatabaseLateError) return true;
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === undefined) return driverWords.test(message);
  return awayStates.test(code) || networkErrors.test(code);
}
