/** Server-sent events: what is told, to whom, in which order, and from where on. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { bytes, startMediaHost, type MediaHost } from '../../src/demo/media-host.js';
import { photo } from '../../src/demo/photos.js';
import { call, postWebhook, receive } from '../support/client.js';
import { listenTo } from '../support/event-stream.js';
import { picture } from '../support/payloads.js';
import { startTestService, type TestService } from '../support/test-service.js';
import { fixturesOf } from '../providers/fixtures.js';

let host: MediaHost;
let service: TestService;
beforeAll(async () => {
  host = await startMediaHost();
  service = await startTestService({ mediaHosts: [host.host] });
});
afterAll(async () => {
  await service.stop();
  await host.close();
});

/** A link to a picture that nobody else has. */
async function link(): Promise<string> {
  seed += 1;
  return host.serve(
    `/${String(seed)}.jpg`,
    bytes('image/jpeg', await photo({ width: 320, height: 200, seed })),
  );
}
let seed = 0;

describe('a listener', () => {
  it('is told of a picture when its bytes and previews can be read', async () => {
    const stream = await listenTo(service);
    try {
      await postWebhook(service, 'z-api', picture('z-api', { url: await link() }));
      const [told] = await stream.count(1);
      const id = String(told?.data.data['id']);
      const token = service.token('media:read');
      for (const path of ['content', 'preview?size=small', 'preview?size=large']) {
        expect((await call(service.url, `/v1/media/${id}/${path}`, { token })).status).toBe(200);
      }
      expect(told).toEqual({
        id: told?.data.id,
        event: 'media.ready',
        data: {
          ...{ id: told?.id, type: 'media.ready', channel: 'z-api' },
          timestamp: expect.stringMatching(/Z$/),
          data: (await call(service.url, `/v1/media/${id}`, { token })).body,
        },
      });
    } finally {
      await stream.close();
    }
  });

  it('is told of pictures that are refused or gone, also of those that never had an address', async () => {
    const stream = await listenTo(service);
    try {
      await receive(service, 'z-api', picture('z-api', { url: `${host.origin}/nothing.jpg` }));
      await receive(service, 'z-api', picture('z-api', { url: 'file:///etc/passwd' }));
      await stream.count(2);
      expect(stream.told.map(({ event }) => event)).toEqual(['media.failed', 'media.rejected']);
    } finally {
      await stream.close();
    }
  });

  it('is told once of each status of a message', async () => {
    const status = fixturesOf('blip').find(({ expected }) => expected.outcome === 'status')?.body;
    const stream = await listenTo(service, { query: '?type=message.status' });
    try {
      await postWebhook(service, 'blip', status);
      await postWebhook(service, 'blip', status);
      await postWebhook(service, 'z-api', picture('z-api', { url: await link() }));
      await stream.count(1);
      const everything = await listenTo(service, { lastEventId: '0' });
      await everything.count(stream.told.length + 1);
      await everything.close();
      expect(stream.told).toEqual([
        {
          ...{ id: expect.any(String), event: 'message.status' },
          data: {
            ...{ id: expect.any(String), type: 'message.status', channel: 'blip' },
            timestamp: expect.stringMatching(/Z$/),
            data: expect.objectContaining({ channel: 'blip', messageId: expect.any(String), error: null }),
          },
        },
      ]);
    } finally {
      await stream.close();
    }
  });

  it('reads on behind the event that it names, and misses none', async () => {
    const query = '?channel=sobot';
    const first = await listenTo(service, { query });
    for (let number = 0; number < 3; number += 1)
      await receive(service, 'sobot', picture('sobot', { url: await link() }));
    const [one, ...others] = await first.count(3);
    await first.close();
    await receive(service, 'sobot', picture('sobot', { url: await link() }));

    const ways = [
      { query, lastEventId: String(one?.id) },
      { query: `${query}&lastEventId=${String(one?.id)}` },
    ];
    for (const options of ways) {
      const again = await listenTo(service, options);
      await again.count(3);
      await again.close();
      expect(again.told.slice(0, 2)).toEqual(others);
      expect(again.told).toHaveLength(3);
    }
  });

  it('hears of the channels that its token knows, and of those it asks for', async () => {
    const limited = await listenTo(service, {
      token: service.token('media:read', { channels: ['aisoule'] }),
    });
    const narrowed = await listenTo(service, { query: '?channel=aisoule' });
    await receive(service, 'z-api', picture('z-api', { url: await link() }));
    await receive(service, 'aisoule', picture('aisoule', { url: await link() }));
    for (const stream of [limited, narrowed]) {
      await stream.count(1);
      await stream.close();
      expect(stream.told.map(({ data }) => data.channel)).toEqual(['aisoule']);
    }
  });
});

it('ends, and tells nothing more, once its token is revoked', async () => {
  const admin = service.token('admin');
  const json = { name: 'a listener', scopes: ['media:read'] };
  const made = await call<{ id: string; token: string }>(service.url, '/v1/tokens', {
    ...{ method: 'post', token: admin, json },
  });
  const [revoked, valid] = [await listenTo(service, { token: made.body.token }), await listenTo(service)];
  await receive(service, 'z-api', picture('z-api', { url: await link() }));
  await Promise.all([revoked.count(1), valid.count(1)]);
  await call(service.url, `/v1/tokens/${made.body.id}`, { method: 'delete', token: admin });
  await receive(service, 'z-api', picture('z-api', { url: await link() }));
  await revoked.ended;
  expect(revoked.told).toHaveLength(1);
  await valid.count(2);
  await valid.close();
});

it.each([
  ['?type=media.erased', {}, 'type'],
  ['?since=1', {}, 'since'],
  ['?lastEventId=abc', {}, 'lastEventId'],
  ['', { 'last-event-id': '1; drop table' }, 'Last-Event-ID'],
])('a question that makes no sense is answered 400: %s %j', async (query, headers, field) => {
  const answer = await call(service.url, `/v1/events${query}`, {
    token: service.token('media:read'),
    headers,
  });
  expect(answer).toMatchObject({ status: 400, body: { code: 'request.invalid', errors: [{ field }] } });
});

it('needs a token that may read', async () => {
  expect((await call(service.url, '/v1/events')).body.code).toBe('auth.missing');
  expect((await call(service.url, '/v1/events', { token: service.token('messages:send') })).body.code).toBe(
    'auth.scope',
  );
});
