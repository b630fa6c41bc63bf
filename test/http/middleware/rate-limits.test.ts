import { expect, test } from '@jest/globals';
import type { Request, Response } from 'express';

import type { AppError } from '../../../src/domain/errors.js';
import { limitByToken } from '../../../src/http/middleware/rate-limits.js';

test('each token has its own count, which is told in headers', () => {
  const limit = limitByToken(2);
  const ask = (tokenId: string) => {
    const headers = new Map<string, string>();
    const response = { locals: { access: { tokenId } }, setHeader: headers.set.bind(headers) };
    let outcome: unknown = 'waits';
    void limit({} as Request, response as unknown as Response, (error?: unknown) => (outcome = error));
    return { outcome, headers };
  };

  const first = ask('a');
  expect(first.outcome).toBeUndefined();
  expect(first.headers.get('RateLimit')).toBe('"2-in-1min"; r=1; t=60');
  // The partition is the same for each request of a token, and says nothing about it.
  const [, partition] =
    /^"2-in-1min"; q=2; w=60; pk=:(.{16}):$/.exec(first.headers.get('RateLimit-Policy') ?? '') ?? [];
  expect(partition).toBeDefined();

  const second = ask('a');
  expect(second.outcome).toBeUndefined();
  expect(second.headers.get('RateLimit')).toMatch(/^"2-in-1min"; r=0; t=\d+$/);
  expect(second.headers.get('RateLimit-Policy')).toBe(first.headers.get('RateLimit-Policy'));

  const third = ask('a');
  expect(third.outcome).toMatchObject({ code: 'request.rate_limited' });
  const { retryAt } = third.outcome as AppError;
  expect((retryAt?.getTime() ?? 0) - Date.now()).toBeGreaterThan(55_000);

  const other = ask('b');
  expect(other.outcome).toBeUndefined();
  expect(other.headers.get('RateLimit-Policy')).not.toBe(first.headers.get('RateLimit-Policy'));
});
