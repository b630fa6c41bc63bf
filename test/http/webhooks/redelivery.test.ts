/** A message that comes again: with a link that leads somewhere, with too much in it, or in another form. */
import { once } from 'node:events';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import sharp from 'sharp';

import {
  afterPending,
  call,
  postUnproven,
  postWebhook,
  type MediaView,
  type Receipt,
} from '../../support/client.js';
import { threadCpuMs } from '../../support/cpu-time.js';
import { manyAttachments, picture, sobotChange, zApiMedia } from '../../support/payloads.js';
import { signWebhook } from '../../support/signing.js';
import { startTestService, type TestService } from '../../support/test-service.js';
import { until } from '../../support/until.js';

const channels = ['aisoule', 'blip', 'meta', 'sobot', 'vonage', 'z-api'];

/** Serves a picture at `/ok`, nothing ever at `/hang`, and the status that is asked for at `/status`. */
interface Host {
  readonly url: (path: string) => string;
  /** Paths that were asked for. */
  readonly asked: readonly string[];
  readonly server: Server;
}

async function startHost(): Promise<Host> {
  const picture = await sharp({ create: { width: 8, height: 8, channels: 3, background: 'red' } })
    .jpeg()
    .toBuffer();
  const asked: string[] = [];
  const server = createServer(({ url = '' }, response) => {
    asked.push(url);
    const { pathname, searchParams } = new URL(url, 'http://host');
    if (pathname === '/ok') response.writeHead(200, { 'content-type': 'image/jpeg' }).end(picture);
    else if (pathname === '/status') response.writeHead(Number(searchParams.get('code'))).end();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  return { url: (path) => `http://127.0.0.1:${String(port)}${path}`, asked, server };
}

let host: Host;
let service: TestService;
beforeAll(async () => {
  host = await startHost();
  service = await startTestService({
    mediaHosts: [new URL(host.url('/')).host],
    env: { FETCH_TIMEOUT_MS: '5000' },
  });
});
afterAll(async () => {
  host.server.closeAllConnections();
  host.server.close();
  await service.stop();
});

const show = async (id: string | undefined): Promise<MediaView> =>
  (
    await call<MediaView>(service.url, `/v1/media/${String(id)}`, {
      token: service.token('media:read'),
    })
  ).body;

const replay = (delivery: string) =>
  call<Receipt>(service.url, `/v1/deliveries/${delivery}/replay`, {
    token: service.token('admin'),
    method: 'post',
  });

describe.each(channels)('%s', (channel) => {
  const send = (messageId: string, path: string) =>
    postWebhook(service, channel, picture(channel, { messageId, url: host.url(path) }));

  it('gets a picture whose first link was dead by the next link', async () => {
    const first = await send('gone', '/status?code=404');
    expect(await afterPending(service, first.body.media[0])).toMatchObject({ state: 'failed' });
    const second = await send('gone', `/ok?${channel}`);
    expect(second).toMatchObject({ status: 200, body: { duplicate: true, media: first.body.media } });
    expect(await afterPending(service, first.body.media[0])).toMatchObject({ state: 'ready', attempts: 1 });
    // It has its bytes now: no link takes them away.
    await send('gone', '/status?code=410');
    await replay(first.body.delivery);
    expect(await show(first.body.media[0])).toMatchObject({ state: 'ready' });
  });

  it('gets a picture that waits for its next attempt by the next link', async () => {
    const first = await send('waits', '/status?code=503');
    await until(async () => (await show(first.body.media[0])).attempts > 0);
    await send('waits', `/ok?waits-${channel}`);
    expect(await afterPending(service, first.body.media[0])).toMatchObject({ state: 'ready' });
  });

  it('gets it by a replay', async () => {
    const first = await send('replayed', `/ok?replayed-${channel}`);
    expect(await afterPending(service, first.body.media[0])).toMatchObject({ state: 'ready' });
    const { database } = service;
    await database.query(
      `update media set state = 'failed', sha256 = null, source_url = $2, error_code = 'media.gone' where id = $1`,
      [first.body.media[0], host.url('/status?code=404')],
    );
    expect(await replay(first.body.delivery)).toMatchObject({
      status: 200,
      body: { outcome: 'accepted', duplicate: true, media: first.body.media },
    });
    expect(await afterPending(service, first.body.media[0])).toMatchObject({ state: 'ready' });
  });

  it('keeps a link whole or not at all', async () => {
    const messageId = 'long';
    const first = await send(messageId, `/ok?${'x'.repeat(9_000)}`);
    expect(await afterPending(service, first.body.media[0])).toMatchObject({
      state: 'rejected',
      error: { code: 'media.invalid_url' },
    });
    expect(host.asked.some((url) => url.includes('xxxx'))).toBe(false);
    await send(messageId, `/ok?short-${channel}`);
    expect(await afterPending(service, first.body.media[0])).toMatchObject({ state: 'ready' });
  });
});

it.each([
  [
    'sobot',
    (url: string | undefined) => [
      sobotChange({
        id: 'bare',
        from: '5511',
        type: 'image',
        image: url === undefined ? { id: 'meta' } : { url },
      }),
    ],
  ],
  [
    'z-api',
    (url: string | undefined) => ({
      ...zApiMedia({ messageId: 'bare' }),
      image: url === undefined ? { downloadError: 'x' } : { imageUrl: url },
    }),
  ],
] as const)('%s gets a picture that had no link at first', async (channel, told) => {
  const first = await postWebhook(service, channel, told(undefined));
  expect(['rejected', 'failed']).toContain((await show(first.body.media[0])).state);
  await postWebhook(service, channel, told(host.url(`/ok?bare-${channel}`)));
  expect(await afterPending(service, first.body.media[0])).toMatchObject({ state: 'ready' });
});

it('does not let an attempt with the old link say anything of the new one', async () => {
  const messageId = 'under way';
  const send = (path: string) =>
    postWebhook(service, 'sobot', picture('sobot', { messageId, url: host.url(path) }));
  const first = await send('/hang?old');
  await until(() => host.asked.includes('/hang?old'));
  await send('/hang?new');
  await until(() => host.asked.includes('/hang?new'));
  // The first attempt ends before the second one, in a timeout.
  await send('/ok?last');
  expect(await afterPending(service, first.body.media[0])).toMatchObject({ state: 'ready', attempts: 1 });
  await delay(6_000);
  expect(await show(first.body.media[0])).toMatchObject({ state: 'ready', attempts: 1, error: null });
});

describe('a webhook with more than may be in one', () => {
  it('is kept and listed, and read again to the same end', async () => {
    const answer = await postWebhook(service, 'blip', manyAttachments(10_001));
    expect(answer).toMatchObject({
      status: 200,
      body: { outcome: 'malformed', duplicate: false, media: [] },
    });
    const { delivery } = answer.body;
    const kept = { outcome: 'malformed', reason: 'too_many' };
    const token = service.token('admin');
    expect(await call(service.url, `/v1/deliveries/${delivery}`, { token })).toMatchObject({ body: kept });
    expect(await replay(delivery)).toMatchObject({
      status: 200,
      body: { delivery, outcome: 'malformed', media: [] },
    });
    expect(await postWebhook(service, 'blip', manyAttachments(10_001))).toMatchObject({
      body: { delivery, outcome: 'malformed', duplicate: true },
    });
  });
});

describe('forms of a request', () => {
  const payload = Buffer.from(JSON.stringify(picture('z-api', { messageId: 'forms' })));
  const { query, headers } = signWebhook('z-api', payload);
  const path = `/webhooks/z-api?${new URLSearchParams(query).toString()}`;

  it.each([
    ['the whole address', { path: `http://elsewhere.example${path}` }, {}],
    ['the whole address in capitals', { path: `HTTP://elsewhere.example${path}` }, {}],
    ['a coding that is none', { path }, { 'content-encoding': 'IDENTITY' }],
    ['Expect', { path }, { expect: '100-continue' }],
  ])('with %s are understood', async (_, target, more) => {
    const { hostname, port } = new URL(service.url);
    const sent = request({ hostname, port, method: 'POST', ...target, headers: { ...headers, ...more } });
    sent.end(payload);
    const [response] = (await once(sent, 'response')) as [NodeJS.ReadableStream & { statusCode: number }];
    response.resume();
    expect(response.statusCode).toBe(200);
  });
});

it('logs refused webhooks once for each channel, in numbers', async () => {
  const other = await startTestService({ queue: false });
  try {
    for (let round = 0; round < 5; round += 1) {
      await postUnproven(other, 'z-api', { payload: 'private words' });
      await postWebhook(other, 'sobot', 'private words');
      await call(other.url, `/webhooks/private-${String(round)}`, { method: 'post', raw: 'private words' });
    }
    const lines = other
      .logs()
      .split('\n')
      .filter((line) => line.includes('webhooks were refused'))
      .map((line) => JSON.parse(line) as { channel: string | null; webhooks: object });
    expect(lines.map(({ channel, webhooks }) => ({ channel, webhooks }))).toEqual([
      { channel: 'z-api', webhooks: { 'webhook.unproven': 1 } },
      { channel: 'sobot', webhooks: { 'webhook.not_json': 1 } },
      { channel: null, webhooks: { 'webhook.unknown_channel': 1 } },
    ]);
    expect(other.logs()).not.toContain('private');
  } finally {
    await other.stop();
  }
});

describe('a webhook that would take long to parse', () => {
  it.each([
    ['too_deep', `${'['.repeat(100_000)}${']'.repeat(100_000)}`],
    ['too_deep', `${'{"data":'.repeat(20_000)}1${'}'.repeat(20_000)}`],
    ['too_many', `[${'{},'.repeat(300_000)}{}]`],
  ])('is kept as it came, and nobody waits for it: %s', async (reason, body) => {
    const { result: answer, ms } = await threadCpuMs(() => postWebhook(service, 'z-api', body));
    expect(ms).toBeLessThan(2_000);
    expect(answer).toMatchObject({ status: 200, body: { outcome: 'malformed', media: [] } });
    expect((await postWebhook(service, 'z-api', body)).body).toMatchObject({
      duplicate: true,
      delivery: answer.body.delivery,
    });
    const kept = await call<{ reason: string }>(service.url, `/v1/deliveries/${answer.body.delivery}`, {
      token: service.token('admin'),
    });
    expect(kept.body.reason).toBe(reason);
    expect((await replay(answer.body.delivery)).body).toMatchObject({ outcome: 'malformed' });
  });

  it('is not one whose texts hold brackets', async () => {
    const caption = '[{'.repeat(400_000);
    const answer = await postWebhook(service, 'z-api', picture('z-api', { caption }));
    expect(answer).toMatchObject({ status: 200, body: { outcome: 'accepted' } });
  });
});
