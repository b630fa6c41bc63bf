/** Webhooks whose expression gets no processor time when they arrive. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { call, type MediaView, type Receipt } from '../../support/client.js';
import { withoutProcessors } from '../../support/evaluator-processes.js';
import { runJobs } from '../../support/jobs.js';
import { startTestService, type TestService } from '../../support/test-service.js';

let service: TestService;
beforeAll(async () => {
  service = await startTestService();
});
afterAll(() => service.stop());

const events = '{"type": "message", "id": id, "from": "driver", "media": {"kind": "image", "url": url}}';

interface DeliveryView {
  readonly outcome: string;
  readonly reason: string | null;
}

async function addChannel(id: string): Promise<(messageId: string) => Promise<Receipt>> {
  const { body } = await call<{ webhookSecret: string }>(service.url, '/v1/channels', {
    method: 'post',
    token: service.token('admin'),
    json: { id, provider: 'custom', settings: { events } },
  });
  return async (messageId) => {
    const answer = await call<Receipt>(service.url, `/webhooks/${id}`, {
      method: 'post',
      headers: { 'x-inlet-token': body.webhookSecret },
      json: { id: messageId, url: `https://files.example/${messageId}` },
    });
    expect(answer.status).toBe(200);
    return answer.body;
  };
}

async function deliveryOf({ delivery }: Receipt): Promise<DeliveryView> {
  const token = service.token('media:manage');
  return (await call<DeliveryView>(service.url, `/v1/deliveries/${delivery}`, { token })).body;
}

async function messagesOf(channel: string): Promise<unknown[]> {
  const token = service.token('media:read');
  const { body } = await call<{ items: MediaView[] }>(service.url, `/v1/media?channel=${channel}`, { token });
  return body.items.map(({ message }) => message?.id);
}

test('they are kept, and understood as soon as there is time', async () => {
  const post = await addChannel('fleet');
  expect(await post('before')).toMatchObject({ outcome: 'accepted' });

  const late = await withoutProcessors(() => post('late'), { afterMs: 0 });
  expect(late).toMatchObject({ outcome: 'malformed', media: [] });
  expect(await deliveryOf(late)).toMatchObject({ outcome: 'malformed', reason: 'not evaluated yet' });

  await runJobs(service.database, 'maintain');
  expect((await deliveryOf(late)).outcome).toBe('accepted');
  expect(await messagesOf('fleet')).toEqual(['late', 'before']);
  expect(service.logs()).toContain('webhooks were read again');
}, 90_000);

test('they wait for another time if there is still none, and those that are erased are left alone', async () => {
  const post = await addChannel('depot');
  const receipts = await withoutProcessors(
    async () => {
      const both = [await post('first'), await post('second')] as const;
      await runJobs(service.database, 'maintain');
      return both;
    },
    { afterMs: 0 },
  );
  const [first, second] = receipts;
  expect(await deliveryOf(first)).toMatchObject({ outcome: 'malformed', reason: 'not evaluated yet' });

  await service.database.query('update delivery set erased_at = now() where id = $1', [second.delivery]);
  await runJobs(service.database, 'maintain');
  expect((await deliveryOf(first)).outcome).toBe('accepted');
  expect((await deliveryOf(second)).outcome).toBe('malformed');
  expect(await messagesOf('depot')).toEqual(['first']);
}, 180_000);

test('a replay by hand takes nothing from a delivery that was understood', async () => {
  const post = await addChannel('works');
  const accepted = await post('kept');
  await service.database.query(`update delivery set received_at = now() - interval '3 days' where id = $1`, [
    accepted.delivery,
  ]);
  const replayed = await withoutProcessors(
    () =>
      call(service.url, `/v1/deliveries/${accepted.delivery}/replay`, {
        method: 'post',
        token: service.token('media:manage'),
      }),
    { afterMs: 0 },
  );
  expect(replayed).toMatchObject({ status: 503, body: { code: 'service.unavailable' } });
  expect(Number(replayed.headers['retry-after'])).toBeGreaterThan(0);
  expect((await deliveryOf(accepted)).outcome).toBe('accepted');
}, 90_000);

test('they stay as they are once their channel is one of another provider', async () => {
  const post = await addChannel('yard');
  const late = await withoutProcessors(() => post('late'), { afterMs: 0 });
  const admin = service.token('admin');
  await call(service.url, '/v1/channels/yard', { method: 'delete', token: admin });
  const json = { id: 'yard', provider: 'z-api', settings: { instanceId: 'a', token: 'b' } };
  const added = await call(service.url, '/v1/channels', { method: 'post', token: admin, json });
  expect(added.status).toBe(201);
  await runJobs(service.database, 'maintain');
  expect(await deliveryOf(late)).toMatchObject({ outcome: 'malformed', reason: 'not evaluated yet' });
  const replayed = await call(service.url, `/v1/deliveries/${late.delivery}/replay`, {
    method: 'post',
    token: admin,
  });
  expect(replayed).toMatchObject({ body: { code: 'webhook.unknown_channel' } });
}, 90_000);
