/** The exact requests to the Bot API, and the meaning of its responses. */
import { describe, expect, test } from '@jest/globals';

import type { OutboundMessage } from '../../../src/domain/sending.js';
import { readForm } from '../../../src/demo/providers/api/multipart.js';
import {
  answersMean,
  api,
  audio,
  document,
  link,
  message,
  requestsAre,
  send,
  sendingOf,
  sticker,
  video,
} from '../sending-stage.js';
import { botToken } from '../../samples/telegram.js';

const at = (method: string): string => `/bot${botToken}/${method}`;
const to = 5511900000001;
const upload = { way: 'upload', data: () => Promise.resolve(Buffer.from('bytes')) } as const;

describe('telegram is sent by link', () => {
  requestsAre('telegram', {}, [
    {
      name: 'an image',
      message: { caption: 'look' },
      path: at('sendPhoto'),
      body: { chat_id: to, photo: message.content.url, caption: 'look' },
    },
    {
      name: 'an image with everything',
      message: { to: '-1002000000003', replyTo: '-1002000000003:41', caption: 'look' },
      options: {
        disableNotification: true,
        protectContent: true,
        hasSpoiler: true,
        showCaptionAboveMedia: true,
        messageThreadId: 12,
      },
      path: at('sendPhoto'),
      body: {
        chat_id: -1002000000003,
        photo: message.content.url,
        caption: 'look',
        reply_parameters: { message_id: 41 },
        message_thread_id: 12,
        disable_notification: true,
        protect_content: true,
        has_spoiler: true,
        show_caption_above_media: true,
      },
    },
    {
      name: 'an image to a channel',
      message: { to: '@jardim_modelo' },
      path: at('sendPhoto'),
      body: { chat_id: '@jardim_modelo', photo: message.content.url },
    },
    {
      name: 'an image to an id that is too long for a number',
      message: { to: '9999999999999999999' },
      path: at('sendPhoto'),
      body: { chat_id: '9999999999999999999', photo: message.content.url },
    },
    {
      name: 'an image in the name of a business, as a reply',
      message: { replyTo: 'connection-A1/5511900000001:7' },
      options: { businessConnectionId: 'connection-A1' },
      path: at('sendPhoto'),
      body: {
        business_connection_id: 'connection-A1',
        chat_id: to,
        photo: message.content.url,
        reply_parameters: { message_id: 7 },
      },
    },
    {
      name: 'an animated image',
      message: { type: 'image/gif', content: link('a.gif'), caption: 'look' },
      path: at('sendAnimation'),
      body: { chat_id: to, animation: link('a.gif').url, caption: 'look' },
    },
    {
      name: 'a video',
      message: { ...video, caption: 'look' },
      options: { hasSpoiler: true },
      path: at('sendVideo'),
      body: { chat_id: to, video: video.content.url, caption: 'look', has_spoiler: true },
    },
    {
      name: 'music',
      message: { ...audio, caption: 'listen' },
      options: { hasSpoiler: true },
      path: at('sendAudio'),
      body: { chat_id: to, audio: audio.content.url, caption: 'listen' },
    },
    {
      name: 'a voice note',
      message: { kind: 'audio', type: 'audio/ogg; codecs=opus', content: link('v.ogg') },
      path: at('sendVoice'),
      body: { chat_id: to, voice: link('v.ogg').url },
    },
    {
      name: 'a document',
      message: { ...document, filename: 'offer.pdf', caption: 'look' },
      path: at('sendDocument'),
      body: { chat_id: to, document: document.content.url, caption: 'look' },
    },
    {
      name: 'a picture as a document',
      message: { kind: 'document', type: 'image/gif', content: link('d.gif') },
      path: at('sendDocument'),
      body: { chat_id: to, document: link('d.gif').url },
    },
    {
      name: 'a sticker',
      message: { ...sticker, caption: 'none' },
      path: at('sendSticker'),
      body: { chat_id: to, sticker: sticker.content.url },
    },
  ]);
});

describe('telegram is sent by upload', () => {
  const sent = async (changes: Partial<OutboundMessage>, options = {}) => {
    api.answers.push({ status: 500 });
    await send('telegram', { message: { content: upload, ...changes }, options });
    const [request, ...others] = api.requests;
    expect(others).toEqual([]);
    const type = String(request?.headers['content-type']);
    return {
      path: request?.path,
      form: Object.fromEntries(readForm(type, Buffer.from(String(request?.body), 'latin1')) ?? []),
    };
  };
  const bytes = Buffer.from('bytes');

  test.each<[string, Partial<OutboundMessage>, string, string, string]>([
    ['an image', {}, 'sendPhoto', 'photo', 'photo.jpg'],
    ['an image with a name', { filename: 'rose.jpeg' }, 'sendPhoto', 'photo', 'rose.jpeg'],
    ['an animated image', { type: 'image/gif' }, 'sendAnimation', 'animation', 'animation.gif'],
    ['a video', { kind: 'video', type: 'video/mp4' }, 'sendVideo', 'video', 'video.mp4'],
    ['an animation', { kind: 'video', type: 'image/gif' }, 'sendAnimation', 'animation', 'animation.gif'],
    ['music', { kind: 'audio', type: 'audio/mpeg' }, 'sendAudio', 'audio', 'audio.mp3'],
    ['a voice note', { kind: 'audio', type: 'audio/ogg' }, 'sendVoice', 'voice', 'voice.ogg'],
    ['a document', { kind: 'document', type: 'application/pdf' }, 'sendDocument', 'document', 'document.pdf'],
    ['a sticker', { kind: 'sticker', type: 'image/webp' }, 'sendSticker', 'sticker', 'sticker.webp'],
    [
      'an animated sticker',
      { kind: 'sticker', type: 'application/gzip' },
      'sendSticker',
      'sticker',
      'sticker.tgs',
    ],
    ['a video sticker', { kind: 'sticker', type: 'video/webm' }, 'sendSticker', 'sticker', 'sticker.webm'],
    [
      'a packed document',
      { kind: 'document', type: 'application/gzip' },
      'sendDocument',
      'document',
      'document.gz',
    ],
  ])('%s', async (_what, changes, method, field, filename) => {
    const type = changes.type ?? 'image/jpeg';
    expect(await sent(changes)).toEqual({
      path: at(method),
      form: { chat_id: String(to), [field]: { filename, type, bytes } },
    });
  });

  test('with everything, of which objects and flags are JSON', async () => {
    const changes = { to: '-1002000000003', replyTo: '-1002000000003:41', caption: '{"not": "JSON"}' };
    const { form } = await sent(changes, {
      disableNotification: false,
      hasSpoiler: true,
      messageThreadId: 12,
    });
    expect(form).toEqual({
      chat_id: '-1002000000003',
      caption: '{"not": "JSON"}',
      reply_parameters: '{"message_id":41}',
      message_thread_id: '12',
      has_spoiler: 'true',
      disable_notification: 'false',
      photo: { filename: 'photo.jpg', type: 'image/jpeg', bytes },
    });
  });

  test('bytes that cannot be read are not sent', async () => {
    const content = { way: 'upload', data: () => Promise.reject(new Error('gone')) } as const;
    expect(await send('telegram', { message: { content } })).toMatchObject({
      type: 'busy',
      code: 'not_prepared',
    });
    expect(api.requests).toEqual([]);
  });
});

describe('a reply', () => {
  test.each([
    ['of another chat', '5511900000002:7', {}],
    ['of a group', '-5511900000001:7', {}],
    ['of a business chat with the same id', 'connection-A1/5511900000001:7', {}],
    ['of the bot for a business', '5511900000001:7', { businessConnectionId: 'connection-A1' }],
    ['of another connection', 'connection-B2/5511900000001:7', { businessConnectionId: 'connection-A1' }],
    ['that is ephemeral', '5511900000001:e3:1795255200', {}],
    ['of another provider', 'wamid.HBgM', {}],
  ])('to a message %s is not sent', async (_what, replyTo, options) => {
    expect(await send('telegram', { message: { replyTo }, options })).toMatchObject({
      type: 'refused',
      code: 'reply_elsewhere',
    });
    expect(api.requests).toEqual([]);
  });

  test('needs the number of a channel, because its name does not show to which chat the message belongs', async () => {
    const outcome = await send('telegram', {
      message: { to: '@jardim_modelo', replyTo: '-1002000000007:7' },
    });
    expect(outcome).toMatchObject({ type: 'refused', message: expect.stringMatching(/must be a number/) });
  });
});

describe('telegram answers', () => {
  const result = { message_id: 99, date: 1_795_255_200, chat: { id: to, type: 'private' } };
  const accepted = (changes: object) => ({
    status: 200,
    body: { ok: true, result: { ...result, ...changes } },
  });
  const refusal = (status: number, description: string, parameters?: object) => ({
    status,
    body: { ok: false, error_code: status, description, parameters },
  });

  answersMean('telegram', [
    {
      name: 'with the message, whose id is that of its webhooks',
      answer: accepted({}),
      outcome: { type: 'accepted', messageId: '5511900000001:99' },
    },
    {
      name: 'with a message in a group',
      answer: accepted({ chat: { id: -1002000000003 } }),
      outcome: { type: 'accepted', messageId: '-1002000000003:99' },
    },
    {
      name: 'with a message of a business',
      answer: accepted({ business_connection_id: 'connection-A1' }),
      outcome: { type: 'accepted', messageId: 'connection-A1/5511900000001:99' },
    },
    {
      name: 'with a scheduled message',
      answer: accepted({ message_id: 0 }),
      outcome: { type: 'accepted', messageId: '5511900000001:0' },
    },
    {
      name: 'without a chat',
      answer: accepted({ chat: null }),
      outcome: { type: 'unknown', message: 'the provider answered 200' },
    },
    {
      name: 'that it is busy',
      answer: refusal(429, 'Too Many Requests: retry after 14', { retry_after: 14 }),
      outcome: {
        type: 'busy',
        retryAfterMs: 14_000,
        code: '429',
        message: 'Too Many Requests: retry after 14',
      },
    },
    {
      name: 'that the chat does not exist',
      answer: refusal(400, 'Bad Request: chat not found'),
      outcome: { type: 'refused', code: '400', message: 'Bad Request: chat not found' },
    },
    {
      name: 'that the group has a new id',
      answer: refusal(400, 'Bad Request: group chat was upgraded to a supergroup chat', {
        migrate_to_chat_id: -1002000000099,
      }),
      outcome: {
        type: 'refused',
        code: '400',
        message:
          'Bad Request: group chat was upgraded to a supergroup chat; the group has become a supergroup: send to -1002000000099',
      },
    },
    {
      name: 'that the token is wrong',
      answer: refusal(401, 'Unauthorized'),
      outcome: { type: 'refused', code: '401', message: 'Unauthorized' },
    },
    {
      name: 'that the person has blocked the bot',
      answer: refusal(403, 'Forbidden: bot was blocked by the user'),
      outcome: { type: 'refused', code: '403', message: 'Forbidden: bot was blocked by the user' },
    },
    {
      name: 'that there is no such bot',
      answer: refusal(404, 'Not Found'),
      outcome: { type: 'refused', code: '404', message: 'Not Found' },
    },
    {
      name: 'that the file is too large',
      answer: refusal(413, 'Request Entity Too Large'),
      outcome: { type: 'refused', code: '413', message: 'Request Entity Too Large' },
    },
    {
      name: 'that something is wrong with it',
      answer: refusal(500, 'Internal Server Error: restart'),
      outcome: { type: 'unknown', message: 'Internal Server Error: restart' },
    },
  ]);

  test.each([botToken, encodeURIComponent(botToken), botToken.slice(10), botToken.replace(':', '%3a')])(
    'with the text %s, and the token in it is not repeated',
    async (text) => {
      api.answers.push(refusal(404, `no such path /bot${text}/sendPhoto`));
      const outcome = await send('telegram', {});
      expect(JSON.stringify(outcome)).toContain('***/sendPhoto');
      expect(JSON.stringify(outcome)).not.toContain(botToken.slice(10));
    },
  );
});

describe('recipients', () => {
  const isTaken = (to: string): boolean => {
    const { recipient } = sendingOf('telegram').limitsFor({});
    return new RegExp(`^(?:${recipient.pattern})$`, 'u').test(to);
  };

  test.each(['5100000001', '-100', '-1002000000003', '@jardim_modelo', '@abcd'])('include %s', (to) => {
    expect(isTaken(to)).toBe(true);
  });

  test.each([
    '',
    '-',
    '--1',
    '1-',
    '@',
    '@abc',
    '@1abcd',
    '@a-bcd',
    `@a${'b'.repeat(32)}`,
    '1'.repeat(20),
    'rosa',
    '+5511900000001',
  ])('do not include %j', (to) => {
    expect(isTaken(to)).toBe(false);
  });

  test('get a message a second, and groups and channels one every three seconds', () => {
    const { recipientIntervalMs } = sendingOf('telegram');
    expect(['5100000001', '-100', '@jardim_modelo'].map((to) => recipientIntervalMs?.(to))).toEqual([
      1_000, 3_000, 3_000,
    ]);
  });
});
