import { errors } from 'undici';
import { AppError, type MediaErrorCode } from '../domain/errors.js';

interface NetworkFailure {
  readonly host: string;
  /** The signal that covered the call: when it is aborted, its reason is the true story. */
  readonly signal: AbortSignal;
  /** What a failure means at this stage, unless it says more about itself. */
  readonly otherwise: Extract<MediaErrorCode, 'media.connection_failed' | 'media.truncated'>;
}

/** What to throw for a failure of the network; the original becomes the `cause`. */
export function networkError(error: unknown, { host, signal, otherwise }: NetworkFailure): unknown {
  if (error instanceof AppError) return error;
  if (signal.aborted) return signal.reason;
  if (error instanceof errors.ConnectTimeoutError) {
    return new AppError('media.timeout', `${host} did not accept the connection in time`, { cause: error });
  }
  const story = otherwise === 'media.truncated' ? 'broke off its answer' : 'could not be reached';
  return new AppError(otherwise, `${host} ${story}`, { cause: error });
}
