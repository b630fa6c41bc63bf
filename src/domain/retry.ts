/** When to try again, and when to give up: pure rules, with time and chance handed in. */
import { AppError, isOwnTrouble, mediaErrorVerdict, type MediaErrorCode } from './errors.js';

/** Delays grow threefold: about 2 s, 6 s, 18 s … up to an hour, so that an outage of some hours is survived. */
const firstDelayMs = 2_000;
const growth = 3;
const longestDelayMs = 3_600_000;
/** How long before a link's end the last attempt is made. */
const lastChanceMs = 5_000;

export interface FailedAttempt {
  readonly code: MediaErrorCode;
  /** Whether a final code is not to be believed at once. */
  readonly mayPass?: boolean;
  /** Attempts made so far, this one included. */
  readonly attempts: number;
  readonly maxAttempts: number;
  readonly now: Date;
  /** When the provider stops answering for the link; null when not known. */
  readonly expiresAt: Date | null;
  /** The earliest moment the other side wants to be asked again. */
  readonly retryAt?: Date | undefined;
  /** How many of the attempts ended as this one did. */
  readonly alike?: number | undefined;
  /** From 0 to 1. */
  readonly chance: number;
}

export type Decision =
  | { readonly state: 'pending'; readonly nextAttemptAt: Date }
  | { readonly state: 'rejected' | 'failed'; readonly code: MediaErrorCode };

/** What becomes of a media after an attempt has failed. */
export function decideAfterFailure(failed: FailedAttempt): Decision {
  const { code, attempts, now, expiresAt } = failed;
  const verdict = mediaErrorVerdict(code);
  if (verdict !== 'retry') return decideAfterVerdict(failed, verdict);
  // Our own disk is no reason to give up on a picture, however often it fails.
  if (attempts >= mostAttempts(failed) && !isOwnTrouble(code)) return { state: 'failed', code };
  const wanted = wantedAt(failed);
  if (expiresAt === null || wanted <= expiresAt.getTime())
    return { state: 'pending', nextAttemptAt: new Date(wanted) };
  const lastChance = expiresAt.getTime() - lastChanceMs;
  return lastChance > now.getTime() + 1_000
    ? { state: 'pending', nextAttemptAt: new Date(lastChance) }
    : { state: 'failed', code: 'media.link_expired' };
}

/** When the next attempt should be (milliseconds). */
function wantedAt({ attempts, chance, now, retryAt }: FailedAttempt): number {
  return Math.max(now.getTime() + backoffMs(attempts, chance), retryAt?.getTime() ?? 0);
}

/** What is final is so at once, unless it is in doubt and there is time to see. */
function decideAfterVerdict(failed: FailedAttempt, state: 'rejected' | 'failed'): Decision {
  const { code, expiresAt } = failed;
  const wanted = wantedAt(failed);
  const isInTime = expiresAt === null || wanted <= expiresAt.getTime();
  return isInTime && isInDoubt(failed)
    ? { state: 'pending', nextAttemptAt: new Date(wanted) }
    : { state, code };
}

/** Within about a minute, what a resolver or a host answers by mistake has passed. */
const mostDoubtfulAttempts = 5;
/** A page in place of a picture: most hosts that answer so do it for good. */
const mostPages = 3;

function isInDoubt({
  code,
  mayPass = false,
  attempts,
  maxAttempts,
  alike = attempts,
}: FailedAttempt): boolean {
  const most = code === 'media.type_mismatch' ? mostPages : mostDoubtfulAttempts;
  return mayPass && attempts < maxAttempts && Math.min(alike, attempts) < most;
}

/** A fault of ours hardly passes by itself: it is to be seen soon, and can be tried again by hand once it is mended. */
const mostInternalAttempts = 5;

function mostAttempts({ code, maxAttempts }: FailedAttempt): number {
  return code === 'media.internal' ? Math.min(mostInternalAttempts, maxAttempts) : maxAttempts;
}

/** Milliseconds after the given number of attempts, jittered between half and all of the full delay. */
export function backoffMs(attempts: number, chance: number): number {
  return jitteredDelayMs({ firstDelayMs, growth, longestDelayMs }, attempts, chance);
}

/** Grows with the attempts, and is jittered between half and all of the full delay. */
export function jitteredDelayMs(
  delays: { readonly firstDelayMs: number; readonly growth: number; readonly longestDelayMs: number },
  attempts: number,
  chance: number,
): number {
  // Beyond some twenty attempts the power is no number any more; the limit applies long before.
  const full = Math.min(
    delays.firstDelayMs * delays.growth ** Math.min(attempts - 1, 20),
    delays.longestDelayMs,
  );
  return Math.round(full * (0.5 + chance / 2));
}

/** Any failure as an AppError with a media code. What is not understood is a fault of this service. */
export function asMediaError(error: unknown): MediaFailure {
  if (error instanceof AppError && isMediaFailure(error)) return error;
  const failure = isStorageFailure(error)
    ? new AppError('media.storage_failed', 'the storage of this service failed', { cause: error })
    : new AppError('media.internal', 'a fault of this service', { cause: error });
  return failure as MediaFailure;
}

type MediaFailure = AppError & { readonly code: MediaErrorCode };

/** What the operating system says of files, or a store that is elsewhere of itself. */
function isStorageFailure(error: unknown): boolean {
  if (error instanceof AppError) return error.code === 'service.unavailable';
  return error instanceof Error && 'syscall' in error;
}

function isMediaFailure(error: AppError): error is MediaFailure {
  return error.code.startsWith('media.') && error.status === 502;
}
