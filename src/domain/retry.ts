/** Rules for retries and their end. Time and randomness are parameters. */
import { AppError, isServiceFault, mediaErrorVerdict, type MediaErrorCode } from './errors.js';

/**
 * The delays grow threefold: about 2 s, 6 s, 18 s … up to an hour, so that attempts survive an outage of
 * several hours.
 */
const firstDelayMs = 2_000;
const growth = 3;
const maxDelayMs = 3_600_000;
/** How long before the expiry of a link the last attempt is made. */
const lastAttemptMarginMs = 5_000;

export interface FailedAttempt {
  readonly code: MediaErrorCode;
  /** Whether the provider may not have the file yet, so that no final code counts. */
  readonly isEarly?: boolean;
  /** Whether a final code may turn out wrong, so that a few more attempts are made. */
  readonly mayRecover?: boolean;
  /** The number of attempts so far, including this one. */
  readonly attempts: number;
  readonly maxAttempts: number;
  readonly now: Date;
  /** When the provider stops serving the link; null if unknown. */
  readonly expiresAt: Date | null;
  /** The earliest time at which the host accepts another request. */
  readonly retryAt?: Date | undefined;
  /** How many attempts ended with the same code. */
  readonly sameFailures?: number | undefined;
  /** A random number from 0 to 1. */
  readonly chance: number;
}

export type Decision =
  | { readonly state: 'pending'; readonly nextAttemptAt: Date }
  | { readonly state: 'rejected' | 'failed'; readonly code: MediaErrorCode };

/** Decides the state of a media item after a failed attempt. */
export function decideAfterFailure(failed: FailedAttempt): Decision {
  const { code, attempts, now, expiresAt } = failed;
  const verdict = mediaErrorVerdict(code);
  if (verdict !== 'retry' && !(failed.isEarly ?? false)) return decideAfterVerdict(failed, verdict);
  // A failure of the local disk is no reason to stop the retries, however often it occurs.
  if (attempts >= attemptLimit(failed) && !isServiceFault(code)) return { state: 'failed', code };
  const nextAttempt = nextAttemptTime(failed);
  if (expiresAt === null || nextAttempt <= expiresAt.getTime())
    return { state: 'pending', nextAttemptAt: new Date(nextAttempt) };
  const lastAttemptAt = expiresAt.getTime() - lastAttemptMarginMs;
  return lastAttemptAt > now.getTime() + 1_000
    ? { state: 'pending', nextAttemptAt: new Date(lastAttemptAt) }
    : { state: 'failed', code: 'media.link_expired' };
}

/** The time of the next attempt in milliseconds. */
function nextAttemptTime({ attempts, chance, now, retryAt }: FailedAttempt): number {
  return Math.max(now.getTime() + backoffMs(attempts, chance), retryAt?.getTime() ?? 0);
}

/** A final verdict applies at once, unless it is doubtful and there is time for another attempt. */
function decideAfterVerdict(failed: FailedAttempt, state: 'rejected' | 'failed'): Decision {
  const { code, expiresAt } = failed;
  const nextAttempt = nextAttemptTime(failed);
  const isBeforeExpiry = expiresAt === null || nextAttempt <= expiresAt.getTime();
  return isBeforeExpiry && isInDoubt(failed)
    ? { state: 'pending', nextAttemptAt: new Date(nextAttempt) }
    : { state, code };
}

/** Within about a minute, wrong responses of a resolver or a host have usually disappeared. */
const maxDoubtfulAttempts = 5;
/** A page instead of a picture: most hosts that send one keep doing so. */
const maxPageAttempts = 3;

function isInDoubt({
  code,
  mayRecover = false,
  attempts,
  maxAttempts,
  sameFailures = attempts,
}: FailedAttempt): boolean {
  const limit = code === 'media.type_mismatch' ? maxPageAttempts : maxDoubtfulAttempts;
  return mayRecover && attempts < maxAttempts && Math.min(sameFailures, attempts) < limit;
}

/**
 * A fault of this service rarely disappears by itself: it should become visible soon, and a user can retry
 * once it is fixed.
 */
const maxInternalAttempts = 5;

function attemptLimit({ code, maxAttempts }: FailedAttempt): number {
  return code === 'media.internal' ? Math.min(maxInternalAttempts, maxAttempts) : maxAttempts;
}

/** The delay in milliseconds after this many attempts, jittered between half and all of the full delay. */
export function backoffMs(attempts: number, chance: number): number {
  return jitteredDelayMs({ firstDelayMs, growth, maxDelayMs }, attempts, chance);
}

/** A delay that grows with the attempts, jittered between half and all of the full delay. */
export function jitteredDelayMs(
  delays: { readonly firstDelayMs: number; readonly growth: number; readonly maxDelayMs: number },
  attempts: number,
  chance: number,
): number {
  // The exponent is capped; the longest delay applies long before.
  const full = Math.min(delays.firstDelayMs * delays.growth ** Math.min(attempts - 1, 20), delays.maxDelayMs);
  return Math.round(full * (0.5 + chance / 2));
}

/** Converts any failure to an AppError with a media code. Unknown errors are faults of this service. */
export function asMediaError(error: unknown): MediaFailure {
  if (error instanceof AppError && isMediaFailure(error)) return error;
  const failure = isStorageFailure(error)
    ? new AppError('media.storage_failed', 'the file store failed', { cause: error })
    : new AppError('media.internal', 'a fault of this service', { cause: error });
  return failure as MediaFailure;
}

type MediaFailure = AppError & { readonly code: MediaErrorCode };

/** Errors of the operating system that only a programming error causes, such as the use of a closed file. */
const programmingErrors: readonly unknown[] = ['EBADF', 'EFAULT'];

/** Whether the operating system or a remote store reported the error. */
function isStorageFailure(error: unknown): boolean {
  if (error instanceof AppError) return error.code === 'service.unavailable';
  if (!(error instanceof Error) || !('syscall' in error)) return false;
  return !('code' in error && programmingErrors.includes(error.code));
}

function isMediaFailure(error: AppError): error is MediaFailure {
  return error.code.startsWith('media.') && error.status === 502;
}
