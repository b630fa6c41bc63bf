import { afterEach, describe, expect, test } from '@jest/globals';

import { createRate } from '../../../src/demo/providers/api/rate.js';
import { startProviderApi } from '../../../src/demo/providers/api/provider-api.js';
import { providerIds } from '../../../src/demo/providers/registry.js';
import { until } from '../../support/until.js';
import { aisouleV2, rightCalls, send, startListener, startStage, type Stage } from './stage.js';

describe('the rate', () => {
  test('allows a burst, and then messages at the rate', () => {
    let time = 0;
    const rate = createRate({ messagesPerSecond: 5, burst: 3 }, () => time);
    const take = () => rate.take() === 0;
    expect([take(), take(), take(), take()]).toEqual([true, true, true, false]);
    time = 199;
    expect(take()).toBe(false);
    time = 201;
    expect([take(), take()]).toEqual([true, false]);
    time = 60_000;
    expect([take(), take(), take(), take()]).toEqual([true, true, true, false]);
  });

  test('returns the delay until the next message in whole seconds', () => {
    const rate = createRate({ messagesPerSecond: 0.1, burst: 1 }, () => 0);
    expect([rate.take(), rate.take()]).toEqual([0, 10]);
  });
});

/** Expects whole seconds: ten, less those that have passed since the message that was accepted. */
function expectDelay(seconds: number, since: number): void {
  expect(Number.isInteger(seconds)).toBe(true);
  expect(seconds).toBeLessThanOrEqual(10);
  expect(seconds).toBeGreaterThanOrEqual(10 - (performance.now() - since) / 1_000);
}

describe('beyond its rate', () => {
  let stage: Stage | undefined;
  afterEach(() => stage?.simulator.close());
  const start = async () =>
    (stage = await startStage(
      Object.fromEntries(providerIds.map((id) => [id, { rate: { messagesPerSecond: 0.1, burst: 1 } }])),
    ));

  test.each(providerIds)('%s answers 429 and accepts nothing', async (id) => {
    const { simulator, files } = await start();
    const { api } = simulator.providers[id];
    expect((await send(api.origin, rightCalls[id](files.jpeg))).status).toBeLessThan(300);
    expect((await send(api.origin, rightCalls[id](files.jpeg))).status).toBe(429);
    expect(api.accepted).toHaveLength(1);
  });

  test('vonage answers with problem details', async () => {
    const { simulator, files } = await start();
    const { api } = simulator.providers.vonage;
    await send(api.origin, rightCalls.vonage(files.jpeg));
    const { body } = await send(api.origin, rightCalls.vonage(files.jpeg));
    expect(body).toMatchObject({ title: 'Rate Limit Hit', instance: expect.any(String) });
  });

  test('aisoule returns the delay, in a different form for each generation', async () => {
    const { simulator, files } = await start();
    const { api } = simulator.providers.aisoule;
    const since = performance.now();
    const taken = await send(api.origin, rightCalls.aisoule(files.jpeg));
    expect(taken.headers.get('x-ratelimit-limit')).toBe('6');
    expect(taken.headers.get('x-ratelimit-remaining')).toBe('0');
    expect(Number(taken.headers.get('x-ratelimit-reset'))).toBeGreaterThan(Date.now() / 1000);
    const { body: first } = await send(api.origin, rightCalls.aisoule(files.jpeg));
    expect(first).toEqual({
      success: false,
      error: {
        code: 'rate_limit_exceeded',
        message: expect.any(String),
        retry_after_seconds: expect.any(Number),
      },
    });
    expectDelay((first as { error: { retry_after_seconds: number } }).error.retry_after_seconds, since);
    const second = await send(api.origin, aisouleV2(files.jpeg));
    expect(second).toMatchObject({ status: 429, body: { status: 'error' } });
    expectDelay(Number(second.headers.get('retry-after') ?? Number.NaN), since);
  });
});

test('telegram names the delay in the body', async () => {
  const limited = { rate: { messagesPerSecond: 0.1, burst: 1 } };
  const { simulator, files } = await startStage({ telegram: limited });
  const { api } = simulator.providers.telegram;
  const since = performance.now();
  await send(api.origin, rightCalls.telegram(files.jpeg));
  const answer = await send(api.origin, rightCalls.telegram(files.jpeg));
  expect(answer).toMatchObject({
    status: 429,
    body: { ok: false, error_code: 429, parameters: { retry_after: expect.any(Number) } },
  });
  expectDelay((answer.body as { parameters: { retry_after: number } }).parameters.retry_after, since);
  await simulator.close();
});

test('a refused webhook is sent again after the delays of the provider', async () => {
  const listener = await startListener(503);
  const api = await startProviderApi({ statuses: ['sent'], reportDelayMs: 0 });
  const webhook = { path: '/webhooks/x', headers: {}, body: '{}' };
  api.obey({
    problem: (status) => ({ status }),
    tooMany: () => ({ status: 429 }),
    resendsAfterMs: [1, 1],
    routes: [
      {
        method: 'POST',
        path: /^\/send$/,
        sends: true,
        handle: () => ({
          answer: { status: 200 },
          taken: {
            id: 'one',
            to: 'somebody',
            report: () => [webhook],
            media: { found: { media: { type: 'image/jpeg', bytes: 1, sha256: '' } } },
          },
        }),
      },
    ],
  });
  api.reportTo(listener.url);
  await send(api.origin, { path: '/send', headers: {}, json: {} });
  await until(() => api.reports.length === 3);
  expect(listener.received).toHaveLength(3);
  expect(api.reports.map(({ answer }) => answer)).toEqual([503, 503, 503]);
  await api.close();
  listener.close();
});
