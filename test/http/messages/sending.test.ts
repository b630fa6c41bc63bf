/** What becomes of a message, from the request to the provider's last word. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { photo } from '../../../src/demo/photos.js';
import type { OutboundView } from '../../../src/http/shapes/outbound.js';
import { call, upload, type MediaView, type Page } from '../../support/client.js';
import { beBusy, refuse, startCourier, take, takeAndBreakOff, type Courier } from '../../support/courier.js';
import { addJobs } from '../../support/jobs.js';
import { dataOf, lookAt, send, sent, settled } from '../../support/sending.js';
import { startTestService, type TestService } from '../../support/test-service.js';
import { until } from '../../support/until.js';

let courier: Courier;
let service: TestService;
let picture: Buffer;
let media: { data: string };
beforeAll(async () => {
  courier = await startCourier();
  service = await startTestService({ channels: [courier.channel] });
  picture = await photo({ seed: 1, width: 320, height: 240 });
  media = { data: dataOf(picture) };
});
afterAll(async () => {
  courier.close();
  await service.stop();
});

const handedOf = (id: string) => courier.handed.filter((handed) => handed.id === id);
const get = async <Body>(path: string, channels?: string[]) =>
  call<Body>(service.url, path, { token: service.token('media:read', channels && { channels }) });
const told = (id: string) =>
  service.database.query<{ status: string; message_id: string }>(
    `select status, message_id from notification
     where message_id in (select unnest(array[id::text, message_id]) from outbound where id = $1) order by id`,
    [id],
  );

describe('a message', () => {
  test('is queued, handed over once, and shown with the provider’s id and its media', async () => {
    const { status, headers, body } = await send(service, { media, caption: 'The roses', replyTo: 'them-1' });
    expect([status, headers['location']]).toEqual([202, `/v1/messages/${body.id}`]);
    expect(body).toMatchObject({ channel: 'courier', to: '5511999990000', caption: 'The roses' });
    const now = await settled(service, body.id, 'sent');
    expect(now).toMatchObject({ messageId: `taken-${body.id}`, status: 'sent', attempts: 1, error: null });
    expect(now.media).toMatchObject({ direction: 'outbound', state: 'ready', type: 'image/jpeg' });
    expect(handedOf(body.id)).toMatchObject([
      { to: '5511999990000', kind: 'image', caption: 'The roses', replyTo: 'them-1', type: 'image/jpeg' },
    ]);
    expect(handedOf(body.id)[0]?.base64).toBe(picture.toString('base64'));
    const { body: known } = await get<{ media: MediaView[] }>(`/v1/messages/courier/taken-${body.id}`);
    expect(known).toMatchObject({ direction: 'outbound', to: '5511999990000', status: 'sent' });
    expect(known.media.map(({ id }) => id)).toEqual([now.media?.id]);
    expect(await told(body.id)).toEqual([{ status: 'sent', message_id: `taken-${body.id}` }]);
  });

  test('takes an upload, whose row then belongs to it; sent again, it is another media of the same bytes', async () => {
    const { body: kept } = await upload(service, { file: picture, fields: { channel: 'courier' } });
    const first = await sent(service, { media: { id: kept.id } });
    const second = await sent(service, { media: { id: kept.id } });
    expect(first.media?.id).toBe(kept.id);
    expect(second.media?.id).not.toBe(kept.id);
    expect(second.media?.sha256).toBe(kept.sha256);
  });

  test('tells a token that may not read nothing personal about the media', async () => {
    const fields = { channel: 'courier' };
    const { body: kept } = await upload(service, { file: picture, fields, filename: 'Ana.png' });
    const answer = await call<{ id: string; filename: string | null; media: object }>(
      service.url,
      '/v1/messages',
      {
        method: 'post',
        token: service.token('messages:send'),
        json: { channel: 'courier', to: '5511999990000', kind: 'image', media: { id: kept.id } },
      },
    );
    expect(answer.status).toBe(202);
    expect(answer.body.filename).toBeNull();
    expect(Object.keys(answer.body.media).sort()).toEqual([
      'bytes',
      'height',
      'id',
      'state',
      'type',
      'width',
    ]);
    await settled(service, answer.body.id, 'sent');
  });

  test('that is refused has failed, with the provider’s code and words', async () => {
    courier.answer(refuse);
    const { body } = await send(service, { media });
    expect(await settled(service, body.id, 'failed')).toMatchObject({
      status: 'failed',
      messageId: null,
      error: { code: '131026', message: 'Message undeliverable' },
    });
    expect(await told(body.id)).toEqual([{ status: 'failed', message_id: body.id }]);
  });

  test('whose answer was lost is unknown, and is not sent again', async () => {
    courier.answer(takeAndBreakOff);
    const { body } = await send(service, { media });
    expect(await settled(service, body.id, 'unknown')).toMatchObject({
      status: 'unknown',
      error: { code: 'send.unanswered' },
    });
    await sent(service, { media });
    expect(handedOf(body.id)).toHaveLength(1);
    expect(await told(body.id)).toEqual([{ status: 'unknown', message_id: body.id }]);
  });

  test('whose answer was lost goes out once more when an administrator says so', async () => {
    courier.answer(takeAndBreakOff);
    const { body } = await send(service, { media });
    await settled(service, body.id, 'unknown');
    const again = await call<OutboundView>(service.url, `/v1/messages/${body.id}/retry`, {
      method: 'post',
      token: service.token('admin'),
    });
    expect(again.status).toBe(202);
    expect(await settled(service, body.id, 'sent')).toMatchObject({ status: 'sent', error: null });
    expect(handedOf(body.id)).toHaveLength(2);
    const audit = await service.database.query(`select action from audit_entry where target = $1`, [body.id]);
    expect(audit).toEqual([{ action: 'message.retry' }]);
  });

  test('that the provider has no time for is sent again when it said', async () => {
    courier.answer(beBusy(1));
    const started = Date.now();
    const { body } = await send(service, { media });
    expect(await settled(service, body.id, 'sent')).toMatchObject({ attempts: 2, error: null });
    expect(Date.now() - started).toBeGreaterThanOrEqual(1_000);
  });

  test('that the provider has had no time for in a day has failed, with its words', async () => {
    const to = '5511977778888';
    // It is busy for this message however often that is sent again before it is made old.
    const stayBusy: Parameters<Courier['answer']>[0] = (handed, response) => {
      if (handed.to !== to) return take(handed, response);
      courier.answer(stayBusy);
      return beBusy()(handed, response);
    };
    courier.answer(stayBusy);
    const { body } = await send(service, { media, to });
    await until(async () => (await lookAt(service, body.id)).attempts > 0);
    await service.database.query(
      `update outbound set created_at = now() - interval '25 hours' where id = $1`,
      [body.id],
    );
    expect(await settled(service, body.id, 'failed')).toMatchObject({ error: { code: '130429' } });
    await sent(service, { media }); // It gets the last of these answers.
  });

  test('whose webhooks came before its answer merges with them, and goes no step back', async () => {
    courier.answer(async (handed, response) => {
      const named = ['courier', `taken-${handed.id}`];
      await service.database.query(
        `insert into message_status (channel, message_id, status, received_at) values ($1, $2, 'delivered', now())`,
        named,
      );
      await service.database.query(
        `insert into message (id, channel, provider, message_id, direction, sender, sender_name, received_at)
         values (gen_random_uuid(), $1, 'courier', $2, 'outbound', 'us', 'The shop', now())`,
        named,
      );
      await take(handed, response);
    });
    const now = await sent(service, { media });
    expect(now).toMatchObject({ state: 'sent', status: 'delivered' });
    const { body: known } = await get<object>(`/v1/messages/courier/${String(now.messageId)}`);
    expect(known).toMatchObject({ to: '5511999990000', senderName: 'The shop', status: 'delivered' });
    expect(await told(now.id)).toEqual([]); // What was told by a webhook is told; that it was sent is old.
  });

  test('is listed, newest first, by channel, state and recipient, for tokens that see the channel', async () => {
    const { id } = await sent(service, { media, to: '5511911112222' });
    const list = async (query: string, channels?: string[]): Promise<string[]> =>
      (await get<Page<OutboundView>>(`/v1/messages?${query}`, channels)).body.items.map((one) => one.id);
    expect(await list('to=5511911112222')).toEqual([id]);
    expect(await list('to=5511911112222&state=failed')).toEqual([]);
    expect((await list('channel=courier&limit=2'))[0]).toBe(id);
    expect(await list('to=5511911112222', ['z-api'])).toEqual([]);
    const hidden = await get<{ code: string }>(`/v1/messages/${id}`, ['z-api']);
    expect([hidden.status, hidden.body.code]).toEqual([404, 'message.not_found']);
  });
});

describe('every minute', () => {
  const maintain = () => addJobs(service.database, 'maintain');

  test('a message whose answer was lost is sent after all, when a webhook has named it by our id', async () => {
    courier.answer(takeAndBreakOff);
    const { body } = await send(service, { media });
    await settled(service, body.id, 'unknown');
    await service.database.query(
      `insert into message_status (channel, message_id, status, received_at) values ('courier', $1, 'delivered', now())`,
      [body.id],
    );
    expect(await lookAt(service, body.id)).toMatchObject({ state: 'unknown', status: 'delivered' });
    await maintain();
    expect(await settled(service, body.id, 'sent')).toMatchObject({
      messageId: body.id,
      status: 'delivered',
    });
  });

  test('a channel whose job was lost gets another', async () => {
    const { id } = await sent(service, { media });
    await service.database.query(`update outbound set state = 'queued', message_id = null where id = $1`, [
      id,
    ]);
    await maintain();
    expect((await settled(service, id, 'sent')).attempts).toBe(2);
  });

  test('keys that are older than a day are forgotten', async () => {
    const token = service.token('messages:send');
    const { body } = await send(service, { media }, { token, key: 'yesterday' });
    // Maintenance skips a row that a send job has locked, until the next minute.
    await settled(service, body.id, 'sent');
    await service.database.query(
      `update outbound set created_at = now() - interval '25 hours' where id = $1`,
      [body.id],
    );
    await maintain();
    await until(async () => {
      const rows = await service.database.query(`select from outbound where idempotency_key = 'yesterday'`);
      return rows.length === 0;
    });
    expect((await send(service, { media }, { token, key: 'yesterday' })).body.id).not.toBe(body.id);
  });
});

describe('an Idempotency-Key', () => {
  test('answers the same message for the same request, and sends it once', async () => {
    const token = service.token('messages:send');
    const first = await send(service, { media, caption: 'once' }, { token, key: 'order 1' });
    await settled(service, first.body.id, 'sent');
    const again = await send(service, { caption: 'once', media }, { token, key: 'order 1' });
    expect([again.status, again.body.id, again.body.state]).toEqual([202, first.body.id, 'sent']);
    expect(handedOf(first.body.id)).toHaveLength(1);
  });

  test('is refused for another message', async () => {
    const token = service.token('messages:send');
    await send(service, { media }, { token, key: 'order 2' });
    const other = await send<{ code: string; errors: object[] }>(
      service,
      { media, caption: 'other' },
      { token, key: 'order 2' },
    );
    expect([other.status, other.body.code]).toEqual([422, 'message.key_reused']);
    expect(other.body.errors).toMatchObject([{ field: 'Idempotency-Key' }]);
  });

  test('lets one of many requests at once through, and answers all of them the same', async () => {
    const token = service.token('messages:send');
    const to = '5511933334444';
    const all = await Promise.all(
      Array.from({ length: 12 }, () => send(service, { media, to }, { token, key: 'order 3' })),
    );
    expect(new Set(all.map(({ status }) => status))).toEqual(new Set([202]));
    expect(new Set(all.map(({ body }) => body.id)).size).toBe(1);
    await settled(service, String(all[0]?.body.id), 'sent');
    expect(courier.handed.filter((handed) => handed.to === to)).toHaveLength(1);
    const rows = await service.database.query(
      `select from media where direction = 'outbound' and message_row_id is null and received_at > now() - interval '1 minute'
         and id not in (select media_id from outbound where media_id is not null)`,
    );
    expect(rows).toHaveLength(0); // The media of those that came too late went with them.
  });

  test('is one of a token: another token means another message', async () => {
    const first = await send(service, { media }, { key: 'order 4' });
    const other = await send(service, { media }, { key: 'order 4' });
    expect(other.body.id).not.toBe(first.body.id);
  });

  test.each(['', 'x'.repeat(256), ' '])('of %j is none', async (key) => {
    const { status, body } = await send<{ errors?: object[] }>(service, { media }, { key });
    expect([status, body.errors]).toMatchObject([400, [{ field: 'Idempotency-Key' }]]);
  });
});
