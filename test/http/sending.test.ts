import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { photo } from '../../src/demo/photos.js';
import type { OutboundView } from '../../src/http/shapes/outbound.js';
import { call, upload, type Answer, type MediaView, type Page } from '../support/client.js';
import { beBusy, refuse, startCourier, takeAndBreakOff, type Courier } from '../support/courier.js';
import { startTestService, type TestService } from '../support/test-service.js';
import { until } from '../support/until.js';

let courier: Courier;
let service: TestService;
let picture: Buffer;
beforeAll(async () => {
  courier = await startCourier();
  service = await startTestService({ channels: [courier.channel] });
  picture = await photo({ seed: 1, width: 320, height: 240 });
});
afterAll(async () => {
  courier.close();
  await service.stop();
});

const dataOf = (bytes: Buffer, type = 'image/jpeg'): string =>
  `data:${type};base64,${bytes.toString('base64')}`;
const message = (changed: object = {}) => ({
  ...{ channel: 'courier', to: '5511999990000', kind: 'image', media: { data: dataOf(picture) } },
  ...changed,
});
const send = (json: object, headers: Record<string, string> = {}): Promise<Answer<OutboundView>> =>
  call<OutboundView>(service.url, '/v1/messages', {
    ...{ method: 'post', token: service.token('messages:send'), json, headers },
  });
const look = async (id: string): Promise<OutboundView> =>
  (await call<OutboundView>(service.url, `/v1/messages/${id}`, { token: service.token('media:read') })).body;
const settled = (id: string, state: string): Promise<OutboundView> =>
  until(async () => {
    const now = await look(id);
    return now.state === state && now;
  });

describe('a message', () => {
  test('is queued, handed over once, and shown with the provider’s id and its media', async () => {
    const { status, headers, body } = await send(message({ caption: 'The roses' }));
    expect([status, headers['location']]).toEqual([202, `/v1/messages/${body.id}`]);
    expect(body).toMatchObject({
      channel: 'courier',
      to: '5511999990000',
      status: 'queued',
      caption: 'The roses',
    });
    const sent = await settled(body.id, 'sent');
    expect(sent).toMatchObject({ messageId: `taken-${body.id}`, status: 'sent', attempts: 1, error: null });
    expect(sent.media).toMatchObject({ direction: 'outbound', state: 'ready', type: 'image/jpeg' });
    const handed = courier.handed.filter(({ id }) => id === body.id);
    expect(handed).toMatchObject([{ to: '5511999990000', kind: 'image', caption: 'The roses' }]);
    expect(handed[0]?.base64).toBe(picture.toString('base64'));
    const { body: known } = await call<{ media: MediaView[]; status: string }>(
      service.url,
      `/v1/messages/courier/taken-${body.id}`,
      { token: service.token('media:read') },
    );
    expect(known).toMatchObject({ direction: 'outbound', to: '5511999990000', status: 'sent' });
    expect(known.media.map(({ id }) => id)).toEqual([sent.media?.id]);
  });

  test('takes an upload, whose row then belongs to it; sent again, it is another media of the same bytes', async () => {
    const { body: kept } = await upload(service, { file: picture, fields: { channel: 'courier' } });
    const first = await settled((await send(message({ media: { id: kept.id } }))).body.id, 'sent');
    const second = await settled((await send(message({ media: { id: kept.id } }))).body.id, 'sent');
    expect(first.media?.id).toBe(kept.id);
    expect(second.media?.id).not.toBe(kept.id);
    expect(second.media?.sha256).toBe(kept.sha256);
  });

  test('that is refused has failed, with the provider’s code and words', async () => {
    courier.answer(refuse);
    const { body } = await send(message());
    expect(await settled(body.id, 'failed')).toMatchObject({
      ...{ status: 'failed', messageId: null },
      error: { code: '131026', message: 'Message undeliverable' },
    });
  });

  test('whose answer was lost is unknown, and is not sent again', async () => {
    courier.answer(takeAndBreakOff);
    const { body } = await send(message());
    expect(await settled(body.id, 'unknown')).toMatchObject({
      status: 'unknown',
      error: { code: 'send.unanswered' },
    });
    const { body: next } = await send(message());
    await settled(next.id, 'sent');
    expect(courier.handed.filter(({ id }) => id === body.id)).toHaveLength(1);
  });

  test('that the provider has no time for is sent again when it said', async () => {
    courier.answer(beBusy(1));
    const started = Date.now();
    const { body } = await send(message());
    expect(await settled(body.id, 'sent')).toMatchObject({ attempts: 2, error: null });
    expect(Date.now() - started).toBeGreaterThanOrEqual(1_000);
  });

  test('is listed, newest first, by channel, state and recipient, for tokens that see the channel', async () => {
    const { body } = await send(message({ to: '5511911112222' }));
    await settled(body.id, 'sent');
    const list = async (query: string, channels?: string[]): Promise<string[]> =>
      (
        await call<Page<OutboundView>>(service.url, `/v1/messages?${query}`, {
          token: service.token('media:read', channels && { channels }),
        })
      ).body.items.map(({ id }) => id);
    expect(await list('to=5511911112222')).toEqual([body.id]);
    expect(await list('to=5511911112222&state=failed')).toEqual([]);
    expect((await list('channel=courier&limit=2'))[0]).toBe(body.id);
    expect(await list('to=5511911112222', ['z-api'])).toEqual([]);
    const hidden = await call(service.url, `/v1/messages/${body.id}`, {
      token: service.token('media:read', { channels: ['z-api'] }),
    });
    expect([hidden.status, hidden.body.code]).toEqual([404, 'message.not_found']);
  });
});
