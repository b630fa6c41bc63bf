/**
 * Custom channels in the whole service: added over the API, with pictures through each, and mended
 * afterwards.
 */
import { createHmac } from 'node:crypto';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { bytes, startMediaHost, type MediaHost } from '../../../src/demo/media-host.js';
import { photo } from '../../../src/demo/photos.js';
import { call, type Answer, type MediaView, type Receipt } from '../../support/client.js';
import { findEverywhere } from '../../support/everything.js';
import { startTestService, type TestService } from '../../support/test-service.js';
import { until } from '../../support/until.js';
import { startRecordingApi, type RecordingApi } from '../recording-api.js';

let host: MediaHost;
let api: RecordingApi;
let service: TestService;
beforeAll(async () => {
  [host, api] = await Promise.all([startMediaHost(), startRecordingApi()]);
  service = await startTestService({
    mediaHosts: [host.host, new URL(api.origin).host],
    env: { PUBLIC_MEDIA_LINKS: 'always' },
  });
});
afterAll(async () => {
  await service.stop();
  await Promise.all([host.close(), api.close()]);
});

const ask = <Body>(path: string, method: 'get' | 'post' | 'patch' = 'get', json?: unknown) =>
  call<Body>(service.url, path, {
    method,
    token: service.token('admin'),
    ...(json !== undefined && { json }),
  });

interface Added {
  readonly id: string;
  readonly webhookSecret: string;
  readonly setup: readonly string[];
}

async function addChannel(id: string, settings: Readonly<Record<string, string>>): Promise<Added> {
  const { status, body } = await ask<Added>('/v1/channels', 'post', { id, provider: 'custom', settings });
  expect({ status, body }).toMatchObject({ status: 201, body: { id, webhookSecret: expect.any(String) } });
  return body;
}

const post = (path: string, raw: string, headers: Record<string, string>): Promise<Answer<Receipt>> =>
  call<Receipt>(service.url, `/webhooks/${path}`, { method: 'post', raw, headers });

const mediaOf = ({ body }: Answer<Receipt>): Promise<MediaView> =>
  until(async () => {
    const { body: media } = await ask<MediaView>(`/v1/media/${String(body.media[0])}`);
    return (media.attempts > 0 || media.state !== 'pending') && media;
  });

const sign = (secret: string, body: string): string =>
  createHmac('sha512', secret).update(body).digest('base64');

test('texts, locations and contact cards are kept around a file', async () => {
  const { webhookSecret } = await addChannel('chat', {
    events: `{"type": type, "id": id, "from": "5511900000042", "name": "Rosa", "text": text, "location": location,
             "contact": card, "media": link ? {"kind": "image", "url": link}}`,
  });
  const say = async (payload: object): Promise<string> => {
    const answer = await post('chat', JSON.stringify(payload), { 'x-inlet-token': webhookSecret });
    return answer.body.outcome;
  };
  const link = host.serve('/chat.jpg', bytes('image/jpeg', await photo({ seed: 3, width: 64, height: 48 })));
  expect(await say({ type: 'message', id: 'c-1', link })).toBe('accepted');
  expect(await say({ type: 'text', id: 'c-2', text: 'The left one is broken' })).toBe('ignored');
  expect(await say({ type: 'location', id: 'c-3', location: { latitude: -23.5, longitude: -46.6 } })).toBe(
    'ignored',
  );
  expect(await say({ type: 'contact', id: 'c-4', card: { name: 'Bruno', numbers: ['42'] } })).toBe('ignored');
  expect(await say({ type: 'text', id: 'c-2', text: 'The left one is broken' })).toBe('ignored');
  expect(await say({ type: 'text', id: 'c-5', link })).toBe('malformed');
  const { body } = await ask<{ items: object[] }>('/v1/people/chat/5511900000042/timeline');
  expect(body.items).toMatchObject([
    { type: 'contact', text: 'Bruno\n42' },
    { type: 'location', latitude: -23.5, longitude: -46.6 },
    { type: 'text', text: 'The left one is broken', senderName: 'Rosa' },
    { type: 'media' },
  ]);
});

test('JSON with links, proven by an HMAC; the host receives the header of the channel, and no other host does', async () => {
  const other = await startMediaHost();
  const { webhookSecret } = await addChannel('app', {
    proof: 'hmac',
    proofName: 'X-App-Mac',
    hmacAlgorithm: 'sha512',
    hmacEncoding: 'base64',
    hmacPrefix: 'v1,',
    events: `photos.{"type": "message", "id": id, "from": $$.user.id, "name": $$.user.name, "caption": title, "sentAt": taken,
             "media": {"kind": "image", "url": src}}`,
    mediaHosts: host.host,
    mediaHeader: 'Authorization: Bearer files-0123456789',
  });
  const url = host.serve('/one.jpg', bytes('image/jpeg', await photo({ seed: 1, width: 64, height: 48 })));
  const foreign = other.serve(
    '/two.jpg',
    bytes('image/jpeg', await photo({ seed: 2, width: 64, height: 48 })),
  );
  const body = JSON.stringify({
    user: { id: 'u-7', name: 'Rosa' },
    photos: [
      { id: 'p1', src: url, title: 'At the door', taken: 1_795_255_200 },
      { id: 'p2', src: foreign },
    ],
  });
  const received = await post('app', body, { 'x-app-mac': `v1,${sign(webhookSecret, body)}` });
  expect(received).toMatchObject({ status: 200, body: { outcome: 'accepted', duplicate: false } });
  expect(received.body.media).toHaveLength(2);
  expect(await mediaOf(received)).toMatchObject({
    state: 'ready',
    channel: 'app',
    provider: 'custom',
    type: 'image/jpeg',
    message: {
      id: 'p1',
      from: 'u-7',
      senderName: 'Rosa',
      caption: 'At the door',
      sentAt: '2026-11-21T10:00:00.000Z',
    },
  });
  // Pictures of other tests may be downloaded at the same time.
  const requests = host.requests.filter((request) => request.url.pathname === '/one.jpg');
  expect(requests).toMatchObject([{ headers: { authorization: 'Bearer files-0123456789' } }]);
  expect(other.requests).toEqual([]);
  expect(await post('app', body, { 'x-app-mac': `v1,${sign('wrong', body)}` })).toMatchObject({
    status: 401,
  });
  expect(await post('app', '{', { 'x-app-mac': `v1,${sign(webhookSecret, '{')}` })).toMatchObject({
    status: 400,
    body: { code: 'webhook.not_json' },
  });
  await other.close();
});

test('a form with Base64, proven by a secret header', async () => {
  const { webhookSecret } = await addChannel('form', {
    proofName: 'X-Form-Key',
    body: 'form',
    events: `{"type": "message", "id": submission, "from": email, "caption": comment,
              "media": [{"kind": "image", "base64": photo, "filename": photo_name}]}`,
  });
  const picture = await photo({ seed: 3, width: 64, height: 48, format: 'png' });
  const fields = new URLSearchParams({
    submission: 's-1',
    email: 'rosa@example.org',
    comment: 'a + b',
    photo: `data:image/png;base64,${picture.toString('base64')}`,
    photo_name: 'garden.png',
  });
  const headers = { 'x-form-key': webhookSecret, 'content-type': 'application/x-www-form-urlencoded' };
  const received = await post('form', fields.toString(), headers);
  expect(await mediaOf(received)).toMatchObject({
    state: 'ready',
    type: 'image/png',
    bytes: picture.length,
    filename: 'garden.png',
    message: { id: 's-1', from: 'rosa@example.org', caption: 'a + b' },
  });
});

test('webhooks that came before the expression, or while it was wrong, are read by a replay', async () => {
  const { webhookSecret, setup } = await addChannel('captured', {});
  expect(setup.join(' ')).toContain('/webhooks/captured');
  const url = host.serve('/late.jpg', bytes('image/jpeg', await photo({ seed: 4, width: 64, height: 48 })));
  const headers = { 'x-inlet-token': webhookSecret };
  const first = await post('captured', JSON.stringify({ n: 1, url }), headers);
  expect(first).toMatchObject({ status: 200, body: { outcome: 'malformed', media: [] } });

  const wrong = {
    settings: {
      events: '{"type": "message", "id": $strin(n), "from": "a", "media": {"kind": "image", "url": url}}',
    },
  };
  expect((await ask('/v1/channels/captured', 'patch', wrong)).status).toBe(200);
  const second = await post('captured', JSON.stringify({ n: 2, url }), headers);
  expect(second.body.outcome).toBe('malformed');
  const delivery = await ask<{ reason: string }>(`/v1/deliveries/${second.body.delivery}`);
  expect(delivery.body.reason).toMatch(/^the expression failed near character \d+: Attempted to invoke/);

  const refused = await ask<{ detail: string }>('/v1/channels/captured', 'patch', {
    settings: { events: '{"type": ' },
  });
  expect(refused).toMatchObject({
    status: 400,
    body: { detail: expect.stringMatching(/settings\.events: is not JSONata near character/) },
  });

  const mended = { settings: { events: wrong.settings.events.replace('$strin', '$string') } };
  await ask('/v1/channels/captured', 'patch', mended);
  for (const { body } of [first, second]) {
    const replayed = await ask<Receipt>(`/v1/deliveries/${body.delivery}/replay`, 'post');
    expect(replayed.body).toMatchObject({ outcome: 'accepted', duplicate: false });
    expect(await mediaOf(replayed)).toMatchObject({ state: 'ready' });
  }
});

test('erasing a message erases other webhooks that name it, whose ids only the expression knows', async () => {
  const { webhookSecret } = await addChannel('erasable', {
    events: '{"type": "message", "id": a & ":" & b, "from": "p", "media": {"kind": "image", "url": url}}',
  });
  const url = host.serve(
    '/erasable.jpg',
    bytes('image/jpeg', await photo({ seed: 5, width: 64, height: 48 })),
  );
  const headers = { 'x-inlet-token': webhookSecret };
  const bodyOf = (again: number): string => JSON.stringify({ a: 'left', b: 'right', url, again });
  const first = await post('erasable', bodyOf(1), headers);
  await post('erasable', bodyOf(2), headers);
  const media = await mediaOf(first);
  await call(service.url, `/v1/media/${media.id}`, { method: 'delete', token: service.token('admin') });
  const kept = await service.database.query(
    `select id from delivery where channel = 'erasable' and erased_at is null`,
  );
  expect(kept).toEqual([]);
});

describe('sending', () => {
  test('hands a picture over by a link, and follows its status', async () => {
    const { webhookSecret } = await addChannel('sender', {
      events: '{"type": "status", "id": message, "status": state}',
      apiUrl: `${api.origin}/v2`,
      apiHeader: 'X-Key: api-0123456789',
      send: '{"path": "/send/" & kind, "json": {"to": to, "file": url, "text": caption}}',
      sendId: 'body.data.id',
      sendPerSecond: '100',
    });
    api.answers.push({ status: 200, body: { data: { id: 991 } } });
    const url = host.serve('/out.jpg', bytes('image/jpeg', await photo({ seed: 6, width: 64, height: 48 })));
    const message = {
      channel: 'sender',
      to: '5511900000001',
      kind: 'image',
      media: { url },
      caption: 'for you',
    };
    const queued = await ask<{ id: string }>('/v1/messages', 'post', message);
    expect(queued.status).toBe(202);
    const shown = () =>
      ask<{ state: string; status: string; messageId: string }>(`/v1/messages/${queued.body.id}`);
    await until(async () => (await shown()).body.state === 'sent');
    expect(api.requests.at(-1)).toMatchObject({
      path: '/v2/send/image',
      headers: { 'x-key': 'api-0123456789' },
      body: { to: '5511900000001', text: 'for you' },
    });
    const report = JSON.stringify({ message: '991', state: 'delivered' });
    expect((await post('sender', report, { 'x-inlet-token': webhookSecret })).body.outcome).toBe('status');
    await until(async () => (await shown()).body.status === 'delivered');
  });

  test.each([
    ['a private address', 'http://10.0.0.1', 'forbidden_address'],
    ['the address of the metadata of a cloud', 'http://169.254.169.254/latest', 'forbidden_address'],
    ['this machine', 'http://[::1]:8080', 'forbidden_address'],
    ['a name of this machine', 'http://localhost:8080', 'forbidden_address'],
  ])('never calls %s for a channel that was added over the API', async (_what, apiUrl, code) => {
    const id = `inside-${String(apiUrl.length)}`;
    await addChannel(id, {
      apiUrl,
      send: '{"path": "/x", "json": url}',
      apiHeader: 'X-Key: inside-0123456789',
    });
    const url = host.serve(
      `/${id}.jpg`,
      bytes('image/jpeg', await photo({ seed: 7, width: 64, height: 48 })),
    );
    const queued = await ask<{ id: string }>('/v1/messages', 'post', {
      channel: id,
      to: '5511900000001',
      kind: 'image',
      media: { url },
    });
    const failed = await until(async () => {
      const { body } = await ask<{ state: string; error: { code: string } | null }>(
        `/v1/messages/${queued.body.id}`,
      );
      return body.state === 'failed' && body;
    });
    expect(failed.error?.code).toBe(code);
    expect(await findEverywhere(service, ['inside-0123456789'])).toEqual([]);
  });

  test('checks the declared limits before anything is sent', async () => {
    const before = api.requests.length;
    const message = { channel: 'sender', to: '5511900000001', kind: 'video', media: { url: host.origin } };
    expect(await ask('/v1/messages', 'post', message)).toMatchObject({ status: 422 });
    expect(api.requests).toHaveLength(before);
  });
});
