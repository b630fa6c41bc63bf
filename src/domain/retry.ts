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
  /** Attempts made so far, this one included. */
  readonly attempts: number;
  readonly maxAttempts: number;
  readonly now: Date;
  /** When the provider stops answering for the link; null when not known. */
  readonly expiresAt: Date | null;
  /** The earliest moment the other side wants to be asked again. */
  readonly retryAt?: Date | undefined;
  /** From 0 to 1. */
  readonly chance: number;
}

export type Decision =
  | { readonly state: 'pending'; readonly nextAttemptAt: Date }
  | { readonly state: 'rejected' | 'failed'; readonly code: MediaErrorCode };

/** What becomes of a media after an attempt has failed. */
export function decideAfterFailure(failed: FailedAttempt): Decision {
  const { code, attempts, maxAttempts, now, expiresAt } = failed;
  const verdict = mediaErrorVerdict(code);
  if (verdict !== 'retry') return { state: verdict, code };
  // Our own disk is no reason to give up on a picture, however often it fails.
  if (attempts >= maxAttempts && !isOwnTrouble(code)) return { state: 'failed', code };
  const wanted = Math.max(now.getTime() + backoffMs(attempts, failed.chance), failed.retryAt?.getTime() ?? 0);
  if (expiresAt === null || wanted <= expiresAt.getTime())
    return { state: 'pending', nextAttemptAt: new Date(wanted) };
  const lastChance = expiresAt.getTime() - lastChanceMs;
  return lastChance > now.getTime() + 1_000
    ? { state: 'pending', nextAttemptAt: new Date(lastChance) }
    : { state: 'failed', code: 'media.link_expired' };
}

/** Milliseconds after the given number of attempts, jittered between half and all of the full delay. */
export function backoffMs(attempts: number, chance: number): number {
  return jitteredDelayMs({ firstDelayMs, growth, longestDelayMs }, attempts, chance);
}

/** A subscriber is somebody's server: a restart takes seconds, a weekend takes days. About 5 s, 20 s, 80 s ... up to six hours. */
const subscriberDelays = { firstDelayMs: 5_000, growth: 4, longestDelayMs: 6 * 3_600_000 };
/** Who has taken nothing for so long is not asked any more. */
const subscriberPatienceMs = 3 * 86_400_000;

export interface FailedNotification {
  /** Failures in a row, this one included. */
  readonly failures: number;
  /** When the first of them was. */
  readonly failingSince: Date;
  readonly now: Date;
  /** The earliest moment the subscriber wants to be asked again. */
  readonly retryAt?: Date | undefined;
  /** From 0 to 1. */
  readonly chance: number;
}

/** When a subscriber that did not take an event is asked again; null: never. */
export function nextNotificationAt({
  failures,
  failingSince,
  now,
  retryAt,
  chance,
}: FailedNotification): Date | null {
  if (now.getTime() - failingSince.getTime() >= subscriberPatienceMs) return null;
  const wanted = now.getTime() + jitteredDelayMs(subscriberDelays, failures, chance);
  return new Date(Math.max(wanted, retryAt?.getTime() ?? 0));
}

/** Whether an event has waited for so long that it is given up, though others got through. */
export function isGivenUp(waitingSince: Date, now: Date): boolean {
  return now.getTime() - waitingSince.getTime() >= subscriberPatienceMs;
}

function jitteredDelayMs(
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

/** Any failure as an AppError with a media code. What is not understood is ours, and may pass. */
export function asMediaError(error: unknown): AppError & { readonly code: MediaErrorCode } {
  if (error instanceof AppError && isMediaFailure(error)) return error;
  return new AppError('media.storage_failed', 'an internal failure', { cause: error }) as AppError & {
    readonly code: MediaErrorCode;
  };
}

function isMediaFailure(error: AppError): error is AppError & { readonly code: MediaErrorCode } {
  return error.code.startsWith('media.') && error.status === 502;
}
