/** Subscriptions: what is posted to them, how it is signed, and what becomes of those that do not take it. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { Webhook } from 'standardwebhooks';

import { call, receive } from '../support/client.js';
import { nowhere, picture } from '../support/payloads.js';
import { startTestService, type TestService } from '../support/test-service.js';
import { until } from '../support/until.js';

interface Received {
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}
interface View {
  readonly id: string;
  readonly secret: string;
  readonly state: string;
  readonly lastError: string | null;
  readonly disabledReason: string | null;
  readonly items: { readonly state: string; readonly attempts: number; readonly lastStatus: number | null }[];
}

let receiver: Server;
let received: Received[];
/** What the receiver does with a call. */
let answer: (response: ServerResponse) => void;
let now: Date;
let service: TestService;

beforeAll(async () => {
  receiver = createServer((request, response) => {
    void text(request).then((body) => {
      received.push({ headers: request.headers, body });
      answer(response);
    });
  }).listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  service = await startTestService({ mediaHosts: [hostOf(receiver)], now: () => now });
});
afterAll(async () => {
  receiver.closeAllConnections();
  receiver.close();
  await service.stop();
});
beforeEach(async () => {
  now = new Date();
  received = [];
  answer = (response) => response.writeHead(204).end();
  await service.database.query('delete from subscription');
});

function hostOf(server: Server): string {
  return `127.0.0.1:${String((server.address() as AddressInfo).port)}`;
}

const ask = (
  method: 'get' | 'post' | 'patch' | 'delete',
  path: string,
  json?: unknown,
  token = service.token('admin'),
) =>
  call<View>(service.url, `/v1/subscriptions${path}`, { method, token, ...(json !== undefined && { json }) });
const subscribe = async (more: object = {}): Promise<View> =>
  (await ask('post', '', { url: `http://${hostOf(receiver)}/events`, ...more })).body;
const deliveries = async ({ id }: View) => (await ask('get', `/${id}/deliveries`)).body.items;
/** A picture that is refused at once: the shortest way to an event. */
const happen = (channel = 'z-api') => receive(service, channel, picture(channel, { url: nowhere }));
/** Lets the job that waits for its time run now. */
const hurry = () =>
  service.database
    .query(`with j as (update graphile_worker._private_jobs set run_at = now() where key like 'notify:%')
    select pg_notify('jobs:insert', '{"r":0,"count":1}')`);

it('posts events as Standard Webhooks says, and a library that knows the secret believes them', async () => {
  const { secret } = await subscribe();
  expect(secret).toMatch(/^whsec_/);
  const media = await happen();
  const [one] = await until(() => received.length === 1 && received);
  const headers = one?.headers as Record<string, string>;
  expect(new Webhook(secret).verify(String(one?.body), headers)).toMatchObject({
    ...{ type: 'media.rejected', channel: 'z-api', data: { id: media.id, state: 'rejected' } },
  });
  expect(headers['content-type']).toBe('application/json');
  const other = new Webhook(`whsec_${Buffer.alloc(32).toString('base64')}`);
  expect(() => other.verify(String(one?.body), headers)).toThrow('No matching signature');
});

it('shows the secret once, and keeps it sealed', async () => {
  const { id, secret } = await subscribe();
  for (const path of ['', `/${id}`])
    expect(JSON.stringify((await ask('get', path)).body)).not.toContain('whsec_');
  const rows = await service.database.query<{ row: string }>(
    'select subscription::text as row from subscription',
  );
  const stored = JSON.stringify(rows);
  expect(stored).not.toContain(Buffer.from(secret).toString('hex'));
  expect(stored).not.toContain(Buffer.from(secret.slice(6), 'base64').toString('hex'));
  expect(service.logs()).not.toContain(secret);
});

it('posts what was subscribed to, and nothing else', async () => {
  await subscribe({ types: ['media.rejected'], channels: ['sobot'] });
  await happen('z-api');
  const wanted = await happen('sobot');
  await until(() => received.length === 1);
  expect(JSON.parse(String(received[0]?.body))).toMatchObject({ data: { id: wanted.id } });
});

it('sends the same event again, with the same id, until it is taken', async () => {
  answer = (response) => response.writeHead(500).end();
  const subscription = await subscribe();
  await happen();
  await until(async () => (await ask('get', `/${subscription.id}`)).body.state === 'failing');
  expect((await ask('get', `/${subscription.id}`)).body.lastError).toBe('answered 500');
  answer = (response) => response.writeHead(200).end('taken');
  await hurry();
  await until(async () => (await deliveries(subscription))[0]?.state === 'delivered');
  expect(received).toHaveLength(2);
  const [first, second] = received.map(({ headers, body }) => ({ id: headers['webhook-id'], body }));
  expect(second).toEqual(first);
  expect((await ask('get', `/${subscription.id}`)).body).toMatchObject({ state: 'active', lastError: null });
});

it('asks one that does not answer well once for all that waits, not once for each event', async () => {
  answer = (response) => response.writeHead(503).end();
  const subscription = await subscribe();
  for (let number = 0; number < 5; number += 1) await happen();
  await until(async () => (await deliveries(subscription)).length === 5);
  await until(() => received.length > 0);
  expect((await deliveries(subscription)).filter(({ attempts }) => attempts > 0)).toHaveLength(1);
  answer = (response) => response.writeHead(200).end();
  await hurry();
  await until(async () => (await deliveries(subscription)).every(({ state }) => state === 'delivered'));
  // The oldest first, and after the one refusal each once.
  const told = received.map(({ headers }) => Number(String(headers['webhook-id']).replace('evt_', '')));
  expect(told.slice(-5)).toEqual([...told.slice(-5)].sort((a, b) => a - b));
});

it('waits fifteen seconds for one that hangs, counts it as failing, and lets nobody else wait for it', async () => {
  answer = (response) => {
    if (response.req.url !== '/hangs') response.writeHead(204).end();
  };
  const hanging = await subscribe({ url: `http://${hostOf(receiver)}/hangs` });
  const other = await subscribe();
  await happen();
  await until(async () => (await deliveries(other))[0]?.state === 'delivered');
  expect((await ask('get', `/${hanging.id}`)).body.state).toBe('active');
  await until(async () => (await ask('get', `/${hanging.id}`)).body.state === 'failing', 20_000);
  expect((await ask('get', `/${hanging.id}`)).body.lastError).toBe('Not done within 15000 ms');
  expect(await deliveries(hanging)).toMatchObject([{ state: 'waiting', attempts: 1, lastStatus: null }]);
}, 40_000);

it('gives up after three days, says why, and goes on when it is enabled again', async () => {
  answer = (response) => response.writeHead(500).end();
  const subscription = await subscribe();
  await happen();
  await until(async () => (await ask('get', `/${subscription.id}`)).body.state === 'failing');
  now = new Date(now.getTime() + 3 * 86_400_000 - 60_000);
  await hurry();
  await until(async () => (await deliveries(subscription))[0]?.attempts === 2);
  expect((await ask('get', `/${subscription.id}`)).body.state).toBe('failing');
  now = new Date(now.getTime() + 120_000);
  await hurry();
  await until(async () => (await ask('get', `/${subscription.id}`)).body.state === 'disabled');
  expect((await ask('get', `/${subscription.id}`)).body.disabledReason).toMatch(/3 days.*answered 500/);

  received = [];
  await happen();
  expect(received).toEqual([]);
  answer = (response) => response.writeHead(200).end();
  await ask('patch', `/${subscription.id}`, { enabled: true });
  const later = await happen();
  await until(() => received.some(({ body }) => body.includes(later.id)));
  expect((await ask('get', `/${subscription.id}`)).body).toMatchObject({
    state: 'active',
    disabledReason: null,
  });
});

it('is over at once when the receiver says that it is gone', async () => {
  answer = (response) => response.writeHead(410).end();
  const subscription = await subscribe();
  await happen();
  await until(async () => (await ask('get', `/${subscription.id}`)).body.state === 'disabled');
  expect((await ask('get', `/${subscription.id}`)).body.disabledReason).toMatch(/410/);
});

it('does not follow a redirect', async () => {
  answer = (response) => response.writeHead(302, { location: `http://${hostOf(receiver)}/elsewhere` }).end();
  const { id } = await subscribe();
  expect((await ask('post', `/${id}/test`)).body).toEqual({
    delivered: false,
    status: 302,
    error: 'answered 302',
  });
  expect(received).toHaveLength(1);
});

it('posts a signed sample when asked to', async () => {
  const { id, secret } = await subscribe();
  expect((await ask('post', `/${id}/test`)).body).toEqual({ delivered: true, status: 204, error: null });
  const headers = received[0]?.headers as Record<string, string>;
  expect(new Webhook(secret).verify(String(received[0]?.body), headers)).toMatchObject({
    type: 'media.ready',
  });
});

describe('an address', () => {
  it.each([
    'http://127.0.0.1:1/',
    'http://localhost/',
    'http://[::1]/',
    'http://169.254.169.254/latest/meta-data',
    'http://2130706433/',
    'https://[::ffff:10.0.0.1]/x',
    'https://user:password@example.com/',
    'https://example.com:22/',
    'ftp://example.com/',
    'nonsense',
  ])('that points inside, or is none, is refused: %s', async (url) => {
    const answered = await ask('post', '', { url });
    expect(answered).toMatchObject({
      status: 400,
      body: { code: 'request.invalid', errors: [{ field: 'url' }] },
    });
    const { id } = await subscribe();
    expect(await ask('patch', `/${id}`, { url })).toMatchObject({ status: 400 });
  });

  it('is checked again with each post', async () => {
    const { id } = await subscribe();
    await service.database.query(`update subscription set url = 'http://127.0.0.1:8080/'`);
    expect((await ask('post', `/${id}/test`)).body).toMatchObject({
      ...{ delivered: false, status: null, error: expect.stringMatching(/not a public address/) },
    });
  });
});

it('is seen by tokens that know all of its channels', async () => {
  const limited = service.token('admin', { channels: ['sobot'] });
  const everything = await subscribe();
  const own = (await ask('post', '', { url: `http://${hostOf(receiver)}/` }, limited)).body;
  expect(await ask('get', `/${everything.id}`, undefined, limited)).toMatchObject({ status: 404 });
  expect((await ask('get', '', undefined, limited)).body.items).toEqual([
    expect.objectContaining({ id: own.id, channels: ['sobot'] }),
  ]);
  const foreign = await ask('post', '', { url: `http://${hostOf(receiver)}/`, channels: ['blip'] }, limited);
  expect(foreign).toMatchObject({ status: 400, body: { errors: [{ field: 'channels' }] } });
});
