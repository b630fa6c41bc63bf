import { createHash } from 'node:crypto';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import type { StatusEvent } from '../../../src/domain/provider.js';
import type { ProviderId } from '../../../src/demo/providers/registry.js';
import { providerIds } from '../../../src/demo/providers/registry.js';
import { filledUpTo } from '../../../src/demo/media-host.js';
import { payloadOf } from '../../../src/pipeline/receive/receive.js';
import { providers } from '../../../src/providers/index.js';
import { eventsOf } from '../../support/evaluator.js';
import { until } from '../../support/until.js';
import {
  aisouleV2,
  bearer,
  rightCalls,
  secrets,
  send,
  startListener,
  startStage,
  type Call,
  type FileName,
  type Stage,
} from './stage.js';

let stage: Stage;
let listener: Awaited<ReturnType<typeof startListener>>;
beforeEach(async () => {
  const quick = { reportDelayMs: 0 };
  [stage, listener] = await Promise.all([
    startStage(Object.fromEntries(providerIds.map((id) => [id, quick]))),
    startListener(),
  ]);
  stage.simulator.reportTo(listener.url);
});
afterEach(async () => {
  listener.close();
  await stage.simulator.close();
});

const api = (id: ProviderId) => stage.simulator.providers[id].api;

/** What the service makes of the webhooks so far; one that does not prove its sender is an error. */
async function told(id: ProviderId): Promise<StatusEvent[]> {
  const definition = providers.find((provider) => provider.id === id);
  if (definition === undefined) throw new Error(`There is no provider ${id}`);
  const env = stage.simulator.env();
  const settings = Object.entries(definition.envKeys).map(([name, key]) => [name, env[key]]);
  const adapter = definition.load(Object.fromEntries(settings), () => new Date());
  const events: StatusEvent[] = [];
  for (const { path, headers, body } of listener.received) {
    const url = new URL(path, listener.url);
    expect(url.pathname).toBe(`/webhooks/${id}`);
    const rawBody = Buffer.from(body);
    const query = Object.fromEntries(url.searchParams);
    const receivedAt = new Date();
    const verdict = adapter.verify({
      method: 'POST',
      url: url.href,
      rawBody,
      query,
      receivedAt,
      headers: headers as Record<string, string>,
    });
    expect(verdict).toEqual({ ok: true });
    const payload = payloadOf({ adapter }, rawBody, headers as Record<string, string>);
    for (const event of await eventsOf(adapter, payload, receivedAt)) {
      expect(event).toMatchObject({ type: 'status' });
      events.push(event as StatusEvent);
    }
  }
  return events;
}

const statusesOf = async (id: ProviderId) => (await told(id)).map(({ status }) => status);

/** The statuses that a provider reports about a message that goes well; none if it reports nothing. */
const reportsOf = (id: ProviderId): readonly string[] =>
  (providers.find((provider) => provider.id === id)?.reports ?? []).filter((status) => status !== 'failed');

/**
 * Waits until all reports about a message have come, which may overtake each other, or until the message has
 * its media.
 */
const settledAt = (id: ProviderId) =>
  until(async () => {
    const expected = reportsOf(id);
    if (expected.length === 0) return api(id).accepted.at(-1)?.media != null;
    const statuses = new Set<string>(await statusesOf(id));
    return expected.every((status) => statuses.has(status));
  });

const answers: Record<ProviderId, { status: number; body: unknown }> = {
  blip: { status: 202, body: null },
  'z-api': {
    status: 200,
    body: { zaapId: expect.any(String), messageId: expect.any(String), id: expect.any(String) },
  },
  vonage: { status: 202, body: { message_uuid: expect.any(String) } },
  aisoule: {
    status: 200,
    body: {
      success: true,
      status: 'queued',
      recipient: '5511999990000',
      message_id: expect.stringMatching(/^msg_/),
    },
  },
  sobot: {
    status: 200,
    body: {
      data: { id: expect.stringMatching(/^wamid\..{1,122}$/), status: 'submitted' },
      message: 'Message sent successfully.',
      code: 200,
    },
  },
  meta: {
    status: 200,
    body: {
      messaging_product: 'whatsapp',
      contacts: [{ input: '5511999990000', wa_id: '5511999990000' }],
      messages: [{ id: expect.stringMatching(/^wamid\..{1,122}$/) }],
    },
  },
  twilio: {
    status: 201,
    body: { sid: expect.stringMatching(/^MM[\da-f]{32}$/), status: 'queued', to: 'whatsapp:+5511999990000' },
  },
  telegram: {
    status: 200,
    body: {
      ok: true,
      result: {
        message_id: 1,
        chat: { id: 5511999990000, type: 'private' },
        from: expect.any(Object),
        date: expect.any(Number),
      },
    },
  },
  custom: { status: 201, body: { id: expect.any(String) } },
};

describe.each(providerIds)('%s', (id) => {
  test('accepts what its documentation allows, records it, and reports its statuses', async () => {
    const answer = await send(api(id).origin, rightCalls[id](stage.files.jpeg));
    expect(answer).toMatchObject(answers[id]);
    await settledAt(id);
    const { jpeg } = stage.contents;
    expect(api(id).accepted).toEqual([
      {
        id: expect.any(String),
        to: expect.stringContaining('5511999990000'),
        at: expect.any(Date),
        request: expect.any(Object),
        media: {
          type: 'image/jpeg',
          bytes: jpeg.length,
          sha256: createHash('sha256').update(jpeg).digest('hex'),
        },
        failure: null,
      },
    ]);
    expect(new Set(await statusesOf(id))).toEqual(new Set(reportsOf(id)));
    const ids = reportsOf(id).length > 0 ? [api(id).accepted[0]?.id] : [];
    expect(new Set((await told(id)).map(({ messageId }) => messageId))).toEqual(new Set(ids));
    expect(api(id).reports.every((report) => report.answer === 200)).toBe(true);
  });

  test('answers 500 without accepting the message', async () => {
    api(id).misbehave('error');
    expect((await send(api(id).origin, rightCalls[id](stage.files.jpeg))).status).toBe(500);
    expect(api(id).accepted).toEqual([]);
  });

  test('accepts the message and breaks off the connection', async () => {
    api(id).misbehave('cut');
    await expect(send(api(id).origin, rightCalls[id](stage.files.jpeg))).rejects.toThrow('fetch failed');
    await settledAt(id);
    expect(api(id).accepted).toHaveLength(1);
  });

  test('accepts the message and does not answer', async () => {
    api(id).misbehave('hang');
    const answer = send(api(id).origin, rightCalls[id](stage.files.jpeg)).catch(() => 'never');
    await settledAt(id);
    expect(api(id).accepted).toHaveLength(1);
    await stage.simulator.close();
    expect(await answer).toBe('never');
  });

  test('accepts the message and answers with invalid data', async () => {
    api(id).misbehave('garbage');
    await expect(send(api(id).origin, rightCalls[id](stage.files.jpeg))).rejects.toThrow('JSON');
    expect(api(id).accepted).toHaveLength(1);
  });

  test('fails once for each requested fault', async () => {
    api(id).misbehave('error', 'error');
    const call = () => send(api(id).origin, rightCalls[id](stage.files.jpeg));
    const [one, two, three] = [await call(), await call(), await call()].map(({ status }) => status);
    expect([one, two, three]).toEqual([500, 500, answers[id].status]);
  });
});

describe('a problem of the media is reported by webhook', () => {
  const cases: [ProviderId, FileName, string][] = [
    ['blip', 'webp', '51'],
    ['blip', 'png', '51'],
    ['blip', 'gone', '51'],
    ['z-api', 'page', 'send_failed'],
    ['z-api', 'gone', 'send_failed'],
    ['z-api', 'large', 'send_failed'],
    ['vonage', 'gone', '1380'],
    ['vonage', 'large', '1381'],
    ['vonage', 'gif', '1382'],
    ['vonage', 'page', '1382'],
    ['aisoule', 'gone', 'media_unreachable'],
    ['aisoule', 'large', 'media_too_large'],
    ['aisoule', 'gif', 'media_wrong_type'],
    ['meta', 'gone', '131053'],
    ['meta', 'large', '131053'],
    ['meta', 'gif', '131053'],
    ['meta', 'cmyk', '131053'],
    ['twilio', 'gone', '63019'],
    ['twilio', 'large', '63019'],
    ['twilio', 'gif', '63021'],
    ['custom', 'gone', 'file_unreachable'],
    ['custom', 'large', 'file_too_large'],
    ['custom', 'gif', 'file_wrong_type'],
  ];
  test.each(cases)('%s, %s', async (id, file, code) => {
    await send(api(id).origin, rightCalls[id](stage.files[file]));
    await until(async () => (await told(id)).length > 0);
    expect(await told(id)).toMatchObject([
      { status: 'failed', error: { code, message: expect.any(String) } },
    ]);
    expect(api(id).accepted).toMatchObject([{ media: null, failure: { message: expect.any(String) } }]);
  });

  test('a later failure is reported, too, except by sobot and telegram', async () => {
    for (const id of ['blip', 'z-api', 'vonage', 'aisoule', 'meta', 'twilio', 'custom'] as const) {
      api(id).misbehave('fail');
      await send(api(id).origin, rightCalls[id](stage.files.jpeg));
      await until(() => api(id).reports.length > 0);
      expect(api(id).reports).toMatchObject([{ status: 'failed', answer: 200 }]);
    }
    for (const id of ['sobot', 'telegram'] as const) {
      api(id).misbehave('fail');
      await send(api(id).origin, rightCalls[id](stage.files.jpeg));
      await until(() => api(id).accepted[0]?.failure !== null);
      expect(api(id).reports).toEqual([]);
    }
  });
});

const change = (call: Call, json: object): Call => ({ ...call, json: { ...call.json, ...json } });

describe('other kinds', () => {
  const without = (call: Call, ...names: string[]): Call => ({
    ...call,
    json: Object.fromEntries(Object.entries(call.json ?? {}).filter(([name]) => !names.includes(name))),
  });
  const zApi = (method: string, json: object): Call => {
    const call = rightCalls['z-api']('');
    return {
      ...call,
      path: call.path.replace('send-image', method),
      json: { phone: '5511999990000', ...json },
    };
  };

  const telegram = (method: string, json: object): Call => {
    const call = rightCalls.telegram('');
    return {
      ...call,
      path: call.path.replace('sendPhoto', method),
      json: { chat_id: 5511999990000, ...json },
    };
  };

  const calls: [string, ProviderId, () => Call, string][] = [
    [
      'a GIF by Blip',
      'blip',
      () => change(rightCalls.blip(''), { content: { type: 'image/gif', uri: stage.files.gif } }),
      'image/gif',
    ],
    [
      'a video by Z-API',
      'z-api',
      () => zApi('send-video', { video: stage.files.mp4, caption: 'x' }),
      'video/mp4',
    ],
    ['a voice note by Z-API', 'z-api', () => zApi('send-audio', { audio: stage.files.ogg }), 'audio/ogg'],
    ['a sticker by Z-API', 'z-api', () => zApi('send-sticker', { sticker: stage.files.webp }), 'image/webp'],
    [
      'a document by Z-API',
      'z-api',
      () => zApi('send-document/pdf', { document: stage.files.pdf, fileName: 'invoice' }),
      'application/pdf',
    ],
    [
      'a file by Vonage',
      'vonage',
      () =>
        without(
          change(rightCalls.vonage(''), { message_type: 'file', file: { url: stage.files.pdf } }),
          'image',
        ),
      'application/pdf',
    ],
    [
      'a GIF by Vonage to Messenger',
      'vonage',
      () => change(rightCalls.vonage(''), { channel: 'messenger', image: { url: stage.files.gif } }),
      'image/gif',
    ],
    [
      'a voice note by AISoule',
      'aisoule',
      () =>
        without(change(rightCalls.aisoule(''), { type: 'audio', audio: { link: stage.files.ogg } }), 'image'),
      'audio/ogg',
    ],
    [
      'a WebP by AISoule',
      'aisoule',
      () => change(rightCalls.aisoule(''), { image: { link: stage.files.webp } }),
      'image/webp',
    ],
    [
      'a document by Sobot',
      'sobot',
      () =>
        change(rightCalls.sobot(stage.files.pdf), {
          type: 'document',
          mime_type: 'application/pdf',
          filename: 'invoice.pdf',
        }),
      'application/pdf',
    ],
    [
      'a sticker by Meta to a person without a number',
      'meta',
      () =>
        without(
          change(rightCalls.meta(''), {
            type: 'sticker',
            sticker: { link: stage.files.webp },
            recipient: 'BR.13491208655302741918',
          }),
          'image',
          'to',
        ),
      'image/webp',
    ],
    [
      'a voice note by Telegram',
      'telegram',
      () => telegram('sendVoice', { voice: stage.files.ogg }),
      'audio/ogg',
    ],
    [
      'an animation by Telegram, as a reply in a group',
      'telegram',
      () =>
        telegram('sendAnimation', {
          chat_id: -1001234567890,
          animation: stage.files.gif,
          reply_parameters: { message_id: 7 },
          has_spoiler: true,
        }),
      'image/gif',
    ],
    [
      'a document by Telegram',
      'telegram',
      () => telegram('sendDocument', { document: stage.files.pdf, disable_notification: true }),
      'application/pdf',
    ],
  ];
  test.each(calls)('%s', async (_what, id, call, type) => {
    const answer = await send(api(id).origin, call());
    expect(answer).toMatchObject({ status: answers[id].status });
    await until(() => api(id).accepted[0]?.media?.type === type);
  });
});

describe('z-api accepts Base64', () => {
  const inline = (type: string, content: Buffer) =>
    rightCalls['z-api'](`data:${type};base64,${content.toString('base64')}`);

  test('that is a picture', async () => {
    const answer = await send(api('z-api').origin, inline('image/png', stage.contents.png));
    const { messageId, id } = answer.body as Record<string, string>;
    expect(id).toBe(messageId);
    await until(async () => (await statusesOf('z-api')).includes('read'));
    expect(api('z-api').accepted).toMatchObject([{ media: { type: 'image/png' }, failure: null }]);
  });

  test.each([
    ['that is no picture', 'image/png', 'page'],
    ['that is another picture than it says', 'image/png', 'jpeg'],
  ] as const)('and tells later of one %s', async (_what, type, name) => {
    await send(api('z-api').origin, inline(type, stage.contents[name]));
    await until(async () => (await statusesOf('z-api')).includes('failed'));
    expect(api('z-api').accepted).toMatchObject([{ media: null }]);
  });
});

test('blip reports nothing about a message without an id, and refuses a repeated id', async () => {
  const call = rightCalls.blip(stage.files.jpeg);
  await send(api('blip').origin, { ...call, json: { ...call.json, id: undefined } });
  expect((await send(api('blip').origin, call)).status).toBe(202);
  expect((await send(api('blip').origin, call)).status).toBe(400);
  await until(async () => (await statusesOf('blip')).includes('read'));
  expect(api('blip').accepted.map(({ id }) => id)).toEqual(['', call.json?.['id']]);
  expect(api('blip').reports.map(({ messageId }) => messageId)).not.toContain('');
});

test('aisoule has a second generation with its own header, path and answer', async () => {
  const answer = await send(api('aisoule').origin, aisouleV2(stage.files.jpeg));
  expect(answer).toMatchObject({
    status: 200,
    body: { data: { message_id: expect.stringMatching(/^wamid\./), status: 'sent' } },
  });
  await until(async () => (await statusesOf('aisoule')).includes('read'));
  expect(listener.received.every(({ headers }) => 'x-webhook-signature' in headers)).toBe(true);
});

describe("telegram's files", () => {
  const bot = () => `${api('telegram').origin}/bot${secrets.telegram.botToken}`;
  const lookUp = async (url: string) => {
    const query = new URLSearchParams({ file_id: `AgAC${Buffer.from(url).toString('base64url')}` });
    const response = await fetch(`${bot()}/getFile?${query.toString()}`);
    return (await response.json()) as { ok: boolean; description?: string; result?: { file_path: string } };
  };
  const fileAt = (path: string, token = secrets.telegram.botToken) =>
    fetch(`${api('telegram').origin}/file/bot${token}/${path}`);

  test('are named by getFile, and served below the token only', async () => {
    const { ok, result } = await lookUp(stage.files.png);
    expect(ok).toBe(true);
    const path = result?.file_path ?? '';
    const response = await fileAt(path);
    expect(response.headers.get('content-type')).toBe('application/octet-stream');
    expect(Buffer.from(await response.arrayBuffer())).toEqual(stage.contents.png);
    expect((await fileAt(path, '700000001:another')).status).toBe(401);
    expect((await fileAt('media/unknown')).status).toBe(404);
  });

  test('of more than 20 MiB are refused, and so are unknown ones', async () => {
    const { simulator, contents } = stage;
    const large = simulator.host.serve(
      '/21-mib',
      filledUpTo(20 * 1024 * 1024 + 1, 'image/jpeg', contents.jpeg),
    );
    expect((await lookUp(large)).description).toBe('Bad Request: file is too big');
    for (const url of [stage.files.gone, 'http://192.0.2.1/a.jpg', 'nonsense'])
      expect((await lookUp(url)).description).toMatch(/wrong file_id or the file is temporarily unavailable/);
  });

  test('may be uploaded in a form', async () => {
    const body = new FormData();
    body.set('chat_id', '5511999990000');
    body.set('reply_parameters', JSON.stringify({ message_id: 7 }));
    body.set('photo', new Blob([new Uint8Array(stage.contents.jpeg)], { type: 'image/jpeg' }), 'a.jpg');
    const answer = await send(api('telegram').origin, {
      path: rightCalls.telegram('').path,
      headers: {},
      body,
    });
    expect(answer.status).toBe(200);
    expect(api('telegram').accepted).toMatchObject([
      { id: '5511999990000:1', media: { bytes: stage.contents.jpeg.length } },
    ]);
  });
});

describe("vonage's conversations", () => {
  const upload = (content: Uint8Array, fields: Record<string, string> = {}): Call => {
    const body = new FormData();
    body.set('file', new Blob([new Uint8Array(content)], { type: 'image/jpeg' }), 'picture.jpg');
    for (const [name, value] of Object.entries(fields)) body.set(name, value);
    return { path: '/v1/image', headers: { authorization: bearer() }, body };
  };
  const event = (url: string, from = 'MEM-1'): Call => ({
    path: '/v1/conversations/CON-1/events',
    headers: { authorization: bearer(), 'content-type': 'application/json' },
    json: { type: 'message', from, body: { message_type: 'image', image: { url } } },
  });
  const origin = () => api('vonage').origin;

  test('accept a picture, then the event that shows it', async () => {
    const uploaded = await send(origin(), upload(stage.contents.jpeg, { quality_ratio: '90' }));
    expect(uploaded.status).toBe(200);
    const { original } = uploaded.body as Record<string, { url: string }>;
    const answer = await send(origin(), event(original?.url ?? ''));
    expect(answer).toMatchObject({
      status: 201,
      body: { id: 1, timestamp: expect.any(String), href: expect.stringContaining('CON-1') },
    });
    await settledAt('vonage');
    expect((await told('vonage')).map(({ messageId }) => messageId)).toEqual(Array(3).fill('CON-1:1'));
    const sha256 = createHash('sha256').update(stage.contents.jpeg).digest('hex');
    expect(api('vonage').accepted).toMatchObject([{ id: 'CON-1:1', to: 'CON-1', media: { sha256 } }]);
  });

  test.each<[string, () => Call, number]>([
    ['no token', () => ({ ...upload(stage.contents.jpeg), headers: {} }), 401],
    ['no form', () => ({ ...upload(stage.contents.jpeg), body: 'x' }), 415],
    ['another type', () => upload(stage.contents.png), 415],
    ['too many bytes', () => upload(Buffer.concat([stage.contents.jpeg, Buffer.alloc(6e6)])), 413],
    ['a ratio of more than all', () => upload(stage.contents.jpeg, { quality_ratio: '101' }), 400],
    ['a field that it does not know', () => upload(stage.contents.jpeg, { caption: 'x' }), 400],
    ['an event without a token', () => ({ ...event(stage.files.jpeg), headers: {} }), 401],
    ['an event of nobody', () => event(stage.files.jpeg, 'USR-1'), 400],
    ['an event without an address', () => event('picture'), 400],
  ])('refuse %s', async (_what, call, status) => {
    expect((await send(origin(), call())).status).toBe(status);
    expect(api('vonage').accepted).toEqual([]);
  });
});

describe("meta's uploads", () => {
  const upload = (content: Uint8Array, type = 'image/jpeg', fields: Record<string, string> = {}): Call => {
    const body = new FormData();
    body.set('messaging_product', 'whatsapp');
    body.set('type', type);
    body.set('file', new Blob([new Uint8Array(content)], { type }), 'picture.jpg');
    for (const [name, value] of Object.entries(fields)) body.set(name, value);
    return { ...rightCalls.meta(''), path: `/v25.0/${secrets.meta.phoneNumberId}/media`, body };
  };
  /** Without the type of the body, which belongs to the form. */
  const asForm = ({ headers, ...call }: Call): Call => ({
    ...call,
    headers: { ...headers, 'content-type': undefined },
  });
  const origin = () => api('meta').origin;

  test('are sent by their id', async () => {
    const uploaded = await send(origin(), asForm(upload(stage.contents.jpeg)));
    expect(uploaded).toMatchObject({ status: 200, body: { id: expect.stringMatching(/^\d+$/) } });
    const { id } = uploaded.body as { id: string };
    expect(await send(origin(), change(rightCalls.meta(''), { image: { id } }))).toMatchObject({
      status: 200,
    });
    await until(async () => (await statusesOf('meta')).includes('read'));
    const sha256 = createHash('sha256').update(stage.contents.jpeg).digest('hex');
    expect(api('meta').accepted).toMatchObject([{ to: '5511999990000', media: { sha256 } }]);
  });

  test.each<[string, () => Call, number]>([
    ['no token', () => ({ ...upload(stage.contents.jpeg), headers: {} }), 401],
    ['another number', () => ({ ...upload(stage.contents.jpeg), path: '/v25.0/1/media' }), 400],
    ['another type than it says', () => upload(stage.contents.page), 400],
    ['a type that WhatsApp does not have', () => upload(stage.contents.gif, 'image/gif'), 400],
    ['too many bytes', () => upload(Buffer.concat([stage.contents.jpeg, Buffer.alloc(6e6)])), 400],
    ['a field that it does not know', () => upload(stage.contents.jpeg, 'image/jpeg', { caption: 'x' }), 400],
    ['another product', () => upload(stage.contents.jpeg, 'image/jpeg', { messaging_product: 'x' }), 400],
    ['a message with an id that is none', () => change(rightCalls.meta(''), { image: { id: '1' } }), 400],
  ])('refuse %s', async (_what, call, status) => {
    const made = call();
    const answer = await send(origin(), made.body === undefined ? made : asForm(made));
    expect(answer).toMatchObject({ status, body: { error: { code: expect.any(Number) } } });
    expect(api('meta').accepted).toEqual([]);
  });
});

test('twilio reports nothing about a message without a callback', async () => {
  const call = rightCalls.twilio(stage.files.jpeg);
  await send(api('twilio').origin, { ...call, json: { ...call.json, StatusCallback: undefined } });
  await send(api('twilio').origin, call);
  await settledAt('twilio');
  const [, told] = api('twilio').accepted;
  // A report is recorded when the service has answered it.
  await until(() => api('twilio').reports.length > 0);
  expect(new Set(api('twilio').reports.map(({ messageId }) => messageId))).toEqual(new Set([told?.id]));
});

test('the reports of a provider contain no secret', async () => {
  await send(api('aisoule').origin, rightCalls.aisoule(stage.files.jpeg));
  await until(async () => (await statusesOf('aisoule')).includes('read'));
  expect(JSON.stringify(listener.received)).not.toContain(secrets.aisoule.apiKey);
});
