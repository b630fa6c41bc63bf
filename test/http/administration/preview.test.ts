/** Trying the settings of a custom channel with a pasted webhook, before there is a channel. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { call, type Answer, type Call, type Problem } from '../../support/client.js';
import { findEverywhere } from '../../support/everything.js';
import { startTestService, type TestService } from '../../support/test-service.js';

interface PreviewBody {
  readonly problems: readonly { readonly field: string; readonly message: string }[];
  readonly outcome: string | null;
  readonly reason: string | null;
  readonly events: readonly object[];
  readonly omitted: number;
}
type Body = PreviewBody & Problem;

let service: TestService;
beforeAll(async () => {
  service = await startTestService({ queue: false, env: { MAX_MEDIA_BYTES: '1000000' } });
});
afterAll(() => service.stop());

const ask = (json: unknown, what: Call = {}, provider = 'custom'): Promise<Answer<Body>> =>
  call<Body>(service.url, `/v1/providers/${provider}/preview`, {
    method: 'post',
    token: service.token('admin'),
    json,
    ...what,
  });

/** The preview of a payload; the answer must be 200. */
async function previewOf(
  settings: Readonly<Record<string, string>>,
  payload: string,
  contentType?: string,
): Promise<PreviewBody> {
  const { status, body } = await ask({
    settings,
    payload,
    ...(contentType !== undefined && { contentType }),
  });
  expect({ status, body }).toMatchObject({ status: 200 });
  return body;
}

const payload = JSON.stringify({
  id: 'p1',
  from: 'a1',
  link: 'https://files.example/1.jpg',
  file: 'aGVsbG8=',
});
const image = '{"type": "message", "id": id, "from": from, "media": {"kind": "image", "url": link}}';

describe('a sample', () => {
  test('is shown as events, with the size of a file that it contains', async () => {
    const events = `[
      {"type": "message", "id": id, "from": from, "caption": "look", "media": [
        {"kind": "image", "url": link, "type": "image/jpeg"}, {"kind": "document", "base64": file}, {"kind": "image", "id": 7}
      ]},
      {"type": "status", "id": id, "status": "failed", "error": {"code": 5, "message": "no"}},
      {"type": "deletion", "id": id}
    ]`;
    const nothing = { url: null, reference: null, embedded: null, type: null, filename: null, sha256: null };
    expect(await previewOf({ events }, payload)).toEqual({
      problems: [],
      outcome: 'accepted',
      reason: null,
      omitted: 0,
      events: [
        {
          type: 'message',
          id: 'p1',
          direction: 'inbound',
          from: 'a1',
          to: null,
          chat: null,
          name: null,
          caption: 'look',
          sentAt: null,
          media: [
            {
              ...nothing,
              kind: 'image',
              url: 'https://files.example/1.jpg',
              type: 'image/jpeg',
              problem: null,
            },
            { ...nothing, kind: 'document', embedded: { pointer: '/file', bytes: 5 }, problem: null },
            { ...nothing, kind: 'image', reference: '7', problem: null },
          ],
        },
        { type: 'status', id: 'p1', status: 'failed', at: null, error: { code: '5', message: 'no' } },
        { type: 'deletion', id: 'p1', at: null },
      ],
    });
  });

  test('may be a form', async () => {
    const settings = {
      body: 'form',
      formLists: 'photo',
      events: '{"type": "message", "id": n, "from": `e mail`, "media": photo.{"kind": "image", "url": $}}',
    };
    const form =
      'n=1&e+mail=rosa%40example.org&photo=https%3A%2F%2Fa.example%2F1&photo=https%3A%2F%2Fa.example%2F2';
    const preview = await previewOf(settings, form, 'application/x-www-form-urlencoded');
    expect(preview).toMatchObject({
      outcome: 'accepted',
      events: [
        {
          id: '1',
          from: 'rosa@example.org',
          media: [{ url: 'https://a.example/1' }, { url: 'https://a.example/2' }],
        },
      ],
    });
    expect(await previewOf(settings, 'a=1&'.repeat(5_000))).toMatchObject({
      problems: [{ field: 'payload', message: 'the form has too many fields' }],
      outcome: null,
    });
  });

  test('with a file that cannot be read says why', async () => {
    const events = '{"type": "message", "id": 1, "from": 1, "media": [{"kind": "image", "base64": f}]}';
    expect(await previewOf({ events }, JSON.stringify({ f: 'no Base64!' }))).toMatchObject({
      events: [{ media: [{ embedded: { bytes: null }, problem: 'the file in the webhook is not Base64' }] }],
    });
    expect(await previewOf({ events }, JSON.stringify({ f: 'A'.repeat(1_400_000) }))).toMatchObject({
      events: [{ media: [{ problem: 'the file in the webhook has more than 1000000 bytes' }] }],
    });
  });

  test('with more events than a person reads is shown in part', async () => {
    const events = '[1..250].{"type": "status", "id": $, "status": "read"}';
    const preview = await previewOf({ events }, '{}');
    expect(preview).toMatchObject({ outcome: 'status', omitted: 150 });
    expect(preview.events).toHaveLength(100);
  });

  test('without an expression yet is kept', async () => {
    expect(await previewOf({}, payload)).toMatchObject({
      outcome: 'malformed',
      reason: expect.stringMatching(/no expression yet/),
    });
  });
});

describe('what a webhook would become, the preview says as well:', () => {
  test.each<[string, string, string]>([
    ['too many files', JSON.stringify(Array(10_001).fill({ kind: 'image', id: '1' })), 'too_many'],
    ['too many members', `[${'{},'.repeat(250_000)}{}]`, 'too_many'],
    ['too deep', `${'['.repeat(70_000)}${']'.repeat(70_000)}`, 'too_deep'],
  ])('%s', async (what, body, reason) => {
    const events =
      what === 'too many files'
        ? '{"type": "message", "id": 1, "from": 1, "media": $}'
        : '{"type": "ignored", "reason": "x"}';
    expect(await previewOf({ events }, body)).toMatchObject({ outcome: 'malformed', reason, events: [] });
    const id = reason.replace('_', '-') + String(body.length);
    const token = service.token('admin');
    const created = await call<{ webhookSecret: string }>(service.url, '/v1/channels', {
      method: 'post',
      token,
      json: { id, provider: 'custom', settings: { events } },
    });
    const received = await call<{ delivery: string; outcome: string }>(service.url, `/webhooks/${id}`, {
      method: 'post',
      raw: body,
      headers: { 'content-type': 'application/json', 'x-inlet-token': created.body.webhookSecret },
    });
    expect(received.body.outcome).toBe('malformed');
    const delivery = await call<{ reason: string }>(service.url, `/v1/deliveries/${received.body.delivery}`, {
      token,
    });
    expect(delivery.body.reason).toBe(reason);
  });
});

describe('settings or a sample that cannot be tried are problems of a field:', () => {
  test.each<[string, Readonly<Record<string, string>>, string, string, RegExp]>([
    [
      'an expression with an error',
      { events: '{"type": ' },
      payload,
      'settings.events',
      /is not JSONata near character 8: Expected/,
    ],
    [
      'an expression that is nested too deeply',
      { events: '('.repeat(9_000) },
      payload,
      'settings.events',
      /nested too deeply|is not JSONata/,
    ],
    [
      'a setting that does not exist',
      { evnets: '1' },
      payload,
      'settings.evnets',
      /is not a setting of custom/,
    ],
    [
      'a setting with another name of an object',
      { constructor: '1' },
      payload,
      'settings.constructor',
      /is not a setting/,
    ],
    ['an unknown proof', { proof: 'trust' }, payload, 'settings.proof', /./],
    ['Basic without a user', { proof: 'basic' }, payload, 'settings.basicUser', /is required/],
    ['a sample that is not JSON', { events: '$' }, '{"id": Rosa}', 'payload', /^the body is not JSON$/],
    ['an empty sample', { events: '$' }, '', 'payload', /^the body is not JSON$/],
  ])('%s', async (_what, settings, sample, field, message) => {
    const preview = await previewOf(settings, sample);
    expect(preview).toEqual({
      problems: [{ field, message: expect.stringMatching(message) }],
      outcome: null,
      reason: null,
      events: [],
      omitted: 0,
    });
    // The sample is data of a person.
    expect(JSON.stringify(preview)).not.toContain('Rosa');
  });
});

describe('an expression', () => {
  test.each<[string, string, RegExp]>([
    ['that fails', '-from', /^the expression failed near character \d+: Cannot negate/],
    ['that never ends', '($f := function($n){ $f($n + 1) }; $f(0))', /^the expression took longer than 2 s/],
    [
      'with a catastrophic pattern',
      `$match("${'a'.repeat(40)}b", /^(a+)+$/)`,
      /^the expression took longer than 2 s/,
    ],
    [
      'that makes a text of a gigabyte',
      '$pad("x", 1000000000)',
      /^the expression (needed too much memory|failed)/,
    ],
    [
      'that makes millions of items',
      '$split($pad("x", 400000000), "")',
      /^the expression (needed too much memory|failed|took)/,
    ],
    ['that calls require', '$require("node:fs")', /^the expression failed/],
    ['that calls a constructor', '$string.constructor("return process")()', /^the expression failed/],
    ['that evaluates a text', '$eval("1")', /\$eval is not available here/],
    ['that makes a text', '"text"', /^events\[0\] must be an object$/],
    ['that makes numbers', '[1, 2]', /^events\[0\] must be an object \(and 1 more\)$/],
    ['that makes an object without a type', '{"id": id}', /^events\[0\]\.type must be one of message/],
    ['that makes a message without files', '{"type": "message", "id": id, "from": from}', /media is missing/],
    ['that misspells a member', image.replace('"from"', '"form"'), /unknown member form/],
  ])(
    '%s is malformed, with the reason',
    async (_what, events, reason) => {
      expect(await previewOf({ events }, payload)).toMatchObject({
        problems: [],
        outcome: 'malformed',
        reason: expect.stringMatching(reason),
      });
      // The next preview works as before.
      expect(await previewOf({ events: image }, payload)).toMatchObject({ outcome: 'accepted' });
    },
    90_000,
  );

  test.each([
    'process',
    '$process.exit()',
    'globalThis.process',
    '$$.constructor',
    '$lookup($, "__proto__")',
    '$keys.constructor',
  ])('finds nothing outside the sample: %s', async (events) => {
    expect(await previewOf({ events }, payload)).toMatchObject({
      outcome: 'ignored',
      reason: 'the expression has found nothing',
    });
  });
});

describe('a request is refused', () => {
  const json = { settings: { events: image }, payload };
  test.each<[string, unknown, Call, number, string]>([
    ['without a payload', { settings: {} }, {}, 400, 'request.invalid'],
    ['with a payload that is an object', { payload: {} }, {}, 400, 'request.invalid'],
    ['with a setting that is a number', { payload, settings: { events: 1 } }, {}, 400, 'request.invalid'],
    [
      'with a setting that is too long',
      { payload, settings: { events: `"${'a'.repeat(20_000)}"` } },
      {},
      400,
      'request.invalid',
    ],
    ['with an unknown member', { payload, expression: '$' }, {}, 400, 'request.invalid'],
    ['with a type that is too long', { payload, contentType: 'x'.repeat(256) }, {}, 400, 'request.invalid'],
    ['with a sample that is too large', { payload: 'x'.repeat(4_000_000) }, {}, 413, 'request.too_large'],
    [
      'that is not JSON',
      undefined,
      { raw: '{', headers: { 'content-type': 'application/json' } },
      400,
      'request.invalid',
    ],
    [
      'that is a form',
      undefined,
      { raw: 'payload=1', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
      415,
      'request.unsupported_type',
    ],
    ['with another method', undefined, { method: 'get' }, 405, 'request.method_not_allowed'],
  ])('%s', async (_what, body, what, status, code) => {
    expect(await ask(body, what)).toMatchObject({ status, body: { code } });
  });

  test('without the scope admin', async () => {
    const { url } = service;
    const path = '/v1/providers/custom/preview';
    expect(await call(url, path, { method: 'post', json })).toMatchObject({
      status: 401,
      body: { code: 'auth.missing' },
    });
    for (const scope of ['media:read', 'messages:send', 'media:read messages:send'])
      expect(await ask(json, { token: service.token(scope) })).toMatchObject({
        status: 403,
        body: { code: 'auth.scope' },
      });
  });

  test('for a provider that does not exist', async () => {
    for (const provider of ['nobody', 'constructor', '%2e%2e'])
      expect(await ask(json, {}, provider)).toMatchObject({
        status: 404,
        body: { code: 'request.not_found' },
      });
  });
});

test('nothing of a preview is stored, logged or audited', async () => {
  const marks = ['the-name-of-a-person', 'a-mark-in-the-expression', 'a-secret-0123456789abcdef'];
  const [person = '', word = '', secret = ''] = marks;
  const countRows = () =>
    service.database.query(
      `select (select count(*) from delivery) as deliveries, (select count(*) from media) as media,
              (select count(*) from message) as messages, (select count(*) from channel) as channels,
              (select count(*) from audit_entry) as audited`,
    );
  const before = await countRows();
  const sample = JSON.stringify({ id: person, from: person, link: `https://files.example/${person}` });
  for (const events of [image, `-(id & "${word}")`, `{"type": "${word}"}`, `{"${word}`])
    await previewOf({ events, webhookSecret: secret, mediaHeader: `X-Key: ${secret}` }, sample);
  await previewOf({ events: image }, `{"${person}`);
  await ask({ settings: { events: word }, payload: { person } });
  expect(await countRows()).toEqual(before);
  expect(await findEverywhere(service, marks)).toEqual([]);
});

test('providers whose payloads are known can be tried as well', async () => {
  const { status, body } = await ask({ payload: '{"unknown": true}' }, {}, 'sobot');
  expect({ status, body }).toMatchObject({ status: 200, body: { problems: [], outcome: 'ignored' } });
});
