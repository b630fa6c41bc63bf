import { describe, expect, test } from '@jest/globals';

import { AppError, errorCodes, isMediaError, mediaErrorVerdict } from '../../src/domain/errors.js';
import {
  asMediaError,
  backoffMs,
  decideAfterFailure,
  type Decision,
  type FailedAttempt,
} from '../../src/domain/retry.js';

const now = new Date('2026-11-21T10:00:00.000Z');
const inMs = (ms: number): Date => new Date(now.getTime() + ms);

function decide(failed: Partial<FailedAttempt>): Decision {
  return decideAfterFailure({
    code: 'media.timeout',
    attempts: 1,
    maxAttempts: 12,
    now,
    expiresAt: null,
    chance: 1,
    ...failed,
  });
}

const mediaCodes = errorCodes.filter(isMediaError);

describe('a page instead of a picture', () => {
  const code = 'media.type_mismatch';
  const page = (changed: object) => decide({ code, mayRecover: true, ...changed });
  test('is retried a few times, then rejected', () => {
    expect(page({ attempts: 1, sameFailures: 1 })).toEqual({ state: 'pending', nextAttemptAt: inMs(2_000) });
    expect(page({ attempts: 2, sameFailures: 2 })).toMatchObject({ state: 'pending' });
    expect(page({ attempts: 3, sameFailures: 3 })).toEqual({ state: 'rejected', code });
  });

  test('is counted from the first page, and again from zero when a user requests a retry', () => {
    expect(page({ attempts: 6, sameFailures: 1 })).toMatchObject({ state: 'pending' });
    expect(page({ attempts: 1, sameFailures: 4 })).toMatchObject({ state: 'pending' });
  });

  test('is rejected at once when no time or attempt is left', () => {
    expect(page({ attempts: 1, expiresAt: inMs(1_000) })).toEqual({ state: 'rejected', code });
    expect(page({ attempts: 12, maxAttempts: 12, sameFailures: 1 })).toEqual({ state: 'rejected', code });
  });
});

describe('a file that the provider may not have yet', () => {
  const missing = { code: 'media.gone', isEarly: true } as const;

  test('is asked for again', () => {
    expect(decide(missing)).toEqual({ state: 'pending', nextAttemptAt: inMs(2_000) });
    expect(decide({ ...missing, isEarly: false })).toEqual({ state: 'failed', code: 'media.gone' });
  });

  test('is gone when all attempts are used up', () => {
    expect(decide({ ...missing, attempts: 12 })).toEqual({ state: 'failed', code: 'media.gone' });
  });
});

describe('the state of a media item after a failed attempt', () => {
  test.each([
    ['media.no_address', 'rejected'],
    ['media.invalid_url', 'rejected'],
    ['media.forbidden_address', 'rejected'],
    ['media.forbidden_port', 'rejected'],
    ['media.too_many_redirects', 'rejected'],
    ['media.unsupported_encoding', 'rejected'],
    ['media.too_large', 'rejected'],
    ['media.type_mismatch', 'rejected'],
    ['media.infected', 'rejected'],
    ['media.undecodable', 'rejected'],
    ['media.too_many_pixels', 'rejected'],
    ['media.provider_failed', 'failed'],
    ['media.gone', 'failed'],
    ['media.refused', 'failed'],
    ['media.link_expired', 'failed'],
    ['media.crashed', 'failed'],
  ] as const)('%s is final: %s, however many attempts are left', (code, state) => {
    expect(decide({ code, retryAt: inMs(1_000) })).toEqual({ state, code });
  });

  test('a doubtful final verdict is retried a few times before it is accepted', () => {
    const doubted = { code: 'media.forbidden_address', mayRecover: true } as const;
    for (const attempts of [1, 2, 3, 4]) expect(decide({ ...doubted, attempts }).state).toBe('pending');
    expect(decide({ ...doubted, attempts: 5 })).toEqual({ state: 'rejected', code: doubted.code });
    expect(decide({ ...doubted, attempts: 2, maxAttempts: 2 }).state).toBe('rejected');
  });

  test.each([
    'media.http_status',
    'media.rate_limited',
    'media.timeout',
    'media.dns_failed',
    'media.connection_failed',
    'media.truncated',
    'media.empty',
    'media.busy',
    'media.not_scanned',
    'media.storage_failed',
    'media.internal',
  ] as const)('%s may pass, so another attempt is made', (code) => {
    expect(decide({ code })).toEqual({ state: 'pending', nextAttemptAt: inMs(2_000) });
  });

  test('these lists contain every media error', () => {
    const decided = mediaCodes.map((code) => decide({ code }).state);
    expect(decided.filter((state) => state === 'pending')).toHaveLength(11);
    expect(decided.filter((state) => state !== 'pending')).toHaveLength(16);
  });
});

describe('the delay', () => {
  test('grows threefold from two seconds and stops at an hour', () => {
    const delays = Array.from({ length: 10 }, (_, index) => backoffMs(index + 1, 1));
    expect(delays).toEqual([
      2_000, 6_000, 18_000, 54_000, 162_000, 486_000, 1_458_000, 3_600_000, 3_600_000, 3_600_000,
    ]);
  });

  test('stays an hour after any number of attempts', () => {
    expect(backoffMs(5_000, 1)).toBe(3_600_000);
  });

  test.each([1, 2, 3, 7, 12])('of attempt %i is between half and all of its length', (attempts) => {
    const full = backoffMs(attempts, 1);
    const delays = Array.from({ length: 101 }, (_, percent) => backoffMs(attempts, percent / 100));
    expect(delays[0]).toBe(full / 2);
    expect(delays.at(-1)).toBe(full);
    expect(delays.every((delay) => delay >= full / 2 && delay <= full)).toBe(true);
    expect(new Set(delays).size).toBe(101);
  });

  test('lets a media item survive an outage of two hours with the default of twelve attempts', () => {
    const least = Array.from({ length: 11 }, (_, index) => backoffMs(index + 1, 0)).reduce((a, b) => a + b);
    expect(least).toBeGreaterThan(2 * 3_600_000);
  });
});

describe('Retry-After', () => {
  test('that is later than the delay is kept', () => {
    expect(decide({ code: 'media.rate_limited', retryAt: inMs(90_000) })).toEqual({
      state: 'pending',
      nextAttemptAt: inMs(90_000),
    });
  });

  test.each([-60_000, 0, 500])('that is earlier than the delay (%i ms) has no effect', (ms) => {
    expect(decide({ retryAt: inMs(ms) })).toEqual({ state: 'pending', nextAttemptAt: inMs(2_000) });
  });

  test('after the expiry of the link leads to one last attempt before it', () => {
    expect(decide({ retryAt: inMs(600_000), expiresAt: inMs(300_000) })).toEqual({
      state: 'pending',
      nextAttemptAt: inMs(295_000),
    });
  });

  test('does not revive a media item whose attempts are used up', () => {
    expect(decide({ attempts: 12, retryAt: inMs(1_000) }).state).toBe('failed');
  });
});

describe('the expiry of a link', () => {
  test('that is far away has no effect', () => {
    expect(decide({ expiresAt: inMs(3_600_000) })).toEqual({ state: 'pending', nextAttemptAt: inMs(2_000) });
  });

  test('at the time of the next attempt is late enough for it', () => {
    expect(decide({ expiresAt: inMs(2_000) })).toEqual({ state: 'pending', nextAttemptAt: inMs(2_000) });
  });

  test('before the next attempt moves it to five seconds before the expiry', () => {
    expect(decide({ attempts: 5, expiresAt: inMs(60_000) })).toEqual({
      state: 'pending',
      nextAttemptAt: inMs(55_000),
    });
  });

  test.each([-1_000, 0, 1_999, 6_000])('in %i ms leaves no time for another attempt', (ms) => {
    const expected = { state: 'failed', code: 'media.link_expired' };
    expect(decide({ attempts: 5, expiresAt: inMs(ms) })).toEqual(expected);
  });

  test('allows no attempt after the last one', () => {
    const expiresAt = inMs(60_000);
    const first = decide({ attempts: 5, expiresAt });
    const at = first.state === 'pending' ? first.nextAttemptAt : now;
    expect(decide({ attempts: 6, expiresAt, now: at })).toEqual({
      state: 'failed',
      code: 'media.link_expired',
    });
  });
});

describe('the end of the retries', () => {
  test.each([
    { attempts: 11, state: 'pending' },
    { attempts: 12, state: 'failed' },
    { attempts: 13, state: 'failed' },
  ])('comes with the last attempt: $attempts of 12 is $state', ({ attempts, state }) => {
    expect(decide({ attempts }).state).toBe(state);
  });

  test('keeps the error of the last attempt', () => {
    expect(decide({ attempts: 12, code: 'media.dns_failed' })).toEqual({
      state: 'failed',
      code: 'media.dns_failed',
    });
  });

  test.each([12, 100, 32_767])(
    'never happens for failures of our own disk, after %i attempts',
    (attempts) => {
      expect(decide({ attempts, code: 'media.storage_failed' })).toEqual({
        state: 'pending',
        nextAttemptAt: inMs(3_600_000),
      });
    },
  );

  test('comes at once when only one attempt is allowed', () => {
    expect(decide({ maxAttempts: 1 }).state).toBe('failed');
  });
});

test('a fault of this service is retried a few times only, so that it becomes visible', () => {
  expect(decide({ code: 'media.internal', attempts: 4 }).state).toBe('pending');
  expect(decide({ code: 'media.internal', attempts: 5 })).toEqual({
    state: 'failed',
    code: 'media.internal',
  });
});

describe('a failure of any kind as a media error', () => {
  test.each(mediaCodes)('%s stays unchanged', (code) => {
    const error = new AppError(code, 'why');
    expect(asMediaError(error)).toBe(error);
    expect(mediaErrorVerdict(asMediaError(error).code)).toBeDefined();
  });

  test.each([...errorCodes.filter((code) => !isMediaError(code))])(
    '%s belongs to an answer of the API: it is ours, and may pass',
    (code) => {
      expect(asMediaError(new AppError(code, 'why')).code).toBe(
        code === 'service.unavailable' ? 'media.storage_failed' : 'media.internal',
      );
    },
  );

  test.each([new Error('x'), 'text', undefined, null, { code: 'media.gone' }])(
    'what is not understood (%p) may pass, and is kept as the cause',
    (failure) => {
      const error = asMediaError(failure);
      expect(error).toMatchObject({ code: 'media.internal', retryable: true });
      expect(error.cause).toBe(failure);
    },
  );

  test.each([
    new AppError('service.unavailable', 'the store does not answer'),
    Object.assign(new Error('EIO: i/o error, open'), { code: 'EIO', syscall: 'open' }),
  ])('%p is a failure of the storage', (failure) => {
    expect(asMediaError(failure)).toMatchObject({ code: 'media.storage_failed', cause: failure });
  });

  test.each([
    new TypeError('undefined is not a function'),
    Object.assign(new Error('EBADF: bad file descriptor, write'), { code: 'EBADF', syscall: 'write' }),
  ])('%p is a programming error, whose retries are limited', (failure) => {
    expect(asMediaError(failure)).toMatchObject({ code: 'media.internal', cause: failure });
  });
});
