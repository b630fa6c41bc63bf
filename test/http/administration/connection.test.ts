/** Connecting channels, with a real server as the API of the provider. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';

import {
  startRecordingApi,
  type Answer as ProviderAnswer,
  type RecordingApi,
} from '../../providers/recording-api.js';
import { call, type Answer, type Call, type Problem } from '../../support/client.js';
import { findEverywhere } from '../../support/everything.js';
import { secrets } from '../../support/signing.js';
import { startTestService, type TestService } from '../../support/test-service.js';
import { until } from '../../support/until.js';

interface ConnectionView {
  readonly supported: boolean;
  readonly reason: string | null;
  readonly url: string | null;
  readonly isConnected: boolean | null;
  readonly notes: readonly string[];
}
type Body = ConnectionView & Problem;

const token = 'T-0123456789abcdef';
const clientToken = 'F-0123456789abcdef';

let provider: RecordingApi;
/** Accepts connections and never answers. */
let silent: Server;
let service: TestService;
/** Waits for providers for half a second only. The others wait longer than a busy machine pauses. */
let impatient: TestService;

beforeAll(async () => {
  provider = await startRecordingApi();
  silent = createServer(() => undefined).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  service = await startTestService({
    queue: false,
    mediaHosts: [new URL(provider.origin).host, hostOf(silent)],
    env: {
      ZAPI_INSTANCE_ID: '3C01',
      ZAPI_TOKEN: token,
      ZAPI_CLIENT_TOKEN: clientToken,
      ZAPI_API_URL: provider.origin,
    },
  });
  impatient = await startTestService({
    beside: service,
    queue: false,
    mediaHosts: [hostOf(silent)],
    env: { FETCH_TIMEOUT_MS: '500' },
  });
});
beforeEach(() => {
  provider.requests.length = 0;
  provider.answers.length = 0;
});
afterAll(async () => {
  silent.closeAllConnections();
  silent.close();
  await impatient.stop();
  await service.stop();
  await provider.close();
});

const hostOf = (server: Server): string => `127.0.0.1:${String((server.address() as AddressInfo).port)}`;

const ask = (path: string, what: Call = {}, at = service): Promise<Answer<Body>> =>
  call<Body>(at.url, `/v1/channels/${path}`, { token: at.token('admin'), ...what });
const connect = (id = 'z-api', at = service) => ask(`${id}/connect`, { method: 'post' }, at);
const stateOf = (id = 'z-api', at = service) => ask(`${id}/connection`, {}, at);

const address = (): string => `${service.url}/webhooks/z-api?token=${secrets[0]}`;
const taken: ProviderAnswer = { status: 200, body: { value: true } };
const instance = (changes: object = {}): ProviderAnswer => ({
  status: 200,
  body: {
    id: '3C01',
    token,
    connected: true,
    deliveryCallbackUrl: address(),
    messageStatusCallbackUrl: address(),
    receivedCallbackUrl: address(),
    receiveCallbackSentByMe: true,
    ...changes,
  },
});

/** A channel at an instance whose API is at this address. */
async function addChannel(
  id: string,
  settings: Readonly<Record<string, string>>,
  at = service,
): Promise<void> {
  const json = { id, provider: 'z-api', settings };
  expect((await ask('', { method: 'post', json }, at)).status).toBe(201);
}
const instanceAt = (apiUrl: string) => ({ instanceId: '3C01', token, apiUrl });

const auditOf = (channel: string) =>
  service.database.query(
    `select details from audit_entry where action = 'channel.connect' and channel = $1 order by id`,
    [channel],
  );

describe('connecting', () => {
  it('tells the provider the address with its secret, and answers with the state', async () => {
    provider.answers.push(taken, taken, taken, instance());
    const { status, body, headers } = await connect();
    expect({ status, body }).toEqual({
      status: 200,
      body: {
        supported: true,
        reason: null,
        url: `${service.url}/webhooks/z-api`,
        isConnected: true,
        pending: null,
        lastError: null,
        notes: [],
      },
    });
    expect(headers['content-type']).toContain('application/json');
    expect(provider.requests.map(({ method, path, body: sent }) => ({ method, path, sent }))).toEqual([
      ...['delivery', 'message-status', 'received'].map((name) => ({
        method: 'PUT',
        path: `/instances/3C01/token/${token}/update-webhook-${name}`,
        sent: { value: address() },
      })),
      { method: 'GET', path: `/instances/3C01/token/${token}/me`, sent: '' },
    ]);
    expect(await auditOf('z-api')).toEqual([{ details: { outcome: 'connected' } }]);
  });

  it('has worked even if the state cannot be read afterwards', async () => {
    provider.answers.push(taken, taken, taken, { status: 500 });
    expect(await connect()).toMatchObject({
      status: 200,
      body: {
        supported: true,
        isConnected: null,
        notes: ['The provider has taken the address, but could not be asked about it: Z-API answered 500.'],
      },
    });
  });

  it('that the provider refuses is a conflict, in the words of the provider', async () => {
    await addChannel('refused', instanceAt(provider.origin));
    provider.answers.push({ status: 400, body: { error: 'Instance not found' } });
    expect(await connect('refused')).toMatchObject({
      status: 409,
      body: {
        code: 'channel.provider_refused',
        detail: 'Z-API refused the call (400): Instance not found',
      },
    });
    expect(await auditOf('refused')).toEqual([
      { details: { outcome: 'failed', code: 'channel.provider_refused' } },
    ]);
  });

  it.each([
    ['an error', { status: 503, headers: { 'retry-after': '30' } }, '30'],
    ['a page', { status: 200, body: '<html><p>It works!' }, '10'],
    ['a redirect', { status: 302, headers: { location: 'https://example.com/' } }, '10'],
    ['half a connection', { status: 200, hang: true as const }, '10'],
    ['more than 1 MiB', { status: 200, body: `"${'x'.repeat(1_100_000)}"` }, '10'],
  ])('can be tried again when the provider answers with %s', async (_what, answer, seconds) => {
    provider.answers.push(answer);
    expect(await connect()).toMatchObject({
      status: 503,
      headers: { 'retry-after': seconds },
      body: { code: 'channel.provider_unavailable' },
    });
    expect(provider.requests).toHaveLength(1);
  });

  it('ends in time when the provider is silent', async () => {
    await addChannel('silent', instanceAt(`http://${hostOf(silent)}`), impatient);
    for (const answer of [await connect('silent', impatient), await stateOf('silent', impatient)])
      expect(answer).toMatchObject({
        status: 503,
        body: {
          code: 'channel.provider_unavailable',
          detail: 'the API of the provider did not answer in time: timed out after 500 ms',
        },
      });
  });

  it('calls no address inside for a channel that was added at run time', async () => {
    const inside = await startRecordingApi();
    try {
      await addChannel('inside', instanceAt(inside.origin));
      expect(await connect('inside')).toMatchObject({
        status: 409,
        body: { code: 'channel.not_connectable' },
      });
      expect(inside.requests).toEqual([]);
    } finally {
      await inside.close();
    }
  });

  it('does not begin for a provider on the internet that cannot reach this service', async () => {
    await addChannel('outside', instanceAt('https://api.z-api.example.com'));
    expect(await connect('outside')).toMatchObject({
      status: 409,
      body: {
        code: 'channel.not_connectable',
        detail: `this service is at ${service.url}, which the provider cannot call: set PUBLIC_URL to its https:// address on the internet`,
      },
    });
  });

  it('is refused for a disabled channel', async () => {
    await addChannel('resting', instanceAt(provider.origin));
    await ask('resting', { method: 'patch', json: { enabled: false } });
    expect(await connect('resting')).toMatchObject({
      status: 409,
      body: { code: 'channel.not_connectable', detail: 'the channel is disabled: enable it first' },
    });
    expect(provider.requests).toEqual([]);
  });
});

describe('a channel without a connection', () => {
  const reasons = [
    ['blip', 'Blip documents no command that sets the addresses of a bot: set them in its portal'],
    ['bare', 'the channel lacks settings for this (needed: instanceId and token)'],
  ] as const;
  beforeAll(() => addChannel('bare', {}));

  it.each(reasons)('says why: %s', async (id, reason) => {
    const nothing = { url: null, isConnected: null, pending: null, lastError: null, notes: [] };
    const { status, body } = await stateOf(id);
    expect({ status, body }).toEqual({ status: 200, body: { supported: false, reason, ...nothing } });
    expect(await connect(id)).toMatchObject({
      status: 409,
      body: { code: 'channel.not_connectable', detail: reason },
    });
  });

  it('is told apart in the list', async () => {
    const { body } = await call<{ items: { id: string; canConnect: boolean }[] }>(
      service.url,
      '/v1/channels',
      {
        token: service.token('media:read'),
      },
    );
    const able = new Map(body.items.map(({ id, canConnect }) => [id, canConnect]));
    expect([able.get('z-api'), able.get('blip'), able.get('bare'), able.get('resting')]).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });
});

describe('the state', () => {
  it('names an address elsewhere, without what may be a secret', async () => {
    provider.answers.push(instance({ receivedCallbackUrl: 'https://hooks.example.com/z?key=0123' }));
    expect(await stateOf()).toMatchObject({
      status: 200,
      body: { url: 'https://hooks.example.com/z', isConnected: false },
    });
  });

  it('is asked for with every call, and leaves nothing behind', async () => {
    const before = await service.database.query('select id from audit_entry');
    provider.answers.push(instance());
    await stateOf();
    await stateOf();
    expect(provider.requests).toHaveLength(2);
    expect(await service.database.query('select id from audit_entry')).toEqual(before);
  });
});

describe('who may ask', () => {
  it.each([
    ['connect', 'post'],
    ['connection', 'get'],
  ] as const)('are administrators of the channel: %s', async (path, method) => {
    const as = (given: string, id = 'z-api') => ask(`${id}/${path}`, { method, token: given });
    expect(await as(service.token('media:read messages:send'))).toMatchObject({ status: 403 });
    expect(await as(service.token('admin', { channels: ['blip'] }))).toMatchObject({
      status: 403,
      body: { code: 'auth.scope' },
    });
    expect(await as(service.token('admin'), 'nobody')).toMatchObject({
      status: 404,
      body: { code: 'channel.not_found' },
    });
    expect(provider.requests).toEqual([]);
  });
});

it('a provider that repeats all it was told brings no secret into an answer, the log or the database', async () => {
  const echo = `${provider.origin}/instances/3C01/token/${token}/me ${clientToken} ${address()}`;
  const told = { error: echo, message: echo, [token]: clientToken };
  const seen: string[] = [];
  for (const status of [200, 400, 500]) {
    provider.answers.splice(0, Infinity, { status, headers: { 'x-echo': token }, body: told });
    for (const answer of [await connect(), await stateOf()]) seen.push(answer.bytes.toString());
  }
  provider.answers.splice(0, Infinity, instance({ name: echo, receivedCallbackUrl: address() }));
  seen.push((await stateOf()).bytes.toString());
  await until(() => service.logs().includes('channel.provider_unavailable'));
  for (const secret of [token, clientToken, secrets[0]]) expect(seen.join('\n')).not.toContain(secret);
  expect(await findEverywhere(service, [token, clientToken, secrets[0]])).toEqual([]);
});
