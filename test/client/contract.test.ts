/** The client has a method for every route, and gets answers as the document says. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import sharp from 'sharp';

import { createClient, type ExportedMedia, type InletClient } from '../../src/client/index.js';
import { bytes } from '../../src/demo/media-host.js';
import { photo } from '../../src/demo/photos.js';
import { startSimulator, type Simulator } from '../../src/demo/providers/index.js';
import { openApiDocument } from '../../src/http/openapi/document.js';
import { contractOf, operationsOf, type OpenApiDocument } from '../http/openapi/contract.js';
import { pdfOf } from '../support/pdf.js';
import { startTestService, type TestService } from '../support/test-service.js';
import { until } from '../support/until.js';
import { goodPassword, newEmail, ownPage, secretOf } from '../support/users.js';

const document = openApiDocument('https://inlet.example.com') as OpenApiDocument;
const operations = operationsOf(document).map(([name]) => name);
const contract = contractOf(document);

let simulator: Simulator;
let service: TestService;
let picture: Buffer;
/** What was called since the last look, and what was wrong with it. */
let seen: { operation: string; faults: readonly string[] }[] = [];
let client: InletClient;

beforeAll(async () => {
  simulator = await startSimulator();
  service = await startTestService({ env: simulator.env() });
  picture = await photo({ seed: 5, width: 64, height: 48 });
  client = createClient({ baseUrl: service.url, token: service.token('admin'), fetch: watched });
});
afterAll(async () => {
  await service.stop();
  await simulator.close();
});

async function watched(url: string, init: RequestInit): Promise<Response> {
  const response = await fetch(url, init);
  const { status } = response;
  const operation = operationOf(`${init.method ?? 'GET'} ${new URL(url).pathname}`);
  const headers = Object.fromEntries(response.headers);
  if (headers['content-type']?.startsWith('text/event-stream')) {
    seen.push({ operation, faults: [] });
    return response;
  }
  const content = Buffer.from(await response.clone().arrayBuffer());
  const isJson = headers['content-type']?.includes('json') === true;
  const body: unknown = isJson ? JSON.parse(content.toString('utf8')) : undefined;
  const sent = typeof init.body === 'string' ? (JSON.parse(init.body) as unknown) : undefined;
  const faults = [
    ...contract.faultsOf(operation, { status, headers, bytes: content, body }),
    ...(sent === undefined ? [] : contract.faultsOfRequest(operation, sent)),
  ];
  seen.push({ operation, faults });
  return response;
}

/** The document's name of what was called; the one with the fewest parameters, if several fit. */
function operationOf(call: string): string {
  const [method = '', path = ''] = call.split(' ');
  const fitting = operations.filter((name) => {
    const [wanted = '', template = ''] = name.split(' ');
    const pattern = template.replaceAll(/\{\w+\}/g, '[^/]+');
    return wanted === method.toLowerCase() && new RegExp(`^${pattern}$`).test(path);
  });
  return fitting.sort((one, other) => one.split('{').length - other.split('{').length)[0] ?? `none: ${call}`;
}

async function uploadedPdf(): Promise<string> {
  const file = pdfOf([
    { width: 200, height: 100, rgb: [1, 0, 0] },
    { width: 100, height: 200, rgb: [0, 0, 1] },
  ]);
  const blob = new Blob([new Uint8Array(file)], { type: 'application/pdf' });
  return (await client.media.upload(blob, { channel: 'z-api', kind: 'document' })).id;
}

/** Something for the methods to work on. */
async function receivedPicture(): Promise<string> {
  const { sobot } = simulator.providers;
  const { path, headers, body } = sobot.webhook({
    kind: 'image',
    url: sobot.publish(bytes('image/jpeg', picture)),
  });
  const answer = await fetch(service.url + path, { method: 'POST', headers, body });
  const { media } = (await answer.json()) as { media: string[] };
  return media[0] ?? '';
}

async function first<Item>(items: AsyncIterable<Item>): Promise<Item> {
  for await (const item of items) return item;
  throw new Error('There is none');
}

async function subscription() {
  return client.subscriptions.create({ url: `${simulator.host.origin}/events`, types: ['media.ready'] });
}

const channel = () => client.channels.create({ provider: 'z-api', name: 'The station' });
const token = () =>
  client.tokens.create({ name: 'the shop', scopes: ['media:read'], expiresIn: 3600, channels: null });

async function hold() {
  return client.holds.create({ type: 'media', subject: await receivedPicture(), reason: 'A claim' });
}

/** A user with a client like that of a page, which keeps the cookie. */
async function user() {
  const created = await client.users.create({ email: newEmail(), name: 'Fernanda', role: 'agent' });
  let cookie = '';
  const page = createClient({
    baseUrl: service.url,
    fetch: async (url, init) => {
      const headers = { ...Object.fromEntries(new Headers(init.headers)), cookie, ...ownPage };
      const answer = await watched(url, { ...init, headers });
      cookie = answer.headers.get('set-cookie')?.split(';')[0] ?? cookie;
      return answer;
    },
  });
  return { created, page, secret: secretOf(created) };
}

async function signedIn() {
  const { created, page, secret } = await user();
  await page.session.acceptInvitation({ secret, password: goodPassword });
  return { created, page };
}

async function share() {
  const { id } = await client.media.wait(await receivedPicture(), { maxSeconds: 60 });
  return client.shares.create({ media: [id], title: 'Roses', expiresIn: 60 });
}

async function sendPicture(channel = 'sobot') {
  return client.messages.send({
    channel,
    to: '5511999990000',
    kind: 'image',
    caption: 'Look',
    media: { data: `data:image/jpeg;base64,${picture.toString('base64')}` },
  });
}

const settled = (id: string, state: string) =>
  until(async () => (await client.messages.get(id)).state === state);

/** A machine that is busy with other suites may once answer too late to be ready. */
const health = () => until(() => client.health.ready().catch(() => undefined));

/** Routes without a method, and why. */
const withoutMethod: Readonly<Record<string, string>> = {
  'post /webhooks/{channel}': 'providers call it',
  'get /webhooks/{channel}': 'providers call it',
  'get /shared/{secret}': 'people open it in a browser',
  'post /shared/{secret}': 'people open it in a browser',
  'get /shared/{secret}/{number}': 'people open it in a browser',
  'get /shared/{secret}/{number}/preview': 'people open it in a browser',
  'get /v1/sign-in/oidc': 'people open it in a browser',
  'get /v1/sign-in/oidc/callback': 'the identity provider leads browsers to it',
  'get /public/media/{id}': 'providers call it, with the link that they were given',
};

/** A call of each method, and the operation that it is to be. */
const calls: Readonly<Record<string, readonly [operation: string, call: () => Promise<unknown>]>> = {
  'media.list': [
    'get /v1/media',
    async () => {
      const id = await receivedPicture();
      const media = await first(client.media.list({ channel: 'sobot', kind: 'image', limit: 1 }));
      expect(media.id).toBe(id);
    },
  ],
  'media.get': [
    'get /v1/media/{id}',
    async () => {
      const id = await receivedPicture();
      expect((await client.media.get(id)).id).toBe(id);
    },
  ],
  'media.wait': [
    'get /v1/media/{id}',
    async () => {
      const { state } = await client.media.wait(await receivedPicture(), { maxSeconds: 60 });
      expect(state).toBe('ready');
    },
  ],
  'media.history': ['get /v1/media/{id}/history', async () => client.media.history(await receivedPicture())],
  'media.evidence': [
    'get /v1/media/{id}/evidence',
    async () => {
      const { id, sha256 } = await client.media.wait(await receivedPicture(), { maxSeconds: 60 });
      expect((await client.media.evidence(id)).hash).toMatchObject({ sha256, check: 'same' });
    },
  ],
  'media.content': [
    'get /v1/media/{id}/content',
    async () => {
      const { id, contentUrl } = await client.media.wait(await receivedPicture(), { maxSeconds: 60 });
      expect(contentUrl).toBe(`${service.url}/v1/media/${id}/content`);
      const whole = await client.media.content(id);
      expect(Buffer.from(await whole.arrayBuffer())).toEqual(picture);
      const part = await client.media.content(id, { range: 'bytes=0-1' });
      expect(Buffer.from(await part.arrayBuffer())).toEqual(picture.subarray(0, 2));
    },
  ],
  'media.preview': [
    'get /v1/media/{id}/preview',
    async () => {
      const { id } = await client.media.wait(await receivedPicture(), { maxSeconds: 60 });
      const preview = await client.media.preview(id, 'large');
      expect(preview.headers.get('content-type')).toBe('image/jpeg');
    },
  ],
  'media.link': [
    'post /v1/media/{id}/link',
    async () => {
      const { id } = await client.media.wait(await receivedPicture(), { maxSeconds: 60 });
      const { url } = await client.media.link(id, { expiresInSeconds: 60, size: 'small' });
      expect((await fetch(url)).status).toBe(200);
    },
  ],
  'holds.create': [
    'post /v1/holds',
    async () => {
      const hold = { type: 'tag', subject: 'case 4711', reason: 'A claim' } as const;
      expect(await client.holds.create(hold)).toMatchObject({ ...hold, ids: ['case 4711'] });
    },
  ],
  'holds.get': [
    'get /v1/holds/{id}',
    async () => {
      const { id } = await hold();
      expect(await client.holds.get(id)).toMatchObject({ id, type: 'media' });
      await client.holds.end(id);
    },
  ],
  'holds.list': [
    'get /v1/holds',
    async () => {
      const { id, subject } = await hold();
      expect((await first(client.holds.list({ media: subject, limit: 1 }))).id).toBe(id);
      await client.holds.end(id);
    },
  ],
  'holds.end': [
    'delete /v1/holds/{id}',
    async () => {
      const { id, subject } = await hold();
      await client.holds.end(id);
      expect((await client.media.get(subject)).held).toBe(false);
    },
  ],
  'shares.create': [
    'post /v1/shares',
    async () => {
      const { url } = await share();
      expect((await fetch(url)).status).toBe(200);
    },
  ],
  'shares.get': [
    'get /v1/shares/{id}',
    async () => {
      const { id, media } = await share();
      expect(await client.shares.get(id)).toMatchObject({ id, media, title: 'Roses' });
    },
  ],
  'shares.list': [
    'get /v1/shares',
    async () => {
      const { id } = await share();
      expect((await first(client.shares.list({ limit: 1 }))).id).toBe(id);
    },
  ],
  'shares.revoke': [
    'delete /v1/shares/{id}',
    async () => {
      const { id } = await share();
      expect((await client.shares.revoke(id)).state).toBe('revoked');
    },
  ],
  'media.recordFact': [
    'post /v1/media/{id}/facts',
    async () => {
      const { id } = await client.media.wait(await receivedPicture(), { maxSeconds: 60 });
      const fact = { source: 'classifier', type: 'labels', value: [{ name: 'rose' }] } as const;
      expect(await client.media.recordFact(id, fact)).toMatchObject(fact);
    },
  ],
  'media.facts': [
    'get /v1/media/{id}/facts',
    async () => {
      const { id } = await client.media.wait(await receivedPicture(), { maxSeconds: 60 });
      await client.media.recordFact(id, { source: 'opencv', type: 'blur', value: 0.5 });
      expect(await client.media.facts(id)).toMatchObject([{ source: 'opencv', value: 0.5 }]);
    },
  ],
  'media.addFavourite': [
    'put /v1/media/{id}/favourite',
    async () => {
      const id = await receivedPicture();
      await client.media.addFavourite(id);
      const { items } = await client.media.list({ favourite: true }).page();
      expect(items.map((media) => media.id)).toContain(id);
    },
  ],
  'media.removeFavourite': [
    'delete /v1/media/{id}/favourite',
    async () => {
      const id = await receivedPicture();
      await client.media.addFavourite(id);
      await client.media.removeFavourite(id);
      expect(await client.media.favourites([id])).toEqual([]);
    },
  ],
  'media.favourites': [
    'get /v1/favourites',
    async () => {
      const id = await receivedPicture();
      await client.media.addFavourite(id);
      expect(await client.media.favourites([id])).toEqual([id]);
    },
  ],
  'views.save': [
    'post /v1/views',
    async () => {
      const filters = { channel: 'sobot', since: new Date('2026-11-01T00:00:00Z') };
      const view = await client.views.save({ name: 'November', filters });
      expect(view.filters).toEqual({ channel: 'sobot', since: '2026-11-01T00:00:00.000Z' });
    },
  ],
  'views.list': [
    'get /v1/views',
    async () => {
      await client.views.save({ name: 'Videos', filters: { kind: 'video' } });
      expect((await client.views.list()).map(({ name }) => name)).toContain('Videos');
    },
  ],
  'views.remove': [
    'delete /v1/views/{id}',
    async () => {
      const { id } = await client.views.save({ name: 'Audio', filters: { kind: 'audio' } });
      await client.views.remove(id);
      expect((await client.views.list()).map((view) => view.id)).not.toContain(id);
    },
  ],
  'media.similar': [
    'get /v1/media/{id}/similar',
    async () => {
      const { id } = await client.media.wait(await receivedPicture(), { maxSeconds: 60 });
      for (const { media } of await client.media.similar(id)) expect(media.id).not.toBe(id);
    },
  ],
  'media.pages': [
    'get /v1/media/{id}/pages',
    async () => {
      const { items, count } = await client.media.pages(await uploadedPdf());
      expect(count).toBe(2);
      expect(items).toMatchObject([
        { number: 1, width: 1600, height: 800 },
        { number: 2, width: 800, height: 1600 },
      ]);
      expect(items[1]?.url).toMatch(/^http.*\/pages\/2$/);
    },
  ],
  'media.page': [
    'get /v1/media/{id}/pages/{number}',
    async () => {
      const page = await client.media.page(await uploadedPdf(), 2);
      expect(page.headers.get('content-type')).toBe('image/jpeg');
      expect(await sharp(await page.arrayBuffer()).metadata()).toMatchObject({ width: 800, height: 1600 });
    },
  ],
  'media.export': [
    'get /v1/export',
    async () => {
      const id = await receivedPicture();
      await client.media.wait(id, { maxSeconds: 60 });
      const response = await client.media.export({ ids: [id], format: 'jsonl' });
      const [line = ''] = (await response.text()).split('\n');
      expect((JSON.parse(line) as ExportedMedia).id).toBe(id);
    },
  ],
  'media.retry': [
    'post /v1/media/{id}/retry',
    async () => {
      const { sobot } = simulator.providers;
      const call = sobot.webhook({ kind: 'image', url: `${simulator.host.origin}/gone` });
      const answer = await fetch(service.url + call.path, { method: 'POST', ...call });
      const { media } = (await answer.json()) as { media: string[] };
      const { id, state } = await client.media.wait(media[0] ?? '', { maxSeconds: 60 });
      expect(state).toBe('failed');
      expect((await client.media.retry(id)).id).toBe(id);
    },
  ],
  'media.erase': [
    'delete /v1/media/{id}',
    async () => {
      const { erased } = await client.media.erase(await receivedPicture());
      expect(erased.media).toBe(1);
    },
  ],
  'media.upload': [
    'post /v1/media',
    async () => {
      const bytes = new Uint8Array(picture);
      const filename = 'a "look",\r\nñ.jpg';
      const expected = { state: 'ready', kind: 'image', type: 'image/jpeg', bytes: picture.length };
      const blob = await client.media.upload(new Blob([bytes]), { channel: 'sobot', filename });
      expect(blob).toMatchObject(expected);
      const stream = new Blob([bytes]).stream();
      const streamed = await client.media.upload(stream, { channel: 'sobot', kind: 'image', filename });
      expect(streamed).toMatchObject({ ...expected, sha256: blob.sha256, filename: blob.filename });
      const file = new File([bytes], 'look.jpg');
      expect((await client.media.upload(file, { channel: 'sobot' })).filename).toBe('look.jpg');
    },
  ],
  'messages.send': [
    'post /v1/messages',
    async () => {
      const { id } = await sendPicture();
      await settled(id, 'sent');
      const [first, second] = simulator.providers.sobot.api.accepted;
      expect(first).toMatchObject({ to: '5511999990000', media: { bytes: picture.length } });
      expect(second).toBeUndefined();
    },
  ],
  'messages.get': [
    'get /v1/messages/{id}',
    async () => {
      const { id, channel } = await sendPicture();
      expect(await client.messages.get(id)).toMatchObject({ id, channel });
    },
  ],
  'messages.list': [
    'get /v1/messages',
    async () => {
      const { id } = await sendPicture();
      const message = await first(client.messages.list({ channel: 'sobot', limit: 1 }));
      expect(message.id).toBe(id);
    },
  ],
  'messages.retry': [
    'post /v1/messages/{id}/retry',
    async () => {
      simulator.providers.blip.api.misbehave('garbage');
      const { id } = await sendPicture('blip');
      await settled(id, 'unknown');
      expect((await client.messages.retry(id)).id).toBe(id);
    },
  ],
  'messages.byProviderId': [
    'get /v1/messages/{channel}/{messageId}',
    async () => {
      const media = await client.media.get(await receivedPicture());
      const found = await client.messages.byProviderId('sobot', media.message?.id ?? '');
      expect(found.media.map(({ id }) => id)).toEqual([media.id]);
    },
  ],
  'deliveries.list': [
    'get /v1/deliveries',
    async () => {
      await receivedPicture();
      await first(client.deliveries.list({ outcome: 'accepted', limit: 5 }));
    },
  ],
  'deliveries.get': [
    'get /v1/deliveries/{id}',
    async () => {
      const { id } = await first(client.deliveries.list());
      expect((await client.deliveries.get(id)).body).toContain('messaging_product');
    },
  ],
  'deliveries.replay': [
    'post /v1/deliveries/{id}/replay',
    async () => {
      const { id } = await first(client.deliveries.list());
      expect((await client.deliveries.replay(id)).delivery).toBe(id);
    },
  ],
  'channels.list': ['get /v1/channels', () => client.channels.list()],
  'channels.limits': [
    'get /v1/channels/{id}/limits',
    async () => {
      const { sends, limits } = await client.channels.limits('sobot');
      expect(sends).toBe(true);
      expect(limits['default']?.media.image?.types).toEqual(['image/jpeg', 'image/png']);
    },
  ],
  'channels.get': ['get /v1/channels/{id}', () => client.channels.get('z-api')],
  'channels.create': ['post /v1/channels', () => channel()],
  'channels.change': [
    'patch /v1/channels/{id}',
    async () => {
      const { id } = await channel();
      expect((await client.channels.change(id, { enabled: false })).enabled).toBe(false);
    },
  ],
  'channels.rotate': [
    'post /v1/channels/{id}/rotate',
    async () => {
      const { id, webhookSecret } = await channel();
      expect((await client.channels.rotate(id)).webhookSecret).not.toBe(webhookSecret);
    },
  ],
  'channels.connect': [
    'post /v1/channels/{id}/connect',
    async () => {
      expect(await client.channels.connect('z-api')).toMatchObject({
        isConnected: true,
        url: `${service.url}/webhooks/z-api`,
      });
    },
  ],
  'channels.backfill': [
    'post /v1/channels/{id}/backfill',
    async () => {
      const { publish, webhook } = simulator.providers.twilio;
      webhook({ kind: 'image', url: publish(bytes('image/jpeg', picture)) });
      expect(await client.channels.backfill('twilio', new Date(Date.now() - 3_600_000))).toEqual({
        found: 1,
        stored: 1,
        failed: 0,
        complete: true,
        until: null,
      });
    },
  ],
  'channels.connection': [
    'get /v1/channels/{id}/connection',
    async () => {
      const { id } = await channel();
      expect(await client.channels.connection(id)).toMatchObject({ supported: false });
    },
  ],
  'channels.delete': [
    'delete /v1/channels/{id}',
    async () => {
      const { id } = await channel();
      await client.channels.delete(id);
      await expect(client.channels.get(id)).rejects.toMatchObject({ status: 404 });
    },
  ],
  'providers.list': [
    'get /v1/providers',
    async () => {
      expect((await client.providers.list()).map(({ id }) => id)).toContain('z-api');
    },
  ],
  'providers.preview': [
    'post /v1/providers/{provider}/preview',
    async () => {
      const settings = { events: '{"type": "ignored", "reason": word}' };
      const shown = await client.providers.preview('custom', { settings, payload: '{"word": "typing"}' });
      expect(shown).toMatchObject({ outcome: 'ignored', events: [{ type: 'ignored', reason: 'typing' }] });
    },
  ],
  'media.annotate': [
    'patch /v1/media/{id}',
    async () => {
      const id = await receivedPicture();
      const { revision } = await client.media.annotate(id, { tags: ['roses'], note: 'Look' });
      await expect(
        client.media.annotate(id, { note: null }, { revision: revision + 1 }),
      ).rejects.toMatchObject({ code: 'media.annotated_meanwhile' });
      expect((await first(client.media.list({ tag: 'Roses', resolved: false }))).id).toBe(id);
    },
  ],
  'media.tags': [
    'get /v1/tags',
    async () => {
      await client.media.annotate(await receivedPicture(), { tags: ['tulips'] });
      expect(await client.media.tags({ q: 'tul' })).toEqual(['tulips']);
    },
  ],
  'people.list': [
    'get /v1/people',
    async () => {
      await receivedPicture();
      expect(await first(client.people.list({ kind: 'person' }))).toMatchObject({ channel: 'sobot' });
    },
  ],
  'people.get': [
    'get /v1/people/{channel}/{person}',
    async () => {
      const { message } = await client.media.get(await receivedPicture());
      expect((await client.people.get('sobot', message?.from ?? '')).received).toBeGreaterThan(0);
    },
  ],
  'people.timeline': [
    'get /v1/people/{channel}/{person}/timeline',
    async () => {
      const id = await receivedPicture();
      const { message } = await client.media.get(id);
      const latest = await first(client.people.timeline('sobot', message?.from ?? ''));
      expect(latest).toMatchObject({ type: 'media', media: { id } });
    },
  ],
  'contacts.erase': [
    'delete /v1/contacts/{channel}/{contact}',
    async () => {
      const { message } = await client.media.get(await receivedPicture());
      const person = message?.from ?? '';
      const counted = await client.contacts.erase('sobot', person, { dryRun: true });
      expect(counted.erased.media).toBeGreaterThan(0);
      expect((await client.contacts.erase('sobot', person)).erased.media).toBe(counted.erased.media);
    },
  ],
  'tokens.create': ['post /v1/tokens', () => token()],
  'tokens.list': [
    'get /v1/tokens',
    async () => {
      const { id } = await token();
      expect((await first(client.tokens.list({ limit: 1 }))).id).toBe(id);
    },
  ],
  'tokens.get': [
    'get /v1/tokens/{id}',
    async () => {
      expect((await client.tokens.get((await token()).id)).created.tokens).toEqual([]);
    },
  ],
  'tokens.revoke': [
    'delete /v1/tokens/{id}',
    async () => {
      expect((await client.tokens.revoke((await token()).id)).revokedAt).not.toBeNull();
    },
  ],
  'audit.list': [
    'get /v1/audit',
    async () => {
      await token();
      const { action } = await first(client.audit.list({ action: 'token.create', since: new Date(0) }));
      expect(action).toBe('token.create');
    },
  ],
  'users.list': [
    'get /v1/users',
    async () => {
      const { created } = await user();
      expect((await first(client.users.list({ limit: 1 }))).id).toBe(created.id);
    },
  ],
  'users.get': [
    'get /v1/users/{id}',
    async () => {
      const { created } = await user();
      expect((await client.users.get(created.id)).email).toBe(created.email);
    },
  ],
  'users.create': ['post /v1/users', () => user()],
  'users.change': [
    'patch /v1/users/{id}',
    async () => {
      const { created } = await user();
      expect((await client.users.change(created.id, { disabled: true })).state).toBe('disabled');
    },
  ],
  'users.delete': [
    'delete /v1/users/{id}',
    async () => {
      await client.users.delete((await user()).created.id);
    },
  ],
  'users.invite': [
    'post /v1/users/{id}/invitation',
    async () => {
      const { created } = await user();
      expect((await client.users.invite(created.id)).invitation.url).not.toBe(created.invitation.url);
    },
  ],
  'sessions.list': [
    'get /v1/sessions',
    async () => {
      const { page } = await signedIn();
      expect((await first(page.sessions.list())).current).toBe(true);
    },
  ],
  'sessions.end': [
    'delete /v1/sessions/{id}',
    async () => {
      const { created } = await signedIn();
      const { id } = await first(client.sessions.list({ user: created.id }));
      await client.sessions.end(id);
    },
  ],
  'session.checkInvitation': [
    'post /v1/invitations/check',
    async () => {
      const { page, secret } = await user();
      expect((await page.session.checkInvitation(secret)).purpose).toBe('invite');
    },
  ],
  'session.acceptInvitation': [
    'post /v1/invitations/accept',
    async () => {
      const { created, page, secret } = await user();
      const session = await page.session.acceptInvitation({ secret, password: goodPassword });
      expect(session.user?.id).toBe(created.id);
    },
  ],
  'session.changePassword': [
    'put /v1/session/password',
    async () => {
      const { page } = await signedIn();
      const change = { current: goodPassword, password: 'another long password' };
      expect((await page.session.changePassword(change)).user?.role).toBe('agent');
    },
  ],
  'session.ways': [
    'get /v1/sign-in',
    async () => {
      expect((await client.session.ways()).oidc).toBeNull();
    },
  ],
  'session.create': [
    'post /v1/session',
    async () => {
      expect((await client.session.create(service.token('admin'))).scopes).toEqual(['admin']);
    },
  ],
  'session.get': ['get /v1/session', () => client.session.get()],
  'session.delete': ['delete /v1/session', () => client.session.delete()],
  index: [
    'get /',
    async () => {
      expect(await client.index()).toMatchObject({
        name: 'inlet',
        links: { gallery: `${service.url}/admin` },
      });
    },
  ],
  'health.live': [
    'get /health/live',
    async () => {
      expect(await client.health.live()).toEqual({ status: 'ok' });
    },
  ],
  'health.ready': [
    'get /health/ready',
    async () => {
      expect(await health()).toMatchObject({ status: 'ok', database: 'ok' });
    },
  ],
  metrics: [
    'get /metrics',
    async () => {
      expect(await client.metrics()).toContain('# TYPE inlet_');
    },
  ],
  openApi: [
    'get /openapi.json',
    async () => {
      expect((await client.openApi()).openapi).toBe('3.1.0');
    },
  ],
  alerts: ['get /v1/alerts', () => client.alerts({ limit: 5 }).page()],
  stats: ['get /v1/stats', () => client.stats({ days: 7 })],
  'subscriptions.create': ['post /v1/subscriptions', subscription],
  'subscriptions.list': ['get /v1/subscriptions', () => client.subscriptions.list()],
  'subscriptions.get': [
    'get /v1/subscriptions/{id}',
    async () => client.subscriptions.get((await subscription()).id),
  ],
  'subscriptions.change': [
    'patch /v1/subscriptions/{id}',
    async () => {
      const { id } = await subscription();
      expect((await client.subscriptions.change(id, { description: 'new' })).description).toBe('new');
    },
  ],
  'subscriptions.test': [
    'post /v1/subscriptions/{id}/test',
    async () => client.subscriptions.test((await subscription()).id),
  ],
  'subscriptions.deliveries': [
    'get /v1/subscriptions/{id}/deliveries',
    async () => client.subscriptions.deliveries((await subscription()).id),
  ],
  'subscriptions.rotate': [
    'post /v1/subscriptions/{id}/rotate',
    async () => {
      const { id, secret } = await subscription();
      const rotated = await client.subscriptions.rotate(id, { overlapSeconds: 60 });
      expect(rotated.secret).toMatch(/^whsec_/);
      expect(rotated.secret).not.toBe(secret);
    },
  ],
  'subscriptions.resend': [
    'post /v1/subscriptions/{id}/resend',
    async () => {
      const { id } = await subscription();
      expect(await client.subscriptions.resend(id, { from: '2020-01-01', until: '2020-01-02' })).toEqual({
        count: 0,
        next: null,
      });
    },
  ],
  'subscriptions.delete': [
    'delete /v1/subscriptions/{id}',
    async () => client.subscriptions.delete((await subscription()).id),
  ],
  events: [
    'get /v1/events',
    async () => {
      const id = await receivedPicture();
      const event = await first(client.events({ lastEventId: '0', type: 'media.ready' }));
      expect(event.type).toBe('media.ready');
      await client.media.erase(id);
    },
  ],
};

function methodsOf(part: object, before = ''): string[] {
  return Object.entries(part).flatMap(([name, value]: [string, unknown]) =>
    typeof value === 'function' ? [before + name] : methodsOf(value as object, `${before}${name}.`),
  );
}

test('no method of the client is without a call here', () => {
  expect(Object.keys(calls).sort()).toEqual(methodsOf(client).sort());
});

test('no route is without a method, except for the routes of providers', () => {
  const called = Object.values(calls).map(([operation]) => operation);
  expect([...new Set([...called, ...Object.keys(withoutMethod)])].sort()).toEqual([...operations].sort());
  expect(called.filter((operation) => operation in withoutMethod)).toEqual([]);
});

test.each(Object.entries(calls))('%s', async (_name, [operation, call]) => {
  seen = [];
  await call();
  expect(seen.map((one) => one.operation)).toContain(operation);
  expect(seen.filter(({ faults }) => faults.length > 0)).toEqual([]);
  expect(operations).toEqual(expect.arrayContaining(seen.map((one) => one.operation)));
});
