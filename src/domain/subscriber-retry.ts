/** Rules for retries after a subscriber has refused an event. Time and randomness are parameters. */
import { jitteredDelayMs } from './retry.js';

/**
 * A subscriber is a server: a restart takes seconds, a weekend takes days. The delays are about 5 s, 20 s, 80
 * s ... up to six hours.
 */
const delays = { firstDelayMs: 5_000, growth: 4, maxDelayMs: 6 * 3_600_000 };
/**
 * A subscriber that has accepted nothing for this long is disabled, and an event that it has refused for this
 * long is not posted again.
 */
const maxFailingMs = 3 * 86_400_000;
/**
 * After this many consecutive failures, the receiver as a whole counts as down. Fewer failures may be caused
 * by single events that it cannot process.
 */
const failuresUntilDown = 5;
/** Statuses that show by themselves that the receiver, or a proxy in front of it, is unavailable. */
const receiverDownStatuses: readonly (number | null)[] = [null, 429, 502, 503, 504];

export interface Refusal {
  /** The status of the response; null if there was none. */
  readonly status: number | null;
  /** The earliest time at which the subscriber accepts another call. */
  readonly retryAt?: Date | undefined;
  /** How often this event was posted, including this time, and when it first failed. */
  readonly attempts: number;
  readonly firstFailedAt: Date;
  /**
   * The number of consecutive failed posts to the subscriber, including this one, and the time of the first.
   */
  readonly failures: number;
  readonly failingSince: Date;
  /** How often in succession the subscription was paused. */
  readonly pauses: number;
  readonly now: Date;
  /** A random number from 0 to 1. */
  readonly chance: number;
}

export interface RefusalDecision {
  /** The delay before this event is posted again; null if it never is. */
  readonly retryAfterMs: number | null;
  /** How long nothing is posted to the subscriber; null if other events continue. */
  readonly pauseMs: number | null;
  /** Whether the subscription is disabled. */
  readonly disable: boolean;
}

export function decideAfterRefusal(refusal: Refusal): RefusalDecision {
  const { status, attempts, firstFailedAt, failures, failingSince, pauses, chance } = refusal;
  const now = refusal.now.getTime();
  const requestedDelayMs = (refusal.retryAt?.getTime() ?? 0) - now;
  const isDown = failures >= failuresUntilDown || receiverDownStatuses.includes(status);
  return {
    retryAfterMs:
      now - firstFailedAt.getTime() >= maxFailingMs
        ? null
        : Math.max(jitteredDelayMs(delays, attempts, chance), requestedDelayMs),
    pauseMs: isDown ? Math.max(jitteredDelayMs(delays, pauses + 1, chance), requestedDelayMs) : null,
    disable: now - failingSince.getTime() >= maxFailingMs,
  };
}
