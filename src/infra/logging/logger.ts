import { pino, type Logger as PinoLogger } from 'pino';

export type Logger = PinoLogger;

/** JSON lines on standard output. Nothing personal and no secret is ever handed to it: ids, codes and counts only. */
export function createLogger(level: string): Logger {
  return pino({
    level,
    base: null,
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    serializers: { err: describeError },
  });
}

/**
 * Only what an error says of itself: other properties may hold what it was about (PostgreSQL's `detail` quotes values,
 * a parser's `data` holds bytes of the answer).
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
