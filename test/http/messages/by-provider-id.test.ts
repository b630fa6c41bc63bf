/** `GET /v1/messages/:channel/:messageId`: a message with its media, and what became of it. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { call, postWebhook, type Answer, type MessageView } from '../../support/client.js';
import { picture, sobotChange, zApiMedia, zApiStatus } from '../../support/payloads.js';
import { startTestService, type TestService } from '../../support/test-service.js';

let service: TestService;

beforeAll(async () => {
  service = await startTestService({ queue: false });
});

afterAll(() => service.stop());

function find(channel: string, messageId: string): Promise<Answer<MessageView>> {
  const path = `/v1/messages/${channel}/${encodeURIComponent(messageId)}`;
  return call<MessageView>(service.url, path, { token: service.token('media:read') });
}

it('shows the message with its media', async () => {
  const payload = zApiMedia({ messageId: '3EB0A', group: '120363000000000001-group', caption: 'look' });
  const { body: receipt } = await postWebhook(service, 'z-api', payload);

  expect((await find('z-api', '3EB0A')).body).toEqual({
    channel: 'z-api',
    provider: 'z-api',
    direction: 'inbound',
    id: '3EB0A',
    from: '5511999990000',
    to: '5511888880000',
    chat: '120363000000000001-group',
    senderName: 'Ana',
    caption: 'look',
    sentAt: '2026-11-21T10:00:00.000Z',
    receivedAt: expect.stringMatching(/Z$/),
    status: null,
    statusAt: null,
    error: null,
    media: [expect.objectContaining({ id: receipt.media[0], kind: 'image', state: 'pending' })],
  });
});

it('shows several media in their order', async () => {
  const image = (imageUrl: string) => ({ header: { image: { imageUrl } } });
  const payload = {
    ...zApiMedia({ messageId: '3EB0CAROUSEL' }),
    image: undefined,
    carouselMessage: { text: 'look', cards: ['1', '2', '3'].map((n) => image(`https://x.example/${n}`)) },
  };
  const { body: receipt } = await postWebhook(service, 'z-api', payload);
  expect(receipt.media).toHaveLength(3);
  const { body } = await find('z-api', '3EB0CAROUSEL');
  expect(body.media.map(({ id }) => id)).toEqual(receipt.media);
});

it.each([
  ['with signs', 'wamid.HBgL+/=?&#%'],
  ['with a slash', 'a/b'],
  ['with spaces', ' a b '],
  ['in other scripts', 'mensagem-ç-🌹'],
])('finds an id %s', async (_, messageId) => {
  await postWebhook(service, 'sobot', [
    sobotChange({
      id: messageId,
      from: '5511999990000',
      type: 'image',
      image: { url: 'https://x.example/1' },
    }),
  ]);
  expect(await find('sobot', messageId)).toMatchObject({ status: 200, body: { id: messageId } });
});

it.each(['/v1/messages/z-api/none', '/v1/messages/nobody/3EB0A'])('answers 404 for %s', async (path) => {
  const answer = await call(service.url, path, { token: service.token('media:read') });
  expect(answer).toMatchObject({ status: 404, body: { code: 'message.not_found' } });
});

it.each([
  ['/v1/messages/z-api/%00', 'messageId'],
  ['/v1/messages/%00/x', 'channel'],
])('answers 400 for %s', async (path, field) => {
  const answer = await call(service.url, path, { token: service.token('media:read') });
  expect(answer).toMatchObject({ status: 400, body: { code: 'request.invalid', errors: [{ field }] } });
});

describe('its status', () => {
  const noon = Date.UTC(2026, 10, 21, 12);
  const report = (status: string, messageId: string, at: number) =>
    postWebhook(service, 'z-api', zApiStatus(status, [messageId], at));
  const start = (messageId: string) => postWebhook(service, 'z-api', zApiMedia({ messageId, fromMe: true }));

  it('is the furthest, in whatever order the reports come', async () => {
    await start('read-first');
    for (const [minutes, status] of [
      [3, 'READ'],
      [2, 'RECEIVED'],
      [1, 'SENT'],
    ] as const) {
      expect(await report(status, 'read-first', noon + minutes * 60_000)).toMatchObject({
        status: 200,
        body: { outcome: 'status', media: [], duplicate: false },
      });
      expect((await find('z-api', 'read-first')).body).toMatchObject({
        status: 'read',
        statusAt: '2026-11-21T12:03:00.000Z',
        error: null,
      });
    }
  });

  it('goes forward with each report', async () => {
    await start('forward');
    const seen: (string | null)[] = [];
    for (const [minutes, status] of ['SENT', 'RECEIVED', 'READ'].entries()) {
      await report(status, 'forward', noon + minutes * 60_000);
      seen.push((await find('z-api', 'forward')).body.status);
    }
    expect(seen).toEqual(['sent', 'delivered', 'read']);
  });

  it('keeps the moment of the first report of its kind', async () => {
    await start('twice');
    await report('READ', 'twice', noon);
    expect(await report('READ', 'twice', noon + 60_000)).toMatchObject({ status: 200 });
    expect((await find('z-api', 'twice')).body.statusAt).toBe('2026-11-21T12:00:00.000Z');
  });

  it('may come before the message', async () => {
    await report('RECEIVED', 'early', noon);
    expect((await find('z-api', 'early')).status).toBe(404);
    await start('early');
    expect((await find('z-api', 'early')).body).toMatchObject({ status: 'delivered' });
  });

  it('failed says why', async () => {
    await start('failing');
    await postWebhook(service, 'z-api', {
      type: 'DeliveryCallback',
      messageId: 'failing',
      phone: '5511999990000',
      error: 'invalid media url',
    });
    expect((await find('z-api', 'failing')).body).toMatchObject({
      status: 'failed',
      error: { code: 'send_failed', message: 'invalid media url' },
    });
  });

  it('failed does not take back that somebody has it', async () => {
    await start('has-it');
    await report('RECEIVED', 'has-it', noon);
    const failure = { type: 'DeliveryCallback', messageId: 'has-it', error: 'late' };
    await postWebhook(service, 'z-api', failure);
    expect((await find('z-api', 'has-it')).body).toMatchObject({ status: 'delivered', error: null });
  });

  it('of one report may be of several messages', async () => {
    await start('several-1');
    await start('several-2');
    await postWebhook(service, 'z-api', zApiStatus('READ', ['several-1', 'several-2', 'several-unknown']));
    for (const id of ['several-1', 'several-2']) expect((await find('z-api', id)).body.status).toBe('read');
  });

  it.each([
    ['blip', (id: string) => ({ id, from: '5511999990000@wa.gw.msging.net', to: 'x', event: 'consumed' })],
    ['vonage', (id: string) => ({ message_uuid: id, status: 'read', channel: 'whatsapp' })],
    ['aisoule', (id: string) => ({ event: 'message.read', timestamp: 1, data: { message_id: id } })],
    ['sobot', (id: string) => ({ id, status: 'read', timestamp: '1795255200' })],
  ])('is understood from %s', async (channel, payload) => {
    await postWebhook(service, channel, picture(channel, { messageId: 'known' }));
    expect(await postWebhook(service, channel, payload('known'))).toMatchObject({
      status: 200,
      body: { outcome: 'status' },
    });
    expect((await find(channel, 'known')).body).toMatchObject({ status: 'read' });
    // Another channel's message with the same id has nothing to do with it.
    await postWebhook(service, 'z-api', zApiMedia({ messageId: 'known' }));
    expect((await find('z-api', 'known')).body.status).toBeNull();
  });
});
