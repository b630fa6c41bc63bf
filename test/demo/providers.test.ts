import { createHash, createHmac } from 'node:crypto';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import jwt from 'jsonwebtoken';

import { bytes } from '../../src/demo/media-host.js';
import { createSecrets, startSimulator, type Simulator } from '../../src/demo/providers/index.js';
import { providerIds, type SimulatedMessage } from '../../src/demo/providers/simulated-provider.js';

const secrets = createSecrets();
const file = bytes('image/jpeg', Buffer.from('a picture'));
let simulator: Simulator;
beforeAll(async () => {
  simulator = await startSimulator({ secrets });
});
afterAll(() => simulator.close());

const sentAt = new Date('2026-11-21T10:00:00.000Z');
const image: SimulatedMessage = {
  kind: 'image',
  id: 'id-1',
  from: '5511999990000',
  name: 'Ana',
  caption: 'look',
  url: 'http://127.0.0.1:9/photo',
  sentAt,
};

describe('each provider', () => {
  test.each(providerIds)('%s reports every kind of message in JSON', (id) => {
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
      expect(headers['content-type']).toBe('application/json');
      expect(() => JSON.parse(body) as unknown).not.toThrow();
      return body;
    });
    expect(bodies.slice(0, 5).every((body) => body.includes('http://127.0.0.1:9/photo'))).toBe(true);
    expect(bodies.slice(5).some((body) => body.includes('http://'))).toBe(false);
  });

  test.each(providerIds)('%s has its own files', async (id) => {
    const [one, other] = [0, 1].map(() => simulator.providers[id].publish(file));
    expect(one).not.toBe(other);
    expect(await (await fetch(one ?? '')).text()).toBe('a picture');
  });
});

test('the settings name this simulator and no two secrets are the same', () => {
  const env = simulator.env();
  const { host } = simulator.host;
  const apis = providerIds.map((id) => simulator.providers[id].api.host);
  expect(new Set([host, ...apis]).size).toBe(6);
  expect(env['FETCH_ALLOW_PRIVATE_HOSTS']).toBe([host, ...apis].join(','));
  for (const [index, prefix] of ['BLIP', 'ZAPI', 'VONAGE', 'AISOULE', 'SOBOT'].entries()) {
    expect(env[`${prefix}_MEDIA_HOSTS`]).toBe(host);
    expect(env[`${prefix}_API_URL`]).toBe(`http://${apis[index] ?? ''}`);
    expect(env[`${prefix}_WEBHOOK_SECRET`]?.length).toBeGreaterThanOrEqual(32);
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
