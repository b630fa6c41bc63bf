/** The exact requests to AISoule, and the meaning of its responses. */
import { describe, expect, test } from '@jest/globals';

import { answersMean, audio, document, message, requestsAre, sendingOf, video } from '../sending-stage.js';
import { evaluate } from '../../support/evaluator.js';

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
      await sending.send(
        { ...message, options: { generation } },
        ({ url }) => {
          urls.push(url);
          return Promise.reject(new Error('no answer'));
        },
        evaluate,
      );
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
