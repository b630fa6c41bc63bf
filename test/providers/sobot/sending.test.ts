/** The exact requests to Sobot, and the meaning of its responses. */
import { describe } from '@jest/globals';

import { answersMean, document, link, message, requestsAre, sticker, video } from '../sending-stage.js';

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
