/** Files of Meta in the whole service, with the API and the host of a simulated Meta. */
import { createHash, createHmac } from 'node:crypto';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';

import type { Connection } from '../../../src/client/answers.js';
import { bytes, startMediaHost, type Check, type MediaHost } from '../../../src/demo/media-host.js';
import { uniquePhotos, type UniquePhotos } from '../../../src/demo/photos.js';
import { createSecrets, startSimulator, type Simulator } from '../../../src/demo/providers/index.js';
import type { SimulatedMedia } from '../../../src/demo/providers/simulated-provider.js';
import { call, afterPending, type Answer, type MediaView, type Receipt } from '../../support/client.js';
import { startTestService, type TestService } from '../../support/test-service.js';
import { until } from '../../support/until.js';

const secrets = createSecrets();
let simulator: Simulator;
/** A host that is none of Meta's. */
let elsewhere: MediaHost;
let service: TestService;
let photos: UniquePhotos;
beforeAll(async () => {
  photos = await uniquePhotos(64, { width: 64, height: 48 });
  simulator = await startSimulator({ secrets });
  elsewhere = await startMediaHost();
  const { FETCH_ALLOW_PRIVATE_HOSTS: hosts = '', ...env } = simulator.env();
  service = await startTestService({ env, mediaHosts: [hosts, elsewhere.host] });
});
afterAll(async () => {
  await service.stop();
  await elsewhere.close();
  await simulator.close();
});

let next = 0;
const freshPhoto = (): Buffer => photos.at(next++);
const folder = '/whatsapp_business/attachments/';
const idOf = (url: string): string => new URL(url).pathname.slice(folder.length);

async function receive(url: string, more: Partial<SimulatedMedia> = {}): Promise<MediaView> {
  const { path, headers, body } = simulator.providers.meta.webhook({ kind: 'image', url, ...more });
  return show(await call<Receipt>(service.url, path, { method: 'post', raw: body, headers }));
}

/** The file of a webhook when it is no longer pending. */
function show({ body }: Answer<Receipt>): Promise<MediaView> {
  return afterPending(service, body.media[0]);
}

/** Posts a picture with this block to a channel. */
async function postImage(
  image: object,
  { channel, secret }: { readonly channel: string; readonly secret: string },
): Promise<Answer<Receipt>> {
  const { body } = simulator.providers.meta.webhook({ kind: 'malformed' });
  const raw = body.replace('"image":{}', `"image":${JSON.stringify(image)}`);
  const mac = createHmac('sha256', secret).update(raw).digest('hex');
  const headers = { 'content-type': 'application/json', 'x-hub-signature-256': `sha256=${mac}` };
  return call<Receipt>(service.url, `/webhooks/${channel}`, { method: 'post', raw, headers });
}

const sha256 = (content: Buffer): string => createHash('sha256').update(content).digest('hex');

const requestsFor = (host: MediaHost, url: string) =>
  host.requests.filter((request) => request.url.pathname === new URL(url).pathname);

describe('a file of Meta', () => {
  test('is downloaded by its id or by its link, and both get the token', async () => {
    for (let count = 0; count < 12; count += 1) {
      const photo = freshPhoto();
      const publish = () => simulator.providers.meta.publish(bytes('image/jpeg', photo));
      const url = withLink(publish, count % 2 === 0);
      expect(await receive(url)).toMatchObject({ state: 'ready', sha256: sha256(photo), attempts: 1 });
      expect(requestsFor(simulator.host, url)).toMatchObject([{ hadCredentials: true }]);
    }
  });

  test('whose link has ended is downloaded by its id', async () => {
    const photo = freshPhoto();
    const url = withLink(() => simulator.providers.meta.publishExpired(bytes('image/jpeg', photo)));
    expect(await receive(url)).toMatchObject({ state: 'ready', sha256: sha256(photo), attempts: 1 });
    const asked = requestsFor(simulator.host, url).map((request) => request.url.href);
    expect(asked).toHaveLength(1);
    expect(asked[0]).not.toBe(new URL(url).href);
  });

  test.each([401, 403, 404, 410])(
    'whose link is answered %d is asked for again by its id',
    async (status) => {
      let refusals = 1;
      const refusesOnce: Check = () => (refusals-- > 0 ? { status, body: 'no' } : undefined);
      const photo = freshPhoto();
      const url = published(photo, refusesOnce);
      expect(await receive(url)).toMatchObject({ state: 'ready', sha256: sha256(photo), attempts: 1 });
      expect(requestsFor(simulator.host, url)).toHaveLength(2);
    },
  );

  test('whose host is out of order is asked for again by its id, with the next attempt', async () => {
    let failures = 1;
    const failsOnce: Check = () => (failures-- > 0 ? { status: 500, body: 'no' } : undefined);
    const photo = freshPhoto();
    expect(await receive(published(photo, failsOnce))).toMatchObject({ state: 'ready', attempts: 2 });
  });

  test('whose link leads to a host that is out of order is downloaded by its id, with the next attempt', async () => {
    const photo = freshPhoto();
    const file = simulator.providers.meta.publish(bytes('image/jpeg', photo));
    const link = elsewhere.serve('/out-of-order.jpg', bytes('image/jpeg', photo), [
      () => ({ status: 500, body: 'no' }),
    ]);
    const channel = { channel: 'meta', secret: secrets.meta.appSecret };
    const answer = await postImage({ mime_type: 'image/jpeg', id: idOf(file), url: link }, channel);
    expect(await show(answer)).toMatchObject({ state: 'ready', sha256: sha256(photo), attempts: 2 });
    expect(requestsFor(elsewhere, link)).toHaveLength(1);
    expect(requestsFor(simulator.host, file)).toHaveLength(1);
  });

  test.each([
    'http://10.0.0.1/picture.jpg',
    'http://169.254.169.254/latest/meta-data',
    'https://someone@example.com/picture.jpg',
    'https://example.com:22/picture.jpg',
  ])('whose link is %s is downloaded by its id', async (url) => {
    const photo = freshPhoto();
    const file = simulator.providers.meta.publish(bytes('image/jpeg', photo));
    const channel = { channel: 'meta', secret: secrets.meta.appSecret };
    const answer = await postImage({ mime_type: 'image/jpeg', id: idOf(file), url }, channel);
    expect(await show(answer)).toMatchObject({ state: 'ready', sha256: sha256(photo), attempts: 1 });
  });

  test('whose link leads round in a circle is downloaded by its id', async () => {
    const photo = freshPhoto();
    const file = simulator.providers.meta.publish(bytes('image/jpeg', photo));
    const circle = elsewhere.serve('/circle.jpg', bytes('image/jpeg', photo), [
      () => ({ status: 302, headers: { location: '/circle.jpg' } }),
    ]);
    const channel = { channel: 'meta', secret: secrets.meta.appSecret };
    const answer = await postImage({ mime_type: 'image/jpeg', id: idOf(file), url: circle }, channel);
    expect(await show(answer)).toMatchObject({ state: 'ready', sha256: sha256(photo), attempts: 1 });
  });

  test('whose link is forbidden and which Meta does not have is rejected because of the link', async () => {
    const channel = { channel: 'meta', secret: secrets.meta.appSecret };
    const answer = await postImage({ id: '1000000000000001', url: 'http://10.0.0.1/picture.jpg' }, channel);
    expect(await show(answer)).toMatchObject({
      state: 'rejected',
      error: { code: 'media.forbidden_address' },
    });
  });

  test('that Meta does not have any more has failed', async () => {
    expect(await receive(`${simulator.host.origin}${folder}1000000000000001`)).toMatchObject({
      state: 'failed',
      attempts: 1,
      error: { code: 'media.gone', message: expect.stringContaining('it has no such file') },
    });
  });

  test('at another host is downloaded without the token', async () => {
    const photo = freshPhoto();
    const url = elsewhere.serve('/picture.jpg', bytes('image/jpeg', photo));
    expect(await receive(url)).toMatchObject({ state: 'ready', sha256: sha256(photo) });
    expect(requestsFor(elsewhere, url)).toMatchObject([{ hadCredentials: false }]);
  });

  test('is not followed elsewhere with the token', async () => {
    const photo = freshPhoto();
    const target = elsewhere.serve('/moved.jpg', bytes('image/jpeg', photo));
    const url = published(photo, () => ({ status: 302, headers: { location: target } }));
    expect(await receive(url)).toMatchObject({ state: 'ready', sha256: sha256(photo) });
    expect(requestsFor(simulator.host, url)).toMatchObject([{ hadCredentials: true }]);
    expect(requestsFor(elsewhere, target)).toMatchObject([{ hadCredentials: false }]);
  });
});

describe('a channel without an access token', () => {
  const there = { channel: 'without-token', secret: 'another-app-secret-0123456789' };
  beforeAll(async () => {
    const json = { id: there.channel, provider: 'meta', settings: { appSecret: there.secret } };
    await call(service.url, '/v1/channels', { token: service.token('admin'), method: 'post', json });
  });

  test('keeps a file waiting that only its id leads to', async () => {
    const { body } = await postImage({ id: '900' }, there);
    const path = `/v1/media/${String(body.media[0])}`;
    const token = service.token('media:read');
    const media = await until(async () => {
      const seen = (await call<MediaView>(service.url, path, { token })).body;
      return seen.attempts > 0 && seen;
    });
    expect(media).toMatchObject({
      state: 'pending',
      error: { code: 'media.busy', message: expect.stringContaining('lacks the settings') },
    });
  });

  test('tries the link of a file again', async () => {
    let failures = 1;
    const photo = freshPhoto();
    const url = elsewhere.serve('/second-attempt.jpg', bytes('image/jpeg', photo), [
      () => (failures-- > 0 ? { status: 500, body: 'no' } : undefined),
    ]);
    const media = await show(await postImage({ id: '900', url }, there));
    expect(media).toMatchObject({ state: 'ready', sha256: sha256(photo), attempts: 2 });
  });
});

describe('connecting the channel', () => {
  const ask = async (path: string, method: 'get' | 'post' = 'get') =>
    (
      await call<Connection>(service.url, `/v1/channels/meta/${path}`, {
        token: service.token('admin'),
        method,
      })
    ).body;

  test('makes Meta call it, after it has answered the challenge', async () => {
    expect(await ask('connection')).toMatchObject({
      supported: true,
      url: null,
      isConnected: false,
      notes: ['The app is not subscribed to the business account of the number, so Meta sends no webhooks.'],
    });
    const connected = { url: `${service.url}/webhooks/meta`, isConnected: true, notes: [] };
    expect(await ask('connect', 'post')).toMatchObject(connected);
    expect(await ask('connection')).toMatchObject(connected);
  });
});

const published = (photo: Buffer, ...checks: readonly Check[]): string =>
  withLink(() => simulator.providers.meta.publish(bytes('image/jpeg', photo), ...checks));

/** A link of a message that contains the link and the id, or the id only. The last digit of the id decides. */
function withLink(publish: () => string, isWithLink = true): string {
  for (;;) {
    const url = publish();
    if (simulator.providers.meta.webhook({ kind: 'image', url }).body.includes(url) === isWithLink)
      return url;
  }
}

/** Everything in the database as one text. */
async function everything(): Promise<string> {
  const client = new pg.Client({ connectionString: service.database.connectionString });
  await client.connect();
  try {
    const { rows: tables } = await client.query<{ name: string }>(
      "select quote_ident(table_name) as name from information_schema.tables where table_schema = 'public'",
    );
    const texts: string[] = [];
    for (const { name } of tables) {
      const { rows } = await client.query<{ text: string }>(`select t::text as text from ${name} as t`);
      texts.push(...rows.map(({ text }) => text));
    }
    return texts.join('\n');
  } finally {
    await client.end();
  }
}

test('no secret of Meta is in a row, in the log or in an answer', async () => {
  const photo = freshPhoto();
  const { id } = await receive(simulator.providers.meta.publish(bytes('image/jpeg', photo)));
  const token = service.token('admin media:read');
  const paths = [
    '/v1/media',
    `/v1/media/${id}`,
    '/v1/deliveries',
    '/v1/channels',
    '/v1/providers',
    '/v1/stats',
  ];
  const answers = await Promise.all(paths.map((path) => call(service.url, path, { token })));
  expect(answers.map(({ status }) => status)).toEqual(paths.map(() => 200));
  const stored = await everything();
  expect(stored).toContain(id);
  const seen = [stored, service.logs(), ...answers.map(({ bytes: body }) => body.toString())].join('\n');
  const { accessToken, appSecret, verifyToken } = secrets.meta;
  for (const secret of [accessToken, appSecret, verifyToken]) expect(seen).not.toContain(secret);
});
