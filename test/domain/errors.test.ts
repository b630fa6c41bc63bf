import { describe, expect, test } from '@jest/globals';

import { AppError, errorCodes, isMediaError, mediaErrorVerdict } from '../../src/domain/errors.js';

const mediaCodes = errorCodes.filter(isMediaError);
const requestCodes = errorCodes.filter((code) => !isMediaError(code));

test('no code occurs twice', () => {
  expect(new Set(errorCodes).size).toBe(errorCodes.length);
});

test.each(errorCodes)('%s is written as group.reason in lower case', (code) => {
  expect(code).toMatch(/^(internal|[a-z]+\.[a-z]+(_[a-z]+)*)$/);
});

test.each(requestCodes)('%s has its own status and is not retried by the worker', (code) => {
  const error = new AppError(code, 'why');
  expect(error.status).toBeGreaterThanOrEqual(400);
  expect(error.status).toBeLessThan(600);
  expect(error.status).not.toBe(502); // The status of media errors.
  expect(error.retryable).toBe(false);
});

test.each(mediaCodes)('%s has a verdict, and only the verdict "retry" is retried', (code) => {
  const verdict = mediaErrorVerdict(code);
  expect(['rejected', 'failed', 'retry']).toContain(verdict);
  expect(new AppError(code, 'why').retryable).toBe(verdict === 'retry');
  expect(new AppError(code, 'why').status).toBe(502);
});

test('an error that the client can avoid is never answered with 5xx', () => {
  const blamedOnUs = requestCodes.filter((code) => new AppError(code, '').status >= 500);
  expect(blamedOnUs).toEqual([
    'webhook.unsigned', // Vonage then retries with a signature.
    'webhook.not_stored',
    'channel.provider_unavailable',
    'oidc.unavailable',
    'service.unavailable',
    'internal',
  ]);
});

describe('an error', () => {
  test('has a message, a cause, the time of the next attempt and fields', () => {
    const cause = new Error('below');
    const retryAt = new Date();
    const fields = [{ field: 'limit', message: 'is too large' }];
    const error = new AppError('media.rate_limited', 'later', { cause, retryAt, fields });
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ name: 'AppError', message: 'later', retryAt, fields });
    expect(error.cause).toBe(cause);
  });

  test('without a cause has no such member, not even an undefined one', () => {
    expect('cause' in new AppError('internal', 'why')).toBe(false);
  });
});
