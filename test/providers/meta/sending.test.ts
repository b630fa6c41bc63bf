/** The exact requests to Meta, and the meaning of its responses. */
import { describe, expect, test } from '@jest/globals';

import { readForm } from '../../../src/demo/providers/api/multipart.js';
import type { OutboundMessage, SendOutcome } from '../../../src/domain/sending.js';
import type { Answer } from '../recording-api.js';
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

const path = '/v25.0/100000000000042/messages';
const headers = { authorization: 'Bearer EAAinvented0123456789' };
const common = { messaging_product: 'whatsapp', recipient_type: 'individual', to: message.to };

describe('meta is sent', () => {
  requestsAre('meta', headers, [
    { name: 'an image', path, body: { ...common, type: 'image', image: { link: message.content.url } } },
    {
      name: 'an image with everything',
      message: { caption: 'look', replyTo: 'wamid.aW52ZW50ZWQ=', filename: 'rose.jpg' },
      path,
      body: {
        ...common,
        context: { message_id: 'wamid.aW52ZW50ZWQ=' },
        type: 'image',
        image: { link: message.content.url, caption: 'look' },
      },
    },
    {
      name: 'a video',
      message: { ...video, caption: 'look' },
      path,
      body: { ...common, type: 'video', video: { link: video.content.url, caption: 'look' } },
    },
    {
      name: 'audio',
      message: { ...audio, filename: 'a.mp3' },
      path,
      body: { ...common, type: 'audio', audio: { link: audio.content.url } },
    },
    {
      name: 'a document',
      message: { ...document, caption: 'look', filename: 'offer.pdf' },
      path,
      body: {
        ...common,
        type: 'document',
        document: { link: document.content.url, caption: 'look', filename: 'offer.pdf' },
      },
    },
    {
      name: 'a sticker',
      message: sticker,
      path,
      body: { ...common, type: 'sticker', sticker: { link: sticker.content.url } },
    },
    {
      name: 'an image to a person without a number',
      message: { to: 'BR.13491208655302741918' },
      path,
      body: {
        messaging_product: 'whatsapp',
        recipient_type: 'individual',
        recipient: 'BR.13491208655302741918',
        type: 'image',
        image: { link: message.content.url },
      },
    },
  ]);
});

const upload = {
  content: { way: 'upload', data: () => Promise.resolve(Buffer.from('png!')) },
  type: 'image/png',
} as const satisfies Partial<OutboundMessage>;
const uploaded: Answer = { status: 200, body: { id: '700000000000001' } };
const accepted: Answer = {
  status: 200,
  body: {
    messaging_product: 'whatsapp',
    contacts: [{ input: message.to, wa_id: message.to }],
    messages: [{ id: 'wamid.aW52ZW50ZWQ=', message_status: 'accepted' }],
  },
};
const error = (code: number, details?: string) => ({
  error: {
    message: `(#${String(code)}) something`,
    type: 'OAuthException',
    code,
    ...(details !== undefined && { error_data: { messaging_product: 'whatsapp', details } }),
    fbtrace_id: 'A1',
  },
});

describe('bytes', () => {
  test('are uploaded, and the message has their id', async () => {
    api.answers.push(uploaded, accepted);
    expect(await send('meta', { message: { ...upload, filename: 'rose.png', caption: 'look' } })).toEqual({
      type: 'accepted',
      messageId: 'wamid.aW52ZW50ZWQ=',
    });
    const [form, sent] = api.requests;
    expect(form).toMatchObject({ method: 'POST', path: '/v25.0/100000000000042/media', headers });
    const type = form?.headers['content-type'] ?? '';
    expect(type).toMatch(/^multipart\/form-data; boundary=/);
    const fields = readForm(type, Buffer.from(String(form?.body), 'latin1'));
    expect(Object.fromEntries(fields ?? [])).toEqual({
      messaging_product: 'whatsapp',
      type: 'image/png',
      file: { filename: 'rose.png', type: 'image/png', bytes: Buffer.from('png!') },
    });
    expect(sent).toEqual({
      method: 'POST',
      path,
      headers: { 'content-type': 'application/json', ...headers },
      body: { ...common, type: 'image', image: { id: '700000000000001', caption: 'look' } },
    });
  });

  test('without a name are named after their type', async () => {
    api.answers.push(uploaded, accepted);
    await send('meta', { message: { ...upload, type: 'audio/ogg; codecs=opus', kind: 'audio' } });
    expect(String(api.requests[0]?.body)).toContain('filename="file.ogg"');
    expect(String(api.requests[0]?.body)).toMatch(/\r\n\r\naudio\/ogg\r\n/);
  });

  test.each<[string, Answer, SendOutcome]>([
    [
      'is busy',
      { status: 400, body: error(130429) },
      { type: 'busy', retryAfterMs: null, code: '130429', message: '(#130429) something' },
    ],
    [
      'refuses the file',
      { status: 400, body: error(100, 'The file is not an image.') },
      { type: 'refused', code: '100', message: 'The file is not an image.' },
    ],
    [
      'refuses the token',
      { status: 401, body: error(190) },
      { type: 'refused', code: '190', message: '(#190) something' },
    ],
    [
      'has trouble',
      { status: 500, body: error(131000) },
      { type: 'busy', retryAfterMs: null, code: 'upload_failed', message: '(#131000) something' },
    ],
    [
      'answers with a page',
      { status: 200, body: '<html>' },
      { type: 'busy', retryAfterMs: null, code: 'upload_failed', message: 'the provider answered 200' },
    ],
    [
      'does not answer',
      { status: 200, hang: true },
      {
        type: 'busy',
        retryAfterMs: null,
        code: 'upload_failed',
        message: expect.stringMatching(/could not be reached/) as unknown as string,
      },
    ],
  ])('are not sent if the upload %s, which is never unclear', async (_what, answer, outcome) => {
    api.answers.push(answer);
    expect(await send('meta', { message: upload })).toEqual(outcome);
    expect(api.requests.map((request) => request.path)).toEqual(['/v25.0/100000000000042/media']);
  });

  test('are not uploaded if they cannot be read', async () => {
    const content = { way: 'upload', data: () => Promise.reject(new Error('gone')) } as const;
    expect(await send('meta', { message: { content } })).toMatchObject({
      type: 'busy',
      code: 'not_prepared',
    });
    expect(api.requests).toEqual([]);
  });
});

describe('meta answers', () => {
  answersMean('meta', [
    {
      name: 'that it accepted the message',
      answer: accepted,
      outcome: { type: 'accepted', messageId: 'wamid.aW52ZW50ZWQ=' },
    },
    {
      name: 'that it accepted the message to a person without a number',
      answer: {
        status: 200,
        body: { contacts: [{ input: 'US.1', user_id: 'US.1' }], messages: [{ id: 'wamid.x' }] },
      },
      outcome: { type: 'accepted', messageId: 'wamid.x' },
    },
    {
      name: 'that it was sent, but not the id',
      answer: { status: 200, body: { messages: [] } },
      outcome: { type: 'unknown', message: 'the provider answered 200' },
    },
    {
      name: 'with an error in a body with a success status',
      answer: { status: 200, body: error(131026, 'This person cannot be reached.') },
      outcome: { type: 'refused', code: '131026', message: 'This person cannot be reached.' },
    },
    {
      name: 'with a code as text',
      answer: { status: 400, body: { error: { code: '131056', message: 'pair' } } },
      outcome: { type: 'busy', retryAfterMs: null, code: '131056', message: 'pair', concerns: 'recipient' },
    },
    {
      name: 'with a code that is not known',
      answer: { status: 400, body: error(139999) },
      outcome: { type: 'refused', code: '139999', message: '(#139999) something' },
    },
    {
      name: 'with trouble and a code that is not known',
      answer: { status: 500, body: error(139999) },
      outcome: { type: 'unknown', message: '(#139999) something' },
    },
    {
      name: '429 with a code that means nothing',
      answer: { status: 429, headers: { 'retry-after': '3' }, body: error(1) },
      outcome: { type: 'busy', retryAfterMs: 3_000, code: '1', message: '(#1) something' },
    },
  ]);

  const typeOf = async (answer: Answer): Promise<string> => {
    api.answers.length = 0;
    api.answers.push(answer);
    return (await send('meta', {})).type;
  };
  const means = async (codes: readonly number[], type: string): Promise<void> => {
    for (const status of [400, 401, 403, 404, 500, 503])
      for (const code of codes)
        expect({ status, code, type: await typeOf({ status, body: error(code) }) }).toEqual({
          status,
          code,
          type,
        });
  };

  test('busy by the code, whatever the status', async () => {
    await means([4, 80007, 130429, 131048, 131056, 133016], 'busy');
  });

  test('busy for one person only, if there are too many messages to that person', async () => {
    const outcomeOf = async (code: number): Promise<SendOutcome> => {
      api.answers.length = 0;
      api.answers.push({ status: 400, headers: { 'retry-after': '60' }, body: error(code) });
      return send('meta', {});
    };
    expect(await outcomeOf(131056)).toMatchObject({
      type: 'busy',
      retryAfterMs: 60_000,
      concerns: 'recipient',
    });
    for (const code of [4, 80007, 130429, 131048, 133016])
      expect(await outcomeOf(code)).not.toHaveProperty('concerns');
  });

  test('no by the code, whatever the status', async () => {
    await means(
      [0, 3, 10, 100, 190, 200, 299, 368, 131026, 131031, 131047, 131051, 131052, 131053],
      'refused',
    );
  });

  test('nothing certain by the code, whatever the status', async () => {
    await means([1, 2, 131000, 131016], 'unknown');
  });
});

test('a person gets one message in six seconds, and everything may be a reply', () => {
  const sending = sendingOf('meta');
  expect(sending.recipientIntervalMs?.(message.to)).toBe(6_000);
  expect(sending.takesReply({})).toBe(true);
  expect(sending.limitsFor({}).ways).toEqual(['upload', 'link']);
});

test.each([
  ['image', 5 * 1024 * 1024, 1024],
  ['video', 16 * 1024 * 1024, 1024],
  ['audio', 16 * 1024 * 1024, 0],
  ['document', 100 * 1024 * 1024, 1024],
  ['sticker', 100 * 1024, 0],
] as const)('%s has at most %d bytes and %d characters', (kind, maxBytes, maxCaption) => {
  expect(sendingOf('meta').limitsFor({}).media[kind]).toMatchObject({ maxBytes, maxCaption });
});

test('a link is never uploaded, because Meta downloads it itself', async () => {
  api.answers.push(accepted);
  await send('meta', { message: { content: link('p1.jpg') } });
  expect(api.requests.map((request) => request.path)).toEqual([path]);
});
