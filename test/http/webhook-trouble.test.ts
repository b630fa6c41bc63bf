/** Webhooks while something is wrong: strangers, slow hosts, no database. And what the logs say of it all. */
import { afterEach, describe, expect, it } from '@jest/globals';

import { secrets, signWebhook } from '../providers/signing.js';
import { call, postUnproven, postWebhook, type MediaView } from '../support/client.js';
import { startHostileHost } from '../support/hostile-host.js';
import { picture, zApiMedia, zApiStatus } from '../support/payloads.js';
import { authSecret, startTestService, type TestServiceOptions } from '../support/test-service.js';
import { until } from '../support/until.js';

const channels = ['aisoule', 'blip', 'sobot', 'vonage', 'z-api'];
const endings: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

async function start(options: TestServiceOptions) {
  const service = await startTestService(options);
  endings.push(service.stop);
  return service;
}

describe('strangers', () => {
  const limit = 3;

  it.each(channels)(
    'are limited at %s, and proven senders from the same address are not',
    async (channel) => {
      const service = await start({ queue: false, env: { FAILED_WEBHOOKS_PER_MINUTE: String(limit) } });
      const knock = () => postUnproven(service, channel, { payload: picture(channel) });
      const refusal = channel === 'vonage' ? 503 : 401;

      for (let time = 0; time < limit; time += 1) expect((await knock()).status).toBe(refusal);

      const limited = await knock();
      expect(limited).toMatchObject({ status: 429, body: { status: 429, code: 'request.rate_limited' } });
      const retryAfter = Number(limited.headers['retry-after']);
      expect(retryAfter).toBeGreaterThanOrEqual(1);
      expect(retryAfter).toBeLessThanOrEqual(60);
      for (const proven of channels)
        expect(await postWebhook(service, proven, picture(proven))).toMatchObject({ status: 200 });
      expect((await knock()).status).toBe(429);
    },
  );

  it('cannot get round the limit by saying that they are somebody else', async () => {
    const service = await start({ queue: false, env: { FAILED_WEBHOOKS_PER_MINUTE: '1' } });
    const knock = (address: string) =>
      postUnproven(service, 'z-api', { payload: '{}', headers: { 'x-forwarded-for': address } });

    expect((await knock('203.0.113.1')).status).toBe(401);
    expect((await knock('203.0.113.2')).status).toBe(429);
  });

  it('are told apart by what a trusted proxy says', async () => {
    const service = await start({
      queue: false,
      env: { FAILED_WEBHOOKS_PER_MINUTE: '1', TRUSTED_PROXY_HOPS: '1' },
    });
    const knock = (address: string) =>
      postUnproven(service, 'z-api', { payload: '{}', headers: { 'x-forwarded-for': address } });

    expect((await knock('203.0.113.1')).status).toBe(401);
    expect((await knock('203.0.113.2')).status).toBe(401);
    expect((await knock('203.0.113.1')).status).toBe(429);
    // Only the last proxy is believed, not what came before it.
    expect((await knock('198.51.100.1, 203.0.113.2')).status).toBe(429);
  });
});

describe('a media host that does not answer', () => {
  it('keeps no webhook waiting', async () => {
    const host = await startHostileHost();
    const service = await start({ mediaHosts: [host.host] });
    endings.push(host.close);
    const token = service.token('media:read');

    for (const channel of channels) {
      const hanging = picture(channel, { url: host.url(`/hang?of=${channel}`) });
      const answer = await postWebhook(service, channel, hanging);
      expect(answer).toMatchObject({ status: 200, body: { outcome: 'accepted' } });
      // It is being fetched, while the next ones come in.
      await until(() => host.requests.some(({ url }) => url?.endsWith(`of=${channel}`)));
      const media = await call<MediaView>(service.url, `/v1/media/${String(answer.body.media[0])}`, {
        token,
      });
      expect(media.body.state).toBe('pending');
    }
  });
});

describe('a database that is away', () => {
  it('makes the sender come again, and what comes again is taken', async () => {
    const service = await start({});
    const payloads = new Map(channels.map((channel) => [channel, picture(channel)]));
    await service.database.goAway();
    for (const [channel, payload] of payloads) {
      expect(await postWebhook(service, channel, payload)).toMatchObject({
        status: 503,
        headers: { 'content-type': expect.stringMatching(/^application\/problem\+json/) },
        body: { status: 503, code: 'webhook.not_stored' },
      });
      // Who is not proven learns nothing of it.
      expect((await postUnproven(service, channel, { payload, query: { token: 'wrong' } })).status).toBe(401);
    }

    await service.database.comeBack();
    for (const [channel, payload] of payloads) {
      const answer = await postWebhook(service, channel, payload);
      expect(answer).toMatchObject({ status: 200, body: { outcome: 'accepted', duplicate: false } });
      // The queue is back, too: nobody listens at that address, which is found out by trying.
      const path = `/v1/media/${String(answer.body.media[0])}?wait=20`;
      const media = await call<MediaView>(service.url, path, { token: service.token('media:read') });
      expect(media.body).toMatchObject({ state: 'rejected', error: { code: 'media.forbidden_port' } });
    }
  });

  it('loses nothing that was answered with 200 when it goes away in the middle', async () => {
    const service = await start({ queue: false });
    const sendings = Array.from({ length: 60 }, async (_, index) => {
      const messageId = `wave-${String(index)}`;
      const { status } = await postWebhook(service, 'z-api', zApiMedia({ messageId }));
      return { messageId, status };
    });
    await service.database.goAway();
    const sent = await Promise.all(sendings);
    await service.database.comeBack();

    const sql = `select message_id as id from message where message_id like 'wave-%'`;
    const kept = new Set((await service.database.query<{ id: string }>(sql)).map(({ id }) => id));
    expect(sent.every(({ status }) => status === 200 || status === 503)).toBe(true);
    expect(sent.filter(({ messageId, status }) => status === 200 && !kept.has(messageId))).toEqual([]);
  });
});

describe('the logs', () => {
  it('hold no secret, no token, no address, and nothing that people wrote or are called', async () => {
    const host = await startHostileHost();
    const service = await start({
      mediaHosts: [host.host],
      env: { FAILED_WEBHOOKS_PER_MINUTE: '5', FETCH_MAX_ATTEMPTS: '1' },
    });
    endings.push(host.close);
    const token = service.token('admin');
    const personal = { from: '5511987654321', caption: 'private words', messageId: 'private-id' };

    for (const channel of channels) {
      for (const path of ['/reset', '/status?code=500', '/status?code=404', '/ok']) {
        const url = host.url(`${path}${path.includes('?') ? '&' : '?'}sig=private-signature`);
        const messageId = `${personal.messageId}${path}`;
        const { body } = await postWebhook(
          service,
          channel,
          picture(channel, { ...personal, messageId, url }),
        );
        await call(service.url, `/v1/media/${String(body.media[0])}?wait=20`, { token });
        await call(service.url, `/v1/media/${String(body.media[0])}/content`, { token });
      }
      await postUnproven(service, channel, { payload: 'private words 5511987654321' });
      await postUnproven(service, channel, {
        payload: picture(channel, personal),
        ...signWebhook(channel, Buffer.from('private words'), { secret: 'private-secret-0123456' }),
      });
      await postWebhook(service, channel, 'private words that are no JSON');
    }
    await postWebhook(service, 'z-api', zApiStatus('READ', [personal.messageId]));
    await call(service.url, `/v1/media?from=${personal.from}&q=private%20words`, { token: `${token}x` });
    await call(service.url, `/v1/private-id/5511987654321`, { token });
    await service.database.goAway();
    await postWebhook(service, 'z-api', picture('z-api', { ...personal, messageId: 'private-id-2' }));
    await call(service.url, `/v1/messages/z-api/${personal.messageId}`, { token });
    await call(service.url, `/v1/media?from=${personal.from}&q=private%20words`, { token });
    await service.database.comeBack();

    const logs = service.logs();
    expect(logs).toContain('an attempt failed');
    expect(logs).toContain('a request failed');
    const { password } = new URL(service.database.connectionString);
    const words = [
      ...secrets,
      ...Object.values(personal),
      token,
      authSecret,
      password,
      'private',
      'Ana',
      '5511',
    ];
    expect(words.filter((word) => logs.includes(word))).toEqual([]);
    expect(logs).not.toMatch(/eyJ[\w-]+\./); // How a JWT begins.
    expect(logs).not.toContain('127.0.0.1');
  });
});
