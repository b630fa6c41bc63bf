/** Erasing a media or a person: nothing is left of them, and nothing brings them back. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { bytes, startMediaHost, type MediaHost } from '../../../src/demo/media-host.js';
import { uniquePhotos, type UniquePhotos } from '../../../src/demo/photos.js';
import { newId } from '../../../src/domain/id.js';
import {
  afterPending,
  call,
  postWebhook,
  receive,
  upload,
  type DeliveryView,
  type MediaView,
  type MessageView,
  type Page,
} from '../../support/client.js';
import { filesOf, findEverywhere } from '../../support/everything.js';
import { picture, sobotChange, zApiMedia, zApiStatus } from '../../support/payloads.js';
import { startTestService, type TestService } from '../../support/test-service.js';

interface ErasedView {
  readonly erased: Readonly<Record<'messages' | 'media' | 'blobs' | 'bytes' | 'deliveries', number>>;
}

let service: TestService;
let host: MediaHost;
let admin: string;
let photos: UniquePhotos;

beforeAll(async () => {
  host = await startMediaHost();
  service = await startTestService({ mediaHosts: [host.host] });
  admin = service.token('admin');
  photos = await uniquePhotos(50, { width: 64, height: 48 });
});

afterAll(async () => {
  await service.stop();
  await host.close();
});

let nextPhoto = 0;
const freshPhoto = (): Buffer => photos.at(nextPhoto++);

/** Puts a picture on the host; answers its address. */
function publish(content: Buffer = freshPhoto()): string {
  return host.serve(`/${newId()}.jpg`, bytes('image/jpeg', content));
}

const eraseMedia = <Body = ErasedView>(id: string, token = admin) =>
  call<Body>(service.url, `/v1/media/${id}`, { method: 'delete', token });
const eraseContact = <Body = ErasedView>(channel: string, contact: string, token = admin) =>
  call<Body>(service.url, `/v1/contacts/${channel}/${encodeURIComponent(contact)}`, {
    method: 'delete',
    token,
  });
const show = async (id: string) =>
  (await call<MediaView>(service.url, `/v1/media/${id}`, { token: admin })).body;
const showMessage = async (channel: string, id: string) =>
  (await call<MessageView>(service.url, `/v1/messages/${channel}/${id}`, { token: admin })).body;
const showDelivery = async (id: string) =>
  (
    await call<DeliveryView & { erasedAt: string | null }>(service.url, `/v1/deliveries/${id}`, {
      token: admin,
    })
  ).body;

/** A number that nobody had so far. */
let nextPerson = 0;
const person = (): string => `55219${String(10_000_000 + 7_919 * nextPerson++)}`;

describe('erasing one media', () => {
  it('takes bytes, previews, its message, the webhook that brought it, and leaves a tombstone', async () => {
    const from = person();
    const messageId = newId();
    const url = publish();
    const payload = zApiMedia({ url, from, messageId, caption: 'a caption to forget', filename: 'me.jpg' });
    const { body: receipt } = await postWebhook(service, 'z-api', payload);
    const [id = ''] = receipt.media;
    await afterPending(service, id);
    const before = await show(id);
    expect(before).toMatchObject({ state: 'ready', filename: 'me.jpg' });

    const { status, body } = await eraseMedia(id);
    expect(status).toBe(200);
    expect(body).toEqual({
      erased: { messages: 1, media: 1, blobs: 1, bytes: before.bytes, deliveries: 1 },
    });
    expect(await show(id)).toEqual({
      ...before,
      state: 'erased',
      filename: null,
      type: null,
      bytes: null,
      width: null,
      height: null,
      sha256: null,
      thumbhash: null,
      metadata: null,
      previews: {},
      contentUrl: null,
      message: {
        id: messageId,
        from: '',
        to: null,
        chat: null,
        senderName: null,
        caption: null,
        sentAt: null,
      },
    });
    expect(await showDelivery(receipt.delivery)).toMatchObject({
      body: '',
      headers: {},
      reason: null,
      erasedAt: expect.stringMatching(/Z$/),
    });
    expect(
      await findEverywhere(service, [from, 'a caption to forget', url, 'me.jpg', String(before.sha256)]),
    ).toEqual([]);
    for (const path of ['content', 'preview?size=small', 'preview?size=large'])
      expect((await call(service.url, `/v1/media/${id}/${path}`, { token: admin })).body.code).toBe(
        'media.erased',
      );
    const { body: history } = await call(service.url, `/v1/media/${id}/history`, { token: admin });
    expect(history).toMatchObject({ delivery: null, attempts: [], erasedAt: expect.stringMatching(/Z$/) });
  });

  it('is the same when it is done twice, and when it is done by several at once', async () => {
    const { id } = await receive(service, 'z-api', picture('z-api', { url: publish() }));
    const answers = await Promise.all(Array.from({ length: 8 }, () => eraseMedia(id)));
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 200));
    expect(answers.reduce((sum, { body }) => sum + body.erased.media, 0)).toBe(1);
    expect((await eraseMedia(id)).body.erased).toEqual({
      messages: 0,
      media: 0,
      blobs: 0,
      bytes: 0,
      deliveries: 0,
    });
  });

  it('leaves its message alone until the last media of that is erased', async () => {
    const from = person();
    const messageId = newId();
    const message = { id: messageId, from, type: 'image' };
    const both = [
      sobotChange({ ...message, image: { url: publish(), caption: 'one of two' } }),
      sobotChange({ ...message, type: 'document', document: { url: publish() } }),
    ];
    await postWebhook(service, 'sobot', [both[0]]);
    await postWebhook(service, 'sobot', [both[1]]);
    const [first, second] = (await showMessage('sobot', messageId)).media.map(({ id }) => id);
    expect((await eraseMedia(String(first))).body.erased).toMatchObject({ messages: 0, media: 1 });
    expect(await showMessage('sobot', messageId)).toMatchObject({ from, caption: 'one of two' });
    expect((await eraseMedia(String(second))).body.erased).toMatchObject({ messages: 1, media: 1 });
    expect(await showMessage('sobot', messageId)).toMatchObject({ from: '', caption: null });
    expect(await findEverywhere(service, [from])).toEqual([]);
  });

  it('leaves bytes alone that another media has, until that is erased too', async () => {
    const content = freshPhoto();
    const one = await receive(service, 'z-api', picture('z-api', { url: publish(content) }));
    const { body: other } = await upload(service, { file: content });
    expect(other.sha256).toBe(one.sha256);
    expect((await eraseMedia(one.id)).body.erased).toMatchObject({ media: 1, blobs: 0, bytes: 0 });
    const shown = await call(service.url, `/v1/media/${other.id}/content`, { token: admin });
    expect(shown.bytes.equals(content)).toBe(true);
    expect((await eraseMedia(other.id)).body.erased).toEqual({
      messages: 0,
      media: 1,
      blobs: 1,
      bytes: content.length,
      deliveries: 0,
    });
    expect((await filesOf(service)).filter((name) => name.includes(String(one.sha256)))).toEqual([]);
  });

  it('takes shared bytes along when all that have them are erased at once', async () => {
    const content = freshPhoto();
    const received = await Promise.all(
      Array.from({ length: 6 }, () => receive(service, 'z-api', picture('z-api', { url: publish(content) }))),
    );
    const answers = await Promise.all(received.map(({ id }) => eraseMedia(id)));
    expect(answers.reduce((sum, { body }) => sum + body.erased.blobs, 0)).toBe(1);
    const sha256 = String(received[0]?.sha256);
    expect((await filesOf(service)).filter((name) => name.includes(sha256))).toEqual([]);
    expect(await service.database.query('select from blob where sha256 = $1', [sha256])).toEqual([]);
  });

  it('ends the waiting of what is not here yet, which is never fetched then', async () => {
    const url = `${host.origin}/${newId()}.jpg`; // Not there: tried once.
    const idle = await startTestService({ queue: false });
    try {
      const { body: receipt } = await postWebhook(idle, 'z-api', picture('z-api', { url }));
      const token = idle.token('admin');
      const path = `/v1/media/${String(receipt.media[0])}`;
      const waiting = call<MediaView>(idle.url, `${path}?wait=20`, { token });
      await call(idle.url, path, { method: 'delete', token });
      expect((await waiting).body.state).toBe('erased');
    } finally {
      await idle.stop();
    }
    expect(host.requests.filter((request) => request.url.href === url)).toEqual([]);
  });

  it('is written down, with who did it and without anything personal', async () => {
    const { id } = await receive(service, 'z-api', picture('z-api', { url: publish() }));
    await eraseMedia(id);
    const { body } = await call<Page<Record<string, unknown>>>(
      service.url,
      '/v1/audit?action=media.erase&limit=1',
      {
        token: admin,
      },
    );
    expect(body.items).toMatchObject([
      {
        actor: expect.any(String),
        channel: 'z-api',
        target: id,
        details: { media: 1, messages: 1, blobs: 1 },
      },
    ]);
  });

  it('is for administrators who see the channel, of what there is', async () => {
    const { id } = await receive(service, 'z-api', picture('z-api', { url: publish() }));
    const refused = [
      await eraseMedia(id, service.token('media:read')),
      await eraseMedia(id, service.token('admin', { channels: ['blip'] })),
      await eraseMedia(newId()),
      await eraseMedia('no-id'),
    ];
    expect(refused.map(({ status }) => status)).toEqual([403, 404, 404, 404]);
    expect((await show(id)).state).toBe('ready');
  });
});

describe('what comes again after it was erased', () => {
  /** A picture that was received and erased: its payload, its ids. */
  async function erased(channel: string) {
    const options = { messageId: newId(), from: person(), caption: `from ${newId()}`, url: publish() };
    const payload = picture(channel, options);
    const { body: receipt } = await postWebhook(service, channel, payload);
    const [id = ''] = receipt.media;
    await afterPending(service, id);
    await eraseMedia(id);
    return { ...options, payload, id, receipt };
  }

  it.each(['z-api', 'blip', 'vonage', 'aisoule', 'sobot'])(
    'byte for byte is recognised, and brings nothing back: %s',
    async (channel) => {
      const { payload, id, receipt, from, caption } = await erased(channel);
      const { body } = await postWebhook(service, channel, payload);
      expect(body).toEqual({ ...receipt, duplicate: true, media: [id] });
      expect((await show(id)).state).toBe('erased');
      expect(await findEverywhere(service, [from, caption])).toEqual([]);
    },
  );

  it.each(['z-api', 'blip', 'vonage', 'aisoule', 'sobot'])(
    'with other bytes is recognised by the message’s id, and nothing of it is kept: %s',
    async (channel) => {
      const { payload, id, receipt, from, caption } = await erased(channel);
      const { status, body } = await postWebhook(service, channel, JSON.stringify(payload, null, 2));
      expect(status).toBe(200);
      expect(body).toMatchObject({ outcome: 'accepted', duplicate: true, media: [id] });
      expect(body.delivery).not.toBe(receipt.delivery);
      expect((await show(id)).state).toBe('erased');
      expect(await showDelivery(body.delivery)).toMatchObject({ body: '', headers: {} });
      expect(await findEverywhere(service, [from, caption])).toEqual([]);
    },
  );

  it('with another kind of attachment brings none', async () => {
    const { messageId, from, caption } = await erased('z-api');
    const { body } = await postWebhook(
      service,
      'z-api',
      zApiMedia({ messageId, from, caption, kind: 'document' }),
    );
    expect(body.media).toEqual([]);
    expect(await findEverywhere(service, [from, caption])).toEqual([]);
  });

  it('had come twice before, with other bytes: both webhooks are erased', async () => {
    const options = { messageId: newId(), from: person(), url: publish() };
    const payload = picture('z-api', options);
    const { body: first } = await postWebhook(service, 'z-api', payload);
    const { body: second } = await postWebhook(service, 'z-api', JSON.stringify(payload, null, 1));
    expect((await eraseMedia(first.media[0] ?? '')).body.erased.deliveries).toBe(2);
    expect((await showDelivery(second.delivery)).body).toBe('');
    expect(await findEverywhere(service, [options.from])).toEqual([]);
  });

  it('had come twice before, and its id is put together from two members: both webhooks are erased', async () => {
    const said = { conversation_id: `CON-${newId()}`, timestamp: '2026-11-21T11:59:12.175Z' };
    const image = { message_type: 'image', image: { url: publish() } };
    const payload = { ...said, from: `MEM-${newId()}`, id: 17, type: 'message', body: image };
    const { body: first } = await postWebhook(service, 'vonage', payload);
    const again = { ...payload, _embedded: { from_user: { name: 'Bob' } } };
    const others = [
      { ...payload, id: 18, body: { ...image, image: { url: publish(), size: 17 } } },
      { ...said, id: 19, type: 'message:seen', body: { event_id: 18, of: 17 } },
    ];
    const seen = { ...said, id: 20, type: 'message:seen', body: { event_id: 17 } };
    const gone: string[] = [first.delivery];
    for (const one of [again, seen]) gone.push((await postWebhook(service, 'vonage', one)).body.delivery);
    const kept: string[] = [];
    for (const one of others) kept.push((await postWebhook(service, 'vonage', one)).body.delivery);

    expect((await eraseMedia(first.media[0] ?? '')).body.erased.deliveries).toBe(3);
    for (const id of gone) expect((await showDelivery(id)).body).toBe('');
    for (const id of kept) expect((await showDelivery(id)).body).not.toBe('');
    expect(await findEverywhere(service, [image.image.url])).toEqual([]);
  });

  it.each(['z-api', 'blip', 'vonage', 'aisoule', 'sobot'])(
    'with a message of which something is left does not bring back the link of what was erased: %s',
    async (channel) => {
      const message = { messageId: newId(), from: person() };
      const url = publish();
      const { body: receipt } = await postWebhook(service, channel, picture(channel, { ...message, url }));
      const [id = ''] = receipt.media;
      await afterPending(service, id);
      const other = newId();
      await service.database.query(
        `insert into media (id, channel, provider, message_row_id, position, direction, kind, state, received_at)
         select $2, channel, provider, message_row_id, 0, direction, 'document', 'failed', received_at from media where id = $1`,
        [id, other],
      );
      expect((await eraseMedia(id)).body.erased).toMatchObject({ messages: 0, media: 1, deliveries: 1 });
      const again = picture(channel, { ...message, url, caption: 'once more' });
      const { body } = await postWebhook(service, channel, again);
      expect(body).toMatchObject({ outcome: 'accepted', duplicate: true, media: [id] });
      expect(await showMessage(channel, message.messageId)).toMatchObject({ from: message.from });
      expect((await show(other)).state).toBe('failed');
      expect(await findEverywhere(service, [url])).toEqual([]);
    },
  );

  it('cannot be replayed', async () => {
    const { receipt } = await erased('z-api');
    const path = `/v1/deliveries/${receipt.delivery}/replay`;
    const { status, body } = await call(service.url, path, { method: 'post', token: admin });
    expect([status, body.code]).toEqual([410, 'delivery.erased']);
  });
});

describe('erasing a person', () => {
  it('takes whatever they sent, were sent or said, in that channel', async () => {
    const from = person();
    const group = '120363019502650977-group';
    const inbound = await receive(
      service,
      'z-api',
      picture('z-api', { from, url: publish(), caption: 'hers 1' }),
    );
    const inGroup = await receive(
      service,
      'z-api',
      zApiMedia({ from, group, url: publish(), caption: 'hers 2' }),
    );
    const sent = await receive(
      service,
      'z-api',
      zApiMedia({ from, fromMe: true, url: publish(), caption: 'ours' }),
    );
    const text = { type: 'ReceivedCallback', phone: from, messageId: newId(), text: { message: 'hers 3' } };
    const { body: textReceipt } = await postWebhook(service, 'z-api', text);
    const messageId = newId();
    const status = { ...zApiStatus('READ', [messageId]), phone: from, error: 'hers 4' };
    await postWebhook(service, 'z-api', status);
    expect(await showStatuses(messageId)).toHaveLength(1);
    const elsewhere = await receive(service, 'vonage', picture('vonage', { from, url: publish() }));
    const others = await receive(service, 'z-api', zApiMedia({ from: person(), group, url: publish() }));

    const { status: answered, body } = await eraseContact('z-api', from);
    expect(answered).toBe(200);
    expect(body.erased).toMatchObject({ messages: 3, media: 3, blobs: 3, deliveries: 5 });
    for (const { id } of [inbound, inGroup, sent]) expect((await show(id)).state).toBe('erased');
    expect(await showDelivery(textReceipt.delivery)).toMatchObject({
      outcome: 'ignored',
      body: '',
      reason: null,
    });
    expect(await showStatuses(messageId)).toEqual([]);
    expect((await show(elsewhere.id)).message?.from).toBe(from);
    expect((await show(others.id)).state).toBe('ready');

    await eraseContact('vonage', from);
    expect(await findEverywhere(service, [from, 'hers', 'ours'])).toEqual([]);
  });

  const showStatuses = (messageId: string) =>
    service.database.query('select * from message_status where message_id = $1', [messageId]);

  it('finds them however their number was decorated or escaped', async () => {
    const digits = '5531988887777';
    const bodies = [
      { phone: '+55 (31) 98888-7777', a: 1 },
      { phone: `${digits}@c.us`, a: 2 },
      { participant: 5531988887777, a: 3 },
    ];
    for (const body of bodies) await postWebhook(service, 'z-api', { type: 'PresenceChatCallback', ...body });
    expect((await eraseContact('z-api', digits)).body.erased.deliveries).toBe(3);

    const name = 'joão/+&1';
    const spellings = [
      JSON.stringify({ from: name }),
      JSON.stringify({ from: name })
        .replace('/', String.raw`\/`)
        .replace('ã', String.raw`\u00e3`),
      JSON.stringify({ from: name })
        .replace('ã', String.raw`\u00E3`)
        .replace('&', String.raw`\u0026`),
    ];
    for (const spelling of spellings) await postWebhook(service, 'blip', spelling);
    expect((await eraseContact('blip', name)).body.erased.deliveries).toBe(spellings.length);
  });

  it('takes a short id for one only where it stands alone', async () => {
    const body = (id: string) => JSON.stringify({ id: newId(), from: id, type: 'text/plain' });
    const { body: theirs } = await postWebhook(service, 'blip', body('bo@msging.net'));
    const { body: others } = await postWebhook(service, 'blip', body('bob@msging.net'));
    expect((await eraseContact('blip', 'bo')).body.erased).toMatchObject({ deliveries: 1 });
    expect((await showDelivery(theirs.delivery)).body).toBe('');
    expect((await showDelivery(others.delivery)).body).toContain('bob@');
    expect((await eraseContact('blip', '.*')).status).toBe(404);
    expect((await eraseContact('blip', '%')).status).toBe(404);
  });

  it('does not take what only contains their identifier, nor what is no identifier', async () => {
    const others = Array.from({ length: 3 }, person);
    const own = others.map((from) => zApiMedia({ from, url: publish(), caption: 'image' }));
    const malformed = {
      type: 'ReceivedCallback',
      phone: person(),
      messageId: newId(),
      image: { caption: 'no address' },
    };
    const status = { ...zApiStatus('RECEIVED', [newId()]), phone: person() };
    const kept: string[] = [];
    for (const payload of [...own, malformed, status])
      kept.push((await postWebhook(service, 'z-api', payload)).body.delivery);
    const [first = ''] = others;
    const words = [
      'image',
      'RECEIVED',
      'caption',
      'image/jpeg',
      'ReceivedCallback',
      'look',
      'Ana',
      'phone',
      'a',
    ];
    const numbers = [
      first.slice(0, 5),
      first.slice(0, -1),
      first.slice(2),
      first.slice(5),
      '1795255200000',
      '17952',
      '5200000',
    ];
    for (const contact of [...words, ...numbers]) {
      const { status, body } = await eraseContact<{ code: string }>('z-api', contact);
      expect([contact, status, body.code]).toEqual([contact, 404, 'contact.not_found']);
    }
    for (const id of kept) expect((await showDelivery(id)).body).not.toBe('');
    // Those who are only in a raw webhook are known.
    const [, , , theirs = '', told = ''] = kept;
    expect((await eraseContact('z-api', malformed.phone)).body.erased).toMatchObject({
      messages: 0,
      deliveries: 1,
    });
    expect((await eraseContact('z-api', status.phone)).body.erased).toMatchObject({
      messages: 0,
      deliveries: 1,
    });
    for (const id of [theirs, told]) expect((await showDelivery(id)).body).toBe('');
    for (const id of kept.slice(0, 3)) expect((await showDelivery(id)).body).not.toBe('');
  });

  it('keeps what is somebody else’s of a webhook that speaks of both', async () => {
    const gone = person();
    const stays = person();
    const change = (from: string) =>
      sobotChange({ id: newId(), from, type: 'image', image: { url: publish() } });
    const { body } = await postWebhook(service, 'sobot', [change(gone), change(stays)]);
    const [first = '', second = ''] = body.media;
    await afterPending(service, second);
    expect((await eraseContact('sobot', gone)).body.erased).toMatchObject({
      messages: 1,
      media: 1,
      deliveries: 1,
    });
    expect((await show(first)).state).toBe('erased');
    expect(await show(second)).toMatchObject({ state: 'ready', message: { from: stays } });
    expect(await findEverywhere(service, [gone])).toEqual([]);
  });

  it('says what it would take when it is only asked to', async () => {
    const from = person();
    const { id } = await receive(service, 'z-api', picture('z-api', { from, url: publish() }));
    const ask = (path: string) => call<ErasedView>(service.url, path, { method: 'delete', token: admin });
    const contact = `/v1/contacts/z-api/${from}`;
    const wouldErase = (await ask(`${contact}?dryRun=true`)).body;
    expect((await ask(`/v1/media/${id}?dryRun=true`)).body).toEqual(wouldErase);
    expect((await show(id)).state).toBe('ready');
    expect((await call(service.url, `/v1/media/${id}/content`, { token: admin })).status).toBe(200);
    for (const query of ['dryRun=yes', 'dryRun', 'dryrun=true'])
      expect((await ask(`${contact}?${query}`)).status).toBe(400);
    expect((await ask(`/v1/contacts/z-api/${person()}?dryRun=true`)).status).toBe(404);
    expect((await ask(`${contact}?dryRun=false`)).body).toEqual(wouldErase);
    const { body } = await call<Page<{ target: string }>>(service.url, '/v1/audit?limit=2', { token: admin });
    expect(body.items.filter(({ target }) => target === id)).toEqual([]);
  });

  it('waits for webhooks that were acknowledged while the database was away', async () => {
    const spooling = await startTestService({ queue: false });
    try {
      const from = person();
      const token = spooling.token('admin');
      await postWebhook(spooling, 'z-api', { type: 'PresenceChatCallback', status: 'AVAILABLE' });
      await spooling.database.goAway();
      const { status } = await postWebhook(spooling, 'z-api', picture('z-api', { from }));
      expect(status).toBe(200);
      await spooling.database.comeBack();
      const path = `/v1/contacts/z-api/${from}`;
      const { body } = await call<ErasedView>(spooling.url, path, { method: 'delete', token });
      expect(body.erased).toMatchObject({ messages: 1, media: 1, deliveries: 1 });
      expect(await findEverywhere(spooling, [from])).toEqual([]);
    } finally {
      await spooling.stop();
    }
  });

  it('takes events about them along, wherever they are', async () => {
    const from = person();
    const { id } = await receive(service, 'z-api', picture('z-api', { from, url: publish() }));
    const events = 'select id from notification where media_id = $1';
    const [event] = await service.database.query<{ id: string }>(events, [id]);
    await service.database.query(
      'insert into notification_delivery (subscription_id, notification_id) values ($1, $2)',
      [newId(), event?.id],
    );
    await eraseContact('z-api', from);
    expect(await service.database.query(events, [id])).toEqual([]);
    expect(
      await service.database.query('select from notification_delivery where notification_id = $1', [
        event?.id,
      ]),
    ).toEqual([]);
  });

  it('names them in the audit trail by a hash, always the same', async () => {
    const from = person();
    await receive(service, 'z-api', picture('z-api', { from, url: publish() }));
    await receive(service, 'vonage', picture('vonage', { from, url: publish() }));
    await eraseContact('z-api', from);
    await eraseContact('z-api', from);
    await eraseContact('vonage', from);
    const { body } = await call<Page<{ target: string; channel: string; details: object }>>(
      service.url,
      '/v1/audit?action=contact.erase&limit=3',
      { token: admin },
    );
    const [vonage, second, first] = body.items;
    expect(first).toMatchObject({ channel: 'z-api', target: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(first?.details).toMatchObject({ media: 1 });
    expect(second?.details).toMatchObject({ media: 0 });
    expect(second?.target).toBe(first?.target);
    expect(vonage?.target).not.toBe(first?.target);
  });

  it('is for administrators who see the channel, and a channel that there is', async () => {
    const from = person();
    const { id } = await receive(service, 'z-api', picture('z-api', { from, url: publish() }));
    const elsewhere = await eraseContact<{ code: string }>(
      'z-api',
      from,
      service.token('admin', { channels: ['blip'] }),
    );
    expect([elsewhere.status, elsewhere.body.code]).toEqual([404, 'contact.unknown_channel']);
    expect((await eraseContact('nowhere', from)).status).toBe(404);
    expect((await eraseContact('z-api', from, service.token('media:read'))).status).toBe(403);
    expect((await eraseContact('z-api', `nobody\0`)).status).toBe(400);
    expect((await eraseContact('z-api', 'x'.repeat(256))).status).toBe(400);
    const nobody = await eraseContact<{ code: string }>('z-api', person());
    expect([nobody.status, nobody.body.code]).toEqual([404, 'contact.not_found']);
    expect((await call(service.url, `/v1/contacts/z-api/${from}`, { token: admin })).status).toBe(405);
    expect((await show(id)).state).toBe('ready');
    const limited = service.token('admin', { channels: ['z-api'] });
    expect((await eraseContact('z-api', from, limited)).body.erased.media).toBe(1);
  });
});
