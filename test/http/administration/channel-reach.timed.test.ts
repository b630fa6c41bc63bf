/** The time that a new channel takes to reach the other processes of a database. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';

import { bestRound } from '../../support/best-round.js';
import { call, postUnproven } from '../../support/client.js';
import { picture } from '../../support/payloads.js';
import { signWebhook } from '../../support/signing.js';
import { startTestService, type TestService } from '../../support/test-service.js';
import { until } from '../../support/until.js';

let one: TestService;
let other: TestService;

beforeAll(async () => {
  one = await startTestService({ queue: false });
  other = await startTestService({ beside: one, queue: false });
});
afterAll(async () => {
  await other.stop();
  await one.stop();
});

/** The time from the answer to a new channel until the other process takes a webhook for it. */
async function reachMs(): Promise<number> {
  const { body } = await call<{ id: string; webhookSecret: string }>(one.url, '/v1/channels', {
    method: 'post',
    token: one.token('admin'),
    json: { provider: 'blip' },
  });
  const created = performance.now();
  const payload = Buffer.from(JSON.stringify(picture('blip')));
  const proof = signWebhook('blip', payload, { secret: body.webhookSecret });
  await until(async () => (await postUnproven(other, body.id, { payload, ...proof })).status === 200);
  return performance.now() - created;
}

it('a channel that is added through one process takes webhooks at the other within a second', async () => {
  expect(await bestRound(reachMs, (ms) => ms < 1_000)).toBeLessThan(1_000);
});
