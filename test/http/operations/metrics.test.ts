/** What `/metrics` tells, and whom. */
import { request } from 'node:http';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { bytes, startMediaHost, type MediaHost } from '../../../src/demo/media-host.js';
import { photo } from '../../../src/demo/photos.js';
import { call, postWebhook, receive } from '../../support/client.js';
import { picture } from '../../support/payloads.js';
import { startTestService, type TestService } from '../../support/test-service.js';
import { until } from '../../support/until.js';

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

const read = async (): Promise<string> => await (await fetch(`${service.url}/metrics`)).text();
const valueOf = (text: string, name: string): number | undefined => {
  const line = text.split('\n').find((one) => one.startsWith(`${name} `));
  return line === undefined ? undefined : Number(line.slice(name.length + 1));
};

describe('metrics', () => {
  it('count webhooks, fetches, bytes and previews', async () => {
    const file = await photo({ seed: 1, width: 320, height: 240 });
    const url = host.serve('/one.jpg', bytes('image/jpeg', file));
    await receive(service, 'z-api', picture('z-api', { url }));
    await receive(service, 'blip', picture('blip', { url: 'http://169.254.169.254/photo.jpg' }));
    await fetch(`${service.url}/webhooks/z-api?token=wrong`, { method: 'POST', body: '{}' });
    await fetch(`${service.url}/webhooks/made-up`, { method: 'POST', body: '{}' });
    // A fetch is counted when its result is stored already.
    const text = await until(async () => {
      const now = await read();
      return valueOf(now, 'inlet_fetches_total{outcome="media.forbidden_address"}') === 1 && now;
    });
    expect(valueOf(text, 'inlet_webhooks_total{channel="z-api",outcome="accepted"}')).toBe(1);
    expect(valueOf(text, 'inlet_webhooks_total{channel="z-api",outcome="webhook.unproven"}')).toBe(1);
    expect(valueOf(text, 'inlet_webhooks_total{channel="",outcome="webhook.unknown_channel"}')).toBe(1);
    expect(valueOf(text, 'inlet_webhook_answer_seconds_count')).toBe(4);
    expect(valueOf(text, 'inlet_fetches_total{outcome="ready"}')).toBe(1);
    expect(valueOf(text, 'inlet_fetches_total{outcome="media.forbidden_address"}')).toBe(1);
    expect(valueOf(text, 'inlet_fetched_bytes_total')).toBe(file.length);
    expect(valueOf(text, 'inlet_preview_seconds_count')).toBe(1);
    expect(valueOf(text, 'inlet_media_pending')).toBe(0);
    expect(valueOf(text, 'nodejs_eventloop_lag_seconds')).toBeDefined();
  });

  it('tell how much waits, and for how long', async () => {
    await service.database.query(
      `update media set state = 'pending', received_at = now() - interval '90 seconds' where state = 'ready'`,
    );
    const text = await read();
    expect(valueOf(text, 'inlet_media_pending')).toBe(1);
    expect(valueOf(text, 'inlet_media_pending_seconds')).toBeGreaterThanOrEqual(90);
  });

  it('name no channel that strangers make up, however many they try', async () => {
    for (let number = 0; number < 20; number += 1)
      await fetch(`${service.url}/webhooks/made-up-${String(number)}`, { method: 'POST', body: '{}' });
    expect(await read()).not.toContain('made-up');
  });

  it('are told what was counted also while the database is away', async () => {
    await postWebhook(service, 'z-api', { type: 'PresenceChatCallback', status: 'AVAILABLE' });
    await service.database.goAway();
    try {
      await postWebhook(service, 'z-api', { type: 'PresenceChatCallback', status: 'UNAVAILABLE' });
      const text = await read();
      expect(valueOf(text, 'inlet_webhooks_total{channel="z-api",outcome="ignored"}')).toBe(2);
      expect(valueOf(text, 'inlet_media_pending')).toBeNaN();
      expect(valueOf(text, 'inlet_spool_webhooks')).toBe(1);
    } finally {
      await service.database.comeBack();
    }
  });
});

describe('who may read them', () => {
  it.each(['X-Forwarded-For', 'Forwarded', 'Via', 'X-Real-IP', 'X-Forwarded-Host'])(
    'is an administrator where a proxy stands in between: %s',
    async (name) => {
      const headers = { [name]: '127.0.0.1' };
      expect(await call(service.url, '/metrics', { headers })).toMatchObject({
        status: 401,
        body: { code: 'auth.missing' },
      });
      const reader = service.token('media:read');
      expect(await call(service.url, '/metrics', { headers, token: reader })).toMatchObject({ status: 403 });
      const response = await fetch(`${service.url}/metrics`, {
        headers: { ...headers, authorization: `Bearer ${service.token('admin')}` },
      });
      expect([response.status, response.headers.get('content-type')]).toEqual([
        200,
        'text/plain; version=0.0.4; charset=utf-8',
      ]);
    },
  );

  it('includes programs on the same machine', async () => {
    const status = await new Promise((resolve, reject) => {
      request(`${service.url}/metrics`, { localAddress: '127.0.0.9' }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .on('error', reject)
        .end();
    });
    expect(status).toBe(200);
  });
});
