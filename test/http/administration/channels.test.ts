/** Channels that are added at run time, in two services over one database, as two processes are. */
import { generateKeyPairSync } from 'node:crypto';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { bytes, startMediaHost, type MediaHost } from '../../../src/demo/media-host.js';
import { photo } from '../../../src/demo/photos.js';
import {
  afterPending,
  call,
  postUnproven,
  upload,
  type Answer,
  type Call,
  type MediaView,
  type Page,
  type Problem,
  type Receipt,
} from '../../support/client.js';
import { picture } from '../../support/payloads.js';
import { signWebhook } from '../../support/signing.js';
import { startTestService, type TestService } from '../../support/test-service.js';
import { until } from '../../support/until.js';

let host: MediaHost;
let one: TestService;
let other: TestService;

beforeAll(async () => {
  host = await startMediaHost();
  host.serve('/picture.jpg', bytes('image/jpeg', await photo({ seed: 1, width: 320, height: 240 })));
  one = await startTestService({ queue: false });
  other = await startTestService({ beside: one, mediaHosts: [host.host] });
});
afterAll(async () => {
  await other.stop();
  await one.stop();
  await host.close();
});

interface ChannelView {
  readonly id: string;
  readonly provider: string;
  readonly name: string | null;
  readonly enabled: boolean;
  readonly source: string;
  readonly webhookUrl: string;
  readonly setup: readonly string[];
  readonly settings: readonly string[];
  readonly createdAt: string | null;
  readonly updatedAt: string | null;
  readonly lastWebhookAt: string | null;
  readonly lastRefusedAt: string | null;
  readonly problem: string | null;
  readonly webhookSecret: string;
}
type Body = ChannelView & Problem;

const channels = (what: Call, path = '', at = one): Promise<Answer<Body>> =>
  call<Body>(at.url, `/v1/channels${path}`, { token: at.token('admin'), ...what });
const create = (json: object, token = one.token('admin')) => channels({ method: 'post', json, token });
const change = (id: string, json: object) => channels({ method: 'patch', json }, `/${id}`);
const remove = (id: string) => channels({ method: 'delete' }, `/${id}`);
const rotate = (id: string) => channels({ method: 'post' }, `/${id}/rotate`);
const get = async (id: string, at = one): Promise<Body> => (await channels({}, `/${id}`, at)).body;

interface Webhook {
  readonly provider?: string;
  readonly secret: string;
  readonly at?: TestService;
  readonly payload?: object;
}

/** A picture that comes for the channel, proven with the secret. */
function send(
  id: string,
  { provider = 'blip', secret, at = other, payload }: Webhook,
): Promise<Answer<Receipt & Problem>> {
  const body = Buffer.from(JSON.stringify(payload ?? picture(provider)));
  return postUnproven(at, id, { payload: body, ...signWebhook(provider, body, { secret }) });
}

const statusOf = async (id: string, webhook: Webhook): Promise<number> => (await send(id, webhook)).status;

/** Everything that is in the database, as text and as the text of its bytes. */
async function dump(): Promise<string> {
  const tables = await one.database.query<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname in ('public', 'graphile_worker')`,
  );
  const rows = await Promise.all(
    tables.map(({ name }) =>
      one.database.query<{ row: string }>(`select row_to_json(t)::text as row from ${name} t`),
    ),
  );
  const text = rows
    .flat()
    .map(({ row }) => row)
    .join('\n');
  const hex = [...text.matchAll(/\\\\x([0-9a-f]+)/g)].map(([, digits = '']) =>
    Buffer.from(digits, 'hex').toString('latin1'),
  );
  return [text, ...hex].join('\n');
}

describe('a channel that is added through one process', () => {
  it('takes webhooks at the other, and its media are fetched', async () => {
    const { status, headers, body } = await create({
      provider: 'blip',
      name: 'The second shop',
      settings: {},
    });
    expect(status).toBe(201);
    expect(headers).toMatchObject({ location: '/v1/channels/blip-2', 'cache-control': 'no-store' });
    expect(body).toMatchObject({
      id: 'blip-2',
      provider: 'blip',
      name: 'The second shop',
      enabled: true,
      source: 'database',
      webhookUrl: `${one.url}/webhooks/blip-2`,
      settings: ['webhookSecret'],
      problem: null,
      webhookSecret: expect.stringMatching(/^[\w-]{43}$/),
    });
    const payload = picture('blip', { url: `${host.origin}/picture.jpg` });
    const webhook = { secret: body.webhookSecret, payload };
    const taken = await until(async () => {
      const answer = await send('blip-2', webhook);
      return answer.status === 200 && answer;
    });
    await afterPending(other, taken.body.media[0]);
    const media = await call<MediaView>(other.url, `/v1/media/${String(taken.body.media[0])}`, {
      token: other.token('media:read', { channels: ['blip-2'] }),
    });
    expect(media.body).toMatchObject({ channel: 'blip-2', provider: 'blip', state: 'ready' });
  });

  it('says what to do in the console, without the secret', async () => {
    const { setup, webhookUrl } = await get('blip-2');
    expect(setup.some((step) => step.includes(`${webhookUrl}?token=<webhookSecret>`))).toBe(true);
  });

  it('takes uploads, and its deliveries can be replayed', async () => {
    const { webhookSecret } = (await create({ id: 'uploads', provider: 'z-api' })).body;
    await until(async () => (await get('uploads', other)).enabled);
    const file = await photo({ seed: 2, width: 32, height: 24 });
    const fields = { channel: 'uploads' };
    expect(await upload(other, { file, fields })).toMatchObject({
      status: 201,
      body: { channel: 'uploads', provider: 'z-api' },
    });
    const { body } = await send('uploads', { provider: 'z-api', secret: webhookSecret });
    const replay = { method: 'post', token: one.token('admin') } as const;
    const again = await call<Receipt>(one.url, `/v1/deliveries/${body.delivery}/replay`, replay);
    expect(again).toMatchObject({ status: 200, body: { outcome: 'accepted', media: body.media } });
  });

  it('is known to a process that starts later', async () => {
    const { webhookSecret } = (await create({ id: 'early', provider: 'sobot' })).body;
    const later = await startTestService({ beside: one, queue: false });
    try {
      expect(await statusOf('early', { provider: 'sobot', secret: webhookSecret, at: later })).toBe(200);
    } finally {
      await later.stop();
    }
  });

  it('is known to a process that could not hear of it, as soon as it can again', async () => {
    await one.database.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and query ilike 'listen %'",
    );
    const { webhookSecret } = (await create({ id: 'unheard', provider: 'sobot' })).body;
    const webhook = { provider: 'sobot', secret: webhookSecret };
    expect(await statusOf('unheard', { ...webhook, at: one })).toBe(200);
    await until(async () => (await statusOf('unheard', webhook)) === 200);
  });

  it('tells when it last heard from its provider, and when somebody was refused', async () => {
    const { webhookSecret } = (await create({ id: 'active', provider: 'z-api' })).body;
    await until(async () => (await get('active', other)).enabled);
    expect(await get('active')).toMatchObject({ lastWebhookAt: null, lastRefusedAt: null });
    const before = Date.now();
    await send('active', { provider: 'z-api', secret: webhookSecret });
    const heard = await until(async () => (await get('active')).lastWebhookAt ?? undefined);
    expect(Date.parse(heard)).toBeGreaterThanOrEqual(before);
    expect((await get('active')).lastRefusedAt).toBeNull();
    await send('active', { provider: 'z-api', secret: 'a-wrong-secret-0123456789' });
    await until(async () => (await get('active')).lastRefusedAt !== null);
    expect((await get('active')).lastWebhookAt).toBe(heard);
  });
});

describe('the id of a channel', () => {
  it('is made of the name of its provider, with a number where that is taken', async () => {
    const ids = [];
    for (const provider of ['vonage', 'vonage', 'aisoule']) ids.push((await create({ provider })).body.id);
    expect(ids).toEqual(['vonage-2', 'vonage-3', 'aisoule-2']);
  });

  it('is taken once only', async () => {
    const json = { id: 'taken', provider: 'blip' };
    const statuses = await Promise.all([create(json), create(json), create(json)]);
    expect(statuses.map(({ status }) => status).sort()).toEqual([201, 409, 409]);
    for (const id of ['taken', 'blip'])
      expect(await create({ id, provider: 'blip' })).toMatchObject({
        status: 409,
        body: { code: 'channel.exists' },
      });
  });

  it.each(['', 'UPPER', '-first', '.', 'a/b', 'a b', 'ü', 'x'.repeat(64), 'n\0l'])(
    'cannot be %j',
    async (id) => {
      expect(await create({ id, provider: 'blip' })).toMatchObject({
        status: 400,
        body: { errors: [{ field: 'id' }] },
      });
    },
  );

  it.each(['0', 'a.b_c-d', 'x'.repeat(63), 'constructor'])('can be %j', async (id) => {
    expect(await create({ id, provider: 'sobot' })).toMatchObject({ status: 201, body: { id } });
  });

  it.each(['nothing', '..%2f', '__proto__'])('that nobody has is not found: %s', async (id) => {
    for (const what of [{}, { method: 'patch', json: {} }, { method: 'delete' }] as const)
      expect(await channels(what, `/${id}`)).toMatchObject({
        status: 404,
        body: { code: 'channel.not_found' },
      });
    expect(await rotate(id)).toMatchObject({ status: 404, body: { code: 'channel.not_found' } });
  });
});

describe('settings', () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

  it('are given by name and shown by name', async () => {
    const settings = { signatureSecret: 'from-vonage', applicationId: 'an-application', privateKey: pem };
    const { body } = await create({ provider: 'vonage', settings });
    expect(body.settings.toSorted()).toEqual([...Object.keys(settings), 'webhookSecret'].sort());
    expect(JSON.stringify(body)).not.toMatch(/from-vonage|an-application|BEGIN/);
  });

  it('take a secret that was chosen by somebody, and do not repeat it', async () => {
    const webhookSecret = 'chosen-by-somebody-0123';
    const { body } = await create({
      id: 'chosen',
      provider: 'sobot',
      settings: { webhookSecret: ` ${webhookSecret}\n` },
    });
    expect(body.webhookSecret).toBeNull();
    expect(await statusOf('chosen', { provider: 'sobot', secret: webhookSecret, at: one })).toBe(200);
  });

  it.each<[string, string, object]>([
    ['settings.webhookSecret', 'blip', { webhookSecret: 'hunter2' }],
    ['settings.contractId', 'blip', { contractId: 'hunter2/hunter2' }],
    ['settings.apiUrl', 'blip', { apiUrl: 'hunter2' }],
    ['settings.apiUrl', 'z-api', { apiUrl: 'file:///hunter2' }],
    ['settings.signatureSecret', 'vonage', { signatureSecret: 'hunter2' }],
    ['settings.privateKey', 'vonage', { privateKey: '/etc/hunter2.pem' }],
    ['settings.hunter', 'sobot', { hunter: 'hunter2' }],
    ['settings.key', 'blip', { key: ['hunter2'] }],
    ['settings.key', 'blip', { key: '   ' }],
    ['settings', 'blip', 'hunter2' as unknown as object],
    ['provider', 'nobody', {}],
  ])('that are wrong are named, never repeated: %s of %s', async (field, provider, settings) => {
    const answer = await create({ id: 'wrong', provider, settings });
    expect(answer).toMatchObject({ status: 400, body: { code: 'request.invalid', errors: [{ field }] } });
    expect(answer.bytes.toString()).not.toContain('hunter2');
    expect(`${one.logs()}${other.logs()}`).not.toContain('hunter2');
    expect((await channels({}, '/wrong')).status).toBe(404);
  });

  it.each([
    ['proof', 'mac', 'must be header, query, hmac or basic'],
    ['proof', 7, 'must be a text'],
    ['hmacPrefix', 'x'.repeat(51), 'must have at most 50 characters'],
    ['apiUrl', 'app.example.com', 'is not a URL that begins with https:// or http://'],
    ['mediaLookupUrl', 'https://app.example.com/files', 'must contain {id}'],
    ['sendPerSecond', '0', 'must be at least 0.01'],
    [
      'sendMedia',
      '{"image": {"types": ["image/png"], "maxBytes": 1e12}}',
      /^image\.maxBytes must be at most/,
    ],
    ['sendMedia', '{"image": {"types": ["image/png"], "max": 1}}', /^image has unknown members: max$/],
    ['sendMedia', '[]', 'must be an object'],
  ])('that are wrong are described in plain words: %s as %s', async (name, value, message) => {
    const webhookSecret = 'a-secret-0123456789';
    const { body } = await create({
      id: 'wrong',
      provider: 'custom',
      settings: { webhookSecret, [name]: value },
    });
    const said = body.errors?.filter(({ field }) => field === `settings.${name}`).map((one) => one.message);
    expect(said).toEqual(expect.arrayContaining([expect.stringMatching(message)]));
    expect(JSON.stringify(body)).not.toMatch(/Invalid|Too (?:big|small)|Unrecognized|expected|received/);
  });

  it('of which thousands are wrong have a short answer', async () => {
    const settings = { webhookSecret: 'a,'.repeat(9_000), events: 'x' };
    const answer = await create({ id: 'wrong', provider: 'custom', settings });
    expect(answer).toMatchObject({ status: 400, body: { code: 'request.invalid' } });
    expect(JSON.stringify(answer.body).length).toBeLessThan(1_000);
  });

  it('of a file are taken from no path', async () => {
    const settings = { privateKey: new URL('../../../package.json', import.meta.url).pathname };
    expect((await create({ provider: 'vonage', settings })).body.errors).toEqual([
      { field: 'settings.privateKey', message: 'must be an RSA private key of at least 2048 bits in PEM' },
    ]);
  });

  it('that are changed replace those of the same name, and null removes', async () => {
    const settings = { contractId: 'floraria', key: 'aW52ZW50ZWQ=' };
    const { id, webhookSecret } = (await create({ id: 'changing', provider: 'blip', settings })).body;
    const changed = await change(id, { settings: { key: null, mediaHosts: 'media.example.org' } });
    expect(changed.status).toBe(200);
    expect(changed.body.settings.toSorted()).toEqual(['contractId', 'mediaHosts', 'webhookSecret']);
    expect(await statusOf(id, { secret: webhookSecret, at: one })).toBe(200);
    await change(id, { settings: { webhookSecret: 'another-one-0123456789' } });
    expect(await statusOf(id, { secret: webhookSecret, at: one })).toBe(401);
    expect(await statusOf(id, { secret: 'another-one-0123456789', at: one })).toBe(200);
  });

  it.each([
    ['blip', { webhookSecret: null }, ['settings.webhookSecret']],
    ['vonage', { webhookSecret: null }, ['settings.signatureSecret', 'settings.webhookSecret']],
    ['blip', { key: 7 }, ['settings.key']],
  ])('cannot be changed so that nobody would be proven: %s %j', async (provider, settings, fields) => {
    const { id, webhookSecret } = (await create({ provider })).body;
    const { status, body } = await change(id, { settings });
    expect([status, body.errors?.map(({ field }) => field)]).toEqual([400, fields]);
    const proven = await statusOf(id, { secret: webhookSecret, at: one, provider });
    expect(proven).toBe(provider === 'blip' ? 200 : 401);
  });

  it('changed in two processes at once are both changed', async () => {
    const { id } = (await create({ id: 'racing', provider: 'blip' })).body;
    const patch = (settings: object, at: TestService) =>
      channels({ method: 'patch', json: { settings } }, `/${id}`, at);
    await Promise.all([patch({ key: 'a-key' }, one), patch({ contractId: 'floraria' }, other)]);
    const both = ['contractId', 'key', 'webhookSecret'];
    for (const at of [one, other])
      await until(async () => (await get(id, at)).settings.toSorted().join() === both.join());
  });
});

describe('a disabled channel', () => {
  it('takes nothing in any process until it is enabled, and its media stay visible', async () => {
    const { id, webhookSecret: secret } = (await create({ id: 'sleeping', provider: 'blip' })).body;
    const taken = await until(async () => {
      const answer = await send(id, { secret });
      return answer.status === 200 && answer.body;
    });
    expect((await change(id, { enabled: false })).body).toMatchObject({ enabled: false, problem: null });
    await until(async () => (await statusOf(id, { secret })) === 404);
    expect(await send(id, { secret, at: one })).toMatchObject({
      status: 404,
      body: { code: 'webhook.unknown_channel' },
    });
    const token = one.token('admin', { channels: [id] });
    const list = await call<Page<MediaView>>(other.url, `/v1/media?channel=${id}`, { token });
    expect(list.body.items.map((media) => media.id)).toEqual(taken.media);
    const file = await photo({ seed: 2, width: 32, height: 24 });
    expect((await upload(one, { file, fields: { channel: id } })).status).toBe(400);
    const replay = { method: 'post', token } as const;
    expect((await call(one.url, `/v1/deliveries/${taken.delivery}/replay`, replay)).status).toBe(200);
    await change(id, { enabled: true });
    await until(async () => (await statusOf(id, { secret })) === 200);
  });
});

describe('a rotated secret', () => {
  it('is new and shown once; the one before holds too, the one before that not', async () => {
    const first = (await create({ id: 'rotating', provider: 'z-api' })).body;
    const webhook = (secret: string, at: TestService): Webhook => ({ provider: 'z-api', secret, at });
    const second = await rotate(first.id);
    expect(second).toMatchObject({ status: 200, headers: { 'cache-control': 'no-store' } });
    await until(async () => (await statusOf(first.id, webhook(second.body.webhookSecret, other))) === 200);
    for (const at of [one, other])
      for (const { webhookSecret } of [first, second.body])
        expect(await statusOf(first.id, webhook(webhookSecret, at))).toBe(200);
    const third = (await rotate(first.id)).body;
    await until(async () => (await statusOf(first.id, webhook(first.webhookSecret, other))) === 401);
    for (const at of [one, other])
      for (const { webhookSecret } of [second.body, third])
        expect(await statusOf(first.id, webhook(webhookSecret, at))).toBe(200);
    expect(new Set([first, second.body, third].map(({ webhookSecret }) => webhookSecret)).size).toBe(3);
  });

  it('in two processes at once, each answered secret holds', async () => {
    const { id } = (await create({ id: 'twice', provider: 'z-api' })).body;
    const rotations = await Promise.all(
      [one, other].map((at) => channels({ method: 'post' }, `/${id}/rotate`, at)),
    );
    for (const { body } of rotations)
      await until(
        async () => (await statusOf(id, { provider: 'z-api', secret: body.webhookSecret })) === 200,
      );
  });
});

describe('a removed channel', () => {
  it('is gone in every process, and its media stay', async () => {
    const { id, webhookSecret: secret } = (await create({ id: 'leaving', provider: 'blip' })).body;
    const { body } = await until(async () => {
      const answer = await send(id, { secret });
      return answer.status === 200 && answer;
    });
    const answer = await remove(id);
    expect([answer.status, answer.bytes.length]).toEqual([204, 0]);
    expect(await channels({}, `/${id}`)).toMatchObject({ status: 404, body: { code: 'channel.not_found' } });
    await until(async () => (await statusOf(id, { secret })) === 404);
    expect((await remove(id)).status).toBe(404);
    const path = `/v1/media/${String(body.media[0])}`;
    expect((await call<MediaView>(one.url, path, { token: one.token('media:read') })).body.channel).toBe(id);
  });
});

describe('a secret', () => {
  it('is in no later answer, in no log, and not in the database', async () => {
    const settings = { key: 'bm9ib2R5OnNlZXMtdGhpcw==', contractId: 'a-contract-of-ours' };
    const { id, webhookSecret } = (await create({ id: 'discreet', provider: 'blip', settings })).body;
    const { webhookSecret: rotatedSecret } = (await rotate(id)).body;
    await until(async () => (await statusOf(id, { secret: rotatedSecret })) === 200);
    await send(id, { secret: 'wrong-wrong-wrong-wrong' });
    const answers = await Promise.all([
      channels({}),
      channels({}, `/${id}`),
      change(id, { name: 'renamed' }),
    ]);
    const audit = await call(one.url, '/v1/audit?limit=200', { token: one.token('admin') });
    const seen = [...answers, audit].map((answer) => answer.bytes.toString()).join('\n');
    expect(seen).toContain('renamed');
    const stored = await dump();
    // It is looked into columns of bytes too.
    expect(stored).toContain('discreet');
    expect(stored).toContain('application/vnd.lime.media-link+json');
    for (const secret of [webhookSecret, rotatedSecret, settings.key, settings.contractId])
      for (const text of [seen, stored, one.logs(), other.logs()]) expect(text.includes(secret)).toBe(false);
  });
});

describe('a channel of the environment', () => {
  it('is listed with the names of its settings', async () => {
    expect(await get('blip')).toMatchObject({
      provider: 'blip',
      source: 'environment',
      enabled: true,
      name: null,
      createdAt: null,
      problem: null,
      settings: ['webhookSecret', 'contractId', 'key'],
      webhookUrl: `${one.url}/webhooks/blip`,
    });
  });

  it('cannot be changed here', async () => {
    const answers = [await change('blip', { enabled: false }), await remove('blip'), await rotate('blip')];
    for (const answer of answers)
      expect(answer).toMatchObject({ status: 409, body: { code: 'channel.read_only' } });
  });

  it('wins over one of the same name that was added before', async () => {
    const bare = await startTestService({ beside: one, queue: false, env: { SOBOT_WEBHOOK_SECRET: '' } });
    try {
      const json = { id: 'sobot', provider: 'sobot', name: 'added' };
      const added = await channels({ method: 'post', json }, '', bare);
      expect(added.status).toBe(201);
      const secret = added.body.webhookSecret;
      expect(await statusOf('sobot', { provider: 'sobot', secret, at: bare })).toBe(200);
      expect(await statusOf('sobot', { provider: 'sobot', secret, at: one })).toBe(401);
      expect(await get('sobot', one)).toMatchObject({ source: 'environment', name: null });
      expect((await channels({ method: 'delete' }, '/sobot', bare)).status).toBe(204);
    } finally {
      await bare.stop();
    }
  });
});

describe('a channel that cannot be set up', () => {
  it('is listed with its problem where AUTH_SECRET is another one, and disturbs no other', async () => {
    const { id, webhookSecret: secret } = (await create({ id: 'sealed', provider: 'blip' })).body;
    const env = { AUTH_SECRET: 'another-secret-for-tests-0123456789' };
    const stranger = await startTestService({ beside: one, queue: false, env });
    try {
      const seen = await get(id, stranger);
      expect(seen).toMatchObject({
        enabled: false,
        settings: [],
        problem: expect.stringContaining('AUTH_SECRET'),
      });
      expect(await statusOf(id, { secret, at: stranger })).toBe(404);
      expect(await channels({ method: 'post' }, `/${id}/rotate`, stranger)).toMatchObject({
        status: 409,
        body: { code: 'channel.unreadable' },
      });
      const own = await channels({ method: 'post', json: { id: 'own', provider: 'blip' } }, '', stranger);
      expect(await statusOf('own', { secret: own.body.webhookSecret, at: stranger })).toBe(200);
      const anew = { settings: { webhookSecret: 'given-anew-0123456789' } };
      expect((await channels({ method: 'patch', json: anew }, `/${id}`, stranger)).body).toMatchObject({
        enabled: true,
        problem: null,
        settings: ['webhookSecret'],
      });
      expect(await statusOf(id, { secret: 'given-anew-0123456789', at: stranger })).toBe(200);
      expect(stranger.logs()).toContain('a channel cannot be set up');
    } finally {
      await stranger.stop();
    }
  });

  it('is listed with its problem when its settings or its provider are not known any more', async () => {
    await create({ id: 'moved', provider: 'blip' });
    const copy = (id: string, provider: string) =>
      one.database.query(
        `with made as (
           insert into channel (id, provider, settings, created_at, updated_at)
           select $1, $2, settings, now(), now() from channel where id = 'moved' returning id
         ) select pg_notify('inlet_channels', id) from made`,
        [id, provider],
      );
    await copy('elsewhere', 'blip');
    await copy('unknown', 'telegraph');
    await until(async () => (await get('unknown')).problem ?? undefined);
    expect((await get('elsewhere')).problem).toContain('cannot be decrypted');
    expect(await get('unknown')).toMatchObject({
      enabled: false,
      setup: [],
      problem: 'its provider is unknown',
    });
    expect((await remove('unknown')).status).toBe(204);
  });
});

describe('who may see and change channels', () => {
  const limited = (scope: string) => one.token(scope, { channels: ['mine', 'z-api'] });

  it('are tokens that are not limited to others', async () => {
    const tooMuch = { status: 403, body: { code: 'auth.scope' } };
    const json = { provider: 'blip' };
    expect(await create(json, limited('admin'))).toMatchObject(tooMuch);
    expect(await create({ ...json, id: 'foreign' }, limited('admin'))).toMatchObject(tooMuch);
    expect(await create({ ...json, id: 'mine' }, limited('media:read'))).toMatchObject(tooMuch);
    expect((await create({ ...json, id: 'mine' }, limited('admin'))).status).toBe(201);
    const token = limited('admin');
    for (const id of ['blip-2', 'nobody-has-this'])
      for (const what of [{ method: 'patch', json: {} }, { method: 'delete' }] as const)
        expect(await channels({ ...what, token }, `/${id}`)).toMatchObject(tooMuch);
    expect(await channels({ method: 'post', token }, '/blip-2/rotate')).toMatchObject(tooMuch);
    expect((await channels({ method: 'patch', json: { name: 'ours' }, token }, '/mine')).body.name).toBe(
      'ours',
    );
  });

  it('see those that they are limited to', async () => {
    const list = await call<Page<ChannelView>>(one.url, '/v1/channels', { token: limited('media:read') });
    expect(list.body.items.map(({ id }) => id).sort()).toEqual(['mine', 'z-api']);
    expect(list.body.nextCursor).toBeNull();
    expect(await channels({ token: limited('media:read') }, '/blip')).toMatchObject({
      status: 404,
      body: { code: 'channel.not_found' },
    });
  });

  it('are written into the audit trail', async () => {
    const { id } = (await create({ id: 'audited', provider: 'blip' })).body;
    await change(id, { name: 'x', enabled: false, settings: { key: 'a-key' } });
    await rotate(id);
    await remove(id);
    expect(
      await one.database.query('select action, details from audit_entry where channel = $1 order by id', [
        id,
      ]),
    ).toEqual([
      { action: 'channel.create', details: { provider: 'blip' } },
      { action: 'channel.update', details: { changed: ['name', 'enabled', 'settings.key'] } },
      { action: 'channel.rotate', details: {} },
      { action: 'channel.delete', details: {} },
    ]);
  });

  it.each([
    ['', 'GET, HEAD, POST'],
    ['/blip', 'GET, HEAD, PATCH, DELETE'],
    ['/blip/rotate', 'POST'],
  ])('hear which methods there are: %s', async (path, allow) => {
    expect(await channels({ method: 'put' }, path)).toMatchObject({ status: 405, headers: { allow } });
  });
});

describe("the provider's API, at an address that was set at run time", () => {
  /** A picture whose link is refused, so that the provider is asked for a fresh one. */
  const refusedPicture = async (id: string, apiUrl: string): Promise<MediaView> => {
    const settings = { key: 'a-key', apiUrl };
    const { webhookSecret: secret } = (await create({ id, provider: 'blip', settings })).body;
    await until(async () => (await statusOf(id, { secret })) === 200);
    const url = host.serve('/refused.jpg', bytes('image/jpeg', Buffer.from('')), [() => ({ status: 403 })]);
    const { body } = await send(id, { secret, payload: picture('blip', { url }) });
    return afterPending(other, body.media[0]);
  };

  it('is not called where that is not public', async () => {
    const inner = await startMediaHost();
    try {
      const media = await refusedPicture('inward', inner.origin);
      expect(media).toMatchObject({ state: 'rejected', error: { code: 'media.forbidden_address' } });
      expect(inner.requests).toEqual([]);
    } finally {
      await inner.close();
    }
  });

  it('is called where the operator has listed it', async () => {
    const fresh = { status: 'success', resource: `${host.origin}/picture.jpg` };
    host.answer('/commands', () => ({ status: 200, body: JSON.stringify(fresh) }));
    expect((await refusedPicture('listed', host.origin)).state).toBe('ready');
  });
});

describe('GET /v1/providers', () => {
  it('says what a channel of each needs', async () => {
    const path = '/v1/providers';
    const { status, body } = await call<{ items: Record<string, unknown>[] }>(one.url, path, {
      token: one.token('admin'),
    });
    expect(status).toBe(200);
    expect(body.items.map(({ id }) => id)).toEqual([
      'aisoule',
      'blip',
      'custom',
      'meta',
      'sobot',
      'telegram',
      'twilio',
      'vonage',
      'z-api',
    ]);
    expect(body.items[1]).toMatchObject({
      settings: expect.arrayContaining([
        {
          name: 'key',
          required: false,
          secret: true,
          description: expect.stringContaining('Base64'),
          group: null,
          multiline: false,
        },
        {
          name: 'contractId',
          required: false,
          secret: false,
          description: expect.any(String),
          group: null,
          multiline: false,
        },
      ]),
      setup: expect.arrayContaining([expect.stringContaining(`${one.url}/webhooks/<channel>`)]),
    });
    expect((await call(one.url, path, { token: one.token('media:read') })).status).toBe(403);
  });
});
