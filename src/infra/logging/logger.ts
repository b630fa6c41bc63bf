import { pino, type Logger as PinoLogger } from 'pino';

export type Logger = PinoLogger;

/**
 * Writes JSON lines to standard output. Callers pass no personal data and no secrets, only ids, codes and
 * counts.
 */
export function createLogger(level: string): Logger {
  return pino({
    level,
    base: null,
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    serializers: { err: describeError },
  });
}

/**
 * Includes only the standard members of an error: others may contain the data it is about (PostgreSQL's
 * `detail` quotes values, a parser's `data` contains bytes of the answer).
 */
function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return { message: 'not an error' };
  const code = 'code' in error ? String(error.code) : undefined;
  const { name, message, stack } = error;
  return {
    name,
    message,
    code,
    stack,
    ...(error.cause !== undefined && { cause: describeError(error.cause) }),
  };
}
