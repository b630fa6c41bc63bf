/** The exact requests to Z-API, and the meaning of its responses. */
import { describe, expect, test } from '@jest/globals';

import {
  answersMean,
  api,
  audio,
  document,
  inline,
  link,
  message,
  requestsAre,
  send,
  sticker,
  video,
} from '../sending-stage.js';

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
