/** Several channels behind one app of Meta, which sends the webhooks of all numbers to one address. */
import { randomUUID } from 'node:crypto';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import {
  call,
  postUnproven,
  postWebhook,
  type DeliverySummary,
  type DeliveryView,
  type MediaView,
  type Page,
  type Receipt,
} from '../../support/client.js';
import { secretList } from '../../samples/sample.js';
import { signWebhook } from '../../support/signing.js';
import { startTestService, type TestService } from '../../support/test-service.js';

const numbers = { meta: '101', second: '102', elsewhere: '103' } as const;
const otherApp = 'another-app-secret-0123456789';

let service: TestService;
beforeAll(async () => {
  service = await startTestService({ env: { META_PHONE_NUMBER_ID: numbers.meta }, queue: false });
  await addChannel('second', { appSecret: secretList, phoneNumberId: numbers.second });
  await addChannel('elsewhere', { appSecret: otherApp, phoneNumberId: numbers.elsewhere });
});
afterAll(() => service.stop());

const ask = <Body>(path: string, method: 'get' | 'post' | 'delete' = 'get', json?: unknown) =>
  call<Body>(service.url, path, {
    token: service.token('admin'),
    method,
    ...(json !== undefined && { json }),
  });

async function addChannel(id: string, settings: object): Promise<void> {
  const { status } = await ask('/v1/channels', 'post', { id, provider: 'meta', settings });
  expect(status).toBe(201);
}

const change = (number: string, messageId: string, from = '15550100501') => ({
  field: 'messages',
  value: {
    metadata: { display_phone_number: `15550100${number}`, phone_number_id: number },
    messages: [{ id: messageId, from, type: 'image', image: { id: '900' } }],
  },
});
const payloadOf = (...changes: readonly object[]) => ({
  object: 'whatsapp_business_account',
  entry: [{ id: '1', changes }],
});

async function channelsOf(media: readonly string[]): Promise<string[]> {
  const views = await Promise.all(media.map((id) => ask<MediaView>(`/v1/media/${id}`)));
  return views.map(({ body }) => `${body.channel} ${String(body.message?.id)}`);
}

const textOf = ({ body }: DeliveryView): string => body;

const deliveriesOf = async (channel: string): Promise<readonly DeliverySummary[]> =>
  (await ask<Page<DeliverySummary>>(`/v1/deliveries?channel=${channel}`)).body.items;

const replay = async (delivery: string | undefined): Promise<Receipt> =>
  (await ask<Receipt>(`/v1/deliveries/${String(delivery)}/replay`, 'post')).body;

describe('a webhook for two numbers', () => {
  const [a, b, c] = Array.from({ length: 3 }, () => `wamid.${randomUUID()}`) as [string, string, string];
  const payload = payloadOf(change(numbers.meta, a), change(numbers.second, b), change(numbers.elsewhere, c));

  it('arrives in the channel of each number of the same app, whichever address it was sent to', async () => {
    const { status, body } = await postWebhook(service, 'meta', payload);
    expect({ status, outcome: body.outcome, duplicate: body.duplicate }).toEqual({
      status: 200,
      outcome: 'accepted',
      duplicate: false,
    });
    // The number of another app stays where it arrived, because its channel may belong to someone else.
    expect(await channelsOf(body.media)).toEqual([`meta ${a}`, `meta ${c}`, `second ${b}`]);
    expect(await deliveriesOf('second')).toMatchObject([{ channel: 'second', outcome: 'accepted' }]);
    expect(await deliveriesOf('elsewhere')).toEqual([]);
  });

  it('is the same webhook when it comes again', async () => {
    const { body } = await postWebhook(service, 'meta', payload);
    expect(body).toMatchObject({ outcome: 'accepted', duplicate: true });
    expect(await channelsOf(body.media)).toEqual([`meta ${a}`, `meta ${c}`, `second ${b}`]);
    expect(await deliveriesOf('second')).toHaveLength(1);
  });

  it('is replayed in each channel with the part of that channel', async () => {
    const [ofMeta] = await deliveriesOf('meta');
    const [ofSecond] = await deliveriesOf('second');
    expect(await channelsOf((await replay(ofMeta?.id)).media)).toEqual([`meta ${a}`, `meta ${c}`]);
    expect(await channelsOf((await replay(ofSecond?.id)).media)).toEqual([`second ${b}`]);
  });
});

describe('what belongs to another channel', () => {
  const [mine, theirs] = Array.from({ length: 2 }, () => `wamid.${randomUUID()}`) as [string, string];
  const person = '15550100777';
  const payload = payloadOf(
    change(numbers.meta, mine, person),
    change(numbers.second, theirs, '15550100778'),
  );

  it('is in no delivery of the channel, so that its tokens cannot read it', async () => {
    const { body } = await postWebhook(service, 'meta', payload);
    const token = service.token('admin', { channels: ['second'] });
    const path = '/v1/deliveries?channel=second&limit=1';
    const page = await call<Page<DeliverySummary>>(service.url, path, { token });
    const delivery = await call<DeliveryView>(
      service.url,
      `/v1/deliveries/${String(page.body.items[0]?.id)}`,
      { token },
    );
    const text = textOf(delivery.body);
    expect(text).toContain(theirs);
    expect(text).not.toMatch(new RegExp(`${mine}|${person}`));
    expect(body.media).toHaveLength(2);
  });

  it('is gone from every delivery once the person is erased', async () => {
    expect((await ask(`/v1/contacts/meta/${person}`, 'delete')).status).toBe(200);
    const { items } = (await ask<Page<DeliverySummary>>('/v1/deliveries?limit=200')).body;
    const bodies = await Promise.all(items.map(({ id }) => ask<DeliveryView>(`/v1/deliveries/${id}`)));
    const texts = bodies.map(({ body }) => textOf(body)).join('\n');
    expect(texts).toContain(theirs);
    expect(texts).not.toContain(person);
  });
});

it('a webhook for another number only leaves no delivery in the channel that received it', async () => {
  const before = (await deliveriesOf('meta')).length;
  const { body } = await postWebhook(service, 'meta', payloadOf(change(numbers.second, 'wamid.only-second')));
  expect(await channelsOf(body.media)).toEqual(['second wamid.only-second']);
  expect(await deliveriesOf('meta')).toHaveLength(before);
});

it('the sender cannot choose a part by a header', async () => {
  const payload = Buffer.from(JSON.stringify(payloadOf(change(numbers.meta, 'wamid.chosen'))));
  const { headers } = signWebhook('meta', payload);
  const chosen = { ...headers, 'x-inlet-accounts': JSON.stringify({ only: 'none' }) };
  const { body } = await postUnproven<Receipt>(service, 'meta', { payload, headers: chosen });
  expect(await channelsOf(body.media)).toEqual(['meta wamid.chosen']);
  expect(await channelsOf((await replay(body.delivery)).media)).toEqual(['meta wamid.chosen']);
});

it('a number whose channel was removed belongs to the channel that receives its webhooks', async () => {
  await addChannel('brief', { appSecret: secretList, phoneNumberId: '109' });
  const sent = async (id: string) =>
    channelsOf((await postWebhook(service, 'meta', payloadOf(change('109', id)))).body.media);
  expect(await sent('wamid.before')).toEqual(['brief wamid.before']);
  expect((await ask('/v1/channels/brief', 'delete')).status).toBe(204);
  expect(await sent('wamid.after')).toEqual(['meta wamid.after']);
});
