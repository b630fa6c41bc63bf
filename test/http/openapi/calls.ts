/** Calls of every operation, with the status that each must have. An operation without calls fails the test. */
import { bytes, type MediaHost } from '../../../src/demo/media-host.js';
import { photo } from '../../../src/demo/photos.js';
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
import { picture, zApiMedia } from '../../support/payloads.js';
import { secrets } from '../../support/signing.js';
import type { TestService } from '../../support/test-service.js';
import { until } from '../../support/until.js';

export interface Stage {
  readonly service: TestService;
  readonly host: MediaHost;
  readonly courier: Courier;
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
const patch = asking('patch');
const remove = asking('delete');
/** What tells a request of our own page from one that another site has made a browser send. */
const ownPage = { 'x-inlet-request': '1' };

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

/** As it is for a while, or afterwards. */
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

/** The address of a new one, whose secret the service has made. */
async function aChannel(stage: Stage): Promise<string> {
  const made = await post(stage, 201, { path: '/v1/channels', json: { provider: 'z-api' } });
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

/** The beginning of a stream that goes on for ever: its status and headers, and its first event as the body. */
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
    ];
  },

  'delete /v1/contacts/{channel}/{contact}': async (stage) => {
    await readyMedia(stage);
    return [
      await remove(stage, 200, { path: '/v1/contacts/z-api/5511999990000?dryRun=true' }),
      await remove(stage, 200, { path: '/v1/contacts/z-api/5511999990000' }),
      await remove(stage, 404, { path: '/v1/contacts/z-api/image' }),
      await remove(stage, 404, { path: '/v1/contacts/nowhere/5511999990000' }),
      await remove(stage, 400, { path: `/v1/contacts/z-api/${'5'.repeat(256)}` }),
    ];
  },

  'get /v1/audit': async (stage) => [
    await get(stage, 200, { path: '/v1/audit?since=2020-01-01' }),
    await get(stage, 400, { path: '/v1/audit?limit=0' }),
  ],

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

  'delete /v1/channels/{id}': async (stage) => {
    const path = await aChannel(stage);
    return [
      await remove(stage, 204, { path }),
      await remove(stage, 404, { path }),
      await remove(stage, 409, { path: '/v1/channels/blip' }),
    ];
  },

  'get /v1/providers': async (stage) => [await get(stage, 200, { path: '/v1/providers' })],

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
