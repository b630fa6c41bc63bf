/** When a subscriber that did not take an event is asked again: pure rules, with time and chance handed in. */
import { jitteredDelayMs } from './retry.js';

/** A subscriber is somebody's server: a restart takes seconds, a weekend takes days. About 5 s, 20 s, 80 s ... up to six hours. */
const delays = { firstDelayMs: 5_000, growth: 4, longestDelayMs: 6 * 3_600_000 };
/** A subscriber that has taken nothing for so long is not asked any more, and an event that it refuses for so long is given up. */
const patienceMs = 3 * 86_400_000;
/**
 * After so many failures in a row the receiver as a whole is taken for down. Fewer may be events that it cannot digest, between others
 * that it takes.
 */
const failuresOfReceiver = 5;
/** Answers that say by themselves that it is the receiver, or a proxy before it, that cannot work now. */
const answersOfReceiver: readonly (number | null)[] = [null, 429, 502, 503, 504];

export interface Refusal {
  /** Of the answer; null: there was none. */
  readonly status: number | null;
  /** The earliest moment the subscriber wants to be asked again. */
  readonly retryAt?: Date | undefined;
  /** How often this event was posted, this time included, and when the first of these failed. */
  readonly attempts: number;
  readonly firstFailedAt: Date;
  /** How many posts to the subscriber failed in a row, this one included, and when the first of these was. */
  readonly failures: number;
  readonly failingSince: Date;
  /** How often in a row the subscription was paused. */
  readonly pauses: number;
  readonly now: Date;
  /** From 0 to 1. */
  readonly chance: number;
}

export interface RefusalDecision {
  /** When this event is posted again; null: it is given up. */
  readonly retryAfterMs: number | null;
  /** How long nothing at all is posted to the subscriber; null: other events go on. */
  readonly pauseMs: number | null;
  /** Whether the subscriber is not asked any more. */
  readonly disable: boolean;
}

export function decideAfterRefusal(refusal: Refusal): RefusalDecision {
  const { status, attempts, firstFailedAt, failures, failingSince, pauses, chance } = refusal;
  const now = refusal.now.getTime();
  const wanted = (refusal.retryAt?.getTime() ?? 0) - now;
  const isDown = failures >= failuresOfReceiver || answersOfReceiver.includes(status);
  return {
    retryAfterMs:
      now - firstFailedAt.getTime() >= patienceMs
        ? null
        : Math.max(jitteredDelayMs(delays, attempts, chance), wanted),
    pauseMs: isDown ? Math.max(jitteredDelayMs(delays, pauses + 1, chance), wanted) : null,
    disable: now - failingSince.getTime() >= patienceMs,
  };
}
