/** From the webhook to bytes and previews that can be read: what becomes of pictures, good and bad. */
import { createHash } from 'node:crypto';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import sharp, { type Sharp } from 'sharp';
import { thumbHashToApproximateAspectRatio } from 'thumbhash';

import { bytes, startMediaHost, type MediaHost } from '../../../src/demo/media-host.js';
import { animatedGif, photo, sticker, transparentPng } from '../../../src/demo/photos.js';
import { afterPending, call, postWebhook, receive, type MediaView } from '../../support/client.js';
import { picture, sobotChange, zApiMedia, type ZApiOptions } from '../../support/payloads.js';
import { startTestService, type TestService } from '../../support/test-service.js';
import { until } from '../../support/until.js';

const channels = ['aisoule', 'blip', 'meta', 'sobot', 'vonage', 'z-api'];
const maxBytes = 3_000_000;

let host: MediaHost;
let service: TestService;
let reader: string;
let served = 0;

beforeAll(async () => {
  host = await startMediaHost();
  service = await startTestService({
    mediaHosts: [host.host],
    env: { MAX_MEDIA_BYTES: String(maxBytes), MAX_IMAGE_PIXELS: '4000000' },
  });
  reader = service.token('media:read');
});

afterAll(async () => {
  await service.stop();
  await host.close();
});

/** The link to bytes on the host. */
function serve(body: Uint8Array, type = 'image/jpeg'): string {
  served += 1;
  return host.serve(`/${String(served)}`, bytes(type, body));
}

/** What becomes of these bytes as an attachment. */
function bring(body: Uint8Array, options: ZApiOptions = {}): Promise<MediaView> {
  return receive(service, 'z-api', zApiMedia({ url: serve(body), ...options }));
}

async function read(path: string | null | undefined): Promise<Buffer> {
  if (path === null || path === undefined) throw new Error('there is nothing to read');
  const { status, bytes: body } = await call(service.url, path, { token: reader });
  if (status !== 200) throw new Error(`${path} was answered ${String(status)}`);
  return body;
}

const sha256 = (body: Uint8Array): string => createHash('sha256').update(body).digest('hex');
const instant = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

/** The mean difference between two pictures, from 0 to 255. */
async function difference(one: Buffer, other: Buffer): Promise<number> {
  const [a, b] = await Promise.all([pixels(one), pixels(other)]);
  let sum = 0;
  for (const [place, value] of a.entries()) sum += Math.abs(value - (b[place] ?? 0));
  return sum / a.length;
}

function pixels(body: Buffer): Promise<Buffer> {
  return sharp(body).autoOrient().resize(64, 64, { fit: 'fill' }).removeAlpha().raw().toBuffer();
}

describe('a photo taken with a telephone', () => {
  let original: Buffer;
  let media: MediaView;

  beforeAll(async () => {
    original = await photo({ seed: 6, width: 1600, height: 1200, orientation: 6 });
    media = await bring(original, { messageId: '3EB0PHOTO', from: '+55 (11) 99999-0000', caption: 'look' });
  });

  it('is described in full', () => {
    const small = `/v1/media/${media.id}/preview?size=small`;
    const large = `/v1/media/${media.id}/preview?size=large`;
    expect(media).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/),
      channel: 'z-api',
      provider: 'z-api',
      direction: 'inbound',
      kind: 'image',
      state: 'ready',
      message: {
        id: '3EB0PHOTO',
        from: '5511999990000',
        to: '5511888880000',
        chat: null,
        senderName: 'Ana',
        caption: 'look',
        sentAt: '2026-11-21T10:00:00.000Z',
      },
      receivedAt: instant,
      readyAt: instant,
      deletedBySenderAt: null,
      type: 'image/jpeg',
      bytes: original.length,
      width: 1600,
      height: 1200,
      sha256: sha256(original),
      filename: null,
      metadata: {
        takenAt: null,
        camera: 'Inlet Demo camera',
        latitude: -23.55,
        longitude: -46.633333,
        software: null,
      },
      thumbhash: expect.stringMatching(/^[\w+/]{20,40}={0,2}$/),
      previews: {
        small: { url: small, type: 'image/jpeg', width: 533, height: 400 },
        large: { url: large, type: 'image/jpeg', width: 1600, height: 1200 },
      },
      contentUrl: `/v1/media/${media.id}/content`,
      warnings: [],
      attempts: 1,
      nextAttemptAt: null,
      error: null,
      annotations: { tags: [], note: null, resolvedAt: null, revision: 0 },
      held: false,
    });
  });

  it('is kept to the last byte', async () => {
    expect((await read(media.contentUrl)).equals(original)).toBe(true);
  });

  it.each([
    ['small', { format: 'jpeg', width: 533, height: 400 }],
    ['large', { format: 'jpeg', width: 1600, height: 1200 }],
  ] as const)('has a %s preview that is upright and holds no metadata', async (size, expected) => {
    const preview = await read(media.previews[size]?.url);
    const metadata = await sharp(preview).metadata();

    expect(metadata).toMatchObject({ ...expected, space: 'srgb', channels: 3 });
    for (const name of ['exif', 'icc', 'xmp', 'iptc', 'orientation'] as const)
      expect(metadata[name]).toBeUndefined();
    expect(preview.includes('Exif')).toBe(false);
    expect(preview.includes('Demo camera')).toBe(false);
    expect(await difference(preview, original)).toBeLessThan(4);
  });

  it('has a thumbhash of its shape', () => {
    const shape = thumbHashToApproximateAspectRatio(Buffer.from(media.thumbhash ?? '', 'base64'));
    expect(shape).toBeCloseTo(4 / 3, 0);
  });

  it('is found under its message', async () => {
    const { body } = await call<{ media: MediaView[] }>(service.url, '/v1/messages/z-api/3EB0PHOTO', {
      token: reader,
    });
    expect(body.media).toEqual([media]);
  });
});

it.each(channels)('a picture of %s becomes ready', async (channel) => {
  const body = await photo({ seed: 1, width: 300, height: 200 });
  const media = await receive(service, channel, picture(channel, { url: serve(body) }));
  expect(media).toMatchObject({
    channel,
    provider: channel,
    direction: 'inbound',
    kind: 'image',
    state: 'ready',
    type: 'image/jpeg',
    sha256: sha256(body),
    width: 300,
    height: 200,
    message: { from: expect.stringContaining('5511999990000'), caption: 'look' },
  });
});

describe('previews', () => {
  it.each([1, 3, 6, 8] as const)('are upright for orientation %i', async (orientation) => {
    const original = await photo({ seed: 40 + orientation, width: 600, height: 400, orientation });
    const { width, height, previews } = await bring(original);
    expect({ width, height }).toEqual({ width: 600, height: 400 });
    expect(previews.small).toMatchObject({ width: 400, height: 267 });
    expect(await difference(await read(previews.small?.url), original)).toBeLessThan(5);
  });

  it.each([
    { of: [200, 100], small: [200, 100], large: [200, 100] },
    { of: [401, 100], small: [400, 100], large: [401, 100] },
    { of: [100, 1700], small: [31, 533], large: [94, 1600] },
    { of: [3000, 3], small: [533, 1], large: [1600, 2] },
    { of: [1, 1], small: [1, 1], large: [1, 1] },
  ])('of a picture of $of fit and are never larger than it', async ({ of, ...expected }) => {
    const [width = 0, height = 0] = of;
    const plain = sharp({ create: { width, height, channels: 3, background: '#369' } });
    const { state, previews } = await bring(await plain.png().toBuffer());
    expect(state).toBe('ready');
    for (const size of ['small', 'large'] as const) {
      expect([previews[size]?.width, previews[size]?.height]).toEqual(expected[size]);
      const made = await sharp(await read(previews[size]?.url)).metadata();
      expect([made.width, made.height]).toEqual(expected[size]);
    }
  });

  it('of a transparent picture are transparent', async () => {
    const original = await transparentPng({ seed: 2, width: 1500, height: 900 });
    const { type, previews } = await bring(original);
    expect(type).toBe('image/png');
    expect(previews).toMatchObject({
      small: { type: 'image/webp' },
      large: { type: 'image/webp', width: 1500 },
    });
    for (const preview of [previews.small, previews.large]) {
      const { isOpaque } = await sharp(await read(preview?.url)).stats();
      expect(isOpaque).toBe(false);
    }
  });

  it.each<[string, number, (image: Sharp) => Sharp]>([
    ['CMYK', 12, (image) => image.toColourspace('cmyk').jpeg()],
    ['Display P3', 4, (image) => image.withIccProfile('p3').jpeg()],
    ['16 bits', 4, (image) => image.toColourspace('rgb16').png()],
    ['grey', 40, (image) => image.greyscale().jpeg()],
    ['a palette', 6, (image) => image.png({ palette: true })],
    ['TIFF', 4, (image) => image.tiff()],
    ['AVIF', 6, (image) => image.avif({ effort: 0 })],
  ])('of a picture in %s are in sRGB', async (_, tolerance, convert) => {
    const plain = await photo({ seed: 3, width: 400, height: 300 });
    const { state, width, previews } = await bring(await convert(sharp(plain)).toBuffer());
    expect({ state, width }).toEqual({ state: 'ready', width: 400 });
    for (const { url } of [previews.small, previews.large].filter((one) => one !== undefined)) {
      const preview = await read(url);
      const metadata = await sharp(preview).metadata();
      expect(metadata).toMatchObject({ space: 'srgb', channels: 3, depth: 'uchar' });
      expect(metadata.icc).toBeUndefined();
      expect(await difference(preview, plain)).toBeLessThan(tolerance);
    }
  });

  it('of moving pictures stand still', async () => {
    const gif = await bring(await animatedGif({ seed: 4, width: 200, height: 150 }));
    expect(gif).toMatchObject({ state: 'ready', type: 'image/gif', width: 200, height: 150 });
    const webp = await bring(await sticker(5), { kind: 'sticker' });
    expect(webp).toMatchObject({ state: 'ready', type: 'image/webp', kind: 'sticker', width: 512 });
    for (const { previews } of [gif, webp])
      expect((await sharp(await read(previews.small?.url)).metadata()).pages ?? 1).toBe(1);
  });

  it('are not made of other files', async () => {
    const media = await bring(Buffer.from('%PDF-1.7\n%%EOF\n'), { kind: 'document', filename: 'order.pdf' });
    expect(media).toMatchObject({
      state: 'ready',
      type: 'application/pdf',
      filename: 'order.pdf',
      width: null,
      height: null,
      thumbhash: null,
      previews: {},
    });
    const answer = await call(service.url, `/v1/media/${media.id}/preview`, { token: reader });
    expect(answer).toMatchObject({ status: 404, body: { code: 'media.no_preview' } });
  });
});

describe('the same bytes', () => {
  it('in several messages are stored once and read from each', async () => {
    const original = await photo({ seed: 9, width: 320, height: 240 });
    const all = await Promise.all(
      channels.map((channel) =>
        receive(service, channel, picture(channel, { url: serve(original), caption: channel })),
      ),
    );
    expect(new Set(all.map(({ id }) => id)).size).toBe(channels.length);
    expect(new Set(all.map(({ sha256: digest }) => digest))).toEqual(new Set([sha256(original)]));
    for (const { contentUrl } of all) expect((await read(contentUrl)).equals(original)).toBe(true);
    const blobs = await service.database.query('select 1 from blob where sha256 = $1', [sha256(original)]);
    expect(blobs).toHaveLength(1);
  });
});

describe('what is no picture, or no whole one', () => {
  it.each<[string, string[], Buffer | (() => Promise<Buffer>), number]>([
    [
      'a drawing with a script',
      ['media.no_decoder'],
      Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'),
      0,
    ],
    ['a program', ['media.kind_differs'], Buffer.from('\x7fELF\x02\x01\x01', 'latin1'), 0],
    ['text', ['media.kind_differs'], Buffer.from('not a picture at all'), 0],
    [
      'half a photo',
      ['media.damaged'],
      async () => (await photo({ seed: 7, width: 400, height: 300 })).subarray(0, 9_000),
      2,
    ],
    ['a header alone', ['media.damaged'], Buffer.from('\x89PNG\r\n\x1a\n\0\0\0\rIHDR', 'latin1'), 0],
    [
      'a picture of too many pixels',
      ['media.too_many_pixels'],
      () =>
        sharp({ create: { width: 2_100, height: 2_000, channels: 3, background: '#000' } })
          .png()
          .toBuffer(),
      0,
    ],
  ])('is kept and says so: %s', async (_, codes, source, previews) => {
    const content = typeof source === 'function' ? await source() : source;
    const media = await bring(content);

    expect(media).toMatchObject({ state: 'ready', bytes: content.length, error: null });
    expect(media.warnings.map(({ code }) => code)).toEqual(codes);
    expect(Object.keys(media.previews)).toHaveLength(previews);
    expect((await read(media.contentUrl)).equals(content)).toBe(true);
  });

  it.each([
    ['a web page', 'media.type_mismatch', Buffer.from('<!doctype html><script>alert(1)</script>'), 3],
    ['a file that is too large', 'media.too_large', Buffer.alloc(maxBytes + 1, 0xff), 1],
  ])('is rejected: %s', async (_, code, content, attempts) => {
    const media = await bring(content);

    expect(media).toMatchObject({
      state: 'rejected',
      attempts,
      nextAttemptAt: null,
      readyAt: null,
      type: null,
      bytes: null,
      sha256: null,
      contentUrl: null,
      previews: {},
      error: { code, message: expect.any(String) },
    });
    const answer = await call(service.url, `/v1/media/${media.id}/content`, { token: reader });
    expect(answer).toMatchObject({ status: 404, body: { code: 'media.no_bytes' } });
  });

  it.each([
    ['ftp://files.example/a.jpg', 'media.invalid_url'],
    ['http://169.254.169.254/latest/meta-data/', 'media.forbidden_address'],
    ['http://[::1]/a.jpg', 'media.forbidden_address'],
    ['http://127.0.0.1:22/a.jpg', 'media.forbidden_port'],
  ])('is not asked for at %s', async (url, code) => {
    expect(await receive(service, 'z-api', zApiMedia({ url }))).toMatchObject({
      state: 'rejected',
      error: { code },
    });
  });
});

describe('trying again', () => {
  const retry = (id: string, token = service.token('admin')) =>
    call(service.url, `/v1/media/${id}/retry`, { method: 'post', token });
  const lookAgain = (id: string): Promise<MediaView> => afterPending(service, id);

  it('brings home a picture that was gone and is back', async () => {
    const gone = await receive(service, 'z-api', zApiMedia({ url: `${host.origin}/comes-later` }));
    expect(gone).toMatchObject({ state: 'failed', attempts: 1, error: { code: 'media.gone' } });

    host.serve('/comes-later', bytes('image/jpeg', await photo({ seed: 8, width: 320, height: 240 })));
    expect(await retry(gone.id)).toMatchObject({ status: 202, body: { id: gone.id, state: 'pending' } });
    expect(await lookAgain(gone.id)).toMatchObject({ state: 'ready', attempts: 1, error: null });
    expect(await retry(gone.id)).toMatchObject({ status: 409, body: { code: 'media.not_retryable' } });
  });

  it('of one that is still gone fails as before', async () => {
    const gone = await receive(service, 'z-api', zApiMedia({ url: `${host.origin}/never` }));
    expect((await retry(gone.id)).status).toBe(202);
    expect(await lookAgain(gone.id)).toMatchObject({ state: 'failed', error: { code: 'media.gone' } });
  });

  it('makes no sense without an address', async () => {
    const message = { id: 'wamid.id', from: '5511999990000', type: 'image', image: { id: '99' } };
    const media = await receive(service, 'sobot', [sobotChange(message)]);
    expect(media).toMatchObject({ state: 'rejected', error: { code: 'media.no_address' } });
    expect(await retry(media.id)).toMatchObject({ status: 409, body: { code: 'media.not_retryable' } });
  });

  it('is for administrators, and of what exists', async () => {
    const gone = await receive(service, 'z-api', zApiMedia({ url: `${host.origin}/never` }));
    expect(await retry(gone.id, reader)).toMatchObject({ status: 403, body: { code: 'auth.scope' } });
    expect(await retry('01a1fd86-7643-7000-8b24-0d479f8d70bd')).toMatchObject({
      status: 404,
      body: { code: 'media.not_found' },
    });
  });
});

describe('waiting', () => {
  /** A host that holds every answer back until it is told. */
  let release: (body: Buffer) => void;
  let asked: () => number;
  let slow: TestService;
  let url: string;
  let end: () => Promise<void>;

  beforeAll(async () => {
    const held: ServerResponse[] = [];
    const server = createServer((_, response) => held.push(response));
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const address = `127.0.0.1:${String((server.address() as AddressInfo).port)}`;
    url = `http://${address}/picture.jpg`;
    asked = () => held.length;
    release = (body) => {
      for (const response of held.splice(0)) response.end(body);
    };
    slow = await startTestService({ mediaHosts: [address] });
    end = async () => {
      release(Buffer.alloc(0));
      server.close();
      server.closeAllConnections();
      await slow.stop();
    };
  });

  afterAll(() => end());

  const wait = (id: string | undefined, seconds: string) =>
    call<MediaView>(slow.url, `/v1/media/${String(id)}?wait=${seconds}`, { token: slow.token('media:read') });

  it('is over as soon as the picture is there', async () => {
    const { body } = await postWebhook(slow, 'z-api', zApiMedia({ url }));
    const begun = Date.now();
    const answers = Promise.all([wait(body.media[0], '30'), wait(body.media[0], '30')]);
    await until(() => asked() === 1);
    release(await photo({ seed: 1, width: 320, height: 240 }));

    for (const { body: media } of await answers) expect(media).toMatchObject({ state: 'ready', attempts: 1 });
    expect(Date.now() - begun).toBeLessThan(15_000);
  });

  it('ends with what is known when the time is over', async () => {
    const { body } = await postWebhook(slow, 'z-api', zApiMedia({ url }));
    await until(() => asked() === 1);
    const begun = Date.now();
    const answer = await wait(body.media[0], '0.3');

    expect(answer).toMatchObject({
      status: 200,
      body: { state: 'pending', type: null, sha256: null, contentUrl: null, previews: {}, readyAt: null },
    });
    expect(Date.now() - begun).toBeGreaterThanOrEqual(290);
    for (const path of ['content', 'preview?size=small', 'preview?size=large']) {
      const early = await call(slow.url, `/v1/media/${String(body.media[0])}/${path}`, {
        token: slow.token('media:read'),
      });
      expect(early).toMatchObject({ status: 409, body: { code: 'media.not_ready' } });
    }
    release(await photo({ seed: 2, width: 320, height: 240 }));
    expect((await wait(body.media[0], '30')).body.state).toBe('ready');
  });

  it.each(['31', '-1', 'long', 'NaN', 'Infinity'])('cannot take %s seconds', async (seconds) => {
    const answer = await wait('01a1fd86-7643-7000-8b24-0d479f8d70bd', seconds);
    expect(answer).toMatchObject({
      status: 400,
      body: { code: 'request.invalid', errors: [{ field: 'wait' }] },
    });
  });

  it('for what does not exist ends at once', async () => {
    const answer = await wait('01a1fd86-7643-7000-8b24-0d479f8d70bd', '30');
    expect(answer).toMatchObject({ status: 404, body: { code: 'media.not_found' } });
  });
});
