/** Texts, locations and contact cards: which are kept, how a timeline shows them, and what an erasure leaves. */
import { afterEach, describe, expect, it } from '@jest/globals';

import { call, postWebhook, type Page } from '../../support/client.js';
import { addJobs } from '../../support/jobs.js';
import { zApiMedia } from '../../support/payloads.js';
import { startTestService, type TestService } from '../../support/test-service.js';
import { until } from '../../support/until.js';

interface Item {
  readonly type: string;
  readonly direction: string;
  readonly text?: string | null;
  readonly latitude?: number | null;
  readonly senderName?: string | null;
}

let service: TestService;
let clock = new Date('2026-11-21T10:00:00.000Z');
afterEach(() => service.stop());

const start = async (keepTexts: string, queue = false): Promise<void> => {
  clock = new Date('2026-11-21T10:00:00.000Z');
  service = await startTestService({ queue, now: () => clock, env: { KEEP_TEXTS: keepTexts } });
};

const ana = '5511900000123';
let count = 0;

async function say(content: object, more: object = {}): Promise<string> {
  const { body } = await postWebhook(service, 'z-api', {
    type: 'ReceivedCallback',
    messageId: `T-${String((count += 1))}`,
    fromMe: false,
    fromApi: false,
    momment: clock.getTime(),
    connectedPhone: '5511888880000',
    senderName: 'Ana',
    phone: ana,
    ...content,
    ...more,
  });
  return body.outcome;
}

const text = (message: string, more: object = {}): Promise<string> => say({ text: { message } }, more);
const sendPicture = (more: object = {}): Promise<unknown> =>
  postWebhook(service, 'z-api', { ...zApiMedia({ from: ana }), momment: clock.getTime(), ...more });

async function timeline(person = ana): Promise<readonly Item[]> {
  const { status, body } = await call<Page<Item>>(service.url, `/v1/people/z-api/${person}/timeline`, {
    token: service.token('media:read'),
  });
  return status === 404 ? [] : body.items;
}

describe('a timeline', () => {
  it('has texts, locations and contact cards of both directions beside the media', async () => {
    await start('all');
    expect(await text('The left one is broken')).toBe('ignored');
    await sendPicture();
    await text('We will send another', { fromMe: true });
    await say({ location: { latitude: -23.5, longitude: -46.6, name: 'The shop', address: 'Rua A, 1' } });
    await say({
      contact: { displayName: 'Bruno', vCard: 'BEGIN:VCARD\nTEL;type=CELL:+55 21 98888-7777\nEND:VCARD' },
    });
    expect(await timeline()).toMatchObject([
      { type: 'contact', direction: 'inbound', text: 'Bruno\n+55 21 98888-7777' },
      { type: 'location', text: 'The shop\nRua A, 1', latitude: -23.5, longitude: -46.6 },
      { type: 'text', direction: 'outbound', text: 'We will send another' },
      { type: 'media', direction: 'inbound' },
      { type: 'text', direction: 'inbound', text: 'The left one is broken', senderName: 'Ana' },
    ]);
    const { body } = await call<{ texts: number; received: number; name: string }>(
      service.url,
      `/v1/people/z-api/${ana}`,
      { token: service.token('media:read') },
    );
    expect(body).toMatchObject({ texts: 4, received: 1, name: 'Ana' });
  });

  it('has a repeated text once, and those of a group', async () => {
    await start('all');
    const group = {
      phone: '120363000000000001-group',
      isGroup: true,
      participantPhone: ana,
      chatName: 'Station',
    };
    await text('Hello', { ...group, messageId: 'T-same' });
    await text('Hello', { ...group, messageId: 'T-same', momment: 1 });
    expect(await timeline('120363000000000001-group')).toHaveLength(1);
    expect(await timeline()).toHaveLength(1);
  });
});

describe('the setting', () => {
  it('none keeps nothing, and may differ by channel', async () => {
    await start('all, z-api=none');
    await text('Hello');
    expect(await service.database.query('select * from context')).toEqual([]);
    expect(await timeline()).toEqual([]);
  });

  it('around keeps what arrives within minutes of a file of the same person', async () => {
    await start('around', true);
    await sendPicture();
    const minutes = { 'Long before': -11, Before: -5, After: 5, 'Long after': 11 };
    for (const [message, distance] of Object.entries(minutes)) {
      await text(message);
      // Ids have the time of the machine, which is that of the picture as well.
      await service.database.query(
        `update context set received_at = moment_of_id((select id from media)) + $2 * interval '1 minute' where text = $1`,
        [message, distance],
      );
    }
    await text('Of somebody else', { phone: '5521988887777' });
    const texts = async (): Promise<readonly (string | null | undefined)[]> =>
      (await timeline()).filter(({ type }) => type === 'text').map((item) => item.text);
    expect(await texts()).toEqual(['Long after', 'After', 'Before', 'Long before']);
    clock = new Date(Date.now() + 3_600_000);
    await addJobs(service.database, 'retain');
    await until(async () => (await texts()).length === 2);
    expect(await texts()).toEqual(['After', 'Before']);
    expect(await timeline('5521988887777')).toEqual([]);
    expect(await service.database.query('select is_provisional from context')).toEqual([
      { is_provisional: false },
      { is_provisional: false },
    ]);
  });

  it('is refused if a mode does not exist', async () => {
    await start('all');
    await expect(startTestService({ env: { KEEP_TEXTS: 'around,z-api=some' } })).rejects.toThrow(
      /KEEP_TEXTS/,
    );
  });
});

describe('an erasure', () => {
  it('takes the texts of the person, in whatever spelling of the number, and they do not come back', async () => {
    await start('all');
    await text('My name is Fernanda', { messageId: 'T-fernanda', senderName: 'Fernanda' });
    await text('To Fernanda', { fromMe: true, chatName: 'Fernanda' });
    await text('From Bruno', { phone: '5521988887777', senderName: 'Bruno' });
    const { status } = await call(service.url, '/v1/contacts/z-api/551100000123', {
      method: 'delete',
      token: service.token('admin'),
    });
    expect(status).toBe(200);
    await text('My name is Fernanda', { messageId: 'T-fernanda', senderName: 'Fernanda', momment: 7 });
    expect(await timeline()).toEqual([]);
    for (const table of ['context', 'person', 'person_id', 'person_change', 'delivery'])
      for (const row of await service.database.query(`select ${table}::text as row from ${table}`))
        expect(row['row']).not.toMatch(/Fernanda|0000123/);
    expect(await timeline('5521988887777')).toHaveLength(1);
  });
});
