import { createHash, createHmac } from 'node:crypto';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import jwt from 'jsonwebtoken';

import { bytes } from '../../src/demo/media-host.js';
import { createSecrets, startSimulator, type Simulator } from '../../src/demo/providers/index.js';
import { providerIds, type ProviderId } from '../../src/demo/providers/registry.js';
import type {
  SimulatedMedia,
  SimulatedMessage,
  Webhook,
} from '../../src/demo/providers/simulated-provider.js';
import type { MediaSource } from '../../src/domain/provider.js';
import type { ProviderAdapter } from '../../src/domain/provider-adapter.js';
import { createHttp, type HttpClient } from '../../src/infra/net/http-client.js';
import { payloadOf } from '../../src/pipeline/receive/receive.js';
import { providers } from '../../src/providers/index.js';
import { sampleOf } from '../support/signing.js';
import { eventsOf } from '../support/evaluator.js';

const secrets = createSecrets();
const file = bytes('image/jpeg', Buffer.from('a picture'));
let simulator: Simulator;
let http: HttpClient;
beforeAll(async () => {
  simulator = await startSimulator({ secrets });
  http = createHttp({ timeoutMs: 60_000 });
});
afterAll(async () => {
  await http.close();
  await simulator.close();
});

const sentAt = new Date('2026-11-21T10:00:00.000Z');
const image: SimulatedMedia = {
  kind: 'image',
  id: 'id-1',
  from: '5511999990000',
  name: 'Ana',
  caption: 'look',
  url: 'http://127.0.0.1:9/photo',
  sentAt,
};

/** The adapter with the settings of the simulator. */
function adapterOf(id: ProviderId): ProviderAdapter {
  const definition = providers.find((provider) => provider.id === id);
  if (definition === undefined) throw new Error(`There is no provider ${id}`);
  const env = simulator.env();
  const settings = Object.entries(definition.envKeys).map(([name, key]) => [name, env[key]]);
  return definition.load(Object.fromEntries(settings), () => new Date());
}

async function sourceOf(adapter: ProviderAdapter, { headers, body }: Webhook): Promise<MediaSource> {
  const payload = payloadOf({ adapter }, Buffer.from(body), headers);
  const [message] = await eventsOf(adapter, payload, sentAt);
  const [media] = message?.type === 'message' ? message.media : [];
  if (media === undefined) throw new Error('The webhook has no media');
  return media.source;
}

/**
 * What the adapter downloads for a message with this file: by its link, or by the link that its id leads to.
 */
async function download(id: ProviderId, published: string): Promise<string> {
  const adapter = adapterOf(id);
  const { resolve, authorize } = adapter.downloads;
  const source = await sourceOf(adapter, simulator.providers[id].webhook({ ...image, url: published }));
  if (source.type === 'unavailable') throw new Error(source.message);
  if (source.type === 'embedded') throw new Error('there is nothing to download');
  const link = source.type === 'link' ? source : await resolve?.(source.reference, http);
  const url = new URL(link?.url ?? '');
  return (await fetch(url, { headers: (await authorize?.(url)) ?? {} })).text();
}

describe('each provider', () => {
  test.each(providerIds)('%s reports every kind of message', (id) => {
    const provider = simulator.providers[id];
    const kinds = ['image', 'video', 'audio', 'document', 'sticker'] as const;
    const messages: SimulatedMessage[] = [
      ...kinds.map((kind) => ({ ...image, kind })),
      { kind: 'text', text: 'hello' },
      { kind: 'malformed' },
      { kind: 'status', id: 'ours', status: 'delivered' },
    ];
    const bodies = messages.map((message) => {
      const { path, headers, body } = provider.webhook(message);
      expect(path.startsWith(`/webhooks/${id}`)).toBe(true);
      const { contentType = 'application/json' } = sampleOf(id);
      expect(headers['content-type']?.split(';')[0]).toBe(contentType);
      if (contentType !== 'application/json') return decodeURIComponent(body);
      expect(() => JSON.parse(body) as unknown).not.toThrow();
      return body;
    });
    const link = 'http://127.0.0.1:9/photo';
    const reference = provider.referenceTo?.(link) ?? link;
    expect(bodies.slice(0, 5).every((body) => body.includes(reference))).toBe(true);
    expect(bodies.slice(5).some((body) => body.includes('http://'))).toBe(false);
  });

  test.each(providerIds)('%s has its own files, which its adapter finds', async (id) => {
    const links = [0, 1].map(() => simulator.providers[id].publish(file));
    expect(new Set(links).size).toBe(2);
    for (const url of links) expect(await download(id, url)).toBe('a picture');
  });
});

test('the settings name this simulator and no two secrets are the same', () => {
  const env = simulator.env();
  const { host } = simulator.host;
  const apis = providerIds.map((id) => simulator.providers[id].api.host);
  const hosts = [host, simulator.cdn.host, ...apis];
  expect(new Set(hosts).size).toBe(providerIds.length + 2);
  expect(env['FETCH_ALLOW_PRIVATE_HOSTS']).toBe(hosts.join(','));
  for (const { envKeys, enabledBy } of providers) {
    expect(env[envKeys['mediaHosts'] ?? '']).toBe(host);
    expect(apis.map((api) => `http://${api}`)).toContain(env[envKeys['apiUrl'] ?? '']);
    const enabling = enabledBy.flatMap((name) => env[envKeys[name] ?? ''] ?? []);
    expect(enabling.length).toBeGreaterThan(0);
    expect(enabling.filter((secret) => secret.length < 32)).toEqual([]);
  }
  expect(env['VONAGE_PRIVATE_KEY']).toMatch(/^-----BEGIN PRIVATE KEY-----/);
  const confidential = Object.entries(env).filter(([name]) => /SECRET|KEY|TOKEN/.test(name));
  expect(new Set(confidential.map(([, value]) => value)).size).toBe(confidential.length);
});

describe('blip', () => {
  test('sends a LIME envelope with the secret in a header', () => {
    const { path, headers, body } = simulator.providers.blip.webhook(image);
    expect(path).toBe('/webhooks/blip');
    expect(headers['x-inlet-token']).toBe(secrets.blip.webhookSecret);
    expect(JSON.parse(body)).toMatchObject({
      id: 'id-1',
      from: '5511999990000@wa.gw.msging.net',
      type: 'application/vnd.lime.media-link+json',
      content: { type: 'image/jpeg', uri: 'http://127.0.0.1:9/photo', text: 'look' },
      metadata: { '#wa.timestamp': '1795255200' },
    });
  });

  const command = async (body: unknown, key = secrets.blip.key) => {
    const response = await fetch(`${simulator.providers.blip.api.origin}/commands`, {
      method: 'POST',
      headers: { authorization: `Key ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const answer = (await response.text()) || '{}';
    return { status: response.status, body: JSON.parse(answer) as Record<string, unknown> };
  };
  const refresh = (resource: string) => ({
    id: 'command-1',
    to: 'postmaster@media.msging.net',
    method: 'set',
    uri: '/refresh-media-uri',
    type: 'text/plain',
    resource,
  });

  test('replaces an expired link by a valid one', async () => {
    const expired = simulator.providers.blip.publishExpired(file);
    expect((await fetch(expired)).status).toBe(403);
    const answer = await command(refresh(expired));
    expect(answer).toMatchObject({
      status: 200,
      body: { id: 'command-1', method: 'set', status: 'success' },
    });
    expect((await fetch(String(answer.body['resource']))).status).toBe(200);
  });

  test('requires its key to replace a link', async () => {
    expect((await command(refresh('http://x/'), 'wrong')).status).toBe(401);
  });

  test.each<[string, Record<string, unknown>]>([
    ['a link that is not its own', refresh('http://127.0.0.1:9/secure-medias/Media_0')],
    ['no link at all', refresh('nonsense')],
    ['another recipient', { ...refresh('x'), to: 'postmaster@msging.net' }],
    ['another method', { ...refresh('x'), method: 'get' }],
    ['no id', { ...refresh('x'), id: undefined }],
  ])('answers 200 with a failure to %s', async (_what, body) => {
    const answer = await command(body);
    expect(answer).toMatchObject({ status: 200, body: { status: 'failure', reason: { code: 61 } } });
  });

  test('serves protected files to clients with the key', async () => {
    const link = simulator.providers.blip.publishKeyed(file);
    expect((await fetch(link)).status).toBe(401);
    expect((await fetch(link, { headers: { authorization: `Key ${secrets.blip.key}` } })).status).toBe(200);
    const { body } = simulator.providers.blip.webhook({ kind: 'audio', url: link, credentials: true });
    expect(JSON.parse(body)).toMatchObject({ content: { authorizationRealm: 'blip' } });
  });
});

describe('z-api', () => {
  test('sends a callback with the secret in the query', () => {
    const { path, body } = simulator.providers['z-api'].webhook(image);
    expect(path).toBe(`/webhooks/z-api?token=${secrets['z-api'].webhookSecret}`);
    expect(JSON.parse(body)).toMatchObject({
      type: 'ReceivedCallback',
      instanceId: secrets['z-api'].instanceId,
      messageId: 'id-1',
      phone: '5511999990000',
      isGroup: false,
      momment: sentAt.getTime(),
      image: { imageUrl: 'http://127.0.0.1:9/photo', caption: 'look' },
    });
  });

  test('reports the group as `phone` and the writer as `participantPhone`', () => {
    const { body } = simulator.providers['z-api'].webhook({ ...image, group: '1203634' });
    expect(JSON.parse(body)).toMatchObject({
      phone: '1203634-group',
      isGroup: true,
      participantPhone: '5511999990000',
    });
  });
});

describe('vonage', () => {
  test('signs the body with a fresh HS256 token', () => {
    const { headers, body } = simulator.providers.vonage.webhook(image);
    const token = headers['authorization']?.replace('Bearer ', '') ?? '';
    const claims = jwt.verify(token, secrets.vonage.signatureSecret, { algorithms: ['HS256'], maxAge: 60 });
    expect(claims).toMatchObject({
      iss: 'Vonage',
      payload_hash: createHash('sha256').update(body).digest('hex'),
      iat: expect.any(Number),
      jti: expect.any(String),
    });
    expect(JSON.parse(body)).toMatchObject({
      message_type: 'image',
      message_uuid: 'id-1',
      image: { caption: 'look' },
    });
  });

  test('serves secure media to the application only', async () => {
    const link = simulator.providers.vonage.publishSecure(file);
    const claims = { application_id: secrets.vonage.applicationId };
    const token = jwt.sign(claims, secrets.vonage.privateKey, { algorithm: 'RS256', jwtid: 'x' });
    expect((await fetch(link)).status).toBe(401);
    expect((await fetch(link, { headers: { authorization: `Bearer ${token}` } })).status).toBe(200);
  });

  test('does not sign Conversation events', () => {
    const { path, headers, body } = simulator.providers.vonage.conversationWebhook({
      kind: 'image',
      url: 'http://127.0.0.1:9/photo',
    });
    expect(path).toBe(`/webhooks/vonage?token=${secrets.vonage.webhookSecret}`);
    expect(headers).not.toHaveProperty('authorization');
    expect(JSON.parse(body)).toMatchObject({ type: 'message', body: { message_type: 'image' } });
  });
});

describe('aisoule', () => {
  const mac = (body: string) =>
    createHmac('sha256', secrets.aisoule.webhookSecret).update(body).digest('hex');

  test('signs webhooks of both generations, each in its own header', () => {
    const first = simulator.providers.aisoule.webhook(image);
    expect(first.headers['x-aisoule-signature']).toBe(`sha256=${mac(first.body)}`);
    expect(JSON.parse(first.body)).toMatchObject({
      event: 'message.received',
      timestamp: 1795255200,
      data: { sender: '5511999990000', type: 'image', image: { link: 'http://127.0.0.1:9/photo' } },
    });

    const second = simulator.providers.aisoule.webhookV2(image);
    expect(second.headers['x-webhook-signature']).toBe(mac(second.body));
    expect(JSON.parse(second.body)).toMatchObject({
      event: 'message.incoming',
      timestamp: '2026-11-21T10:00:00.000Z',
      data: { from: '+5511999990000', contact_name: 'Ana', image: { url: 'http://127.0.0.1:9/photo' } },
    });
  });
});

describe('sobot', () => {
  test('sends an array of changes with the digest in Base64', () => {
    const digest = createHash('sha256').update('a picture');
    const sha256 = digest.copy().digest('hex');
    const { path, body } = simulator.providers.sobot.webhook({ ...image, sha256 });
    expect(path).toBe(`/webhooks/sobot?token=${secrets.sobot.webhookSecret}`);
    expect(JSON.parse(body)).toMatchObject([
      {
        field: 'messages',
        value: {
          contacts: [{ profile: { name: 'Ana' }, wa_id: '5511999990000' }],
          messages: [{ id: 'id-1', type: 'image', image: { sha256: digest.digest('base64') } }],
        },
      },
    ]);
  });

  test('sends a status as a bare object', () => {
    const { body } = simulator.providers.sobot.webhook({
      kind: 'status',
      id: 'ours',
      status: 'read',
      sentAt,
    });
    expect(JSON.parse(body)).toEqual({ id: 'ours', status: 'read', timestamp: '1795255200' });
  });
});

describe('meta', () => {
  const { appSecret, accessToken, phoneNumberId } = secrets.meta;
  const headers = { authorization: `Bearer ${accessToken}` };
  const ask = async (path: string) => {
    const response = await fetch(`${simulator.providers.meta.api.origin}${path}`, { headers });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  const idOf = (link: string): string => new URL(link).pathname.split('/').at(-1) ?? '';

  test('signs what it writes, which is ASCII', () => {
    const { headers: sent, body } = simulator.providers.meta.webhook({
      ...image,
      name: 'Zoë',
      caption: '🙂',
    });
    const mac = createHmac('sha256', appSecret).update(body).digest('hex');
    expect(sent['x-hub-signature-256']).toBe(`sha256=${mac}`);
    expect(body).toMatch(/^[\x20-\x7e]*$/);
    expect(JSON.parse(body)).toMatchObject({
      object: 'whatsapp_business_account',
      entry: [
        {
          changes: [
            {
              field: 'messages',
              value: {
                metadata: { phone_number_id: phoneNumberId },
                contacts: [{ profile: { name: 'Zoë' } }],
                messages: [{ id: 'id-1', type: 'image', image: { caption: '🙂' } }],
              },
            },
          ],
        },
      ],
    });
  });

  test('sends the id of each of its files, and the link of some', () => {
    const blocks = Array.from({ length: 40 }, () => {
      const url = simulator.providers.meta.publish(file);
      const { body } = simulator.providers.meta.webhook({ ...image, url });
      return { id: idOf(url), has: body.includes(`"id":"${idOf(url)}"`), link: body.includes(url) };
    });
    expect(blocks.filter(({ has }) => !has)).toEqual([]);
    expect(new Set(blocks.map(({ link }) => link))).toEqual(new Set([true, false]));
  });

  test('serves files to those with the access token, until their link expires', async () => {
    const link = simulator.providers.meta.publish(file);
    expect((await fetch(link)).status).toBe(401);
    expect((await fetch(link, { headers })).status).toBe(200);
    const expired = simulator.providers.meta.publishExpired(file);
    expect((await fetch(expired, { headers })).status).toBe(404);
    const found = await ask(`/v25.0/${idOf(expired)}`);
    expect((await fetch(String(found.body['url']), { headers })).status).toBe(200);
  });

  test('answers in the form of Meta that there is no such file', async () => {
    expect(await ask('/v25.0/1')).toMatchObject({
      status: 400,
      body: { error: { code: 100, error_subcode: 33 } },
    });
  });
});

describe('twilio', () => {
  const { accountSid, authToken } = secrets.twilio;
  const account = { authorization: `Basic ${Buffer.from(`${accountSid}:${authToken}`).toString('base64')}` };

  test('sends a form that is signed with its address', () => {
    const { path, headers, body } = simulator.providers.twilio.webhook(image);
    expect(path).toBe('/webhooks/twilio');
    expect(headers['x-twilio-signature']).toMatch(/^[\w+/]{27}=$/);
    expect(Object.fromEntries(new URLSearchParams(body))).toMatchObject({
      MessageSid: 'id-1',
      AccountSid: accountSid,
      From: 'whatsapp:+5511999990000',
      ProfileName: 'Ana',
      NumMedia: '1',
      MediaUrl0: 'http://127.0.0.1:9/photo',
      MediaContentType0: 'image/jpeg',
      Body: 'look',
    });
  });

  test('serves files to the account only, and redirects to a host that refuses its credentials', async () => {
    const link = simulator.providers.twilio.publish(file);
    expect((await fetch(link)).status).toBe(401);
    const redirect = await fetch(link, { headers: account, redirect: 'manual' });
    expect(redirect.status).toBe(302);
    const target = redirect.headers.get('location') ?? '';
    expect(new URL(target).host).toBe(simulator.cdn.host);
    expect((await fetch(target, { headers: account })).status).toBe(400);
    expect(await (await fetch(target)).text()).toBe('a picture');
  });

  test('may have no file yet', async () => {
    const link = simulator.providers.twilio.publishLate(file, 2);
    const statuses = [];
    for (let time = 0; time < 3; time += 1) statuses.push((await fetch(link, { headers: account })).status);
    expect(statuses).toEqual([404, 404, 200]);
  });
});

describe('telegram', () => {
  const { telegram } = secrets;

  test('sends an update with the secret in a header, and a file id in place of a link', () => {
    const { path, headers, body } = simulator.providers.telegram.webhook(image);
    expect(path).toBe('/webhooks/telegram');
    expect(headers['x-telegram-bot-api-secret-token']).toBe(telegram.webhookSecret);
    expect(body).not.toContain('http://');
    expect(JSON.parse(body)).toMatchObject({
      update_id: expect.any(Number),
      message: {
        message_id: expect.any(Number),
        from: { id: 5511999990000, first_name: 'Ana' },
        chat: { id: 5511999990000, type: 'private' },
        date: 1795255200,
        photo: [
          { width: 90 },
          { file_id: simulator.providers.telegram.referenceTo?.('http://127.0.0.1:9/photo') },
        ],
        caption: 'look',
      },
    });
  });

  test('gives the same message the same number, and names the id under which the service knows it', () => {
    const numberIn = (message: SimulatedMessage) =>
      (JSON.parse(simulator.providers.telegram.webhook(message).body) as { message: { message_id: number } })
        .message.message_id;
    expect(numberIn(image)).toBe(numberIn({ ...image, caption: 'again' }));
    expect(numberIn(image)).not.toBe(numberIn({ ...image, id: 'id-2' }));
    expect(simulator.providers.telegram.messageIdOf?.(image)).toBe(
      `5511999990000:${String(numberIn(image))}`,
    );
    const inGroup = { ...image, group: '120363400000000000' };
    expect(simulator.providers.telegram.messageIdOf?.(inGroup)).toMatch(/^-1000000000000:\d+$/);
  });

  test('serves a file below the token of the bot', async () => {
    const { origin } = simulator.providers.telegram.api;
    const id = simulator.providers.telegram.referenceTo?.(simulator.providers.telegram.publish(file)) ?? '';
    const bot = `bot${telegram.botToken}`;
    const answer = await fetch(`${origin}/${bot}/getFile`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ file_id: id }),
    });
    const { result } = (await answer.json()) as { result: { file_path: string } };
    expect(await (await fetch(`${origin}/file/${bot}/${result.file_path}`)).text()).toBe('a picture');
    expect((await fetch(`${origin}/file/botx/${result.file_path}`)).status).toBe(401);
  });
});
