/** The exact requests that declared expressions make, and the meaning of the answers. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { describe, expect, test } from '@jest/globals';

import { createHttp } from '../../../src/infra/net/http-client.js';
import { custom } from '../../../src/providers/custom/index.js';
import { secretList } from '../../samples/sample.js';
import { evaluate, tryOut } from '../../support/evaluator.js';
import { receivedAt } from '../fixtures.js';
import type { Answer } from '../recording-api.js';
import {
  answersMean,
  api,
  document,
  inline,
  message,
  requestsAre,
  send,
  sendingOf,
  video,
} from '../sending-stage.js';

const key = { authorization: 'Bearer key-0123456789' };

describe('a custom API is sent', () => {
  const common = { reference: message.id, driver: '5511900000001' };
  requestsAre('custom', key, [
    {
      name: 'an image',
      path: '/v1/messages',
      body: { ...common, kind: 'image', link: message.content.url, mime: 'image/jpeg' },
    },
    {
      name: 'everything that a message has',
      message: { ...document, caption: 'look', filename: 'offer.pdf', replyTo: 'm-1' },
      path: '/v1/messages',
      body: {
        ...common,
        kind: 'document',
        link: document.content.url,
        mime: 'application/pdf',
        note: 'look',
        name: 'offer.pdf',
        answers: 'm-1',
      },
    },
    {
      name: 'the bytes, wherever the expression puts them',
      message: { content: inline },
      settings: {
        sendFile: 'base64',
        send: '{"path": "/b", "json": {"file": "data:" & type & ";base64," & base64, "again": [base64]}}',
      },
      path: '/b',
      body: { file: 'data:image/jpeg;base64,cG5nIQ==', again: ['cG5nIQ=='] },
    },
  ]);

  test('another path and method for each kind', async () => {
    await send('custom', {
      message: video,
      settings: { send: '{"path": "/send/" & kind, "method": "PUT", "json": {"to": to, "file": url}}' },
    });
    expect(api.requests).toMatchObject([
      { method: 'PUT', path: '/send/video', body: { to: '5511900000001', file: video.content.url } },
    ]);
  });

  test('a form, with lists as repeated fields', async () => {
    await send('custom', {
      settings: { send: '{"path": "/form", "form": {"to": [to, "office"], "silent": true, "size": bytes}}' },
    });
    expect(api.requests).toMatchObject([
      {
        headers: { 'content-type': 'application/x-www-form-urlencoded', ...key },
        body: 'to=5511900000001&to=office&silent=true&size=415212',
      },
    ]);
  });

  test('further headers, and none that belong to the connection', async () => {
    await send('custom', {
      settings: {
        send: '{"path": "/h", "json": {}, "headers": {"X-Instance": to, "Authorization": "mine"}}',
      },
    });
    expect(api.requests[0]?.headers).toMatchObject({ 'x-instance': '5511900000001', ...key });
  });
});

describe('nothing is sent, and the message is refused, if the expression', () => {
  test.each<[string, string, RegExp]>([
    ['fails', '{"path": "/x", "json": -to}', /failed near character \d+: Cannot negate/],
    ['makes nothing', 'nothing', /has not made a request/],
    ['names no path', '{"json": {}}', /path/],
    ['names a path without a slash', '{"path": "@evil.example/", "json": {}}', /must begin with a slash/],
    ['has neither JSON nor a form', '{"path": "/x"}', /needs either json or form/],
    ['has both', '{"path": "/x", "json": 1, "form": {}}', /needs either json or form/],
    ['has a misspelt member', '{"path": "/x", "body": {}}', /has unknown members: body/],
    ['sets a header of the connection', '{"path": "/x", "json": 1, "headers": {"Host": "a"}}', /header Host/],
    [
      'sets a header of two lines',
      '{"path": "/x", "json": 1, "headers": {"A": "b\\r\\nc"}}',
      /not the value of a header/,
    ],
    ['leaves the path of the API', '{"path": "/../other", "json": 1}', /beyond apiUrl/],
    ['enters a neighbour of that path', '{"path": "/../tenant-2/x", "json": 1}', /beyond apiUrl/],
    ['leads upwards within the path', '{"path": "/a/../b", "json": 1}', /beyond apiUrl/],
    ['hides the way up', '{"path": "/a/%2E./b", "json": 1}', /beyond apiUrl/],
    ['hides it behind a backslash', '{"path": "/a\\\\..", "json": 1}', /beyond apiUrl/],
    ['hides it behind a tab', '{"path": "/a/.\\t./b", "json": 1}', /beyond apiUrl/],
    ['ends the path early', '{"path": "/a#/b", "json": 1}', /beyond apiUrl/],
    [
      'puts an address in the place of the path',
      '{"path": "https://evil.example/", "json": 1}',
      /begin with a slash/,
    ],
    ['nests objects in a form', '{"path": "/x", "form": {"a": {"b": 1}}}', /has not made a request: form\.a/],
  ])('%s', async (_what, expression, reason) => {
    const outcome = await send('custom', {
      settings: { send: expression, apiUrl: `${api.origin}/tenant` },
    });
    expect(outcome).toEqual({ type: 'refused', code: 'expression', message: expect.stringMatching(reason) });
    expect(api.requests).toEqual([]);
  });
});

test('a path that looks like another host leads to the API itself', async () => {
  for (const path of ['//evil.example/x', '/\\\\evil.example', '/x@evil.example', '/:80/x'])
    await send('custom', { settings: { send: `{"path": "${path}", "json": 1}` } });
  expect(api.requests.map(({ path }) => path)).toEqual([
    '//evil.example/x',
    '//evil.example',
    '/x@evil.example',
    '/:80/x',
  ]);
});

describe('texts of people are encoded for their place:', () => {
  const hostile = 'a"b\\c\n{"x": 1}&y=2 %41é😀</>';

  test('in JSON they stay one text', async () => {
    await send('custom', {
      message: { caption: hostile },
      settings: { send: '{"path": "/j", "json": {"note": caption, "line": "> " & caption}}' },
    });
    expect(api.requests).toMatchObject([{ body: { note: hostile, line: `> ${hostile}` } }]);
  });

  test('in a form they stay one field', async () => {
    await send('custom', {
      message: { caption: hostile },
      settings: { send: '{"path": "/f", "form": {"note": caption, "inner": $string({"note": caption})}}' },
    });
    const fields = new URLSearchParams(String(api.requests[0]?.body));
    expect([...fields]).toEqual([
      ['note', hostile],
      ['inner', JSON.stringify({ note: hostile })],
    ]);
  });

  test('in an address they stay one segment or one parameter, if the expression encodes them', async () => {
    await send('custom', {
      message: { caption: `../${hostile}?#` },
      settings: {
        send: '{"path": "/to/" & $encodeUrlComponent(caption) & "?note=" & $encodeUrlComponent(caption), "json": 1}',
      },
    });
    const { pathname, searchParams } = new URL(api.requests[0]?.path ?? '', api.origin);
    expect(pathname.split('/').map(decodeURIComponent)).toEqual(['', 'to', `../${hostile}?#`]);
    expect([...searchParams]).toEqual([['note', `../${hostile}?#`]]);
  });

  test('in an address they cannot lead elsewhere, even if the expression forgets it', async () => {
    for (const caption of ['..', '../../admin', 'x#', './x']) {
      const outcome = await send('custom', {
        message: { caption },
        settings: { send: '{"path": "/to/" & caption, "json": 1}' },
      });
      expect(outcome).toMatchObject({ type: 'refused', code: 'expression' });
    }
    expect(api.requests).toEqual([]);
  });

  test('in a header they cannot begin another one', async () => {
    for (const caption of ['a\r\nX-Other: b', 'é', '\0']) {
      const outcome = await send('custom', {
        message: { caption },
        settings: { send: '{"path": "/h", "json": 1, "headers": {"X-Note": caption}}' },
      });
      expect(outcome).toMatchObject({ type: 'refused', code: 'expression' });
      expect(JSON.stringify(outcome)).not.toContain('X-Other');
    }
    expect(api.requests).toEqual([]);
  });
});

test('an evaluator that is not there leaves the message for later', async () => {
  const outcome = await sendingOf('custom').send({ ...message, options: {} }, api.http, () =>
    Promise.resolve({ ok: false, reason: 'not now', isPassing: true }),
  );
  expect(outcome).toEqual({ type: 'busy', retryAfterMs: null, code: 'not_prepared', message: 'not now' });
});

describe('a custom API answers', () => {
  answersMean('custom', [
    {
      name: 'with the id',
      answer: { status: 201, body: { id: 'm-7' } },
      outcome: { type: 'accepted', messageId: 'm-7' },
    },
    {
      name: 'with a number',
      answer: { status: 200, body: { id: 77 } },
      outcome: { type: 'accepted', messageId: '77' },
    },
    {
      name: 'without an id',
      answer: { status: 200, body: { ok: true } },
      outcome: { type: 'unknown', message: 'the provider answered 200' },
    },
    {
      name: 'with an error',
      answer: { status: 422, body: { error: { code: 'no_driver', message: 'There is no such driver' } } },
      outcome: { type: 'refused', code: 'no_driver', message: 'There is no such driver' },
    },
    {
      name: 'with an error in plain fields',
      answer: { status: 400, body: { code: 12, message: 'Bad key-0123456789, Bearer key-0123456789' } },
      outcome: { type: 'refused', code: '12', message: 'Bad ***, ***' },
    },
  ]);

  test.each<[string, Answer, object]>([
    ['too many', { status: 429, headers: { 'retry-after': '7' } }, { type: 'busy', retryAfterMs: 7_000 }],
    ['too many, without a time', { status: 429 }, { type: 'busy', retryAfterMs: null, code: 'http_429' }],
    ['later', { status: 503, headers: { 'retry-after': '3' } }, { type: 'busy', retryAfterMs: 3_000 }],
    ['not now', { status: 503 }, { type: 'unknown' }],
    ['a fault', { status: 500, body: { id: 'x' } }, { type: 'unknown' }],
    ['that it was too slow', { status: 408 }, { type: 'unknown' }],
    ['another address', { status: 302, headers: { location: '/elsewhere' } }, { type: 'unknown' }],
    ['nothing, and hangs up', { status: 200, hang: true }, { type: 'unknown' }],
    ['too much', { status: 200, body: 'x'.repeat(2_000_000) }, { type: 'unknown' }],
    ['a text', { status: 403, body: 'Forbidden' }, { type: 'refused', code: 'http_403' }],
    ['an id that is too long', { status: 200, body: { id: 'x'.repeat(256) } }, { type: 'unknown' }],
    ['an id that is a list', { status: 200, body: { id: ['a', 'b'] } }, { type: 'unknown' }],
  ])('%s', async (_what, answer, outcome) => {
    api.answers.push(answer);
    expect(await send('custom', {})).toMatchObject(outcome);
    expect(api.requests).toHaveLength(1);
  });

  test('with every secret in its answer: none of them is repeated', async () => {
    const settings = { apiHeader: 'Authorization: Basic dXNlcjprZXktMDEyMzQ1Njc4OQ==' };
    const echoes = ['Basic dXNlcjprZXktMDEyMzQ1Njc4OQ==', 'dXNlcjprZXktMDEyMzQ1Njc4OQ==', 'key-0123456789'];
    for (const status of [400, 429, 500, 200])
      for (const echo of echoes)
        for (const body of [
          { error: { code: echo, message: `no ${echo}` } },
          { message: echo },
          { error: echo },
        ]) {
          api.answers.length = 0;
          api.answers.push({ status, body });
          expect(JSON.stringify(await send('custom', { settings }))).not.toContain(echo);
        }
  });

  test('never, and nobody waits longer than the timeout', async () => {
    const silent = createServer(() => undefined).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const http = createHttp({ timeoutMs: 200 });
    const { port } = silent.address() as AddressInfo;
    const sending = sendingOf('custom', { apiUrl: `http://127.0.0.1:${String(port)}` });
    expect(await sending.send({ ...message, options: {} }, http, evaluate)).toMatchObject({
      type: 'unknown',
    });
    silent.closeAllConnections();
    silent.close();
    await once(silent, 'close');
    // Now nobody listens: nothing was sent, so it is sent again.
    expect(await sending.send({ ...message, options: {} }, http, evaluate)).toMatchObject({ type: 'busy' });
    await http.close();
  });

  test('with an id in any place that an expression can name', async () => {
    const cases: [string, unknown, string][] = [
      ['body.messages[0].id', { messages: [{ id: 'a' }] }, 'a'],
      ['$string(body.key.id) & ":" & status', { key: { id: 5 } }, '5:200'],
      ['body', 'plain', 'plain'],
    ];
    for (const [sendId, body, messageId] of cases) {
      api.answers.length = 0;
      api.answers.push({ status: 200, body });
      expect(await send('custom', { settings: { sendId } })).toEqual({ type: 'accepted', messageId });
    }
  });

  test('with an id that the expression fails to read: the outcome is unknown', async () => {
    api.answers.push({ status: 200, body: { id: 'x' } });
    expect(await send('custom', { settings: { sendId: '-body.id' } })).toMatchObject({ type: 'unknown' });
  });
});

test('the declared limits are the limits of the channel', () => {
  const sendMedia = {
    image: { types: ['image/png'], maxBytes: 10 },
    document: { types: ['application/pdf'], maxBytes: 9, maxCaption: 0, needsFilename: true },
  };
  const settings = {
    webhookSecret: secretList,
    apiUrl: 'https://api.example.com/v2/',
    send: '{"path": "/x", "json": replyTo}',
    sendMedia: JSON.stringify(sendMedia),
    sendPerSecond: '0.5',
    sendRecipient: 'id',
    sendFile: 'base64',
  };
  const { sending } = custom.load(settings, () => receivedAt);
  expect(sending?.limits).toEqual({
    default: {
      media: {
        image: { types: ['image/png'], maxBytes: 10, maxCaption: null },
        document: { types: ['application/pdf'], maxBytes: 9, maxCaption: 0, needsFilename: true },
      },
      rate: { messages: 1, perMs: 2_000, burst: 1 },
      recipient: { description: expect.any(String), pattern: expect.any(String) },
      ways: ['inline'],
    },
  });
  expect(sending?.takesReply({})).toBe(true);
  const whole = new RegExp(`^(?:${sending?.limits['default']?.recipient.pattern ?? ''})$`, 'u');
  for (const id of ['driver-7', '5511900000001@c.us', '+5511900000001', 'a:b'])
    expect(whole.test(id)).toBe(true);
  for (const id of ['', 'a/b', 'a b', 'a\n', '.', '..', 'x'.repeat(256)]) expect(whole.test(id)).toBe(false);
});

test('nothing is sent, and the message is refused, if the expression never ends', async () => {
  const sending = sendingOf('custom', { send: '($f := function(){ $f() }; $f())' });
  const outcome = await sending.send({ ...message, options: {} }, api.http, tryOut);
  expect(outcome).toMatchObject({ type: 'refused', message: expect.stringMatching(/took longer/) });
  expect(api.requests).toEqual([]);
});
