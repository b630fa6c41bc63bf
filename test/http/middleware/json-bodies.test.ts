/**
 * JSON bodies that mean harm: refused before they are parsed, by every operation that takes one, also for
 * callers without a token.
 */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { call } from '../../support/client.js';
import { threadCpuMs } from '../../support/cpu-time.js';
import { startTestService, type TestService } from '../../support/test-service.js';

let service: TestService;
beforeAll(async () => {
  service = await startTestService({ queue: false });
});
afterAll(() => service.stop());

const megabytes = (part: string, count: number): string => part.repeat((count * 1_000_000) / part.length);

const bodies: readonly [string, (size: number) => string][] = [
  ['lists in lists', (size) => megabytes('[', size / 2) + megabytes(']', size / 2)],
  [
    'lists in lists of a member',
    (size) => `{"options":${megabytes('[', size / 2)}${megabytes(']', size / 2)}}`,
  ],
  ['objects', (size) => `[${megabytes('{},', size)}{}]`],
  ['members', (size) => `{${megabytes('"a":1,', size)}"b":1}`],
  ['numbers', (size) => `[${megabytes('1,', size)}1]`],
];

describe.each([
  ['/v1/messages', 25, 'messages:send'],
  ['/v1/subscriptions', 0.25, 'admin'],
  ['/v1/tokens', 0.25, undefined],
])('%s with %s MB', (path, size, scope) => {
  it.each(bodies)('of %s is refused at once', async (_, make) => {
    const raw = make(size);
    const { result, ms } = await threadCpuMs(() =>
      call(service.url, path, {
        method: 'post',
        raw,
        headers: { 'content-type': 'application/json' },
        ...(scope !== undefined && { token: service.token(scope) }),
      }),
    );
    const { status, body } = result;
    expect(ms).toBeLessThan(1_500);
    expect([status, body.code]).toEqual([400, 'request.invalid']);
  });

  it('in UTF-16 is not understood', async () => {
    const raw = Buffer.from(`{"a":"${megabytes('b', size / 4)}"}`, 'utf16le');
    const { status } = await call(service.url, path, {
      method: 'post',
      raw,
      headers: { 'content-type': 'application/json; charset=utf-16' },
      ...(scope !== undefined && { token: service.token(scope) }),
    });
    expect(status).toBe(400);
  });
});

it('takes a large text, whatever it holds', async () => {
  const { status, body } = await call(service.url, '/v1/messages', {
    method: 'post',
    token: service.token('messages:send'),
    json: {
      channel: 'z-api',
      to: '5511999990000',
      kind: 'image',
      caption: '[{,"'.repeat(1_000),
      media: { data: `data:image/png;base64,${'A'.repeat(5_000_000)}` },
    },
  });
  expect([status, body.code]).toEqual([422, 'message.refused']);
});
