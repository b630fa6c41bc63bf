/** How a media got where it is: what brought it, and every attempt to fetch it. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { bytes, startMediaHost, type MediaHost } from '../../../src/demo/media-host.js';
import { photo } from '../../../src/demo/photos.js';
import { afterPending, call, postWebhook, receive, upload } from '../../support/client.js';
import { picture } from '../../support/payloads.js';
import { startTestService, type TestService } from '../../support/test-service.js';
import { until } from '../../support/until.js';

interface History {
  readonly receivedAt: string;
  readonly delivery: string | null;
  readonly attempts: readonly {
    readonly at: string;
    readonly error: { readonly code: string; readonly message: string | null } | null;
  }[];
  readonly readyAt: string | null;
  readonly deletedBySenderAt: string | null;
  readonly erasedAt: string | null;
  readonly nextAttemptAt: string | null;
}

let service: TestService;
let host: MediaHost;
let jpeg: Buffer;

beforeAll(async () => {
  host = await startMediaHost();
  service = await startTestService({ mediaHosts: [host.host] });
  jpeg = await photo({ seed: 5, width: 64, height: 48 });
});

afterAll(async () => {
  await service.stop();
  await host.close();
});

function history(id: string, token = service.token('media:read')) {
  return call<History>(service.url, `/v1/media/${id}/history`, { token });
}

describe('the history of a media', () => {
  it('has every attempt with its end, also those before somebody asked for another try', async () => {
    const url = `${host.origin}/later.jpg`;
    const { body } = await postWebhook(service, 'z-api', picture('z-api', { url }));
    const [id = ''] = body.media;
    expect((await afterPending(service, id)).state).toBe('failed');
    host.serve('/later.jpg', bytes('image/jpeg', jpeg));
    const token = service.token('admin');
    await call(service.url, `/v1/media/${id}/retry`, { method: 'post', token });
    const media = await afterPending(service, id);
    expect(media.state).toBe('ready');

    const { status, body: shown } = await history(id);
    expect(status).toBe(200);
    expect(shown).toEqual({
      receivedAt: media.receivedAt,
      readyAt: media.readyAt,
      delivery: body.delivery,
      deletedBySenderAt: null,
      erasedAt: null,
      nextAttemptAt: null,
      attempts: [
        { at: expect.any(String), error: { code: 'media.gone', message: expect.any(String) } },
        { at: expect.any(String), error: null },
      ],
    });
    const [first, second] = shown.attempts.map(({ at }) => at);
    expect(String(first) <= String(second)).toBe(true);
  });

  it('says when the next attempt is', async () => {
    const url = host.serve('/empty.jpg', bytes('image/jpeg', Buffer.alloc(0)));
    const { body } = await postWebhook(service, 'z-api', picture('z-api', { url }));
    const [id = ''] = body.media;
    const shown = await until(async () => {
      const { body: now } = await history(id);
      return now.attempts.length > 0 && now;
    });
    expect(shown).toMatchObject({ readyAt: null, nextAttemptAt: expect.stringMatching(/Z$/) });
    expect(shown.attempts[0]?.error?.code).toBe('media.empty');
  });

  it('names no delivery that is erased or gone, and none of an upload', async () => {
    const url = host.serve('/kept.jpg', bytes('image/jpeg', jpeg));
    const { id } = await receive(service, 'z-api', picture('z-api', { url }));
    const { delivery } = (await history(id)).body;
    await service.database.query('update delivery set erased_at = now() where id = $1', [delivery]);
    expect((await history(id)).body.delivery).toBeNull();
    await service.database.query('delete from delivery where id = $1', [delivery]);
    expect((await history(id)).body.delivery).toBeNull();
    const { body: uploaded } = await upload(service, { file: jpeg });
    expect((await history(uploaded.id)).body).toMatchObject({ delivery: null, attempts: [] });
  });

  it('is there for those who see the channel, and can only be read', async () => {
    const { body } = await upload(service, { file: jpeg });
    expect((await history(body.id, service.token('media:read', { channels: ['blip'] }))).status).toBe(404);
    expect((await history('no-id')).status).toBe(404);
    const put = await call(service.url, `/v1/media/${body.id}/history`, { method: 'put' });
    expect(put.status).toBe(405);
    expect(put.headers['allow']).toBe('GET, HEAD');
  });
});
