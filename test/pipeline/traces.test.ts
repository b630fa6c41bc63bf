/** What a collector receives: one trace for each picture and each message, and nothing confidential. */
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import { bytes, startMediaHost, type MediaHost } from '../../src/demo/media-host.js';
import { photo } from '../../src/demo/photos.js';
import { createLogger } from '../../src/infra/logging/logger.js';
import { openTracing } from '../../src/infra/observability/open-tracing.js';
import { afterPending, call, postUnproven, postWebhook, receive } from '../support/client.js';
import { startCollector, type Collector, type SeenSpan } from '../support/collector.js';
import { startCourier, type Courier } from '../support/courier.js';
import { picture } from '../support/payloads.js';
import { dataOf, sent } from '../support/sending.js';
import { startTestService, type TestService, type TestServiceOptions } from '../support/test-service.js';
import { until } from '../support/until.js';

let host: MediaHost;
let collector: Collector;
let courier: Courier;
let running: TestService[];
beforeEach(async () => {
  [host, collector, courier] = await Promise.all([startMediaHost(), startCollector(), startCourier()]);
  running = [];
});
afterEach(async () => {
  for (const service of running) await service.stop();
  await host.close();
  collector.close();
  courier.close();
});

async function start(env: Record<string, string> = {}, more: TestServiceOptions = {}): Promise<TestService> {
  const service = await startTestService({
    mediaHosts: [host.host],
    channels: [courier.channel],
    ...more,
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint, ...env },
  });
  running.unshift(service);
  return service;
}

/** Exports the remaining spans. */
async function stop(): Promise<void> {
  for (const service of running.splice(0)) await service.stop();
}

const file = () => photo({ seed: 1, width: 320, height: 240 });
const serve = async (path = '/one.jpg') => host.serve(path, bytes('image/jpeg', await file()));
const idOf = (uuid: string): string => uuid.replaceAll('-', '');
const named = (name: string): SeenSpan[] => collector.spans().filter((span) => span.name === name);
const only = (name: string): SeenSpan => {
  const [span, ...others] = named(name);
  if (!span || others.length > 0) throw new Error(`${String(named(name).length)} spans are called ${name}`);
  return span;
};

// First, because the exporter goes on trying for ten seconds after the service has stopped.
describe('a collector', () => {
  it.each<[string, () => Promise<Collector>]>([
    ['that is unavailable', goneCollector],
    ['that never responds', () => startCollector(() => undefined)],
    ['that refuses', () => startCollector((response) => response.writeHead(401).end('who are you?'))],
    ['that is busy', () => startCollector((response) => response.writeHead(503).end())],
  ])('%s only loses spans', async (_, startOther) => {
    const other = await startOther();
    const service = await start({ OTEL_EXPORTER_OTLP_ENDPOINT: other.endpoint });
    const media = await receive(service, 'z-api', picture('z-api', { url: await serve() }));
    expect(media.state).toBe('ready');
    const began = Date.now();
    await stop();
    expect(Date.now() - began).toBeLessThan(10_000);
    const said = service.logs().match(/the collector does not accept traces/g) ?? [];
    expect(said.length).toBeLessThanOrEqual(1);
    expect(service.logs()).not.toContain('who are you');
    other.close();
  });

  it('that is unavailable for long receives no more than the queue limit', async () => {
    const slow = await startCollector(() => undefined);
    const settings = {
      endpoint: slow.endpoint,
      headers: {},
      serviceName: 'inlet',
      sampler: 'always_on',
      ratio: 1,
    };
    const tracing = await openTracing(settings, createLogger('silent'));
    for (let number = 0; number < 20_000; number += 1)
      tracing.webhook({ channel: 'z-api', outcome: 'webhook.unproven', milliseconds: 1, receipt: null });
    await tracing.close();
    expect(slow.spans().length).toBeGreaterThan(0);
    expect(slow.spans().length).toBeLessThanOrEqual(2_048 + 512);
    slow.close();
  });
});

describe('the trace of a picture', () => {
  it('covers everything from its webhook to its previews, under its own id', async () => {
    const service = await start();
    const media = await receive(service, 'z-api', picture('z-api', { url: await serve() }));
    await stop();
    const webhook = only('webhook');
    const fetch = only('fetch media');
    const previews = only('make previews');
    expect([webhook, fetch, previews].map(({ traceId }) => traceId)).toEqual(
      Array<string>(3).fill(idOf(media.id)),
    );
    expect(webhook).toMatchObject({
      parentId: '',
      failed: false,
      attributes: { 'inlet.channel': 'z-api', 'inlet.outcome': 'accepted' },
    });
    expect(fetch).toMatchObject({
      parentId: webhook.spanId,
      failed: false,
      attributes: { 'inlet.media.id': media.id, 'inlet.outcome': 'ready', 'server.address': host.host },
    });
    expect(previews.parentId).toBe(fetch.spanId);
    expect(previews.milliseconds).toBeGreaterThan(0);
    expect(fetch.milliseconds).toBeGreaterThan(previews.milliseconds);
  });

  it('is the same, whichever process downloads it', async () => {
    const receiving = await start({}, { queue: false });
    const { body } = await postWebhook(receiving, 'blip', picture('blip', { url: await serve() }));
    await start({}, { beside: receiving });
    await afterPending(receiving, body.media[0]);
    await stop();
    const webhook = only('webhook');
    const fetch = only('fetch media');
    expect([fetch.traceId, fetch.parentId]).toEqual([webhook.traceId, webhook.spanId]);
  });

  it('contains every attempt with its error', async () => {
    const service = await start();
    await receive(service, 'z-api', picture('z-api', { url: 'http://169.254.169.254/photo.jpg' }));
    await stop();
    expect(only('fetch media')).toMatchObject({
      failed: true,
      attributes: { 'inlet.outcome': 'media.forbidden_address', 'server.address': '169.254.169.254' },
    });
  });

  it('contains a repeated webhook, below the first', async () => {
    const service = await start({}, { queue: false });
    const payload = picture('z-api');
    await postWebhook(service, 'z-api', payload);
    await postWebhook(service, 'z-api', payload);
    await stop();
    const [first, again] = named('webhook');
    expect(again?.traceId).toBe(first?.traceId);
    expect([first?.parentId, again?.parentId]).toEqual(['', first?.spanId]);
  });

  it('ends with the posts to subscribers', async () => {
    const service = await start({ FETCH_ALLOW_PRIVATE_HOSTS: `${host.host},${subscriber.host()}` });
    const url = `http://${subscriber.host()}/secret-path`;
    await call(service.url, '/v1/subscriptions', {
      method: 'post',
      token: service.token('admin'),
      json: { url, types: ['media.ready'] },
    });
    const media = await receive(service, 'z-api', picture('z-api', { url: await serve() }));
    await until(() => subscriber.calls() > 0);
    await until(() => named('post event').length > 0);
    expect(only('post event')).toMatchObject({
      traceId: idOf(media.id),
      parentId: only('webhook').spanId,
      attributes: { 'inlet.event.type': 'media.ready', 'inlet.outcome': 'delivered' },
    });
  });
});

describe('the trace of a message that is sent', () => {
  it('links to the request that queued it, in the trace of the caller', async () => {
    const service = await start();
    const traceId = randomBytes(16).toString('hex');
    const spanId = randomBytes(8).toString('hex');
    const data = dataOf(await file());
    const { body } = await call<{ id: string }>(service.url, '/v1/messages', {
      method: 'post',
      token: service.token('messages:send'),
      headers: { traceparent: `00-${traceId}-${spanId}-01` },
      json: { channel: 'courier', to: '5511999990000', kind: 'image', media: { data } },
    });
    // A span is exported when it has ended, and the last of them need not come with the others.
    const wanted = ['POST /v1/messages', 'queue message', 'send message'];
    await until(() => wanted.every((name) => named(name).length > 0));
    const asked = only('POST /v1/messages');
    const queued = only('queue message');
    const handed = only('send message');
    expect(asked).toMatchObject({ traceId, parentId: spanId, links: [idOf(body.id)] });
    expect(asked.attributes).toMatchObject({
      'http.route': '/v1/messages',
      'http.response.status_code': 202,
    });
    expect(queued).toMatchObject({ traceId: idOf(body.id), parentId: '', links: [traceId] });
    expect(handed).toMatchObject({
      traceId: idOf(body.id),
      parentId: queued.spanId,
      attributes: { 'inlet.channel': 'courier', 'inlet.outcome': 'accepted', 'inlet.message.id': body.id },
    });
  });
});

describe('the span of a request', () => {
  it('is named after its route, and contains the status and the code', async () => {
    const service = await start();
    const token = service.token('media:read');
    await call(service.url, '/v1/messages/z-api/5511999990000?secret=1', { token });
    await call(service.url, '/nowhere/5511999990000');
    await stop();
    expect(only('GET /v1/messages/:channel/:messageId').attributes).toEqual({
      'http.request.method': 'GET',
      'http.route': '/v1/messages/:channel/:messageId',
      'http.response.status_code': 404,
      'error.type': expect.any(String),
    });
    expect(only('GET').attributes).toMatchObject({ 'error.type': 'request.not_found' });
  });

  it.each([
    '',
    'nonsense',
    `00-${'0'.repeat(32)}-${'0'.repeat(16)}-01`,
    `ff-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
  ])('begins a trace if the caller names none: %p', async (traceparent) => {
    const service = await start();
    await call(service.url, '/health/live', { headers: { traceparent } });
    await stop();
    expect(only('GET /health/live')).toMatchObject({ parentId: '' });
  });

  it('is only that of the webhook if a webhook is refused', async () => {
    const service = await start();
    await postUnproven(service, 'z-api', { payload: {} });
    await stop();
    expect(collector.spans().map(({ name }) => name)).toEqual(['webhook']);
    expect(only('webhook').attributes).toEqual({
      'inlet.channel': 'z-api',
      'inlet.outcome': 'webhook.unproven',
    });
  });
});

describe('what the collector receives', () => {
  it('contains nothing personal and no secret', async () => {
    const service = await start({
      OTEL_EXPORTER_OTLP_HEADERS: 'x-key=very%20secret',
      OTEL_SERVICE_NAME: 'inbox',
    });
    const url = await serve('/path-of-somebody.jpg?signature=ghijkl');
    // Short texts, and those of hexadecimal digits, would be found by chance in the ids of traces.
    const sender = { senderName: 'Anastasia' };
    await receive(service, 'z-api', {
      ...picture('z-api', { url, messageId: 'THE-MESSAGE-ID', caption: 'a caption' }),
      ...sender,
    });
    await receive(service, 'blip', picture('blip', { url: `${url}&x=1` }));
    await sent(service, { media: { data: dataOf(await file()) }, caption: 'sent words' });
    await postUnproven(service, 'made-up-channel', { payload: { text: 'malformed words' } });
    const token = service.token('admin');
    await call(service.url, '/v1/contacts/z-api/5511999990000', { method: 'delete', token });
    await call(service.url, '/v1/media?q=5511999990000', { token });
    await stop();
    const told = Buffer.concat([...collector.bodies]).toString('latin1');
    const secrets = [
      '5511999990000',
      '5511888880000',
      'Anastasia',
      'a caption',
      'sent words',
      'malformed words',
      'path-of-somebody',
      'signature',
      'ghijkl',
      'THE-MESSAGE-ID',
      'made-up-channel',
      'taken-',
      'very secret',
      'a-secret-for-tests',
      token,
      token.split('.')[2] ?? '',
    ];
    expect(secrets.filter((secret) => told.includes(secret))).toEqual([]);
    // The search would have found it.
    expect(['z-api', 'courier', 'fetch media', host.host].filter((name) => !told.includes(name))).toEqual([]);
    expect(collector.headers[0]).toMatchObject({ 'x-key': 'very secret' });
    expect(collector.resource()).toMatchObject({ 'service.name': 'inbox' });
  });

  it('is nothing if the sampler keeps nothing', async () => {
    const sampler = { OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0' };
    const service = await start(sampler);
    await receive(service, 'z-api', picture('z-api', { url: await serve() }));
    await stop();
    expect(collector.bodies).toHaveLength(0);
  });

  it('consists of complete traces if the sampler keeps some of them', async () => {
    const sampler = { OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.5' };
    const service = await start(sampler);
    for (let number = 0; number < 24; number += 1)
      await receive(service, 'z-api', picture('z-api', { url: await serve(`/${String(number)}.jpg`) }));
    await stop();
    const traces = (name: string) =>
      named(name)
        .map(({ traceId }) => traceId)
        .sort();
    expect(traces('fetch media')).toEqual(traces('webhook'));
    expect(traces('webhook').length).toBeGreaterThan(0);
    expect(traces('webhook').length).toBeLessThan(24);
  });
});

async function goneCollector(): Promise<Collector> {
  const gone = await startCollector();
  gone.close();
  return gone;
}

const subscriber = (() => {
  let calls = 0;
  const server = createServer((request, response) => {
    request.resume();
    calls += 1;
    response.writeHead(204).end();
  });
  beforeEach(async () => {
    calls = 0;
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  });
  afterEach(() => {
    server.close();
    server.closeAllConnections();
  });
  return {
    host: () => `127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    calls: () => calls,
  };
})();
