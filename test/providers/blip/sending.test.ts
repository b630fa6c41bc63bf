/** The exact requests to Blip, and the meaning of its responses. */
import { describe, expect, test } from '@jest/globals';

import {
  answersMean,
  api,
  audio,
  document,
  message,
  requestsAre,
  send,
  sendingOf,
  video,
} from '../sending-stage.js';
import { evaluate } from '../../support/evaluator.js';

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
    await sending.send(
      { ...message, options: {} },
      ({ url }) => {
        urls.push(url);
        return Promise.resolve({ status: 202, headers: {}, body: '' });
      },
      evaluate,
    );
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
