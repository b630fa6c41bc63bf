/** What exactly goes to each provider, and what its answers mean: real requests over a real socket. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';

import type { OutboundMessage, Sending, SendOptions, SendOutcome } from '../../src/domain/sending.js';
import { providers } from '../../src/providers/index.js';
import { receivedAt } from './fixtures.js';
import { type Answer, type RecordingApi, startRecordingApi } from './recording-api.js';
import { credentials } from './signing.js';

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

/** The bytes of "png!" in base64: cG5nIQ== */
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

/** Checks the options as the service does, then sends. */
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
      name: 'a document of which only the type is known',
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

  test('no token of the account where there is none', async () => {
    await send('z-api', { settings: { clientToken: undefined } });
    expect(api.requests[0]?.headers).not.toHaveProperty('client-token');
  });
});

describe('z-api answers', () => {
  answersMean('z-api', [
    {
      name: 'that it has it',
      answer: { status: 200, body: { zaapId: '3999', messageId: 'D241', id: 'D241' } },
      outcome: { type: 'accepted', messageId: 'D241' },
    },
    {
      name: 'that the token is missing',
      answer: { status: 400, body: { error: 'null not allowed' } },
      outcome: { type: 'refused', code: 'http_400', message: 'null not allowed' },
    },
    {
      name: 'that the address is blocked, whatever the status',
      answer: { status: 200, body: { error: '[10.0.0.1] not allowed' } },
      outcome: { type: 'refused', code: 'http_200', message: '[10.0.0.1] not allowed' },
    },
    {
      name: 'that the method is wrong',
      answer: { status: 405 },
      outcome: { type: 'refused', code: 'http_405', message: 'The provider answered 405' },
    },
    {
      name: 'that the type is missing',
      answer: { status: 415, body: { error: 'Unsupported Media Type' } },
      outcome: { type: 'refused', code: 'http_415', message: 'Unsupported Media Type' },
    },
  ]);

  test('with the address that was called, and the token in it is not repeated', async () => {
    const error = 'no such path /instances/3C01/token/T%2F0123456789/send-image or T/0123456789';
    api.answers.push({ status: 404, body: { error } });
    expect(await send('z-api', {})).toMatchObject({
      message: 'no such path /instances/3C01/token/***/send-image or ***',
    });
  });
});

/** Where the answer of every provider means the same. */
describe.each(Object.keys(credentials).map((id) => ({ id })))('$id', ({ id }) => {
  test.each<AnswerCase>([
    {
      name: 'is busy for so many seconds',
      answer: { status: 429, headers: { 'retry-after': '7' } },
      outcome: { type: 'busy', retryAfterMs: 7_000, code: 'http_429', message: 'The provider answered 429' },
    },
    {
      name: 'is busy until a date',
      answer: {
        status: 429,
        headers: { 'retry-after': new Date(receivedAt.getTime() + 60_000).toUTCString() },
      },
      outcome: { type: 'busy', retryAfterMs: 60_000, code: 'http_429', message: 'The provider answered 429' },
    },
    {
      name: 'is busy and does not say for how long',
      answer: { status: 429, headers: { 'retry-after': 'soon' } },
      outcome: { type: 'busy', retryAfterMs: null, code: 'http_429', message: 'The provider answered 429' },
    },
    {
      name: 'is out of service and asks to come again',
      answer: { status: 503, headers: { 'retry-after': '30' } },
      outcome: { type: 'busy', retryAfterMs: 30_000, code: 'http_503', message: 'The provider answered 503' },
    },
    {
      name: 'is out of service and nobody knows what it has',
      answer: { status: 503, body: '<html>Service Unavailable</html>' },
      outcome: { type: 'unknown', message: 'The provider answered 503' },
    },
    {
      name: 'fails, and nobody knows what it has',
      answer: { status: 500, body: '' },
      outcome: { type: 'unknown', message: 'The provider answered 500' },
    },
    {
      name: 'sends us elsewhere, and nobody knows what it has',
      answer: { status: 302, headers: { location: '/elsewhere' } },
      outcome: { type: 'unknown', message: 'The provider answered 302' },
    },
    {
      name: 'agrees with words that mean nothing',
      answer: { status: 200, body: '<html>Welcome</html>' },
      outcome: { type: 'unknown', message: 'The provider answered 200' },
    },
    {
      name: 'agrees with JSON that names no message',
      answer: { status: 200, body: { ok: true, data: [], id: {}, message_id: null } },
      outcome: { type: 'unknown', message: 'The provider answered 200' },
    },
    {
      name: 'refuses with a page',
      answer: { status: 403, body: '<html>Forbidden</html>' },
      outcome: { type: 'refused', code: 'http_403', message: 'The provider answered 403' },
    },
    {
      name: 'takes the request and says nothing',
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
      ...{ type: 'busy', retryAfterMs: null, code: 'connection_failed' },
    });
  });
});
