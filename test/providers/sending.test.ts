/** The exact requests to each provider, and the meaning of its responses, over a real socket. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import jwt from 'jsonwebtoken';

import type { OutboundMessage, Sending, SendOptions, SendOutcome } from '../../src/domain/sending.js';
import { providers } from '../../src/providers/index.js';
import { credentials, vonagePublicKey } from './credentials.js';
import { receivedAt } from './fixtures.js';
import { type Answer, type RecordingApi, startRecordingApi } from './recording-api.js';

let api: RecordingApi;

beforeAll(async () => {
  api = await startRecordingApi();
});
beforeEach(() => {
  api.requests.length = 0;
  api.answers.length = 0;
});
afterAll(() => api.close());

const message = {
  id: '01980000-0000-7000-8000-000000000001',
  to: '5511900000001',
  kind: 'image',
  content: { way: 'link', url: 'https://inlet.example.com/public/p1.jpg' },
  type: 'image/jpeg',
  bytes: 415_212,
  filename: null,
  caption: null,
  replyTo: null,
} satisfies Omit<OutboundMessage, 'options'>;

const video = { kind: 'video', type: 'video/mp4', content: link('v1.mp4') } as const;
const audio = { kind: 'audio', type: 'audio/mpeg', content: link('a1.mp3') } as const;
const document = { kind: 'document', type: 'application/pdf', content: link('d1.pdf') } as const;
const sticker = { kind: 'sticker', type: 'image/webp', content: link('s1.webp') } as const;

function link(name: string): { readonly way: 'link'; readonly url: string } {
  return { way: 'link', url: `https://inlet.example.com/public/${name}` };
}

/** "png!" in base64: cG5nIQ== */
const inline = { way: 'inline', data: () => Promise.resolve(Buffer.from('png!')) } as const;

function sendingOf(id: string, settings: Settings = {}): Sending {
  const provider = providers.find((one) => one.id === id);
  const adapter = provider?.load({ ...credentials[id], apiUrl: api.origin, ...settings }, () => receivedAt);
  if (adapter?.sending === undefined) throw new Error(`${id} sends nothing`);
  return adapter.sending;
}

type Settings = Readonly<Record<string, string | undefined>>;

interface Case {
  readonly name: string;
  readonly message?: Partial<OutboundMessage>;
  readonly options?: SendOptions;
  readonly settings?: Settings;
}

/** Validates the options like the service, then sends. */
async function send(id: string, { message: changes = {}, options = {}, settings = {} }: Omit<Case, 'name'>) {
  const sending = sendingOf(id, settings);
  const checked = sending.checkOptions(options);
  if (!checked.ok)
    throw new Error(checked.problems.map(({ field, message }) => `${field} ${message}`).join());
  return sending.send({ ...message, ...changes, options: checked.options }, api.http);
}

interface RequestCase extends Case {
  readonly path: string;
  readonly body: unknown;
}
interface AnswerCase {
  readonly name: string;
  readonly answer: Answer;
  readonly outcome: SendOutcome;
}

function requestsAre(
  id: string,
  headers: Readonly<Record<string, unknown>>,
  cases: readonly RequestCase[],
): void {
  test.each(cases)('$name', async ({ path, body, ...one }) => {
    api.answers.push({ status: 500 });
    await send(id, one);
    expect(api.requests).toEqual([
      { method: 'POST', path, headers: { 'content-type': 'application/json', ...headers }, body },
    ]);
  });
}

function answersMean(id: string, cases: readonly AnswerCase[]): void {
  test.each(cases)('$name', async ({ answer, outcome }) => {
    api.answers.push(answer);
    expect(await send(id, {})).toEqual(outcome);
  });
}

describe('z-api is sent', () => {
  const at = '/instances/3C01/token/T%2F0123456789';
  requestsAre('z-api', { 'client-token': 'F0123456789' }, [
    {
      name: 'an image by link',
      message: { caption: 'look' },
      path: `${at}/send-image`,
      body: { phone: '5511900000001', image: message.content.url, caption: 'look' },
    },
    {
      name: 'an image with everything',
      message: { to: '120363000000000000-group', content: inline, type: 'image/png', replyTo: '3EB0' },
      options: { delayMessage: 5, viewOnce: true },
      path: `${at}/send-image`,
      body: {
        phone: '120363000000000000-group',
        image: 'data:image/png;base64,cG5nIQ==',
        messageId: '3EB0',
        delayMessage: 5,
        viewOnce: true,
      },
    },
    {
      name: 'a video',
      message: { ...video, caption: 'look' },
      options: { viewOnce: true },
      path: `${at}/send-video`,
      body: { phone: '5511900000001', video: video.content.url, caption: 'look', viewOnce: true },
    },
    {
      name: 'audio',
      message: audio,
      path: `${at}/send-audio`,
      body: { phone: '5511900000001', audio: audio.content.url },
    },
    {
      name: 'a document',
      message: { ...document, filename: 'offer.pdf', caption: 'look' },
      path: `${at}/send-document/pdf`,
      body: {
        phone: '5511900000001',
        document: document.content.url,
        fileName: 'offer.pdf',
        caption: 'look',
      },
    },
    {
      name: 'a document with only a known type',
      message: { ...document, content: link('d1') },
      path: `${at}/send-document/pdf`,
      body: { phone: '5511900000001', document: link('d1').url },
    },
    {
      name: 'a sticker',
      message: sticker,
      path: `${at}/send-sticker`,
      body: { phone: '5511900000001', sticker: sticker.content.url },
    },
  ]);

  test('no token of the account if there is none', async () => {
    await send('z-api', { settings: { clientToken: undefined } });
    expect(api.requests[0]?.headers).not.toHaveProperty('client-token');
  });
});

describe('z-api answers', () => {
  answersMean('z-api', [
    {
      name: 'that it accepted the message',
      answer: { status: 200, body: { zaapId: '3999', messageId: 'D241', id: 'D241' } },
      outcome: { type: 'accepted', messageId: 'D241' },
    },
    {
      name: 'that the token is missing',
      answer: { status: 400, body: { error: 'null not allowed' } },
      outcome: { type: 'refused', code: 'http_400', message: 'null not allowed' },
    },
    {
      name: 'that the IP address is blocked, with any status',
      answer: { status: 200, body: { error: '[10.0.0.1] not allowed' } },
      outcome: { type: 'refused', code: 'http_200', message: '[10.0.0.1] not allowed' },
    },
    {
      name: 'that the method is wrong',
      answer: { status: 405 },
      outcome: { type: 'refused', code: 'http_405', message: 'the provider answered 405' },
    },
    {
      name: 'that the type is missing',
      answer: { status: 415, body: { error: 'Unsupported Media Type' } },
      outcome: { type: 'refused', code: 'http_415', message: 'Unsupported Media Type' },
    },
  ]);

  test('with the URL of the call, and the token in it is not repeated', async () => {
    const error = 'no such path /instances/3C01/token/T%2F0123456789/send-image or T/0123456789';
    api.answers.push({ status: 404, body: { error } });
    expect(await send('z-api', {})).toMatchObject({
      message: 'no such path /instances/3C01/token/***/send-image or ***',
    });
  });
});

describe('blip is sent', () => {
  const to = '5511900000001@wa.gw.msging.net';
  const envelope = { id: message.id, type: 'application/vnd.lime.media-link+json' };
  requestsAre('blip', { authorization: 'Key aW52ZW50ZWQ=' }, [
    {
      name: 'an image to a number of WhatsApp',
      path: '/messages',
      body: { ...envelope, to, content: { type: 'image/jpeg', uri: message.content.url, size: 415_212 } },
    },
    {
      name: 'an image with everything, to a node',
      message: { to: '128271320123982@messenger.gw.msging.net', caption: 'look', type: 'image/png' },
      options: {
        title: 'Roses',
        aspectRatio: '4:3',
        previewUri: 'https://shop.example.com/small.jpg',
        previewType: 'image/jpeg',
      },
      path: '/messages',
      body: {
        ...envelope,
        to: '128271320123982@messenger.gw.msging.net',
        content: {
          title: 'Roses',
          text: 'look',
          type: 'image/png',
          uri: message.content.url,
          aspectRatio: '4:3',
          size: 415_212,
          previewUri: 'https://shop.example.com/small.jpg',
          previewType: 'image/jpeg',
        },
      },
    },
    {
      name: 'a video',
      message: { ...video, bytes: null },
      path: '/messages',
      body: { ...envelope, to, content: { type: 'video/mp4', uri: video.content.url } },
    },
    {
      name: 'audio',
      message: { ...audio, bytes: null },
      path: '/messages',
      body: { ...envelope, to, content: { type: 'audio/mpeg', uri: audio.content.url } },
    },
    {
      name: 'a document, whose name is its title',
      message: { ...document, bytes: null, filename: 'offer.pdf' },
      path: '/messages',
      body: {
        ...envelope,
        to,
        content: { title: 'offer.pdf', type: 'application/pdf', uri: document.content.url },
      },
    },
    {
      name: 'a link with only a file name',
      message: {
        content: { way: 'link', url: 'https://shop.example.com/a/Rose.PNG?v=2' },
        type: null,
        bytes: null,
      },
      path: '/messages',
      body: {
        ...envelope,
        to,
        content: { type: 'image/png', uri: 'https://shop.example.com/a/Rose.PNG?v=2' },
      },
    },
  ]);

  test('nothing for a link of unknown type', async () => {
    const unknown = { content: { way: 'link', url: 'https://shop.example.com/a' }, type: null } as const;
    expect(await send('blip', { message: unknown })).toMatchObject({ type: 'refused', code: 'type_unknown' });
    expect(api.requests).toEqual([]);
  });

  test('to the host of its contract, if no other is configured', async () => {
    const urls: string[] = [];
    const sending = sendingOf('blip', { apiUrl: undefined });
    await sending.send({ ...message, options: {} }, ({ url }) => {
      urls.push(url);
      return Promise.resolve({ status: 202, headers: {}, body: '' });
    });
    expect(urls).toEqual(['https://floraria.http.msging.net/messages']);
  });
});

describe('blip answers', () => {
  answersMean('blip', [
    {
      name: 'that it accepted the message, under the service’s id',
      answer: { status: 202 },
      outcome: { type: 'accepted', messageId: message.id },
    },
    {
      name: 'that the format is wrong',
      answer: { status: 400, body: { code: 21, description: 'Validation error' } },
      outcome: { type: 'refused', code: '21', message: 'Validation error' },
    },
    {
      name: 'that the key is wrong',
      answer: { status: 401 },
      outcome: { type: 'refused', code: 'http_401', message: 'the provider answered 401' },
    },
    {
      name: 'that there were too many requests',
      answer: { status: 429 },
      outcome: { type: 'busy', retryAfterMs: null, code: 'http_429', message: 'the provider answered 429' },
    },
  ]);

  test('as fast as its plan allows, with the free plan as default', () => {
    expect(sendingOf('blip').limits['default']?.rate).toEqual({ messages: 3, perMs: 1000, burst: 3 });
    const paid = sendingOf('blip', { messagesPerSecond: '50' });
    expect(paid.limitsFor({}).rate).toEqual({ messages: 50, perMs: 1000, burst: 50 });
  });
});

describe('vonage is sent', () => {
  const headers = { authorization: expect.stringMatching(/^Bearer [\w-]+\.[\w-]+\.[\w-]+$/) };
  const whatsApp = { to: '5511900000001', from: '5511800000001', channel: 'whatsapp' };
  requestsAre('vonage', headers, [
    {
      name: 'an image for WhatsApp',
      message: { caption: 'look' },
      path: '/v1/messages',
      body: { ...whatsApp, message_type: 'image', image: { url: message.content.url, caption: 'look' } },
    },
    {
      name: 'an image with everything',
      message: { replyTo: 'aaaaaaaa-bbbb-cccc-dddd-0123456789ab' },
      options: { from: '5511800000002', clientRef: 'order-7', ttl: 600 },
      path: '/v1/messages',
      body: {
        ...whatsApp,
        message_type: 'image',
        image: { url: message.content.url },
        from: '5511800000002',
        client_ref: 'order-7',
        ttl: 600,
        context: { message_uuid: 'aaaaaaaa-bbbb-cccc-dddd-0123456789ab' },
      },
    },
    {
      name: 'a video',
      message: { ...video, caption: 'look' },
      path: '/v1/messages',
      body: { ...whatsApp, message_type: 'video', video: { url: video.content.url, caption: 'look' } },
    },
    {
      name: 'audio',
      message: audio,
      path: '/v1/messages',
      body: { ...whatsApp, message_type: 'audio', audio: { url: audio.content.url } },
    },
    {
      name: 'a document, which is a file there',
      message: { ...document, filename: 'offer.pdf', caption: 'look' },
      path: '/v1/messages',
      body: {
        ...whatsApp,
        message_type: 'file',
        file: { url: document.content.url, name: 'offer.pdf', caption: 'look' },
      },
    },
    {
      name: 'a sticker',
      message: sticker,
      path: '/v1/messages',
      body: { ...whatsApp, message_type: 'sticker', sticker: { url: sticker.content.url } },
    },
    {
      name: 'an image for Messenger',
      message: { to: '1234567890123456' },
      options: { channel: 'messenger', from: '107083064136738' },
      path: '/v1/messages',
      body: {
        message_type: 'image',
        image: { url: message.content.url },
        to: '1234567890123456',
        from: '107083064136738',
        channel: 'messenger',
      },
    },
    {
      name: 'an image as MMS',
      message: { caption: 'look' },
      options: { channel: 'mms' },
      path: '/v1/messages',
      body: {
        ...whatsApp,
        message_type: 'image',
        image: { url: message.content.url, caption: 'look' },
        channel: 'mms',
      },
    },
    {
      name: 'an image for Viber, by its short name',
      options: { channel: 'viber' },
      path: '/v1/messages',
      body: {
        ...whatsApp,
        message_type: 'image',
        image: { url: message.content.url },
        channel: 'viber_service',
      },
    },
  ]);

  test('a token of its application, signed with RS256', async () => {
    api.answers.push({ status: 500 });
    await send('vonage', {});
    const token = api.requests[0]?.headers.authorization?.replace('Bearer ', '') ?? '';
    const clockTimestamp = receivedAt.getTime() / 1000;
    expect(jwt.verify(token, vonagePublicKey, { algorithms: ['RS256'], clockTimestamp })).toMatchObject({
      application_id: '00000000-0000-4000-8000-000000000001',
    });
  });
});

describe('vonage is sent an image of a conversation', () => {
  const inConversation = {
    message: {
      to: 'CON-1',
      content: { way: 'upload', data: () => Promise.resolve(Buffer.from('jpeg!')) },
      filename: 'rose.jpg',
    },
    options: { product: 'conversation', from: 'MEM-1' },
  } as const;
  const uploaded = {
    status: 200,
    body: { original: { url: 'https://api.nexmo.com/v3/media/o' }, medium: {}, thumbnail: {} },
  };

  test('first to the image service, then as an event', async () => {
    api.answers.push(uploaded, {
      status: 201,
      body: { id: 7, timestamp: '2026-11-21T10:00:00Z', href: '…' },
    });
    expect(await send('vonage', inConversation)).toEqual({ type: 'accepted', messageId: 'CON-1:7' });

    const [upload, event] = api.requests;
    const boundary = /boundary=(\S+)/.exec(upload?.headers['content-type'] ?? '')?.[1] ?? '-';
    const field = (name: string, value: string) =>
      `\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
    expect(upload).toMatchObject({
      method: 'POST',
      path: '/v1/image',
      headers: { authorization: expect.stringMatching(/^Bearer /) },
    });
    expect(String(upload?.body).trimEnd().split(`--${boundary}`)).toEqual([
      '',
      '\r\nContent-Disposition: form-data; name="file"; filename="rose.jpg"\r\nContent-Type: image/jpeg\r\n\r\njpeg!\r\n',
      field('quality_ratio', '100'),
      field('medium_size_ratio', '50'),
      field('thumbnail_size_ratio', '30'),
      '--',
    ]);
    expect(event).toEqual({
      method: 'POST',
      path: '/v1/conversations/CON-1/events',
      headers: { 'content-type': 'application/json', authorization: expect.stringMatching(/^Bearer /) },
      body: {
        type: 'message',
        from: 'MEM-1',
        body: { message_type: 'image', image: { url: 'https://api.nexmo.com/v3/media/o' } },
      },
    });
  });

  test('not at all when it is too large for the image service', async () => {
    api.answers.push({ status: 413, body: { title: 'Too large', detail: 'At most 5 MB' } });
    expect(await send('vonage', inConversation)).toEqual({
      type: 'refused',
      code: 'Too large',
      message: 'Too large; At most 5 MB',
    });
    expect(api.requests).toHaveLength(1);
  });

  test.each([{ status: 500 }, { status: 200, body: {} }, { status: 200, hang: true } as const])(
    'again after an upload that ended in %j: the picture was visible to no one',
    async (answer) => {
      api.answers.push(answer);
      expect(await send('vonage', inConversation)).toMatchObject({ type: 'busy', code: 'upload_failed' });
    },
  );

  test('never again after an event with an unknown outcome', async () => {
    api.answers.push(uploaded, { status: 500 });
    expect(await send('vonage', inConversation)).toMatchObject({ type: 'unknown' });
  });

  test('not without its bytes', async () => {
    const lost = { way: 'upload', data: () => Promise.reject(new Error('gone')) } as const;
    const message = { ...inConversation.message, content: lost };
    expect(await send('vonage', { ...inConversation, message })).toMatchObject({ type: 'busy' });
    expect(api.requests).toEqual([]);
  });
});

describe('vonage answers', () => {
  const problem = { title: 'Your request was not valid', instance: 'bf0ca0bf927b3b52e3cb03217e1a1ddf' };
  answersMean('vonage', [
    {
      name: 'that it accepted the message',
      answer: { status: 202, body: { message_uuid: 'aaaaaaaa-bbbb-cccc-dddd-0123456789ab' } },
      outcome: { type: 'accepted', messageId: 'aaaaaaaa-bbbb-cccc-dddd-0123456789ab' },
    },
    {
      name: 'that the token is wrong',
      answer: {
        status: 401,
        body: {
          type: 'https://developer.vonage.com/api-errors#unauthorized',
          title: 'You did not provide correct credentials.',
          detail: 'Check your authorization header.',
        },
      },
      outcome: {
        type: 'refused',
        code: 'unauthorized',
        message: 'You did not provide correct credentials.; Check your authorization header.',
      },
    },
    {
      name: 'that there is no money left',
      answer: { status: 402, body: { title: 'Low balance', detail: 'Top up' } },
      outcome: { type: 'refused', code: 'Low balance', message: 'Low balance; Top up' },
    },
    {
      name: 'that fields are wrong',
      answer: {
        status: 422,
        body: {
          ...problem,
          type: 'https://developer.vonage.com/api-errors/messages#1150',
          detail: 'The value of one or more parameters is invalid.',
          invalid_parameters: [{ name: 'to', reason: 'Invalid recipient' }, null],
        },
      },
      outcome: {
        type: 'refused',
        code: '1150',
        message:
          'Your request was not valid; The value of one or more parameters is invalid.; to Invalid recipient',
      },
    },
    {
      name: 'that there were too many requests',
      answer: { status: 429, body: { title: 'Rate Limit Hit', detail: 'Slow down' } },
      outcome: {
        type: 'busy',
        retryAfterMs: null,
        code: 'Rate Limit Hit',
        message: 'Rate Limit Hit; Slow down',
      },
    },
    {
      name: 'that it failed',
      answer: { status: 500, body: { title: 'Internal Error', detail: 'Sorry' } },
      outcome: { type: 'unknown', message: 'Internal Error; Sorry' },
    },
  ]);

  const limits = () => sendingOf('vonage').limits;

  test('with limits by channel', () => {
    expect(Object.keys(limits())).toEqual(['whatsapp', 'messenger', 'mms', 'viber_service', 'conversation']);
    const captions = Object.values(limits()).map(({ media }) => media.image?.maxCaption);
    expect(captions).toEqual([1024, 0, 2000, 1000, 0]);
    const takesGif = Object.entries(limits()).filter(([, { media }]) =>
      media.image?.types.includes('image/gif'),
    );
    expect(takesGif.map(([name]) => name)).toEqual(['messenger', 'mms']);
  });

  test.each([
    [{ channel: 'fax' }, 'options.channel'],
    [{ clientRef: 'x'.repeat(101) }, 'options.clientRef'],
    [{ ttl: 0.5 }, 'options.ttl'],
    [{ ttl: '60' }, 'options.ttl'],
    [{ viewOnce: true }, 'options.viewOnce'],
    [{ product: 'conversation' }, 'options.from'],
    [{ product: 'conversation', from: '5511800000001' }, 'options.from'],
  ])('that the options %j are wrong in %s', (options, field) => {
    const checked = sendingOf('vonage').checkOptions(options);
    expect(checked).toEqual({ ok: false, problems: [{ field, message: expect.any(String) }] });
  });

  test('that it requires a sender, if the channel has none', () => {
    const bare = sendingOf('vonage', { from: undefined });
    expect(bare.checkOptions({})).toMatchObject({ ok: false, problems: [{ field: 'options.from' }] });
    expect(bare.checkOptions({ from: '5511800000001' }).ok).toBe(true);
  });
});

describe('aisoule is sent, by its first generation,', () => {
  const to = '5511900000001';
  requestsAre('aisoule', { authorization: 'Bearer ak_0123456789' }, [
    {
      name: 'an image',
      message: { caption: 'look', filename: 'rose.jpg' },
      path: '/v1/messages',
      body: {
        to,
        type: 'image',
        image: { link: message.content.url, caption: 'look', filename: 'rose.jpg' },
      },
    },
    {
      name: 'a video',
      message: video,
      path: '/v1/messages',
      body: { to, type: 'video', video: { link: video.content.url } },
    },
    {
      name: 'audio',
      message: audio,
      path: '/v1/messages',
      body: { to, type: 'audio', audio: { link: audio.content.url } },
    },
    {
      name: 'a document',
      message: { ...document, filename: 'offer.pdf', caption: 'look' },
      path: '/v1/messages',
      body: {
        to,
        type: 'document',
        document: { link: document.content.url, caption: 'look', filename: 'offer.pdf' },
      },
    },
  ]);
});

describe('aisoule is sent, by its second generation,', () => {
  const to = '+5511900000001';
  const v2 = { path: '/api/messages/send', options: { generation: 'v2' } } as const;
  requestsAre('aisoule', { 'x-api-key': 'ak_0123456789' }, [
    {
      ...v2,
      name: 'an image',
      message: { caption: 'look' },
      body: { to, type: 'image', image: { url: message.content.url, caption: 'look' } },
    },
    {
      ...v2,
      name: 'a video',
      message: video,
      body: { to, type: 'video', video: { url: video.content.url } },
    },
    {
      ...v2,
      name: 'audio',
      message: audio,
      body: { to, type: 'audio', audio: { url: audio.content.url } },
    },
    {
      ...v2,
      name: 'a document',
      message: document,
      body: { to, type: 'document', document: { url: document.content.url } },
    },
    {
      name: 'an image with the channel’s generation',
      settings: { generation: 'v2' },
      path: '/api/messages/send',
      body: { to, type: 'image', image: { url: message.content.url } },
    },
  ]);

  test('to another host, if none is configured', async () => {
    const urls: string[] = [];
    const sending = sendingOf('aisoule', { apiUrl: undefined });
    for (const generation of ['v1', 'v2'])
      await sending.send({ ...message, options: { generation } }, ({ url }) => {
        urls.push(url);
        return Promise.reject(new Error('no answer'));
      });
    expect(urls).toEqual([
      'https://api.aisoule.com/v1/messages',
      'https://app.aisoule.com/api/messages/send',
    ]);
  });
});

describe('aisoule answers', () => {
  answersMean('aisoule', [
    {
      name: 'that it accepted the message',
      answer: { status: 200, body: { success: true, message_id: 'msg_90a8', status: 'queued' } },
      outcome: { type: 'accepted', messageId: 'msg_90a8' },
    },
    {
      name: 'in its second generation that it accepted the message',
      answer: { status: 200, body: { data: { message_id: 'wamid.HBgM', status: 'sent' } } },
      outcome: { type: 'accepted', messageId: 'wamid.HBgM' },
    },
    {
      name: 'that there were too many requests, and when to retry',
      answer: {
        status: 429,
        body: {
          success: false,
          error: { code: 'rate_limit_exceeded', message: 'Too many', retry_after_seconds: 15 },
        },
      },
      outcome: { type: 'busy', retryAfterMs: 15_000, code: 'rate_limit_exceeded', message: 'Too many' },
    },
    {
      name: 'in its second generation that the window is closed',
      answer: { status: 400, body: { message: 'Outside 24-hour window', status: 'error' } },
      outcome: { type: 'refused', code: 'http_400', message: 'Outside 24-hour window' },
    },
    {
      name: 'with a refusal that has a success status',
      answer: { status: 200, body: { success: false, error: { code: 'invalid_request', message: 'No' } } },
      outcome: { type: 'refused', code: 'invalid_request', message: 'No' },
    },
  ]);

  test('as fast as each generation allows', () => {
    const { limitsFor } = sendingOf('aisoule');
    expect(limitsFor({}).rate).toEqual({ messages: 300, perMs: 60_000, burst: 5 });
    expect(limitsFor({ generation: 'v2' }).rate).toEqual({ messages: 100, perMs: 60_000, burst: 10 });
  });
});

describe('sobot is sent', () => {
  const customer = { customer_number: '5511900000001', customer_name: '5511900000001' };
  requestsAre('sobot', { 'x-api-key': 'sk_0123456789', 'x-api-secret': 'ss_0123456789' }, [
    {
      name: 'an image',
      path: '/message/',
      body: { ...customer, type: 'image', url: message.content.url, mime_type: 'image/jpeg' },
    },
    {
      name: 'an image with everything',
      message: { caption: 'look' },
      options: { customerName: 'Ana' },
      path: '/message/',
      body: {
        ...customer,
        type: 'image',
        url: message.content.url,
        mime_type: 'image/jpeg',
        customer_name: 'Ana',
        caption: 'look',
      },
    },
    {
      name: 'a video',
      message: video,
      path: '/message/',
      body: { ...customer, type: 'video', url: video.content.url, mime_type: 'video/mp4' },
    },
    {
      name: 'a document that is only known as an old Office file',
      message: { ...document, content: link('d1'), type: 'application/x-cfb', filename: 'offer.doc' },
      path: '/message/',
      body: {
        ...customer,
        type: 'document',
        url: link('d1').url,
        mime_type: 'application/msword',
        filename: 'offer.doc',
      },
    },
    {
      name: 'a sticker',
      message: sticker,
      path: '/message/',
      body: { ...customer, type: 'sticker', url: sticker.content.url, mime_type: 'image/webp' },
    },
  ]);
});

describe('sobot answers', () => {
  answersMean('sobot', [
    {
      name: 'that it accepted the message',
      answer: {
        status: 200,
        body: {
          data: { id: 'wamid.HBgM', status: 'submitted' },
          message: 'Message sent successfully.',
          code: 200,
        },
      },
      outcome: { type: 'accepted', messageId: 'wamid.HBgM' },
    },
    {
      name: 'with a refusal in a body with a success status',
      answer: { status: 200, body: { message: 'Invalid number', code: 422 } },
      outcome: { type: 'refused', code: '422', message: 'Invalid number' },
    },
    {
      name: 'that the keys are wrong',
      answer: { status: 401, body: { message: 'Unauthorized', code: 401 } },
      outcome: { type: 'refused', code: '401', message: 'Unauthorized' },
    },
    {
      name: 'that it was sent, but not the id',
      answer: { status: 200, body: { message: 'Message sent successfully.', code: 200 } },
      outcome: { type: 'unknown', message: 'the provider answered 200' },
    },
  ]);
});

/** Responses that mean the same for every provider. */
describe.each(Object.keys(credentials).map((id) => ({ id })))('$id', ({ id }) => {
  test.each<AnswerCase>([
    {
      name: 'is busy for a number of seconds',
      answer: { status: 429, headers: { 'retry-after': '7' } },
      outcome: { type: 'busy', retryAfterMs: 7_000, code: 'http_429', message: 'the provider answered 429' },
    },
    {
      name: 'is busy until a date',
      answer: {
        status: 429,
        headers: { 'retry-after': new Date(receivedAt.getTime() + 60_000).toUTCString() },
      },
      outcome: { type: 'busy', retryAfterMs: 60_000, code: 'http_429', message: 'the provider answered 429' },
    },
    {
      name: 'is busy for an unknown time',
      answer: { status: 429, headers: { 'retry-after': 'soon' } },
      outcome: { type: 'busy', retryAfterMs: null, code: 'http_429', message: 'the provider answered 429' },
    },
    {
      name: 'is out of service and names a retry time',
      answer: { status: 503, headers: { 'retry-after': '30' } },
      outcome: { type: 'busy', retryAfterMs: 30_000, code: 'http_503', message: 'the provider answered 503' },
    },
    {
      name: 'is out of service with an unknown outcome',
      answer: { status: 503, body: '<html>Service Unavailable</html>' },
      outcome: { type: 'unknown', message: 'the provider answered 503' },
    },
    {
      name: 'fails with an unknown outcome',
      answer: { status: 500, body: '' },
      outcome: { type: 'unknown', message: 'the provider answered 500' },
    },
    {
      name: 'redirects, with an unknown outcome',
      answer: { status: 302, headers: { location: '/elsewhere' } },
      outcome: { type: 'unknown', message: 'the provider answered 302' },
    },
    {
      name: 'agrees with an unknown text',
      answer: { status: 200, body: '<html>Welcome</html>' },
      outcome: { type: 'unknown', message: 'the provider answered 200' },
    },
    {
      name: 'agrees with JSON without a message id',
      answer: { status: 200, body: { ok: true, data: [], id: {}, message_id: null } },
      outcome: { type: 'unknown', message: 'the provider answered 200' },
    },
    {
      name: 'refuses with a page',
      answer: { status: 403, body: '<html>Forbidden</html>' },
      outcome: { type: 'refused', code: 'http_403', message: 'the provider answered 403' },
    },
    {
      name: 'receives the request and sends no response',
      answer: { status: 200, hang: true },
      outcome: {
        type: 'unknown',
        message: expect.stringMatching(/could not be reached/) as unknown as string,
      },
    },
  ])('$name', async ({ answer, outcome }) => {
    api.answers.push(answer);
    expect(await send(id, {})).toEqual(outcome);
    expect(api.requests).toHaveLength(1);
  });

  test('cannot be reached: nothing was sent', async () => {
    const gone = await startRecordingApi();
    await gone.close();
    expect(await send(id, { settings: { apiUrl: gone.origin } })).toMatchObject({
      type: 'busy',
      retryAfterMs: null,
      code: 'connection_failed',
    });
  });
});

describe('to a WhatsApp user without a phone number', () => {
  const to = 'BR.13491208655302741918';
  const from = '5511800000001';

  test.each([
    { id: 'blip', options: {}, body: { to: `${to}@wa.gw.msging.net` } },
    { id: 'z-api', options: {}, body: { phone: to } },
    { id: 'vonage', options: { from }, body: { to, channel: 'whatsapp' } },
    { id: 'aisoule', options: {}, body: { to } },
    { id: 'aisoule', options: { generation: 'v2' }, body: { to } },
    { id: 'sobot', options: {}, body: { customer_number: to, customer_name: to } },
  ])('$id uses their id, with $options', async ({ id, options, body }) => {
    const { pattern } = sendingOf(id).limitsFor(options).recipient;
    const takes = new RegExp(`^(?:${pattern})$`, 'u');
    expect(takes.test(to)).toBe(true);
    for (const nobody of ['br.13491208655302741918', 'BRA.1', 'BR.', 'BR.1/2', `BR.${'1'.repeat(129)}`])
      expect(takes.test(nobody)).toBe(false);
    await send(id, { message: { to }, options });
    expect(api.requests).toMatchObject([{ body }]);
  });

  test('Blip accepts the domain of the network with it, for the same person', async () => {
    const sending = sendingOf('blip');
    expect(sending.personOf?.(`${to}@wa.gw.msging.net`)).toBe(to);
    await send('blip', { message: { to: `${to}@wa.gw.msging.net` } });
    expect(api.requests).toMatchObject([{ body: { to: `${to}@wa.gw.msging.net` } }]);
  });

  test.each(['messenger', 'mms', 'viber_service'])('%s has no such users', (channel) => {
    const { pattern } = sendingOf('vonage').limitsFor({ channel }).recipient;
    expect(new RegExp(`^(?:${pattern})$`, 'u').test(to)).toBe(false);
  });
});
