/** The raw webhooks: listed, shown, and read again. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import {
  call,
  postWebhook,
  type DeliverySummary,
  type DeliveryView,
  type MessageView,
  type Page,
  type Receipt,
} from '../../support/client.js';
import { picture, sobotChange, zApiMedia, zApiStatus } from '../../support/payloads.js';
import { startTestService, type TestService } from '../../support/test-service.js';

let service: TestService;
let admin: string;

beforeAll(async () => {
  service = await startTestService({ queue: false });
  admin = service.token('admin');
});

afterAll(() => service.stop());

const unknown = '01a1fd86-7643-7000-8b24-0d479f8d70bd';

async function list(query: string): Promise<Page<DeliverySummary>> {
  return (await call<Page<DeliverySummary>>(service.url, `/v1/deliveries?${query}`, { token: admin })).body;
}

function show(id: string) {
  return call<DeliveryView>(service.url, `/v1/deliveries/${id}`, { token: admin });
}

async function replay(id: string) {
  return call<Receipt>(service.url, `/v1/deliveries/${id}/replay`, { method: 'post', token: admin });
}

async function findMessage(channel: string, id: string) {
  return call<MessageView>(service.url, `/v1/messages/${channel}/${id}`, { token: admin });
}

/** Everything there is, but for when it changed. */
async function everything(): Promise<unknown> {
  const tables = ['delivery', 'message', 'media', 'message_status'];
  const read = (table: string) => service.database.query(`select * from ${table} order by 1, 2, 3`);
  return Promise.all(tables.map(read));
}

describe('the list', () => {
  const deliveries: Record<string, string> = {};

  beforeAll(async () => {
    const payloads: [string, string, unknown][] = [
      ['accepted', 'z-api', picture('z-api')],
      ['status', 'z-api', zApiStatus('READ', ['some'])],
      ['ignored', 'z-api', { type: 'PresenceChatCallback', status: 'AVAILABLE' }],
      ['malformed', 'sobot', [sobotChange({ id: 'x', from: '55', type: 'image' })]],
    ];
    for (const [outcome, channel, payload] of payloads)
      deliveries[outcome] = (await postWebhook(service, channel, payload)).body.delivery;
  });

  it('shows the newest first, without bodies', async () => {
    const { items, nextCursor } = await list('');
    expect(nextCursor).toBeNull();
    const common = { channel: 'z-api', provider: 'z-api', reason: null };
    const because = { reason: expect.any(String) };
    expect(items).toEqual(
      [
        { outcome: 'malformed', ...because, channel: 'sobot', provider: 'sobot' },
        { outcome: 'ignored', ...because },
        { outcome: 'status' },
        { outcome: 'accepted' },
      ].map((expected) => ({
        ...common,
        id: deliveries[expected.outcome],
        receivedAt: expect.stringMatching(/Z$/),
        erasedAt: null,
        ...expected,
      })),
    );
  });

  it.each(['accepted', 'status', 'ignored', 'malformed'])('can be narrowed to %s', async (outcome) => {
    expect((await list(`outcome=${outcome}`)).items.map(({ id }) => id)).toEqual([deliveries[outcome]]);
  });

  it('can be narrowed to a channel', async () => {
    expect((await list('channel=sobot')).items.map(({ id }) => id)).toEqual([deliveries['malformed']]);
    expect((await list('channel=sobot&outcome=status')).items).toEqual([]);
  });

  it('comes in pages', async () => {
    const ids: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const page: Page<DeliverySummary> = await list(`limit=1${cursor && `&cursor=${cursor}`}`);
      ids.push(...page.items.map(({ id }) => id));
      cursor = page.nextCursor;
    }
    expect(ids).toEqual(Object.values(deliveries).reverse());
  });

  it.each([
    ['outcome=lost', 'outcome'],
    ['limit=0', 'limit'],
    ['cursor=x', 'cursor'],
    ['channel=%00', 'channel'],
    ['state=pending', 'state'],
  ])('refuses %s', async (query, field) => {
    expect(await call(service.url, `/v1/deliveries?${query}`, { token: admin })).toMatchObject({
      status: 400,
      body: { errors: [{ field }] },
    });
  });
});

describe('one delivery', () => {
  it('is shown with its body and the headers that were kept, none of which proves the sender', async () => {
    const body = `  ${JSON.stringify(picture('vonage', { caption: 'ç 🌹' }))}\n`;
    const { body: receipt } = await postWebhook(service, 'vonage', body);

    expect((await show(receipt.delivery)).body).toEqual({
      id: receipt.delivery,
      channel: 'vonage',
      provider: 'vonage',
      outcome: 'accepted',
      reason: null,
      receivedAt: expect.stringMatching(/Z$/),
      erasedAt: null,
      headers: { 'content-type': 'application/json' },
      body,
    });
  });

  it.each([unknown, 'nonsense', '%00'])('that does not exist is not found: %s', async (id) => {
    for (const answer of [await show(id), await replay(id)])
      expect(answer).toMatchObject({ status: 404, body: { code: 'delivery.not_found' } });
  });
});

describe('a replay', () => {
  it('of what was accepted adds nothing', async () => {
    const { body: receipt } = await postWebhook(service, 'z-api', picture('z-api'));
    const before = await everything();

    for (let time = 0; time < 3; time += 1)
      expect(await replay(receipt.delivery)).toMatchObject({
        status: 200,
        body: { delivery: receipt.delivery, outcome: 'accepted', duplicate: true, media: receipt.media },
      });
    expect(await everything()).toEqual(before);
  });

  it('of many at once adds nothing', async () => {
    const { body: receipt } = await postWebhook(service, 'blip', picture('blip'));
    const before = await everything();
    const answers = await Promise.all(Array.from({ length: 10 }, () => replay(receipt.delivery)));
    expect(answers.every(({ status, body }) => status === 200 && body.duplicate)).toBe(true);
    expect(await everything()).toEqual(before);
  });

  it.each<[string, string, unknown]>([
    ['malformed', 'sobot', [sobotChange({ id: 'again', from: '55', type: 'image' })]],
    ['ignored', 'z-api', { type: 'PresenceChatCallback', status: 'COMPOSING' }],
    ['ignored', 'vonage', { foreign: true }],
    ['status', 'z-api', zApiStatus('RECEIVED', ['replayed'])],
  ])('of what is %s changes nothing', async (outcome, channel, payload) => {
    const { body: receipt } = await postWebhook(service, channel, payload);
    const before = await everything();
    expect(await replay(receipt.delivery)).toMatchObject({
      status: 200,
      body: { delivery: receipt.delivery, outcome, media: [] },
    });
    expect(await everything()).toEqual(before);
  });

  it('brings back a message that is gone, with the age it had', async () => {
    const { body: receipt } = await postWebhook(service, 'z-api', zApiMedia({ messageId: 'lost' }));
    const before = (await findMessage('z-api', 'lost')).body;
    await service.database.query(`delete from message where message_id = 'lost'`);
    expect((await findMessage('z-api', 'lost')).status).toBe(404);

    const { body: again } = await replay(receipt.delivery);
    expect(again).toMatchObject({ delivery: receipt.delivery, outcome: 'accepted', duplicate: false });
    expect(again.media).toHaveLength(1);
    const { media, ...facts } = (await findMessage('z-api', 'lost')).body;
    expect({ ...facts, media: [] }).toEqual({ ...before, media: [] });
    expect(media).toMatchObject([{ id: again.media[0], state: 'pending' }]);
    const jobs = await service.database.query(
      `select 1 from graphile_worker._private_jobs where payload ->> 'mediaId' = $1`,
      [again.media[0]],
    );
    expect(jobs).toHaveLength(1);
  });

  it('adds what was not understood before', async () => {
    const { body: receipt } = await postWebhook(service, 'z-api', zApiMedia({ messageId: 'understood' }));
    // As if the parser had not known the shape when it came.
    await service.database.query(`delete from message where message_id = 'understood'`);
    await service.database.query(`update delivery set outcome = 'malformed', reason = 'x' where id = $1`, [
      receipt.delivery,
    ]);

    expect((await replay(receipt.delivery)).body).toMatchObject({ outcome: 'accepted', duplicate: false });
    expect((await show(receipt.delivery)).body).toMatchObject({ outcome: 'accepted', reason: null });
    expect((await findMessage('z-api', 'understood')).status).toBe(200);
  });

  it('reads a body that begins with a byte order mark', async () => {
    const { body: receipt } = await postWebhook(
      service,
      'z-api',
      `\uFEFF${JSON.stringify(picture('z-api'))}`,
    );
    expect(await replay(receipt.delivery)).toMatchObject({
      status: 200,
      body: { outcome: 'accepted', media: receipt.media },
    });
  });
});
