/** Every answer names its request, and so do the lines of the log that belong to it. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { call, postUnproven, postWebhook } from '../../support/client.js';
import { picture } from '../../support/payloads.js';
import { startTestService, type TestService } from '../../support/test-service.js';

let service: TestService;
beforeAll(async () => {
  service = await startTestService({ queue: false });
});
afterAll(() => service.stop());

const made = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const ask = async (path: string, id?: string) => {
  const headers = id === undefined ? {} : { 'x-request-id': id };
  return (await call(service.url, path, { headers })).headers['x-request-id'];
};
/** What was logged of a request. */
const linesOf = (id: string | undefined) =>
  service
    .logs()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter(({ request }) => request === id);

describe('the id of a request', () => {
  it('is made anew for each', async () => {
    const one = await ask('/health/live');
    const other = await ask('/health/live');
    expect(one).toMatch(made);
    expect(other).toMatch(made);
    expect(one).not.toBe(other);
  });

  it.each(['f3a1c9d2e4b5a6978800112233445566', 'Root_1-67891233', 'a1234567', `a${'1'.repeat(63)}`])(
    'is that of a proxy: %s',
    async (id) => {
      expect(await ask('/health/live', id)).toBe(id);
    },
  );

  it.each([
    ['digits alone, which may be a phone number', '5511999990000'],
    ['a number as people write it', '+55 11 99999-0000'],
    ['short', 'a1'],
    ['long', `a${'1'.repeat(64)}`],
    ['markup', '<script>alert(1)</script>'],
    ['something that breaks lines of a log', 'abcdefgh","level":60'],
    ['a list', 'abcdefgh, ijklmnop'],
    ['empty', ''],
  ])('is not one from outside that is %s', async (_, id) => {
    expect(await ask('/health/live', id)).toMatch(made);
  });

  it.each(['/v1/media', '/nowhere', '/admin', '/metrics', '/openapi.json', '/v1/media/%'])(
    'comes with every answer: %s',
    async (path) => {
      expect(await ask(path, 'from-a-proxy')).toBe('from-a-proxy');
    },
  );

  it('comes with the answer of every webhook', async () => {
    const taken = await postWebhook(service, 'z-api', picture('z-api'));
    expect(taken.headers['x-request-id']).toMatch(made);
    const headers = { 'x-request-id': 'from-a-proxy' };
    const refused = await postUnproven(service, 'z-api', { payload: {}, headers });
    expect(refused).toMatchObject({ status: 401, headers });
  });
});

describe('the log', () => {
  it('tells of a request by its id and route, without its path', async () => {
    const id = 'a-request-to-look-for';
    await ask('/v1/messages/z-api/5511999990000?secret=1', id);
    expect(linesOf(id)).toEqual([
      {
        level: 20,
        time: expect.any(String),
        request: id,
        msg: 'a request was answered',
        method: 'GET',
        route: '/v1/messages/:channel/:messageId',
        status: 401,
        code: 'auth.missing',
        milliseconds: expect.any(Number),
      },
    ]);
  });

  it('tells which delivery a webhook became', async () => {
    const { body, headers } = await postWebhook(service, 'z-api', picture('z-api'));
    expect(linesOf(headers['x-request-id'])).toMatchObject([
      { level: 20, channel: 'z-api', delivery: body.delivery, outcome: 'accepted' },
    ]);
  });

  it('names the request that failed', async () => {
    const id = 'a-request-that-fails';
    await service.database.goAway();
    try {
      const token = service.token('admin');
      const answer = await call(service.url, '/v1/stats', { token, headers: { 'x-request-id': id } });
      expect(answer.status).toBeGreaterThanOrEqual(500);
    } finally {
      await service.database.comeBack();
    }
    expect(linesOf(id)).toMatchObject([
      { level: 50, method: 'GET', route: '/v1/stats', msg: 'a request failed' },
      { level: 20, route: '/v1/stats' },
    ]);
  });
});
