import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import sharp from 'sharp';

import { bytes } from '../../../src/demo/media-host.js';
import type { ProviderId } from '../../../src/demo/providers/registry.js';
import {
  aisouleV2,
  basic,
  bearer,
  rightCalls,
  send,
  startStage,
  type Answer,
  type Call,
  type Stage,
} from './stage.js';

let stage: Stage;
beforeAll(async () => {
  stage = await startStage();
});
afterAll(() => stage.simulator.close());

const api = (id: ProviderId) => stage.simulator.providers[id].api;
const unread = 'http://127.0.0.1:9/never-read';

type Change = (call: Call) => Call;
/** `to` with dots leads to the field; undefined takes it away. */
const field =
  (path: string, value: unknown): Change =>
  (call) => {
    const [first = '', ...rest] = path.split('.');
    const json = { ...call.json };
    if (rest.length === 0) json[first] = value;
    else json[first] = { ...(json[first] as object), [rest.join('.')]: value };
    return { ...call, json };
  };
const header =
  (name: string, value: string | undefined): Change =>
  (call) => ({ ...call, headers: { ...call.headers, [name]: value } });
const method =
  (name: string): Change =>
  (call) => ({ ...call, method: name });
const path =
  (change: (path: string) => string): Change =>
  (call) => ({ ...call, path: change(call.path) });
const plainText = header('content-type', 'text/plain');
const notJson: Change = (call) => ({ ...call, body: '{"to":' });
const long = (length: number) => 'x'.repeat(length);

/** What every provider refuses, with the status that it has for it. */
type Case = [what: string, change: Change, status: number];

const cases: Record<ProviderId, Case[]> = {
  blip: [
    ['no key', header('authorization', undefined), 401],
    ['another key', header('authorization', 'Key bm90OnRoaXM='), 401],
    ['a bearer token', header('authorization', 'Bearer x'), 401],
    ['another method', method('PUT'), 405],
    ['another path', path(() => '/message'), 404],
    ['text in place of JSON', plainText, 400],
    ['half of a body', notJson, 400],
    ['no recipient', field('to', undefined), 400],
    ['a recipient without its domain', field('to', '5511999990000'), 400],
    ['letters in a number', field('to', '55119999abc@wa.gw.msging.net'), 400],
    ['another type', field('type', 'text/plain'), 400],
    ['no content', field('content', undefined), 400],
    ['no address', field('content.uri', undefined), 400],
    ['an address that is none', field('content.uri', 'picture.jpg'), 400],
    ['a file on its own disk', field('content.uri', 'file:///etc/passwd'), 400],
    ['no media type', field('content.type', undefined), 400],
    ['an extension for a media type', field('content.type', 'jpg'), 400],
    ['a size in text', field('content.size', '1234'), 400],
    ['a ratio in decimals', field('content.aspectRatio', '1.33'), 400],
    ['a field that it does not know', field('content.caption', 'x'), 400],
    ['an empty text', field('content.text', ''), 400],
    ['something beside the fields of a message', field('caption', 'x'), 400],
  ],
  'z-api': [
    ['no client token', header('client-token', undefined), 400],
    ['another client token', header('client-token', 'x'), 403],
    ['another instance', path((text) => text.replace(/instances\/\w+/, 'instances/X')), 400],
    ['another token', path((text) => text.replace(/token\/\w+/, 'token/X')), 400],
    ['another method', method('PUT'), 405],
    ['a method that does not exist', path((text) => text.replace('send-image', 'send-picture')), 404],
    ['text in place of JSON', plainText, 415],
    ['half of a body', notJson, 400],
    ['no phone', field('phone', undefined), 400],
    ['a phone with a plus', field('phone', '+5511999990000'), 400],
    ['a phone with a mask', field('phone', '55 (11) 99999-0000'), 400],
    ['a phone that is a number', field('phone', 5511999990000), 400],
    ['no picture', field('image', undefined), 400],
    ['a picture that is no link', field('image', 'picture.jpg'), 400],
    ['Base64 without its type', field('image', '/9j/4AAQSkZJRg=='), 400],
    ['Base64 with blanks in it', field('image', 'data:image/png;base64,iVBO Rw0K'), 400],
    ['a caption that is too long', field('caption', long(1025)), 400],
    ['a delay of no time', field('delayMessage', 0), 400],
    ['a delay of 16 seconds', field('delayMessage', 16), 400],
    ['a delay in text', field('delayMessage', '5'), 400],
    ['viewOnce in text', field('viewOnce', 'true'), 400],
    ['a field that it does not know', field('fileName', 'x'), 400],
  ],
  vonage: [
    ['no token', header('authorization', undefined), 401],
    ['a token that is none', header('authorization', 'Bearer x.y.z'), 401],
    ['a token of another application', header('authorization', bearer({ application_id: 'another' })), 401],
    ['a token without an id', header('authorization', bearer({ jti: undefined })), 401],
    ['a token that has ended', header('authorization', bearer({ exp: 1_000 })), 401],
    ['a token of another algorithm', header('authorization', bearer({}, 'secret', 'HS256')), 401],
    ['a GET', method('GET'), 405],
    ['text in place of JSON', plainText, 415],
    ['half of a body', notJson, 422],
    ['no channel', field('channel', undefined), 422],
    ['a channel that does not exist', field('channel', 'telex'), 422],
    ['no type', field('message_type', undefined), 422],
    ['a type that the channel does not have', field('message_type', 'hologram'), 422],
    ['no recipient', field('to', undefined), 422],
    ['a recipient with a plus', field('to', '+5511999990000'), 422],
    ['a recipient of six digits', field('to', '551199'), 422],
    ['a recipient of sixteen digits', field('to', '5511999990000123'), 422],
    ['no sender', field('from', undefined), 422],
    ['no picture', field('image', undefined), 422],
    ['no address', field('image.url', undefined), 422],
    ['a caption that is too long', field('image.caption', long(1025)), 422],
    ['a reference that is too long', field('client_ref', long(101)), 422],
    ['a time to live in text', field('ttl', '600'), 422],
    ['a field that it does not know', field('caption', 'x'), 422],
    ['a caption on Messenger', (call) => field('channel', 'messenger')(call), 422],
  ],
  aisoule: [
    ['no key', header('authorization', undefined), 401],
    ['another key', header('authorization', 'Bearer x'), 401],
    [
      'the header of the other generation',
      (call) => header('x-api-key', 'x')(header('authorization', undefined)(call)),
      401,
    ],
    ['a GET', method('GET'), 405],
    ['text in place of JSON', plainText, 415],
    ['half of a body', notJson, 400],
    ['no recipient', field('to', undefined), 400],
    ['a recipient with a plus', field('to', '+5511999990000'), 400],
    ['letters in the recipient', field('to', '55119999abc'), 400],
    ['no type', field('type', undefined), 400],
    ['a type that it does not know', field('type', 'sticker'), 400],
    ['a type whose block is not there', field('type', 'video'), 400],
    ['no link', field('image.link', undefined), 400],
    ['a link that is not secure', field('image.link', 'http://pictures.example/a.jpg'), 400],
    ['the address of the other generation', (call) => field('image', { url: unread })(call), 400],
    ['a caption that is too long', field('image.caption', long(1025)), 400],
    ['a field that it does not know', field('image.viewOnce', true), 400],
  ],
  sobot: [
    ['no key', header('x-api-key', undefined), 401],
    ['no secret', header('x-api-secret', undefined), 401],
    ['the secret for the key', header('x-api-key', 'x'), 401],
    ['the path without its slash', path(() => '/message'), 404],
    ['a GET', method('GET'), 405],
    ['text in place of JSON', plainText, 415],
    ['half of a body', notJson, 400],
    ['a type that it does not know', field('type', 'audio'), 400],
    ['no address', field('url', undefined), 400],
    ['no media type', field('mime_type', undefined), 400],
    ['no number', field('customer_number', undefined), 400],
    ['a number with a plus', field('customer_number', '+5511999990000'), 400],
    ['a number with blanks', field('customer_number', '55 11 999990000'), 400],
    ['no name', field('customer_name', undefined), 400],
    ['an empty name', field('customer_name', ''), 400],
    ['a caption that is too long', field('caption', long(1025)), 400],
    ['a file name for a picture', field('filename', 'x.jpg'), 400],
    ['a document without a file name', field('type', 'document'), 400],
    ['a reply', field('messageId', 'wamid.x'), 400],
  ],
  meta: [
    ['no token', header('authorization', undefined), 401],
    ['another token', header('authorization', 'Bearer x'), 401],
    ['another version', path((text) => text.replace('v25.0', 'v1.0')), 404],
    ['another phone number', path((text) => text.replace(/\d{15}/, '100000000000001')), 400],
    ['a GET', method('GET'), 405],
    ['text in place of JSON', plainText, 400],
    ['half of a body', notJson, 400],
    ['no product', field('messaging_product', undefined), 400],
    ['no recipient', field('to', undefined), 400],
    ['a recipient with a plus', field('to', '+5511999990000'), 400],
    ['two recipients', field('recipient', 'BR.13491208655302741918'), 400],
    ['a group', field('recipient_type', 'group'), 400],
    ['no type', field('type', undefined), 400],
    ['a type that it does not know', field('type', 'hologram'), 400],
    ['a type whose block is not there', field('type', 'video'), 400],
    ['no file', field('image.link', undefined), 400],
    ['a link that is none', field('image.link', 'picture.jpg'), 400],
    ['a link and an id', field('image.id', '1'), 400],
    ['a caption that is too long', field('image.caption', long(1025)), 400],
    ['a file name for a picture', field('image.filename', 'x.jpg'), 400],
    ['a reply to nothing', field('context', {}), 400],
    ['a field that it does not know', field('caption', 'x'), 400],
  ],
  twilio: [
    ['no credentials', header('authorization', undefined), 401],
    ['another token', header('authorization', basic('x')), 401],
    ['another account', header('authorization', basic(undefined, `AC${'0'.repeat(32)}`)), 401],
    ['the path of another account', path((text) => text.replace(/AC\w+/, `AC${'0'.repeat(32)}`)), 404],
    ['a PUT', method('PUT'), 405],
    ['another path', path((text) => text.replace('.json', '')), 404],
    ['JSON in place of a form', header('content-type', 'application/json'), 415],
    ['no recipient', field('To', undefined), 400],
    ['a recipient without its network', field('To', '+5511999990000'), 400],
    ['a recipient without a plus', field('To', 'whatsapp:5511999990000'), 400],
    ['no sender', field('From', undefined), 400],
    ['another sender', field('From', 'whatsapp:+5511800000009'), 400],
    ['no file', field('MediaUrl', undefined), 400],
    ['an address that is none', field('MediaUrl', 'picture.jpg'), 400],
    ['a text that is too long', field('Body', long(1601)), 400],
    ['a callback that is none', field('StatusCallback', '/webhooks/twilio'), 400],
    ['a time that is no number', field('ValidityPeriod', 'soon'), 400],
    ['a field that it does not know', field('ReplyTo', 'SM1'), 400],
  ],
  telegram: [
    ['another token', path((text) => text.replace(/bot\d+/, 'bot1')), 401],
    ['a path without a token', path(() => '/sendPhoto'), 404],
    ['a method that does not exist', path((text) => text.replace('sendPhoto', 'sendHologram')), 404],
    ['a GET', method('GET'), 405],
    ['text in place of JSON', plainText, 400],
    ['half of a body', notJson, 400],
    ['no recipient', field('chat_id', undefined), 400],
    ['a phone number', field('chat_id', '+5511999990000'), 400],
    ['a name that is too short', field('chat_id', '@abc'), 400],
    ['no picture', field('photo', undefined), 400],
    ['a picture that is no link', field('photo', 'picture.jpg'), 400],
    ['a caption that is too long', field('caption', long(1025)), 400],
    ['a flag in text', field('has_spoiler', 'true'), 400],
    ['a topic of no number', field('message_thread_id', 0), 400],
    ['a reply to nothing', field('reply_parameters', {}), 400],
    ['a field that it does not know', field('filename', 'x.jpg'), 400],
    ['the field of another method', field('video', unread), 400],
  ],
  custom: [
    ['no key', header('authorization', undefined), 401],
    ['another key', header('authorization', 'Bearer x'), 401],
    ['another path', path(() => '/v1/message'), 404],
    ['a GET', method('GET'), 405],
    ['text in place of JSON', plainText, 415],
    ['half of a body', notJson, 422],
    ['no reference', field('reference', undefined), 422],
    ['no recipient', field('driver', undefined), 422],
    ['a recipient with a plus', field('driver', '+5511999990000'), 422],
    ['a kind that it does not know', field('kind', 'sticker'), 422],
    ['no link', field('link', undefined), 422],
    ['no type', field('mime', undefined), 422],
    ['a note that is too long', field('note', long(1001)), 422],
    ['a document without a name', field('kind', 'document'), 422],
    ['a field that it does not know', field('caption', 'x'), 422],
  ],
};

/** The errors in the documents' own form. */
const shapes: Record<ProviderId, (answer: Answer) => void> = {
  blip: () => undefined,
  'z-api': ({ body }) => {
    expect(body).toEqual({ error: expect.any(String) });
  },
  vonage: ({ body, headers }) => {
    expect(headers.get('content-type')).toBe('application/problem+json');
    expect(body).toMatchObject({ type: expect.any(String), title: expect.any(String) });
    expect(body).toMatchObject({ detail: expect.any(String), instance: expect.any(String) });
  },
  aisoule: ({ body }) => {
    expect(body).toEqual({
      success: false,
      error: { code: expect.any(String), message: expect.any(String) },
    });
  },
  sobot: ({ body, status }) => {
    expect(body).toEqual({ message: expect.any(String), code: status });
  },
  meta: ({ body }) => {
    expect(body).toMatchObject({ error: { message: expect.any(String), code: expect.any(Number) } });
  },
  twilio: ({ body, status }) => {
    const code = expect.any(Number) as unknown as number;
    expect(body).toEqual({ code, message: expect.any(String), more_info: expect.any(String), status });
  },
  telegram: ({ body, status }) => {
    expect(body).toEqual({ ok: false, error_code: status, description: expect.any(String) });
  },
  custom: ({ body }) => {
    expect(body).toEqual({ error: { code: expect.any(String), message: expect.any(String) } });
  },
};

describe.each(Object.entries(cases))('%s refuses', (name, list) => {
  const id = name as ProviderId;

  test.each(list)('%s', async (_what, change, status) => {
    const answer = await send(api(id).origin, change(rightCalls[id](unread)));
    expect(answer.status).toBe(status);
    shapes[id](answer);
    expect(api(id).accepted).toEqual([]);
    expect(api(id).refused.at(-1)?.answer.status).toBe(status);
  });
});

describe('aisoule, second generation, refuses', () => {
  test.each<Case>([
    ['no key', header('x-api-key', undefined), 401],
    ['the header of the first generation', header('x-api-key', 'x'), 401],
    ['a recipient without a plus', field('to', '5511999990000'), 400],
    ['the address of the first generation', field('image', { link: unread }), 400],
    ['a file name', field('image.filename', 'x'), 400],
    ['a body of more than 5 MB', field('image.caption', long(5 * 1024 * 1024)), 413],
  ])('%s', async (_what, change, status) => {
    const answer = await send(api('aisoule').origin, change(aisouleV2(unread)));
    expect(answer).toMatchObject({ status, body: { status: 'error', message: expect.any(String) } });
    expect(api('aisoule').accepted).toEqual([]);
  });
});

test('vonage names the invalid parameters', async () => {
  const wrong = field('image.caption', long(1025))(field('ttl', 'x')(rightCalls.vonage(unread)));
  const { body } = await send(api('vonage').origin, wrong);
  const parameters = (body as { invalid_parameters: { name: string }[] }).invalid_parameters;
  expect(parameters.map(({ name }) => name).sort()).toEqual(['image.caption', 'ttl']);
});

describe('telegram refuses at once a picture', () => {
  test.each([
    ['of more than 5 MB by link', 'large', 'more than 5242880 bytes'],
    ['that is a web page', 'page', 'text/html'],
    ['that is gone', 'gone', '404'],
    ['that is a GIF, which is an animation', 'gif', 'image/gif'],
  ] as const)('%s', async (_what, file, words) => {
    const answer = await send(api('telegram').origin, rightCalls.telegram(stage.files[file]));
    expect(answer).toMatchObject({
      status: 400,
      body: { description: expect.stringMatching(new RegExp(`failed to get HTTP URL content.*${words}`)) },
    });
    expect(api('telegram').accepted).toEqual([]);
  });

  test('that is too narrow', async () => {
    const narrow = await sharp({ create: { width: 210, height: 10, channels: 3, background: '#fff' } })
      .jpeg()
      .toBuffer();
    const url = stage.simulator.host.serve('/narrow.jpg', bytes('image/jpeg', narrow));
    const answer = await send(api('telegram').origin, rightCalls.telegram(url));
    expect(answer).toMatchObject({ status: 400, body: { description: expect.stringContaining('210 x 10') } });
  });
});

describe('sobot refuses at once a picture', () => {
  test.each([
    ['of more than 5 MB', 'large', 'more than 5242880 bytes'],
    ['of another type', 'gif', 'image/gif'],
    ['of another type than it is said to be', 'png', 'image/jpeg as it is said to be'],
    ['in CMYK', 'cmyk', 'cmyk'],
    ['that is a web page', 'page', 'text/html'],
    ['that is gone', 'gone', '404'],
    ['in grey', 'grey', 'b-w'],
  ] as const)('%s', async (_what, file, words) => {
    const answer = await send(api('sobot').origin, rightCalls.sobot(stage.files[file]));
    expect(answer).toMatchObject({ status: 400, body: { message: expect.stringContaining(words) } });
    expect(api('sobot').accepted).toEqual([]);
  });

  test('of 16 bits', async () => {
    const call = field('mime_type', 'image/png')(rightCalls.sobot(stage.files.deep));
    const answer = await send(api('sobot').origin, call);
    expect(answer).toMatchObject({ status: 400, body: { message: expect.stringContaining('ushort') } });
  });
});
