/**
 * Properties of all times and counts: no wait is shorter or longer than allowed, and no text leads to another
 * wait.
 */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import {
  errorCodes,
  isMediaError,
  isServiceFault,
  mediaErrorVerdict,
  type MediaErrorCode,
} from '../../src/domain/errors.js';
import { paceOf, resendDelayMs } from '../../src/domain/outbound.js';
import { parseRetryAfter } from '../../src/domain/retry-after.js';
import { backoffMs, decideAfterFailure } from '../../src/domain/retry.js';
import { decideAfterRefusal } from '../../src/domain/subscriber-retry.js';

const hour = 3_600_000;
const anyNow = fc.date({
  min: new Date(Date.UTC(2000, 0)),
  max: new Date(Date.UTC(2100, 0)),
  noInvalidDate: true,
});
const anyCount = fc.integer({ min: 1, max: 32_767 });
const anyChance = fc.double({ min: 0, max: 1, noNaN: true });
const anyDistance = fc.integer({ min: -1e10, max: 1e10 });
const after = (now: Date, ms: number): Date => new Date(now.getTime() + ms);

describe('Retry-After', () => {
  const dates = [
    (date: Date) => date.toUTCString(),
    // The two older formats of RFC 9110.
    (date: Date) => date.toUTCString().replace(/^(\w+), (\d\d) (\w+) (\d{4}) (.*) GMT$/, '$1 $3 $2 $5 $4'),
  ];

  test('of any text is ignored or a time within the next hour', () => {
    const anyText = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.bigInt({ min: -1n, max: 10n ** 30n }).map(String),
      fc.tuple(fc.constantFrom('mon', 'Sun, ', 'Fri '), fc.string()).map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(fc.option(anyText, { nil: undefined }), anyNow, (text, now) => {
        const wait = (parseRetryAfter(text, now)?.getTime() ?? now.getTime()) - now.getTime();
        expect(wait >= 0 && wait <= hour).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test('accepts seconds and every format of a date', () => {
    fc.assert(
      fc.property(
        anyNow,
        fc.integer({ min: 0, max: 3_600 }),
        fc.constantFrom(...dates),
        (now, seconds, write) => {
          const whole = new Date(Math.floor(now.getTime() / 1000) * 1000);
          expect(parseRetryAfter(String(seconds), now)).toEqual(after(now, seconds * 1000));
          expect(parseRetryAfter(write(after(whole, seconds * 1000)), whole)).toEqual(
            after(whole, seconds * 1000),
          );
        },
      ),
    );
  });
});

describe('the next attempt', () => {
  test('waits between half and all of a delay that only grows, up to an hour', () => {
    fc.assert(
      fc.property(anyCount, anyChance, (attempts, chance) => {
        const full = backoffMs(attempts, 1);
        expect(full >= 2_000 && full <= hour).toBe(true);
        expect(backoffMs(attempts + 1, 1)).toBeGreaterThanOrEqual(full);
        const wait = backoffMs(attempts, chance);
        expect(wait >= full / 2 && wait <= full).toBe(true);
      }),
    );
  });

  test('at a media item is made neither at once nor after the link expires, and never after a final error', () => {
    const anyFailure = fc.record({
      code: fc.constantFrom(...errorCodes.filter((code): code is MediaErrorCode => isMediaError(code))),
      attempts: anyCount,
      maxAttempts: anyCount,
      now: anyNow,
      chance: anyChance,
      expiresIn: fc.option(anyDistance),
      retryIn: fc.option(fc.integer({ min: 0, max: hour }), { nil: undefined }),
    });
    fc.assert(
      fc.property(anyFailure, ({ expiresIn, retryIn, ...failed }) => {
        const { now, code } = failed;
        const expiresAt = expiresIn === null ? null : after(now, expiresIn);
        const retryAt = retryIn === undefined ? undefined : after(now, retryIn);
        const decision = decideAfterFailure({ ...failed, expiresAt, retryAt });
        const verdict = mediaErrorVerdict(code);
        if (decision.state !== 'pending') return verdict === 'retry' || decision.state === verdict;
        const mayGoOn = failed.attempts < failed.maxAttempts || isServiceFault(code);
        const wait = decision.nextAttemptAt.getTime() - now.getTime();
        expect(wait).toBeGreaterThanOrEqual(1_000);
        expect(wait).toBeLessThanOrEqual(Math.min(hour, expiresIn ?? hour));
        return verdict === 'retry' && mayGoOn;
      }),
      { numRuns: 1_000 },
    );
  });

  test('at a subscriber is made within six hours, and never after three days of failures', () => {
    const anyPost = fc.record({
      attempts: anyCount,
      failures: anyCount,
      pauses: anyCount,
      now: anyNow,
      chance: anyChance,
      since: anyDistance,
      eventSince: anyDistance,
      status: fc.constantFrom(null, 400, 404, 429, 500, 503),
    });
    fc.assert(
      fc.property(anyPost, ({ since, eventSince, ...post }) => {
        const { retryAfterMs, pauseMs, disable } = decideAfterRefusal({
          ...post,
          failingSince: after(post.now, -Math.abs(since)),
          firstFailedAt: after(post.now, -Math.abs(eventSince)),
        });
        expect(disable).toBe(Math.abs(since) >= 72 * hour);
        expect(retryAfterMs === null).toBe(Math.abs(eventSince) >= 72 * hour);
        for (const wait of [retryAfterMs ?? 2_500, pauseMs ?? 2_500])
          expect(wait >= 2_500 && wait <= 6 * hour).toBe(true);
        // A response concerns the event; a missing response or many consecutive failures concern the
        // receiver.
        const { status, failures } = post;
        expect(pauseMs !== null).toBe(failures >= 5 || status === null || status === 429 || status === 503);
      }),
    );
  });

  test('at a provider is made at the requested time, otherwise within ten minutes, and never after a day', () => {
    const anyRefusal = fc.record({
      attempts: anyCount,
      chance: anyChance,
      waitingMs: fc.integer({ min: 0, max: 48 * hour }),
      retryAfterMs: fc.option(fc.integer({ min: 0, max: hour })),
    });
    fc.assert(
      fc.property(anyRefusal, (refused) => {
        const wait = resendDelayMs(refused);
        if (wait === undefined) return refused.waitingMs >= 24 * hour;
        const isBounded = wait >= 1_000 && wait <= 600_000;
        return (
          refused.waitingMs < 24 * hour &&
          (refused.retryAfterMs === null ? isBounded : wait === refused.retryAfterMs)
        );
      }),
    );
  });
});

test('a rate is never exceeded, whenever messages are queued', () => {
  const anyRate = fc.record({
    messages: fc.integer({ min: 1, max: 100 }),
    perMs: fc.constantFrom(1_000, 60_000),
    burst: fc.integer({ min: 1, max: 100 }),
  });
  const pauses = fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 5_000 })), { maxLength: 100 });
  fc.assert(
    fc.property(anyRate, pauses, (rate, waits) => {
      const { intervalMs, aheadMs } = paceOf(rate);
      const sent: number[] = [];
      // The rule of the statement that claims a message (see src/infra/tables/sending/send-queue.ts).
      let now = 0;
      let bookedUntil = 0;
      for (const wait of waits) {
        now = Math.max(now + wait, bookedUntil - aheadMs);
        bookedUntil = Math.max(bookedUntil, now) + intervalMs;
        sent.push(now);
      }
      for (const start of sent) {
        const within = sent.filter((at) => at >= start && at < start + rate.perMs).length;
        expect(within).toBeLessThanOrEqual(rate.messages + rate.burst);
        const atOnce = sent.filter((at) => at === start).length;
        expect(atOnce).toBeLessThanOrEqual(Math.max(1, rate.burst));
      }
    }),
  );
});
