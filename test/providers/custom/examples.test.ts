/**
 * The ready-made examples: what their expressions make of samples and of other payloads, what they send, and
 * each of them as a real channel that receives a picture.
 */
import { createHmac } from 'node:crypto';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { bytes, startMediaHost, type MediaHost } from '../../../src/demo/media-host.js';
import { photo } from '../../../src/demo/photos.js';
import type { ProviderExample } from '../../../src/domain/provider-kind.js';
import { custom } from '../../../src/providers/custom/index.js';
import { secretList, secrets, type Settings } from '../../samples/sample.js';
import { call, afterPending, type Receipt } from '../../support/client.js';
import { eventsOf } from '../../support/evaluator.js';
import { startTestService, type TestService } from '../../support/test-service.js';
import { compact, receivedAt, webhookOf } from '../fixtures.js';
import { api, document, message, send, video } from '../sending-stage.js';

function exampleOf(id: string): ProviderExample {
  const found = custom.examples.find((one) => one.id === id);
  if (!found) throw new Error(`there is no example ${id}`);
  return found;
}

const adapterOf = (id: string) =>
  custom.load({ webhookSecret: secretList, ...exampleOf(id).settings }, () => receivedAt);

const parsed = async (id: string, payload: unknown): Promise<unknown> =>
  compact(await eventsOf(adapterOf(id), payload, receivedAt));

const hmac = (algorithm: string, secret: string, body: string) => createHmac(algorithm, secret).update(body);

interface Proof {
  readonly headers?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
}

/** How the sender of each example proves itself. */
const proofs: Readonly<Record<string, (secret: string, body: string) => Proof>> = {
  'driver-app': (secret, body) => ({
    headers: { 'x-app-signature': `sha256=${hmac('sha256', secret, body).digest('hex')}` },
  }),
  tally: (secret, body) => ({
    headers: { 'tally-signature': hmac('sha256', secret, body).digest('base64') },
  }),
  evolution: (secret) => ({ headers: { 'x-inlet-token': secret } }),
  waha: (secret, body) => ({
    headers: { 'x-webhook-hmac': hmac('sha512', secret, body).digest('hex') },
  }),
  '360dialog': (secret) => ({ headers: { 'x-inlet-token': secret } }),
  gupshup: (secret) => ({ query: { token: secret } }),
};
const ids = Object.keys(proofs);

function prove(id: string, secret: string, body: string): Proof {
  const proof = proofs[id];
  if (!proof) throw new Error(`${id} has no proof`);
  return proof(secret, body);
}

test('every example has a test, a title, notes and a sample of its own', () => {
  expect(custom.examples.map(({ id }) => id).sort()).toEqual([...ids].sort());
  for (const { title, notes, source, sample } of custom.examples) {
    expect(title).toMatch(/^\S.*\S$/);
    expect(notes.length).toBeGreaterThan(0);
    expect(notes.every((note) => /^[A-Z].*\.$/.test(note))).toBe(true);
    expect(source ?? 'https://').toMatch(/^https:\/\//);
    expect(JSON.parse(sample.body)).toBeInstanceOf(Object);
  }
});

test.each(ids)('the settings of %s are known, hold no secret, and are valid', (id) => {
  const { settings } = exampleOf(id);
  const ofExample = custom.settings.filter(({ name }) => Object.hasOwn(settings, name));
  expect(ofExample.map(({ name }) => name).sort()).toEqual(Object.keys(settings).sort());
  expect(ofExample.filter(({ secret }) => secret)).toEqual([]);
  const { sending } = adapterOf(id);
  expect(sending !== undefined).toBe(Object.hasOwn(settings, 'send'));
});

test.each(ids)('the proof of %s is accepted with either secret, and no other', (id) => {
  const { body } = exampleOf(id).sample;
  const { verify } = adapterOf(id);
  const isAccepted = (proof: Proof, raw = body): boolean => verify(webhookOf(Buffer.from(raw), proof)).ok;
  for (const secret of secrets) expect(isAccepted(prove(id, secret, body))).toBe(true);
  expect(isAccepted(prove(id, 'another-secret-0123456789', body))).toBe(false);
  expect(isAccepted({})).toBe(false);
  const coversBody = exampleOf(id).settings['proof'] === 'hmac';
  expect(isAccepted(prove(id, secrets[0], body), `${body} `)).toBe(!coversBody);
});

const sent = {
  type: 'message',
  direction: 'inbound',
  from: '5511900000017',
  sentAt: receivedAt.toISOString(),
};
const rosa = { ...sent, senderName: 'Rosa', caption: 'The colour' };
const linkTo = (url: string) => ({ type: 'link', url, needsCredentials: true });
const jpeg = { kind: 'image', declaredType: 'image/jpeg' };

describe('the sample becomes one message with its picture:', () => {
  const messages: Readonly<Record<string, object>> = {
    'driver-app': {
      ...sent,
      messageId: 'msg-000017',
      chat: 'tour-9',
      senderName: 'Rosa',
      caption: 'Left at the door',
      media: [{ ...jpeg, source: linkTo('https://files.app.example.com/000017.jpg') }],
    },
    tally: {
      ...sent,
      messageId: 'r00001',
      from: 'rosa@example.org',
      chat: 'Damage report',
      media: [
        { ...jpeg, source: linkTo('https://storage.tally.example/u00001.jpg'), filename: 'damage.jpg' },
      ],
    },
    evolution: {
      ...rosa,
      messageId: 'EV0000000000000017',
      to: '5511800000001',
      media: [
        {
          kind: 'image',
          source: { type: 'embedded', pointer: '/data/message/base64' },
          declaredType: 'image/png',
        },
      ],
    },
    waha: {
      ...sent,
      messageId: 'false_5511900000017@c.us_WA0000000000000017',
      to: '5511800000001',
      caption: 'The colour',
      media: [
        { ...jpeg, source: linkTo('https://waha.example.com/api/files/default/WA0000000000000017.jpeg') },
      ],
    },
    '360dialog': {
      ...rosa,
      messageId: 'wamid.AAAAAAAAAAAAAAAAAAAAAAAAAAAA17',
      to: '5511800000001',
      media: [{ ...jpeg, source: { type: 'reference', reference: '100000000000017' } }],
    },
    gupshup: {
      ...rosa,
      messageId: 'GS0000000000000017',
      media: [{ ...jpeg, source: linkTo('https://filemanager.gupshup.example/fm/wamedia/ShopApp/000017') }],
    },
  };
  test.each(ids)('%s', async (id) => {
    expect(await parsed(id, JSON.parse(exampleOf(id).sample.body))).toEqual([messages[id]]);
  });
});

/** A payload like the sample of an example, with other members. */
function like(id: string, change: (sample: never) => object): unknown {
  return change(JSON.parse(exampleOf(id).sample.body) as never);
}

interface Gateway {
  readonly data: Readonly<Record<string, object>>;
  readonly payload: Readonly<Record<string, unknown>>;
}

const ignored = (reason: string) => [{ type: 'ignored', reason }];
/** An event that is kept as the context of files. */
const kept = (context: object) => [
  expect.objectContaining({ type: 'ignored', context: expect.objectContaining(context) as unknown }),
];
const dialog = (value: object) => ({
  entry: [{ changes: [{ value: { metadata: { display_phone_number: '5511800000001' }, ...value } }] }],
});

describe('other payloads of', () => {
  test.each<[string, unknown, unknown]>([
    [
      'an app: a status',
      { event: 'status', message: 'm-1', status: 'read', time: receivedAt.toISOString() },
      [{ type: 'status', messageId: 'm-1', status: 'read', at: receivedAt.toISOString() }],
    ],
    ['an app: a message without files', { event: 'message', message: 'm-1', files: [] }, ignored('message')],
    [
      'an app: a text',
      {
        event: 'message',
        message: 'm-1',
        driver: { phone: '5511900000017' },
        note: 'Nobody is here',
        files: [],
      },
      [
        expect.objectContaining({
          type: 'ignored',
          reason: 'text',
          context: expect.objectContaining({
            messageId: 'm-1',
            from: '5511900000017',
            text: 'Nobody is here',
          }),
        }),
      ],
    ],
    ['an app: a note', { event: 'note', message: 'm-1' }, ignored('note')],
  ])('%s', async (_what, payload, expected) => {
    expect(await parsed('driver-app', payload)).toEqual(expected);
  });

  test('Tally: several files of several questions, no e-mail, no files', async () => {
    const file = (name: string, mimeType: string) => ({
      name,
      mimeType,
      url: `https://storage.tally.example/${name}`,
    });
    const fields = [
      { type: 'FILE_UPLOAD', value: [file('a.png', 'image/png'), file('b.mp4', 'video/mp4')] },
      { type: 'FILE_UPLOAD', value: [file('c.pdf', 'application/pdf')] },
      { type: 'INPUT_TEXT', value: 'a text' },
    ];
    const data = { responseId: 'r2', respondentId: 'p2', formName: 'Report', fields };
    const events = await parsed('tally', { eventType: 'FORM_RESPONSE', data });
    expect(events).toMatchObject([
      { messageId: 'r2', from: 'p2', media: [{ kind: 'image' }, { kind: 'video' }, { kind: 'document' }] },
    ]);
    const withoutFiles = { ...data, fields: fields.slice(2) };
    expect(await parsed('tally', { eventType: 'FORM_RESPONSE', data: withoutFiles })).toEqual(
      ignored('no files'),
    );
  });

  test('Evolution: a group, the own phone, a text, a status', async () => {
    const ofKey = (key: object) =>
      like('evolution', ({ data, ...rest }: Gateway) => ({ ...rest, data: { ...data, key } }));
    const group = { remoteJid: '120363000000000017@g.us', participant: '5511900000018:3@s.whatsapp.net' };
    expect(await parsed('evolution', ofKey({ ...group, fromMe: false, id: 'E1' }))).toMatchObject([
      { messageId: 'E1', from: '5511900000018', chat: '120363000000000017@g.us', direction: 'inbound' },
    ]);
    const own = { remoteJid: '5511900000017@s.whatsapp.net', fromMe: true, id: 'E2' };
    expect(await parsed('evolution', ofKey(own))).toMatchObject([
      { messageId: 'E2', from: '5511800000001', to: '5511900000017', direction: 'outbound' },
    ]);
    const hidden = { remoteJid: '170000000000017@lid', fromMe: false, id: 'E3' };
    expect(await parsed('evolution', ofKey(hidden))).toMatchObject([{ from: '170000000000017@lid' }]);
    const text = like('evolution', ({ data, ...rest }: Gateway) => ({
      ...rest,
      data: { ...data, messageType: 'conversation', message: { conversation: 'Hello' } },
    }));
    expect(await parsed('evolution', text)).toEqual(kept({ from: '5511900000017', text: 'Hello' }));
    const longText = like('evolution', ({ data, ...rest }: Gateway) => ({
      ...rest,
      data: {
        ...data,
        messageType: 'extendedTextMessage',
        message: { extendedTextMessage: { text: 'Hello again' } },
      },
    }));
    expect(await parsed('evolution', longText)).toEqual(kept({ from: '5511900000017', text: 'Hello again' }));
    const reaction = like('evolution', ({ data, ...rest }: Gateway) => ({
      ...rest,
      data: { ...data, messageType: 'reactionMessage', message: { reactionMessage: { text: '+' } } },
    }));
    expect(await parsed('evolution', reaction)).toEqual(ignored('other'));
    const update = (status: string) => ({ event: 'messages.update', data: { keyId: 'E4', status } });
    expect(await parsed('evolution', update('DELIVERY_ACK'))).toEqual([
      { type: 'status', messageId: 'E4', status: 'delivered' },
    ]);
    expect(await parsed('evolution', update('PENDING'))).toEqual(ignored('status'));
    expect(await parsed('evolution', { event: 'connection.update', data: {} })).toEqual(ignored('other'));
  });

  test('Evolution without base64: the file is missing, and the reason says so', async () => {
    const without = like('evolution', ({ data, ...rest }: Gateway) => ({
      ...rest,
      data: { ...data, message: { imageMessage: { mimetype: 'image/png' } } },
    }));
    expect(await parsed('evolution', without)).toEqual([
      { type: 'malformed', reason: 'events[0].media[0] needs exactly one of url, base64 and id' },
    ]);
  });

  test('WAHA: a group, the own phone, a sticker, a text, a status', async () => {
    const ofMessage = (changed: object) =>
      like('waha', ({ payload, ...rest }: Gateway) => ({ ...rest, payload: { ...payload, ...changed } }));
    const group = { from: '120363000000000017@g.us', participant: '5511900000018@c.us' };
    expect(await parsed('waha', ofMessage(group))).toMatchObject([
      { from: '5511900000018', chat: '120363000000000017@g.us' },
    ]);
    const own = { fromMe: true, from: '5511800000001@c.us', to: '5511900000017@c.us' };
    expect(await parsed('waha', ofMessage(own))).toMatchObject([
      { from: '5511800000001', to: '5511900000017', direction: 'outbound' },
    ]);
    const media = { url: 'https://waha.example.com/1', mimetype: 'image/webp' };
    expect(await parsed('waha', ofMessage({ media }))).toMatchObject([{ media: [{ kind: 'sticker' }] }]);
    const text = ofMessage({ hasMedia: false, media: null, body: 'Hello' });
    expect(await parsed('waha', text)).toEqual(kept({ from: '5511900000017', text: 'Hello' }));
    const empty = ofMessage({ hasMedia: false, media: null, body: '' });
    expect(await parsed('waha', empty)).toEqual(ignored('message'));
    expect(await parsed('waha', ofMessage({ media: null }))).toMatchObject([{ type: 'malformed' }]);
    const ack = (value: number) => ({ event: 'message.ack', payload: { id: 'W1', from: 'x', ack: value } });
    const statuses = await Promise.all([-1, 0, 1, 2, 3, 4].map((value) => parsed('waha', ack(value))));
    expect(statuses.flat()).toMatchObject([
      { status: 'failed' },
      { type: 'ignored' },
      { status: 'sent' },
      { status: 'delivered' },
      { status: 'read' },
      { status: 'read' },
    ]);
    expect(await parsed('waha', { event: 'session.status', payload: { status: 'WORKING' } })).toEqual(
      ignored('other'),
    );
  });

  test('360dialog: a document of a group, a text, and statuses', async () => {
    const both = dialog({
      messages: [
        { id: 'w1', from: '5511900000017', type: 'text', text: { body: 'Hello' } },
        {
          id: 'w2',
          from: '5511900000017',
          group_id: 'g1',
          type: 'document',
          document: { id: '9', mime_type: 'application/pdf', filename: 'a.pdf' },
        },
      ],
      statuses: [
        { id: 'w3', status: 'read', timestamp: '1795255200' },
        { id: 'w4', status: 'failed', errors: [{ code: 131_026, title: 'Undeliverable' }] },
        { id: 'w5', status: 'warning' },
      ],
    });
    expect(await parsed('360dialog', both)).toEqual([
      ...kept({ messageId: 'w1', from: '5511900000017', to: '5511800000001', text: 'Hello' }),
      {
        type: 'message',
        messageId: 'w2',
        direction: 'inbound',
        from: '5511900000017',
        to: '5511800000001',
        chat: 'g1',
        media: [
          {
            kind: 'document',
            source: { type: 'reference', reference: '9' },
            declaredType: 'application/pdf',
            filename: 'a.pdf',
          },
        ],
      },
      { type: 'status', messageId: 'w3', status: 'read', at: receivedAt.toISOString() },
      {
        type: 'status',
        messageId: 'w4',
        status: 'failed',
        error: { code: '131026', message: 'Undeliverable' },
      },
      { type: 'ignored', reason: 'status' },
    ]);
    const location = { latitude: -23.5614, longitude: -46.6558, name: 'The shop' };
    const sentPlace = dialog({ messages: [{ id: 'w6', from: '5511900000017', type: 'location', location }] });
    expect(await parsed('360dialog', sentPlace)).toEqual(
      kept({ place: { latitude: -23.5614, longitude: -46.6558 }, text: 'The shop' }),
    );
    expect(await parsed('360dialog', dialog({}))).toEqual(ignored('the expression has found nothing'));
  });

  test('Gupshup: a document, a text, and statuses', async () => {
    const ofMessage = (type: string, payload: object) => ({
      type: 'message',
      timestamp: receivedAt.getTime(),
      payload: { id: 'G1', source: '5511900000017', type, payload },
    });
    const pdf = {
      url: 'https://filemanager.gupshup.example/1',
      contentType: 'application/pdf',
      name: 'a.pdf',
    };
    expect(await parsed('gupshup', ofMessage('file', pdf))).toMatchObject([
      { media: [{ kind: 'document', declaredType: 'application/pdf', filename: 'a.pdf' }] },
    ]);
    expect(await parsed('gupshup', ofMessage('text', { text: 'Hello' }))).toEqual(
      kept({ messageId: 'G1', from: '5511900000017', text: 'Hello' }),
    );
    const place = { latitude: '-23.5614', longitude: '-46.6558' };
    expect(await parsed('gupshup', ofMessage('location', place))).toEqual(
      kept({ place: { latitude: -23.5614, longitude: -46.6558 } }),
    );
    expect(await parsed('gupshup', ofMessage('button_reply', { title: 'Yes' }))).toEqual(ignored('message'));
    const report = (type: string, payload: object) => ({
      type: 'message-event',
      timestamp: receivedAt.getTime(),
      payload: { id: 'G1', type, ...payload },
    });
    const at = receivedAt.toISOString();
    expect(await parsed('gupshup', report('delivered', { gsId: 'G2' }))).toEqual([
      { type: 'status', messageId: 'G2', status: 'delivered', at },
    ]);
    expect(
      await parsed('gupshup', report('failed', { payload: { code: 1002, reason: 'Number unknown' } })),
    ).toEqual([
      {
        type: 'status',
        messageId: 'G1',
        status: 'failed',
        at,
        error: { code: '1002', message: 'Number unknown' },
      },
    ]);
    expect(await parsed('gupshup', report('enqueued', {}))).toEqual(ignored('enqueued'));
  });
});

describe('a picture with a caption is sent', () => {
  const { url } = message.content;
  const caption = 'look';
  const requests: Readonly<Record<string, { path: string; body: unknown; answer: unknown }>> = {
    'driver-app': {
      path: '/v1/messages',
      body: {
        reference: message.id,
        driver: '5511900000001',
        kind: 'image',
        link: url,
        mime: 'image/jpeg',
        note: caption,
      },
      answer: { id: 'sent-1' },
    },
    evolution: {
      path: '/message/sendMedia/INSTANCE',
      body: {
        number: '5511900000001',
        mediatype: 'image',
        mimetype: 'image/jpeg',
        caption,
        media: url,
        fileName: 'file',
      },
      answer: { key: { id: 'sent-1' } },
    },
    waha: {
      path: '/api/sendImage',
      body: {
        session: 'default',
        chatId: '5511900000001@c.us',
        file: { url, mimetype: 'image/jpeg' },
        caption,
      },
      answer: { id: { _serialized: 'sent-1' } },
    },
    '360dialog': {
      path: '/messages',
      body: {
        messaging_product: 'whatsapp',
        recipient_type: 'individual',
        to: '5511900000001',
        type: 'image',
        image: { link: url, caption },
      },
      answer: { messages: [{ id: 'sent-1' }] },
    },
    gupshup: {
      path: '/wa/api/v1/msg',
      body: new URLSearchParams({
        channel: 'whatsapp',
        source: 'SOURCE',
        'src.name': 'APP',
        destination: '5511900000001',
        message: JSON.stringify({ type: 'image', originalUrl: url, previewUrl: url, caption }),
      }).toString(),
      answer: { status: 'submitted', messageId: 'sent-1' },
    },
  };

  test.each(Object.entries(requests))('%s', async (id, { path, body, answer }) => {
    api.answers.push({ status: 200, body: answer });
    const settings: Settings = { ...exampleOf(id).settings, apiUrl: api.origin };
    const outcome = await send('custom', { message: { caption }, settings });
    expect(api.requests).toMatchObject([{ method: 'POST', path, body }]);
    expect(outcome).toEqual({ type: 'accepted', messageId: 'sent-1' });
  });

  test('the other kinds, and replies', async () => {
    const sentBy = async (id: string, changed: object): Promise<unknown> => {
      api.requests.length = 0;
      api.answers.push({ status: 500 });
      await send('custom', { message: changed, settings: { ...exampleOf(id).settings, apiUrl: api.origin } });
      return api.requests[0];
    };
    const reply = { ...document, filename: 'a.pdf', caption: 'look', replyTo: 'm-1' };
    expect(await sentBy('360dialog', reply)).toMatchObject({
      body: {
        type: 'document',
        context: { message_id: 'm-1' },
        document: { link: document.content.url, caption: 'look', filename: 'a.pdf' },
      },
    });
    expect(await sentBy('waha', reply)).toMatchObject({
      path: '/api/sendFile',
      body: { reply_to: 'm-1', file: { filename: 'a.pdf' } },
    });
    expect(await sentBy('waha', video)).toMatchObject({ path: '/api/sendVideo' });
    expect(await sentBy('gupshup', reply)).toMatchObject({
      body: expect.stringContaining(
        new URLSearchParams({
          message: JSON.stringify({
            type: 'file',
            url: document.content.url,
            caption: 'look',
            filename: 'a.pdf',
          }),
        }).toString(),
      ),
    });
  });
});

describe('as a channel that is added over the API', () => {
  let host: MediaHost;
  let service: TestService;
  beforeAll(async () => {
    host = await startMediaHost();
    service = await startTestService({ mediaHosts: [host.host, new URL(api.origin).host] });
  });
  afterAll(async () => {
    await service.stop();
    await host.close();
  });

  /** What the host of the files receives. */
  const headersOfHosts: Readonly<Record<string, object>> = {
    waha: { 'x-api-key': 'waha-0123456789' },
    '360dialog': { 'd360-api-key': 'dialog-0123456789' },
  };
  /** The settings that name hosts, which a test cannot reach. */
  const ofHosts = (id: string): Settings => {
    if (id === 'waha') return { mediaHosts: host.host, mediaHeader: 'X-Api-Key: waha-0123456789' };
    if (id !== '360dialog') return {};
    return {
      mediaHosts: host.host,
      mediaHeader: 'D360-API-KEY: dialog-0123456789',
      mediaLookupUrl: `${api.origin}/{id}`,
      mediaLookupHost: host.host,
    };
  };

  test.each(ids)('%s takes its sample, and the picture has previews', async (id) => {
    const token = service.token('admin');
    const { settings, sample } = exampleOf(id);
    const json = { id, provider: 'custom', settings: { ...settings, ...ofHosts(id) } };
    const created = await call<{ webhookSecret: string }>(service.url, '/v1/channels', {
      method: 'post',
      token,
      json,
    });
    expect(created.status).toBe(201);

    const picture = bytes('image/jpeg', await photo({ seed: 1, width: 640, height: 480 }));
    const url = host.serve(`/${id}.jpg`, picture);
    // 360dialog answers with a link to another host, in whose place its own one serves the file.
    api.answers.push({ status: 200, body: { url: `http://lookaside.example.com/${id}.jpg` } });
    const raw = sample.body.replace(/https:\/\/[^"]+/, url);
    const { headers = {}, query = {} } = prove(id, created.body.webhookSecret, raw);
    const received = await call<Receipt>(
      service.url,
      `/webhooks/${id}?${new URLSearchParams(query).toString()}`,
      { method: 'post', raw, headers: { 'content-type': sample.contentType, ...headers } },
    );
    expect(received).toMatchObject({ status: 200, body: { outcome: 'accepted' } });
    expect(received.body.media).toHaveLength(1);

    const media = await afterPending(service, received.body.media[0]);
    const path = `/v1/media/${media.id}`;
    expect(media).toMatchObject({ state: 'ready', channel: id, error: null });
    for (const size of ['small', 'large']) {
      const preview = await call(service.url, `${path}/preview?size=${size}`, { token });
      expect([preview.status, preview.headers['content-type']]).toEqual([
        200,
        expect.stringMatching(/^image\//),
      ]);
      expect(preview.bytes.length).toBeGreaterThan(0);
    }
    expect(host.requests.at(-1)?.headers ?? {}).toMatchObject(headersOfHosts[id] ?? {});
  });
});
