/**
 * Calls of every operation, with the status that each must have. An operation without calls fails the test.
 */
import { rm } from 'node:fs/promises';

import { bytes, type MediaHost } from '../../../src/demo/media-host.js';
import { photo } from '../../../src/demo/photos.js';
import type { RecordingApi } from '../../providers/recording-api.js';
import {
  call,
  postUnproven,
  postWebhook,
  receive,
  upload,
  type Answer,
  type Call,
  type MediaView,
} from '../../support/client.js';
import { refuse, type Courier } from '../../support/courier.js';
import { filesOf } from '../../support/everything.js';
import { picture, zApiMedia } from '../../support/payloads.js';
import { pdfOf } from '../../support/pdf.js';
import { secrets } from '../../support/signing.js';
import { startTestService, type TestService } from '../../support/test-service.js';
import { until } from '../../support/until.js';
import { createUser, enter, goodPassword, newEmail, ownPage, secretOf } from '../../support/users.js';

export interface Stage {
  readonly service: TestService;
  readonly host: MediaHost;
  readonly courier: Courier;
  /** The API of a provider. */
  readonly provider: RecordingApi;
}

export interface ExampleCall {
  readonly status: number;
  /** The JSON that is sent, when it is to be compared with the document. */
  readonly sent?: unknown;
  readonly answer: Answer<unknown>;
}

type MakeCalls = (stage: Stage) => Promise<readonly ExampleCall[]>;
type Request = Omit<Call, 'method'> & { readonly path: string };

/** Asks with a token that may do everything, unless the request brings its own. */
const asking =
  (method: NonNullable<Call['method']>) =>
  async ({ service }: Stage, status: number, { path, ...rest }: Request): Promise<ExampleCall> => ({
    status,
    sent: rest.json,
    answer: await call<unknown>(service.url, path, { method, token: service.token('admin'), ...rest }),
  });
const get = asking('get');
const post = asking('post');
const put = asking('put');
const patch = asking('patch');
const remove = asking('delete');

const nobody = '019aa5e2-0000-7000-8000-000000000000';

async function readyMedia({ service, host }: Stage): Promise<MediaView> {
  const url = host.serve(
    '/photo.jpg',
    bytes('image/jpeg', await photo({ seed: 1, width: 640, height: 480 })),
  );
  return receive(service, 'z-api', zApiMedia({ url }));
}

const failedMedia = ({ service, host }: Stage): Promise<MediaView> =>
  receive(service, 'z-api', zApiMedia({ url: `${host.origin}/gone.jpg` }));

const document = ({ service }: Stage): Promise<MediaView> =>
  upload(service, { file: Buffer.from('%PDF-1.7'), fields: { channel: 'z-api', kind: 'document' } }).then(
    ({ body }) => body,
  );

/** The id of a PDF with one page. */
const pdf = ({ service }: Stage): Promise<string> =>
  upload(service, {
    file: pdfOf([{ width: 100, height: 50, rgb: [1, 0, 0] }]),
    fields: { channel: 'z-api', kind: 'document' },
  }).then(({ body }) => body.id);

/** The state for a while, or afterwards. */
async function mediaIn(state: 'pending' | 'erased', stage: Stage): Promise<string> {
  const { id } = await readyMedia(stage);
  await stage.service.database.query('update media set state = $2, sha256 = null where id = $1', [id, state]);
  return id;
}

/** Whole, in part, unchanged, and everything that can be wrong with the bytes of a media. */
async function bytesOf(stage: Stage, what: string): Promise<ExampleCall[]> {
  const { id } = await readyMedia(stage);
  const failed = await failedMedia(stage);
  const erased = await mediaIn('erased', stage);
  const path = `/v1/media/${id}/${what}`;
  const whole = await get(stage, 200, { path });
  return [
    whole,
    await get(stage, 206, { path, headers: { range: 'bytes=0-9' } }),
    await get(stage, 304, { path, headers: { 'if-none-match': whole.answer.headers['etag'] ?? '' } }),
    await get(stage, 416, { path, headers: { range: 'bytes=99999999-' } }),
    await get(stage, 404, { path: `/v1/media/${nobody}/${what}` }),
    await get(stage, 404, { path: `/v1/media/${failed.id}/${what}` }),
    await get(stage, 410, { path: `/v1/media/${erased}/${what}` }),
    await get(stage, 409, { path: `/v1/media/${await mediaIn('pending', stage)}/${what}` }),
    {
      status: 403,
      answer: await call(stage.service.url, `${path}?expires=1&signature=none`),
    },
  ];
}

interface SharedPage {
  readonly id: string;
  /** The path of its link. */
  readonly path: string;
}

async function aShare(stage: Stage, request: object = {}): Promise<SharedPage> {
  const json = { media: [(await readyMedia(stage)).id], ...request };
  const { answer } = await post(stage, 201, { path: '/v1/shares', json });
  const { id, url } = answer.body as { id: string; url: string };
  return { id, path: new URL(url).pathname };
}

/** Without an identity provider, and with one that does not answer. */
async function providerCalls(stage: Stage, path: string): Promise<ExampleCall[]> {
  const env = { OIDC_ISSUER: 'https://127.0.0.1:1', OIDC_CLIENT_ID: 'inlet', OIDC_DEFAULT_ROLE: 'viewer' };
  const service = await startTestService({ queue: false, env });
  try {
    return [await get(stage, 404, { path }), { status: 303, answer: await call<unknown>(service.url, path) }];
  } finally {
    await service.stop();
  }
}

/** The erasure of a person of whom a file is held. */
async function heldContact(stage: Stage): Promise<ExampleCall> {
  await aHold(stage);
  return remove(stage, 409, { path: '/v1/contacts/z-api/5511900004711' });
}

/** The removal of a tag that is held. */
async function heldTag(stage: Stage): Promise<ExampleCall> {
  const { media } = await aHold(stage);
  const json = { type: 'tag', subject: 'held', reason: 'Case 4711' };
  const { answer } = await post(stage, 201, { path: '/v1/holds', json });
  const refused = await patch(stage, 409, { path: `/v1/media/${media}`, json: { tags: [] } });
  await remove(stage, 204, { path: `/v1/holds/${(answer.body as { readonly id: string }).id}` });
  return refused;
}

/** A hold on a file of somebody of whom no other call knows. */
async function aHold(stage: Stage): Promise<{ readonly id: string; readonly media: string }> {
  const media = await receive(stage.service, 'z-api', zApiMedia({ from: '5511900004711' }));
  await call(stage.service.url, `/v1/media/${media.id}`, {
    method: 'patch',
    token: stage.service.token('admin'),
    json: { tags: ['held'] },
  });
  const json = { type: 'media', subject: media.id, reason: 'Case 4711' };
  const { answer } = await post(stage, 201, { path: '/v1/holds', json });
  return { id: (answer.body as { readonly id: string }).id, media: media.id };
}

async function revokedShare(stage: Stage): Promise<string> {
  const { id, path } = await aShare(stage);
  await remove(stage, 200, { path: `/v1/shares/${id}` });
  return path;
}

/** The bytes of a file of a share, and everything that can be wrong with them. */
async function filesOfShare(stage: Stage, what: '' | '/preview'): Promise<ExampleCall[]> {
  const path = `${(await aShare(stage)).path}/1${what}`;
  const whole = await get(stage, 200, { path });
  const locked = await aShare(stage, { password: 'eight letters' });
  return [
    whole,
    await get(stage, 206, { path, headers: { range: 'bytes=0-9' } }),
    await get(stage, 304, { path, headers: { 'if-none-match': whole.answer.headers['etag'] ?? '' } }),
    await get(stage, 416, { path, headers: { range: 'bytes=99999999-' } }),
    await get(stage, 404, { path: path.replace(/\/1$|\/1(?=\/)/, '/2') }),
    await get(stage, 404, { path: `/shared/${'x'.repeat(32)}/1${what}` }),
    await get(stage, 404, {
      path: `${(await aShare(stage, { media: [await lostMedia(stage)] })).path}/1${what}`,
    }),
    await get(stage, 410, { path: `${await revokedShare(stage)}/1${what}` }),
    await get(stage, 403, { path: `${locked.path}/1${what}` }),
  ];
}

let lost = 0;

/** Ready, but its files were removed from the disk. */
async function lostMedia({ service, host }: Stage): Promise<string> {
  lost += 1;
  const other = await photo({ seed: 100 + lost, width: 320, height: 240 });
  const url = host.serve(`/lost-${String(lost)}.jpg`, bytes('image/jpeg', other));
  const { id, sha256 } = await receive(service, 'z-api', zApiMedia({ url }));
  const files = await filesOf(service);
  await Promise.all(files.filter((file) => file.includes(String(sha256))).map((file) => rm(file)));
  return id;
}

async function aDelivery({ service }: Stage): Promise<string> {
  return (await postWebhook(service, 'z-api', picture('z-api'))).body.delivery;
}

async function erasedDelivery(stage: Stage): Promise<string> {
  const { body } = await postWebhook(stage.service, 'z-api', picture('z-api'));
  await remove(stage, 200, { path: `/v1/media/${String(body.media[0])}` });
  return body.delivery;
}

async function revokedToken(stage: Stage): Promise<string> {
  const made = await post(stage, 201, { path: '/v1/tokens', json: { name: 'lost', scopes: ['admin'] } });
  const { id, token } = made.answer.body as { id: string; token: string };
  await remove(stage, 200, { path: `/v1/tokens/${id}` });
  return token;
}

/** The address of a new one, which the host takes events for. */
async function aSubscription(stage: Stage): Promise<string> {
  stage.host.answer('/hook', () => ({ status: 204 }));
  const json = { url: `${stage.host.origin}/hook` };
  const made = await post(stage, 201, { path: '/v1/subscriptions', json });
  return `/v1/subscriptions/${(made.answer.body as { id: string }).id}`;
}

/** The address of one whose secret was sealed for another, so that it cannot be opened. */
async function unreadableSubscription(stage: Stage): Promise<string> {
  const path = await aSubscription(stage);
  const other = await aSubscription(stage);
  await stage.service.database.query(
    'update subscription set secret = (select secret from subscription where id = $2) where id = $1',
    [path, other].map((one) => one.split('/').at(-1)),
  );
  return path;
}

/** The settings of a channel with an instance of Z-API. */
const instanceAt = ({ origin }: Pick<RecordingApi, 'origin'>) => ({
  instanceId: '3C01',
  token: 'T0123456789',
  apiUrl: origin,
});

/** An API that no channel may call. */
const inside = { origin: 'http://10.0.0.1' };

/** The address of a new one, whose secret the service has made. */
async function aChannel(stage: Stage, settings: Readonly<Record<string, string>> = {}): Promise<string> {
  const made = await post(stage, 201, { path: '/v1/channels', json: { provider: 'z-api', settings } });
  return `/v1/channels/${(made.answer.body as { id: string }).id}`;
}

/** The address of one that was sealed for another, so that it cannot be opened. */
async function unreadableChannel(stage: Stage): Promise<string> {
  const [, , , id] = (await aChannel(stage)).split('/');
  await stage.service.database.query(
    `insert into channel (id, provider, settings, created_at, updated_at)
     select 'unreadable', provider, settings, now(), now() from channel where id = $1`,
    [id],
  );
  return '/v1/channels/unreadable';
}

/**
 * The beginning of a stream that goes on for ever: its status and headers, and its first event as the body.
 */
async function firstEvent(stage: Stage): Promise<Answer<unknown>> {
  await readyMedia(stage);
  const { url, token } = stage.service;
  const over = new AbortController();
  const response = await fetch(`${url}/v1/events`, {
    headers: { authorization: `Bearer ${token('media:read')}`, 'last-event-id': '0' },
    signal: over.signal,
  });
  let text = '';
  for await (const chunk of response.body ?? []) {
    text += Buffer.from(chunk).toString('utf8');
    if (/^data: .*\n/m.test(text)) break;
  }
  over.abort();
  const [, data = 'null'] = /^data: (.*)\n/m.exec(text) ?? [];
  return {
    status: response.status,
    headers: Object.fromEntries(response.headers),
    bytes: Buffer.from(text),
    body: JSON.parse(data) as unknown,
  };
}

async function aPicture(): Promise<{ data: string }> {
  const file = await photo({ seed: 3, width: 64, height: 48 });
  return { data: `data:image/jpeg;base64,${file.toString('base64')}` };
}

const roses = { channel: 'courier', to: '5511999990000', kind: 'image' };

/** The id of a new message, as soon as it was handed over. */
async function aMessage(stage: Stage): Promise<string> {
  const json = { ...roses, media: await aPicture() };
  const { answer } = await post(stage, 202, { path: '/v1/messages', json });
  const { id } = answer.body as { id: string };
  await until(async () => {
    const now = await get(stage, 200, { path: `/v1/messages/${id}` });
    return ['sent', 'failed'].includes((now.answer.body as { state: string }).state);
  });
  return id;
}

export const calls: Readonly<Record<string, MakeCalls>> = {
  'get /v1/media': async (stage) => {
    const media = await readyMedia(stage);
    await failedMedia(stage);
    await document(stage);
    await mediaIn('erased', stage);
    return [
      await get(stage, 200, { path: '/v1/media' }),
      await get(stage, 200, { path: '/v1/media?limit=1' }),
      await get(stage, 200, {
        path: `/v1/media?channel=z-api&provider=z-api&kind=image&state=ready&sha256=${String(media.sha256)}&since=2020-01-01&q=loo`,
      }),
      await get(stage, 400, { path: '/v1/media?limit=0&nonsense=1' }),
    ];
  },

  'post /v1/media/{id}/facts': async (stage) => {
    const { id } = await readyMedia(stage);
    const path = `/v1/media/${id}/facts`;
    const json = { source: 'tesseract', type: 'text', value: 'Invoice 4711', language: 'en' };
    const labels = { source: 'x', type: 'labels', value: [{ name: 'rose', confidence: 1 }] };
    for (let count = 0; count < 49; count += 1)
      await post(stage, 200, { path, json: { ...json, source: String(count) } });
    const missing = await mediaIn('pending', stage);
    return [
      await post(stage, 200, { path, json }),
      await post(stage, 409, { path, json: labels }),
      await post(stage, 400, { path, json: { ...json, type: 'mood' } }),
      await post(stage, 404, { path: `/v1/media/${nobody}/facts`, json }),
      await post(stage, 404, { path: `/v1/media/${(await failedMedia(stage)).id}/facts`, json }),
      await post(stage, 409, { path: `/v1/media/${missing}/facts`, json }),
      await post(stage, 410, { path: `/v1/media/${await mediaIn('erased', stage)}/facts`, json }),
    ];
  },

  'get /v1/media/{id}/facts': async (stage) => {
    const { id } = await readyMedia(stage);
    const path = `/v1/media/${id}/facts`;
    await post(stage, 200, { path, json: { source: 'x', type: 'blur', value: 0.5 } });
    await post(stage, 200, { path, json: { source: 'x', type: 'labels', value: [{ name: 'rose' }] } });
    return [await get(stage, 200, { path }), await get(stage, 404, { path: `/v1/media/${nobody}/facts` })];
  },

  'put /v1/media/{id}/favourite': async (stage) => {
    const { id } = await readyMedia(stage);
    const erased = await mediaIn('erased', stage);
    return [
      await put(stage, 204, { path: `/v1/media/${id}/favourite` }),
      await put(stage, 404, { path: `/v1/media/${nobody}/favourite` }),
      await put(stage, 410, { path: `/v1/media/${erased}/favourite` }),
    ];
  },

  'delete /v1/media/{id}/favourite': async (stage) => {
    const { id } = await readyMedia(stage);
    return [
      await remove(stage, 204, { path: `/v1/media/${id}/favourite` }),
      await remove(stage, 404, { path: `/v1/media/${nobody}/favourite` }),
    ];
  },

  'get /v1/favourites': async (stage) => {
    const { id } = await readyMedia(stage);
    const token = stage.service.token('media:read');
    await put(stage, 204, { path: `/v1/media/${id}/favourite`, token });
    return [
      await get(stage, 200, { path: `/v1/favourites?ids=${id},${nobody}`, token }),
      await get(stage, 400, { path: '/v1/favourites' }),
    ];
  },

  'get /v1/views': async (stage) => {
    await post(stage, 200, { path: '/v1/views', json: { name: 'Pictures', filters: { kind: 'image' } } });
    return [await get(stage, 200, { path: '/v1/views' })];
  },

  'post /v1/views': async (stage) => {
    const token = stage.service.token('media:read');
    const path = '/v1/views';
    const json = { name: 'Pictures', filters: { kind: 'image', since: '2026-11-01', favourite: 'true' } };
    for (let count = 0; count < 49; count += 1)
      await post(stage, 200, { path, token, json: { ...json, name: String(count) } });
    return [
      await post(stage, 200, { path, json: { ...json, shared: true } }),
      await post(stage, 403, { path, token, json: { ...json, shared: true } }),
      await post(stage, 400, { path, token, json: { ...json, filters: {} } }),
      await post(stage, 200, { path, token, json }),
      await post(stage, 409, { path, token, json: { ...json, name: 'One more' } }),
    ];
  },

  'delete /v1/views/{id}': async (stage) => {
    const json = { name: 'Pictures', filters: { kind: 'image' }, shared: true };
    const { answer } = await post(stage, 200, { path: '/v1/views', json });
    const { id } = answer.body as { id: string };
    return [
      await remove(stage, 204, { path: `/v1/views/${id}` }),
      await remove(stage, 404, { path: `/v1/views/${id}` }),
    ];
  },

  'get /v1/media/{id}/similar': async (stage) => {
    const { id } = await readyMedia(stage);
    return [
      await get(stage, 200, { path: `/v1/media/${id}/similar` }),
      await get(stage, 404, { path: `/v1/media/${nobody}/similar` }),
    ];
  },

  'get /v1/media/{id}/pages': async (stage) => {
    const { id } = await readyMedia(stage);
    return [
      await get(stage, 200, { path: `/v1/media/${await pdf(stage)}/pages` }),
      await get(stage, 404, { path: `/v1/media/${id}/pages` }),
      await get(stage, 404, { path: `/v1/media/${nobody}/pages` }),
      await get(stage, 404, { path: `/v1/media/${(await failedMedia(stage)).id}/pages` }),
      await get(stage, 409, { path: `/v1/media/${await mediaIn('pending', stage)}/pages` }),
      await get(stage, 410, { path: `/v1/media/${await mediaIn('erased', stage)}/pages` }),
    ];
  },

  'get /v1/media/{id}/pages/{number}': async (stage) => {
    const path = `/v1/media/${await pdf(stage)}/pages`;
    const first = await get(stage, 200, { path: `${path}/1` });
    const headers = { 'if-none-match': first.answer.headers['etag'] ?? '' };
    return [
      first,
      await get(stage, 304, { path: `${path}/1`, headers }),
      await get(stage, 404, { path: `${path}/2` }),
      await get(stage, 404, { path: `${path}/0` }),
      await get(stage, 404, { path: `/v1/media/${(await failedMedia(stage)).id}/pages/1` }),
      await get(stage, 409, { path: `/v1/media/${await mediaIn('pending', stage)}/pages/1` }),
      await get(stage, 410, { path: `/v1/media/${await mediaIn('erased', stage)}/pages/1` }),
    ];
  },

  'get /v1/export': async (stage) => {
    const { id } = await readyMedia(stage);
    return [
      await get(stage, 200, { path: `/v1/export?ids=${id}` }),
      await get(stage, 200, { path: '/v1/export?format=csv&kind=image' }),
      await get(stage, 200, { path: '/v1/export?format=jsonl' }),
      await get(stage, 404, { path: `/v1/export?ids=${nobody}` }),
      await get(stage, 404, { path: '/v1/export?channel=z-api&contact=nobody' }),
      await get(stage, 400, { path: '/v1/export?format=rar' }),
    ];
  },

  'post /v1/media': async ({ service }) => {
    const file = await photo({ seed: 2, width: 64, height: 48 });
    return [
      { status: 201, answer: await upload<unknown>(service, { file }) },
      { status: 400, answer: await upload<unknown>(service, { file, fields: { channel: 'nobody' } }) },
      { status: 422, answer: await upload<unknown>(service, { file: Buffer.from('<html></html>') }) },
    ];
  },

  'get /v1/media/{id}': async (stage) => [
    await get(stage, 200, { path: `/v1/media/${(await readyMedia(stage)).id}` }),
    await get(stage, 200, { path: `/v1/media/${(await failedMedia(stage)).id}?wait=1` }),
    await get(stage, 200, { path: `/v1/media/${(await document(stage)).id}` }),
    await get(stage, 400, { path: `/v1/media/${nobody}?wait=31` }),
    await get(stage, 404, { path: `/v1/media/${nobody}` }),
  ],

  'get /v1/media/{id}/content': (stage) => bytesOf(stage, 'content'),

  'get /v1/media/{id}/preview': async (stage) => [
    ...(await bytesOf(stage, 'preview')),
    await get(stage, 400, { path: `/v1/media/${nobody}/preview?size=huge` }),
    await get(stage, 404, { path: `/v1/media/${(await document(stage)).id}/preview` }),
  ],

  'post /v1/media/{id}/link': async (stage) => {
    const path = `/v1/media/${(await readyMedia(stage)).id}/link`;
    return [
      await post(stage, 200, { path }),
      await post(stage, 200, { path, json: { expiresIn: 60, size: 'small' } }),
      await post(stage, 200, { path, json: { size: null } }),
      await post(stage, 400, { path, json: { expiresIn: 0 } }),
      await post(stage, 413, { path, json: { size: 'x'.repeat(300_000) } }),
      await post(stage, 415, {
        path,
        raw: '{}',
        headers: { 'content-type': 'application/json; charset=nonsense' },
      }),
      await post(stage, 404, { path: `/v1/media/${nobody}/link`, json: {} }),
      await post(stage, 410, { path: `/v1/media/${await mediaIn('erased', stage)}/link`, json: {} }),
    ];
  },

  'post /v1/media/{id}/retry': async (stage) => [
    await post(stage, 202, { path: `/v1/media/${(await failedMedia(stage)).id}/retry` }),
    await post(stage, 409, { path: `/v1/media/${(await readyMedia(stage)).id}/retry` }),
    await post(stage, 404, { path: `/v1/media/${nobody}/retry` }),
  ],

  'get /v1/media/{id}/history': async (stage) => [
    await get(stage, 200, { path: `/v1/media/${(await readyMedia(stage)).id}/history` }),
    await get(stage, 200, { path: `/v1/media/${(await failedMedia(stage)).id}/history` }),
    await get(stage, 404, { path: `/v1/media/${nobody}/history` }),
  ],

  'get /v1/media/{id}/evidence': async (stage) => {
    const path = `/v1/media/${(await readyMedia(stage)).id}/evidence`;
    return [
      await get(stage, 200, { path, headers: { accept: 'application/json' } }),
      await get(stage, 200, { path, headers: { accept: 'text/html' } }),
      await get(stage, 404, { path: `/v1/media/${nobody}/evidence` }),
    ];
  },

  'get /v1/messages/{channel}/{messageId}': async (stage) => {
    const { message } = await readyMedia(stage);
    return [
      await get(stage, 200, { path: `/v1/messages/z-api/${String(message?.id)}` }),
      await get(stage, 404, { path: '/v1/messages/z-api/nobody' }),
    ];
  },

  'post /v1/messages': async (stage) => {
    const path = '/v1/messages';
    const media = await aPicture();
    const headers = { 'idempotency-key': 'roses-1' };
    const token = stage.service.token('messages:send');
    return [
      await post(stage, 202, {
        path,
        token,
        headers,
        json: { ...roses, media, caption: 'Roses', options: { fit: true } },
      }),
      await post(stage, 422, { path, token, headers, json: { ...roses, media } }),
      await post(stage, 422, { path, json: { ...roses, media, to: 'Ana' } }),
      await post(stage, 400, { path, json: { ...roses, media: {} } }),
    ];
  },

  'get /v1/messages': async (stage) => {
    await aMessage(stage);
    return [
      await get(stage, 200, { path: '/v1/messages?channel=courier&state=sent&to=5511999990000&limit=1' }),
      await get(stage, 400, { path: '/v1/messages?state=nonsense' }),
    ];
  },

  'get /v1/messages/{id}': async (stage) => [
    await get(stage, 200, { path: `/v1/messages/${await aMessage(stage)}` }),
    await get(stage, 404, { path: `/v1/messages/${nobody}` }),
  ],

  'post /v1/messages/{id}/retry': async (stage) => {
    const sent = await aMessage(stage);
    stage.courier.answer(refuse);
    return [
      await post(stage, 202, { path: `/v1/messages/${await aMessage(stage)}/retry` }),
      await post(stage, 409, { path: `/v1/messages/${sent}/retry` }),
      await post(stage, 404, { path: `/v1/messages/${nobody}/retry` }),
    ];
  },

  'get /v1/channels/{id}/limits': async (stage) => [
    await get(stage, 200, { path: '/v1/channels/courier/limits' }),
    await get(stage, 200, { path: '/v1/channels/z-api/limits' }),
    await get(stage, 404, { path: '/v1/channels/nobody/limits' }),
  ],

  'get /v1/holds': async (stage) => {
    await aHold(stage);
    return [
      await get(stage, 200, { path: '/v1/holds?limit=1' }),
      await get(stage, 400, { path: '/v1/holds?media=no' }),
    ];
  },

  'post /v1/holds': async (stage) => {
    const path = '/v1/holds';
    const common = { reason: 'Case 4711' };
    return [
      await post(stage, 201, { path, json: { ...common, type: 'tag', subject: 'case 4711' } }),
      await post(stage, 400, { path, json: { ...common, type: 'person', subject: '5511988887777' } }),
      await post(stage, 404, { path, json: { ...common, type: 'media', subject: nobody } }),
      await post(stage, 404, { path, json: { ...common, type: 'chat', channel: 'nobody', subject: 'x' } }),
      await post(stage, 410, {
        path,
        json: { ...common, type: 'media', subject: await mediaIn('erased', stage) },
      }),
    ];
  },

  'get /v1/holds/{id}': async (stage) => [
    await get(stage, 200, { path: `/v1/holds/${(await aHold(stage)).id}` }),
    await get(stage, 404, { path: `/v1/holds/${nobody}` }),
  ],

  'delete /v1/holds/{id}': async (stage) => [
    await remove(stage, 204, { path: `/v1/holds/${(await aHold(stage)).id}` }),
    await remove(stage, 404, { path: `/v1/holds/${nobody}` }),
  ],

  'get /v1/shares': async (stage) => {
    await aShare(stage);
    return [
      await get(stage, 200, { path: '/v1/shares?limit=1' }),
      await get(stage, 400, { path: '/v1/shares?limit=no' }),
    ];
  },

  'post /v1/shares': async (stage) => {
    const { id } = await readyMedia(stage);
    const path = '/v1/shares';
    return [
      await post(stage, 201, { path, json: { media: [id], title: 'Roses', password: 'eight letters' } }),
      await post(stage, 400, { path, json: { media: [] } }),
      await post(stage, 404, { path, json: { media: [nobody] } }),
      await post(stage, 409, { path, json: { media: [await mediaIn('pending', stage)] } }),
      await post(stage, 410, { path, json: { media: [await mediaIn('erased', stage)] } }),
      await post(stage, 404, { path, json: { media: [(await failedMedia(stage)).id] } }),
    ];
  },

  'get /v1/shares/{id}': async (stage) => [
    await get(stage, 200, { path: `/v1/shares/${(await aShare(stage)).id}` }),
    await get(stage, 404, { path: `/v1/shares/${nobody}` }),
  ],

  'delete /v1/shares/{id}': async (stage) => [
    await remove(stage, 200, { path: `/v1/shares/${(await aShare(stage)).id}` }),
    await remove(stage, 404, { path: `/v1/shares/${nobody}` }),
  ],

  'get /shared/{secret}': async (stage) => [
    await get(stage, 200, { path: (await aShare(stage)).path }),
    await get(stage, 410, { path: await revokedShare(stage) }),
    await get(stage, 404, { path: `/shared/${'x'.repeat(32)}` }),
  ],

  'post /shared/{secret}': async (stage) => {
    const { path } = await aShare(stage, { password: 'eight letters' });
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    return [
      await post(stage, 204, { path, headers, raw: 'password=eight+letters' }),
      await post(stage, 303, {
        path,
        headers: { ...headers, accept: 'text/html' },
        raw: 'password=eight+letters',
      }),
      await post(stage, 403, { path, headers, raw: 'password=others' }),
      await post(stage, 400, { path, headers, raw: 'word=others' }),
      await post(stage, 410, { path: await revokedShare(stage), headers }),
      await post(stage, 404, { path: `/shared/${'x'.repeat(32)}`, headers }),
    ];
  },

  'get /shared/{secret}/{number}': async (stage) => filesOfShare(stage, ''),

  'get /shared/{secret}/{number}/preview': async (stage) => {
    const { path } = await aShare(stage, { media: [(await document(stage)).id] });
    return [...(await filesOfShare(stage, '/preview')), await get(stage, 404, { path: `${path}/1/preview` })];
  },

  'get /public/media/{id}': async (stage) => {
    await aMessage(stage);
    const { pathname, search } = new URL(stage.courier.handed.at(-1)?.url ?? '');
    const path = `${pathname}${search}`;
    const whole = await get(stage, 200, { path });
    return [
      whole,
      await get(stage, 206, { path, headers: { range: 'bytes=0-9' } }),
      await get(stage, 304, { path, headers: { 'if-none-match': whole.answer.headers['etag'] ?? '' } }),
      await get(stage, 416, { path, headers: { range: 'bytes=99999999-' } }),
      await get(stage, 404, { path: `${pathname}?expires=1&signature=none` }),
    ];
  },

  'get /v1/deliveries': async (stage) => {
    await aDelivery(stage);
    return [
      await get(stage, 200, { path: '/v1/deliveries?outcome=accepted&limit=1' }),
      await get(stage, 400, { path: '/v1/deliveries?outcome=nonsense' }),
    ];
  },

  'get /v1/deliveries/{id}': async (stage) => [
    await get(stage, 200, { path: `/v1/deliveries/${await aDelivery(stage)}` }),
    await get(stage, 404, { path: `/v1/deliveries/${nobody}` }),
  ],

  'post /v1/deliveries/{id}/replay': async (stage) => [
    await post(stage, 200, { path: `/v1/deliveries/${await aDelivery(stage)}/replay` }),
    await post(stage, 410, { path: `/v1/deliveries/${await erasedDelivery(stage)}/replay` }),
    await post(stage, 404, { path: `/v1/deliveries/${nobody}/replay` }),
  ],

  'delete /v1/media/{id}': async (stage) => {
    const path = `/v1/media/${(await readyMedia(stage)).id}`;
    return [
      await remove(stage, 200, { path: `${path}?dryRun=true` }),
      await remove(stage, 400, { path: `${path}?dryRun=perhaps` }),
      await remove(stage, 200, { path }),
      await remove(stage, 200, { path }),
      await remove(stage, 404, { path: `/v1/media/${nobody}` }),
      await remove(stage, 409, { path: `/v1/media/${(await aHold(stage)).media}` }),
    ];
  },

  'patch /v1/media/{id}': async (stage) => {
    const path = `/v1/media/${(await readyMedia(stage)).id}`;
    const json = { tags: ['roses'], note: 'Replaced', resolved: true };
    return [
      await patch(stage, 200, { path, json }),
      await patch(stage, 412, { path, json: { note: null }, headers: { 'If-Match': '"0"' } }),
      await patch(stage, 400, { path, json: { tags: 'roses' } }),
      await patch(stage, 404, { path: `/v1/media/${nobody}`, json }),
      await patch(stage, 410, { path: `/v1/media/${await mediaIn('erased', stage)}`, json }),
      await heldTag(stage),
    ];
  },

  'get /v1/tags': async (stage) => [
    await get(stage, 200, { path: '/v1/tags?q=ro&channel=z-api' }),
    await get(stage, 400, { path: '/v1/tags?q=' }),
  ],

  'get /v1/people': async (stage) => {
    await readyMedia(stage);
    return [
      await get(stage, 200, { path: '/v1/people' }),
      await get(stage, 200, { path: '/v1/people?q=5511&kind=person&channel=z-api&limit=1' }),
      await get(stage, 400, { path: '/v1/people?cursor=x' }),
    ];
  },

  'get /v1/people/{channel}/{person}': async (stage) => {
    await readyMedia(stage);
    return [
      await get(stage, 200, { path: '/v1/people/z-api/5511999990000' }),
      await get(stage, 404, { path: '/v1/people/z-api/5511' }),
    ];
  },

  'get /v1/people/{channel}/{person}/timeline': async (stage) => {
    await readyMedia(stage);
    return [
      await get(stage, 200, { path: '/v1/people/z-api/5511999990000/timeline?limit=1' }),
      await get(stage, 404, { path: '/v1/people/z-api/5511/timeline' }),
    ];
  },

  'delete /v1/contacts/{channel}/{contact}': async (stage) => {
    await readyMedia(stage);
    return [
      await remove(stage, 200, { path: '/v1/contacts/z-api/5511999990000?dryRun=true' }),
      await remove(stage, 200, { path: '/v1/contacts/z-api/5511999990000' }),
      await remove(stage, 404, { path: '/v1/contacts/z-api/image' }),
      await heldContact(stage),
      await remove(stage, 404, { path: '/v1/contacts/nowhere/5511999990000' }),
      await remove(stage, 400, { path: `/v1/contacts/z-api/${'5'.repeat(256)}` }),
    ];
  },

  'get /v1/audit': async (stage) => [
    await get(stage, 200, { path: '/v1/audit?since=2020-01-01' }),
    await get(stage, 400, { path: '/v1/audit?limit=0' }),
  ],

  'get /v1/alerts': async (stage) => {
    await stage.service.database.query(
      `insert into alert (type, subject, channel, since, message)
       values ('alert.disk_filling', 'disk', null, now(), 'the disk is filling up') on conflict do nothing`,
    );
    return [
      await get(stage, 200, { path: '/v1/alerts' }),
      await get(stage, 400, { path: '/v1/alerts?limit=0' }),
    ];
  },

  'get /v1/stats': async (stage) => {
    await readyMedia(stage);
    await mediaIn('pending', stage);
    return [
      await get(stage, 200, { path: '/v1/stats' }),
      await get(stage, 200, {
        path: '/v1/stats?days=366',
        token: stage.service.token('admin', { channels: ['sobot'] }),
      }),
      await get(stage, 400, { path: '/v1/stats?days=367' }),
    ];
  },

  'get /v1/events': async (stage) => [
    { status: 200, answer: await firstEvent(stage) },
    await get(stage, 400, { path: '/v1/events?lastEventId=nonsense' }),
  ],

  'get /v1/subscriptions': async (stage) => {
    await aSubscription(stage);
    return [await get(stage, 200, { path: '/v1/subscriptions' })];
  },

  'post /v1/subscriptions': async (stage) => {
    const path = '/v1/subscriptions';
    const url = `${stage.host.origin}/hook`;
    return [
      await post(stage, 201, { path, json: { url } }),
      await post(stage, 201, {
        path,
        json: { url, description: null, types: ['media.ready'], channels: ['z-api'] },
      }),
      await post(stage, 400, { path, json: { url: 'ftp://nowhere' } }),
    ];
  },

  'get /v1/subscriptions/{id}': async (stage) => [
    await get(stage, 200, { path: await aSubscription(stage) }),
    await get(stage, 404, { path: `/v1/subscriptions/${nobody}` }),
  ],

  'patch /v1/subscriptions/{id}': async (stage) => {
    const path = await aSubscription(stage);
    return [
      await patch(stage, 200, { path, json: { enabled: false } }),
      await patch(stage, 200, { path, json: { enabled: true, description: 'again', types: [] } }),
      await patch(stage, 400, { path, json: { enabled: 1 } }),
      await patch(stage, 404, { path: `/v1/subscriptions/${nobody}`, json: {} }),
    ];
  },

  'delete /v1/subscriptions/{id}': async (stage) => {
    const path = await aSubscription(stage);
    return [await remove(stage, 204, { path }), await remove(stage, 404, { path })];
  },

  'post /v1/subscriptions/{id}/test': async (stage) => [
    await post(stage, 200, { path: `${await aSubscription(stage)}/test` }),
    await post(stage, 409, { path: `${await unreadableSubscription(stage)}/test` }),
    await post(stage, 404, { path: `/v1/subscriptions/${nobody}/test` }),
  ],

  'post /v1/subscriptions/{id}/rotate': async (stage) => {
    const path = `${await aSubscription(stage)}/rotate`;
    return [
      await post(stage, 200, { path }),
      await post(stage, 200, { path, json: { overlapSeconds: 0 } }),
      await post(stage, 400, { path, json: { overlapSeconds: -1 } }),
      await post(stage, 404, { path: `/v1/subscriptions/${nobody}/rotate` }),
    ];
  },

  'post /v1/subscriptions/{id}/resend': async (stage) => {
    const at = await aSubscription(stage);
    const path = `${at}/resend`;
    const resent = await post(stage, 202, { path, json: { from: '2026-01-01' } });
    const unknown = await post(stage, 404, { path, json: { event: 'evt_999999999' } });
    await patch(stage, 200, { path: at, json: { enabled: false } });
    return [
      resent,
      unknown,
      await post(stage, 409, { path, json: { from: '2026-01-01' } }),
      await post(stage, 409, {
        path: `${await unreadableSubscription(stage)}/resend`,
        json: { event: 'evt_1' },
      }),
      await post(stage, 400, { path, json: {} }),
      await post(stage, 404, { path: `/v1/subscriptions/${nobody}/resend`, json: { event: 'evt_1' } }),
    ];
  },

  'get /v1/subscriptions/{id}/deliveries': async (stage) => {
    const path = `${await aSubscription(stage)}/deliveries`;
    await readyMedia(stage);
    await until(async () => {
      const { answer } = await get(stage, 200, { path });
      return (answer.body as { items: unknown[] }).items.length > 0;
    });
    return [
      await get(stage, 200, { path }),
      await get(stage, 400, { path: `${path}?limit=0` }),
      await get(stage, 404, { path: `/v1/subscriptions/${nobody}/deliveries` }),
    ];
  },

  'get /v1/tokens': async (stage) => [
    await get(stage, 200, { path: '/v1/tokens' }),
    await get(stage, 400, { path: '/v1/tokens?limit=0' }),
  ],

  'post /v1/tokens': async (stage) => {
    const path = '/v1/tokens';
    const limited = stage.service.token('admin', { channels: ['blip'] });
    return [
      await post(stage, 201, { path, json: { name: 'all', scopes: ['admin'] } }),
      await post(stage, 201, {
        path,
        json: { name: 'one channel', scopes: ['media:read'], channels: ['z-api'], expiresIn: 60 },
      }),
      await post(stage, 400, { path, json: { name: 'none', scopes: [] } }),
      await post(stage, 403, { path, json: { name: 'more', scopes: ['admin'] }, token: limited }),
    ];
  },

  'delete /v1/tokens/{id}': async (stage) => {
    const made = await post(stage, 201, {
      path: '/v1/tokens',
      json: { name: 'mine', scopes: ['media:read'] },
    });
    const { id } = made.answer.body as { id: string };
    return [
      await remove(stage, 200, { path: `/v1/tokens/${id}` }),
      await remove(stage, 404, {
        path: `/v1/tokens/${nobody}`,
        token: stage.service.token('admin', { channels: ['z-api'] }),
      }),
    ];
  },
  'get /v1/tokens/{id}': async (stage) => {
    const admin = await post(stage, 201, { path: '/v1/tokens', json: { name: 'boss', scopes: ['admin'] } });
    const { id, token } = admin.answer.body as { id: string; token: string };
    await post(stage, 201, { path: '/v1/tokens', json: { name: 'mine', scopes: ['admin'] }, token });
    await post(stage, 201, { path: '/v1/channels', json: { provider: 'z-api' }, token });
    stage.host.answer('/hook', () => ({ status: 204 }));
    await post(stage, 201, {
      path: '/v1/subscriptions',
      json: { url: `${stage.host.origin}/hook` },
      token,
    });
    return [
      await get(stage, 200, { path: `/v1/tokens/${id}` }),
      await get(stage, 404, { path: '/v1/tokens/nonsense' }),
    ];
  },

  'get /v1/channels': async (stage) => {
    await aChannel(stage);
    return [await get(stage, 200, { path: '/v1/channels' })];
  },

  'get /v1/channels/{id}': async (stage) => [
    await get(stage, 200, { path: await aChannel(stage) }),
    await get(stage, 200, { path: '/v1/channels/vonage' }),
    await get(stage, 404, { path: '/v1/channels/nobody' }),
  ],

  'post /v1/channels': async (stage) => {
    const path = '/v1/channels';
    const settings = { webhookSecret: 'chosen-by-somebody-0123', mediaHosts: 'media.example.org' };
    return [
      await post(stage, 201, { path, json: { provider: 'blip' } }),
      await post(stage, 201, { path, json: { id: 'shop', provider: 'sobot', name: 'The shop', settings } }),
      await post(stage, 400, { path, json: { provider: 'nobody' } }),
      await post(stage, 409, { path, json: { id: 'shop', provider: 'sobot' } }),
    ];
  },

  'patch /v1/channels/{id}': async (stage) => {
    const path = await aChannel(stage);
    return [
      await patch(stage, 200, { path, json: { name: 'A name', enabled: false } }),
      await patch(stage, 200, {
        path,
        json: { name: null, enabled: true, settings: { instanceId: 'x', token: null } },
      }),
      await patch(stage, 400, { path, json: { settings: { webhookSecret: 'short' } } }),
      await patch(stage, 404, { path: '/v1/channels/nobody', json: {} }),
      await patch(stage, 409, { path: '/v1/channels/blip', json: {} }),
    ];
  },

  'post /v1/channels/{id}/rotate': async (stage) => [
    await post(stage, 200, { path: `${await aChannel(stage)}/rotate` }),
    await post(stage, 404, { path: '/v1/channels/nobody/rotate' }),
    await post(stage, 409, { path: '/v1/channels/blip/rotate' }),
    await post(stage, 409, { path: `${await unreadableChannel(stage)}/rotate` }),
  ],

  'post /v1/channels/{id}/connect': async (stage) => {
    const { answers } = stage.provider;
    const taken = { status: 200, body: { value: true } };
    const state = { status: 200, body: { id: '3C01', connected: false } };
    answers.splice(0, Infinity, taken, taken, taken, state, { status: 403 }, { status: 503 });
    const path = `${await aChannel(stage, instanceAt(stage.provider))}/connect`;
    return [
      await post(stage, 200, { path }),
      await post(stage, 409, { path }),
      await post(stage, 503, { path }),
      await post(stage, 409, { path: `${await aChannel(stage)}/connect` }),
      await post(stage, 404, { path: '/v1/channels/nobody/connect' }),
    ];
  },

  'get /v1/channels/{id}/connection': async (stage) => {
    const state = { status: 200, body: { id: '3C01', connected: true } };
    stage.provider.answers.splice(0, Infinity, state, { status: 401 }, { status: 200, body: '<html>' });
    const path = `${await aChannel(stage, instanceAt(stage.provider))}/connection`;
    return [
      await get(stage, 200, { path }),
      await get(stage, 409, { path }),
      await get(stage, 503, { path }),
      await get(stage, 200, { path: `${await aChannel(stage)}/connection` }),
      await get(stage, 409, { path: `${await aChannel(stage, instanceAt(inside))}/connection` }),
      await get(stage, 404, { path: '/v1/channels/nobody/connection' }),
    ];
  },

  'post /v1/channels/{id}/backfill': async (stage) => {
    const { origin, answers } = stage.provider;
    const list = { status: 200, body: { messages: [], next_page_uri: null } };
    answers.splice(0, Infinity, list, { status: 401 }, { status: 503 });
    const settings = {
      authToken: 'an-auth-token-0123456789',
      accountSid: `AC${'0a'.repeat(16)}`,
      from: '+15550100001',
      apiUrl: origin,
    };
    const made = await post(stage, 201, { path: '/v1/channels', json: { provider: 'twilio', settings } });
    const path = `/v1/channels/${(made.answer.body as { id: string }).id}/backfill`;
    const json = { since: '2026-11-21T10:00:00Z' };
    return [
      await post(stage, 200, { path, json }),
      await post(stage, 409, { path, json }),
      await post(stage, 503, { path, json }),
      await post(stage, 400, { path, json: { since: 'yesterday' } }),
      await post(stage, 409, { path: '/v1/channels/z-api/backfill', json }),
      await post(stage, 404, { path: '/v1/channels/nobody/backfill', json }),
    ];
  },

  'delete /v1/channels/{id}': async (stage) => {
    const path = await aChannel(stage);
    return [
      await remove(stage, 204, { path }),
      await remove(stage, 404, { path }),
      await remove(stage, 409, { path: '/v1/channels/blip' }),
    ];
  },

  'get /v1/providers': async (stage) => [await get(stage, 200, { path: '/v1/providers' })],

  'post /v1/providers/{provider}/preview': async (stage) => {
    const path = '/v1/providers/custom/preview';
    const events = `[
      {"type": "message", "id": "a", "from": "b", "media": [{"kind": "image", "url": u}, {"kind": "image", "base64": f}]},
      {"type": "status", "id": "a", "status": "read"}, {"type": "deletion", "id": "a"}, {"type": "ignored"}, 1
    ]`;
    const payload = JSON.stringify({ u: 'https://files.example/1', f: 'aGk=' });
    const settings = { events };
    return [
      await post(stage, 200, { path, json: { settings, payload, contentType: 'application/json' } }),
      await post(stage, 200, { path, json: { payload } }),
      await post(stage, 200, { path, json: { settings, payload: '{' } }),
      await post(stage, 200, { path, json: { settings: { events: '{' }, payload } }),
      await post(stage, 400, { path, json: { settings } }),
      await post(stage, 404, { path: '/v1/providers/nobody/preview', json: { payload } }),
    ];
  },

  'post /v1/session': async (stage) => {
    const path = '/v1/session';
    const headers = ownPage;
    const signIn = (status: number, token: string) => post(stage, status, { path, headers, json: { token } });
    return [
      await signIn(200, stage.service.token('media:read')),
      await signIn(401, 'nonsense'),
      await signIn(401, stage.service.token('media:read', { expiresInSeconds: -1 })),
      await signIn(401, await revokedToken(stage)),
      await signIn(400, ''),
      await post(stage, 403, { path, json: { token: stage.service.token('media:read') } }),
      await post(stage, 401, { path, headers, json: { email: newEmail(), password: goodPassword } }),
    ];
  },

  'get /v1/sign-in': async (stage) => [await get(stage, 200, { path: '/v1/sign-in' })],

  'get /v1/sign-in/oidc': (stage) => providerCalls(stage, '/v1/sign-in/oidc'),

  'get /v1/sign-in/oidc/callback': (stage) => providerCalls(stage, '/v1/sign-in/oidc/callback'),

  'put /v1/session/password': async (stage) => {
    const { page } = await enter(stage.service);
    const { headers = {} } = page;
    const path = '/v1/session/password';
    const json = { current: goodPassword, password: 'another long password' };
    const { url } = stage.service;
    const change = async (status: number, sent: object) => ({
      status,
      sent,
      answer: await call<unknown>(url, path, { method: 'put', headers, json: sent }),
    });
    return [
      await put(stage, 409, { path, json }),
      await change(403, { ...json, current: 'a wrong one' }),
      await change(400, { ...json, password: 'short' }),
      await change(200, json),
    ];
  },

  'get /v1/sessions': async (stage) => {
    const { user } = await enter(stage.service);
    return [
      await get(stage, 200, { path: `/v1/sessions?user=${user.id}` }),
      await get(stage, 400, { path: '/v1/sessions?user=nobody' }),
      await get(stage, 404, { path: `/v1/sessions?user=${nobody}` }),
      await get(stage, 403, {
        path: `/v1/sessions?user=${user.id}`,
        token: stage.service.token('media:read'),
      }),
    ];
  },

  'delete /v1/sessions/{id}': async (stage) => {
    const { user } = await enter(stage.service);
    const listed = await get(stage, 200, { path: `/v1/sessions?user=${user.id}` });
    const [{ id } = { id: '' }] = (listed.answer.body as { items: { id: string }[] }).items;
    return [
      await remove(stage, 204, { path: `/v1/sessions/${id}` }),
      await remove(stage, 404, { path: `/v1/sessions/${nobody}` }),
    ];
  },

  'get /v1/users': async (stage) => {
    await createUser(stage.service);
    return [
      await get(stage, 200, { path: '/v1/users' }),
      await get(stage, 400, { path: '/v1/users?limit=0' }),
    ];
  },

  'post /v1/users': async (stage) => {
    const path = '/v1/users';
    const json = { email: newEmail(), name: 'Fernanda', role: 'agent', channels: ['z-api'] };
    return [
      await post(stage, 201, { path, json }),
      await post(stage, 409, { path, json }),
      await post(stage, 400, { path, json: { ...json, role: 'root' } }),
      await post(stage, 403, {
        path,
        json: { ...json, email: newEmail() },
        token: stage.service.token('admin', { channels: ['blip'] }),
      }),
    ];
  },

  'get /v1/users/{id}': async (stage) => [
    await get(stage, 200, { path: `/v1/users/${(await createUser(stage.service)).body.id}` }),
    await get(stage, 404, { path: `/v1/users/${nobody}` }),
  ],

  'patch /v1/users/{id}': async (stage) => {
    const path = `/v1/users/${(await createUser(stage.service)).body.id}`;
    const admins = await enter(stage.service, { role: 'admin' });
    const last = await patch(stage, 409, {
      path: `/v1/users/${admins.user.id}`,
      json: { disabled: true },
    });
    await stage.service.database.query('delete from user_account where id = $1', [admins.user.id]);
    return [
      last,
      await patch(stage, 200, { path, json: { name: 'Bo', role: 'operator', channels: ['blip'] } }),
      await patch(stage, 200, { path, json: { channels: null, disabled: true } }),
      await patch(stage, 400, { path, json: { role: 'root' } }),
      await patch(stage, 404, { path: `/v1/users/${nobody}`, json: { name: 'Bo' } }),
    ];
  },

  'delete /v1/users/{id}': async (stage) => {
    const admins = await enter(stage.service, { role: 'admin' });
    const last = await remove(stage, 409, { path: `/v1/users/${admins.user.id}` });
    await stage.service.database.query('delete from user_account where id = $1', [admins.user.id]);
    return [
      last,
      await remove(stage, 204, { path: `/v1/users/${(await createUser(stage.service)).body.id}` }),
      await remove(stage, 404, { path: `/v1/users/${nobody}` }),
    ];
  },

  'post /v1/users/{id}/invitation': async (stage) => {
    const { id } = (await createUser(stage.service)).body;
    return [
      await post(stage, 201, { path: `/v1/users/${id}/invitation` }),
      await post(stage, 404, { path: `/v1/users/${nobody}/invitation` }),
    ];
  },

  'post /v1/invitations/check': async (stage) => {
    const path = '/v1/invitations/check';
    const secret = secretOf((await createUser(stage.service)).body);
    return [
      await post(stage, 200, { path, headers: ownPage, json: { secret } }),
      await post(stage, 404, { path, headers: ownPage, json: { secret: 'nobody' } }),
      await post(stage, 400, { path, headers: ownPage, json: {} }),
      await post(stage, 403, { path, json: { secret } }),
    ];
  },

  'post /v1/invitations/accept': async (stage) => {
    const path = '/v1/invitations/accept';
    const secret = secretOf((await createUser(stage.service)).body);
    const json = { secret, password: goodPassword };
    return [
      await post(stage, 403, { path, json }),
      await post(stage, 400, { path, headers: ownPage, json: { secret, password: 'short' } }),
      await post(stage, 200, { path, headers: ownPage, json }),
      await post(stage, 404, { path, headers: ownPage, json }),
    ];
  },

  'get /v1/session': async (stage) => [
    await get(stage, 200, { path: '/v1/session' }),
    { status: 401, answer: await call(stage.service.url, '/v1/session') },
    await get(stage, 401, { path: '/v1/session', token: 'no.such.token' }),
    await get(stage, 401, {
      path: '/v1/session',
      token: stage.service.token('admin', { expiresInSeconds: -1 }),
    }),
    await get(stage, 401, { path: '/v1/session', token: await revokedToken(stage) }),
  ],

  'delete /v1/session': async (stage) => [
    await remove(stage, 204, { path: '/v1/session', headers: ownPage }),
    await remove(stage, 403, { path: '/v1/session' }),
  ],

  'post /webhooks/{channel}': async (stage) => {
    const payload = picture('z-api');
    const proof = { query: { token: secrets[0] } };
    const unproven = (channel: string, options: Parameters<typeof postUnproven>[2]) =>
      postUnproven<unknown>(stage.service, channel, options);
    return [
      { status: 200, sent: payload, answer: await postWebhook(stage.service, 'z-api', payload) },
      { status: 200, answer: await postWebhook(stage.service, 'z-api', payload) },
      { status: 404, answer: await unproven('nobody', { payload }) },
      { status: 401, answer: await unproven('z-api', { payload }) },
      { status: 503, answer: await unproven('vonage', { payload }) },
      { status: 400, answer: await unproven('z-api', { payload: 'no JSON', ...proof }) },
      { status: 413, answer: await unproven('z-api', { payload: Buffer.alloc(3_200_000), ...proof }) },
      {
        status: 415,
        answer: await unproven('z-api', { payload, ...proof, headers: { 'content-encoding': 'gzip' } }),
      },
    ];
  },

  'get /webhooks/{channel}': async (stage) => {
    const challenge = `hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=${secrets[0]}`;
    return [
      await get(stage, 200, { path: `/webhooks/sobot?${challenge}` }),
      await get(stage, 404, { path: '/webhooks/sobot' }),
      await get(stage, 404, { path: `/webhooks/nobody?${challenge}` }),
    ];
  },

  'get /health/live': async (stage) => [await get(stage, 200, { path: '/health/live' })],

  'get /metrics': async (stage) => {
    const proxied = { path: '/metrics', headers: { via: '1.1 a-proxy' } };
    const { token } = stage.service;
    return [
      await get(stage, 200, { path: '/metrics' }),
      { status: 401, answer: await call<unknown>(stage.service.url, '/metrics', proxied) },
      await get(stage, 401, { ...proxied, token: 'no.such.token' }),
      await get(stage, 401, { ...proxied, token: token('admin', { expiresInSeconds: -1 }) }),
      await get(stage, 401, { ...proxied, token: await revokedToken(stage) }),
      await get(stage, 403, { ...proxied, token: token('media:read') }),
    ];
  },

  'get /health/ready': async (stage) => {
    const ready = await get(stage, 200, { path: '/health/ready' });
    await stage.service.database.goAway();
    const away = await get(stage, 503, { path: '/health/ready' });
    await stage.service.database.comeBack();
    await until(async () => (await get(stage, 200, { path: '/health/ready' })).answer.status === 200);
    return [ready, away];
  },

  'get /': async (stage) => [
    await get(stage, 200, { path: '/' }),
    await get(stage, 302, { path: '/', headers: { accept: 'text/html' } }),
  ],

  'get /openapi.json': async (stage) => {
    const path = '/openapi.json';
    const whole = await get(stage, 200, { path });
    return [
      whole,
      await get(stage, 304, { path, headers: { 'if-none-match': whole.answer.headers['etag'] ?? '' } }),
    ];
  },
};
