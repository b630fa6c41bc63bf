/** The exact requests to Vonage, and the meaning of its responses. */
import { describe, expect, test } from '@jest/globals';
import jwt from 'jsonwebtoken';

import { receivedAt } from '../fixtures.js';
import {
  answersMean,
  api,
  audio,
  document,
  message,
  requestsAre,
  send,
  sendingOf,
  sticker,
  video,
} from '../sending-stage.js';
import { vonagePublicKey } from '../../samples/vonage.js';

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
