/** How a provider is handed media: links to us, foreign links, bytes; and pictures that are made to fit. */
import { rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import sharp from 'sharp';

import { bytes, startMediaHost, type MediaHost } from '../../../src/demo/media-host.js';
import { photo } from '../../../src/demo/photos.js';
import type { Channel } from '../../../src/domain/channel.js';
import type { OutboundView } from '../../../src/http/shapes/outbound.js';
import { blobKey } from '../../../src/infra/files/blob-store.js';
import { call, upload, type MediaView, type Problem } from '../../support/client.js';
import { refuse, startCourier, type Courier, type Handed } from '../../support/courier.js';
import { dataOf, send, sent, settled } from '../../support/sending.js';
import { startTestService, type TestService } from '../../support/test-service.js';
import { until } from '../../support/until.js';

let courier: Courier;
let linkOnly: Courier;
let service: TestService;
let host: MediaHost;
let picture: Buffer;
let now = new Date();
beforeAll(async () => {
  [courier, linkOnly, host] = await Promise.all([
    startCourier(),
    startCourier({ ways: ['link'] }),
    startMediaHost(),
  ]);
  service = await startTestService({
    channels: [courier.channel],
    mediaHosts: [host.host],
    env: { PUBLIC_MEDIA_LINKS: 'always' },
    now: () => now,
  });
  picture = await photo({ seed: 1, width: 640, height: 480 });
});
afterAll(async () => {
  courier.close();
  linkOnly.close();
  await host.close();
  await service.stop();
});

const handedOf = (id: string): Handed | undefined => courier.handed.find((handed) => handed.id === id);

/** The link that the provider was handed, as a path of this service. */
async function handedLink(
  members: object = {},
): Promise<{ id: string; path: string; media: OutboundView['media'] }> {
  const { id, media } = await sent(service, { media: { data: dataOf(picture) }, ...members });
  const { origin, pathname, search } = new URL(handedOf(id)?.url ?? '');
  expect(origin).toBe(service.url);
  return { id, path: pathname + search, media };
}
const get = (path: string, headers: Record<string, string> = {}) => call(service.url, path, { headers });

describe('a link to what is kept here', () => {
  test('gives the bytes without a token, in part too, and answers HEAD', async () => {
    const { path } = await handedLink();
    const whole = await get(path);
    expect([whole.status, whole.headers['content-type'], whole.headers['x-content-type-options']]).toEqual([
      200,
      'image/jpeg',
      'nosniff',
    ]);
    expect(whole.bytes.equals(picture)).toBe(true);
    const part = await get(path, { range: 'bytes=10-19' });
    expect([part.status, part.bytes]).toEqual([206, picture.subarray(10, 20)]);
    const head = await call(service.url, path, { method: 'head' });
    expect([head.status, head.headers['content-length']]).toEqual([200, String(picture.length)]);
    expect((await get(path, { 'if-none-match': whole.headers['etag'] ?? '' })).status).toBe(304);
  });

  test('is refused when it is changed, missing, or a day old', async () => {
    const { path, id } = await handedLink();
    const other = await handedLink();
    const [bare = '', query = ''] = path.split('?');
    const otherId = other.path.split('?')[0] ?? '';
    const wrong = [
      bare,
      `${otherId}?${query}`,
      `${path}x`,
      path.replace(/expires=\d/, 'expires=9'),
      `/public/media/${id}/`,
      '/public',
      '/public/media',
      `/v1/media/${id}/content?${query}`,
    ];
    for (const each of wrong) expect((await get(each)).status).toBeGreaterThanOrEqual(400);
    const began = now;
    now = new Date(began.getTime() + 25 * 3_600_000);
    expect((await get(path)).status).toBe(404);
    now = began;
    expect((await get(path)).status).toBe(200);
  });

  test('is nothing once the message has failed, or its media is erased', async () => {
    courier.answer(refuse);
    const { body } = await send(service, { media: { data: dataOf(picture) } });
    await settled(service, body.id, 'failed');
    const url = new URL(handedOf(body.id)?.url ?? '');
    expect((await get(url.pathname + url.search)).status).toBe(404);
    const { path, media } = await handedLink();
    await call(service.url, `/v1/media/${String(media?.id)}`, {
      method: 'delete',
      token: service.token('admin'),
    });
    expect((await get(path)).status).toBe(404);
  });
});

describe('a foreign link', () => {
  test('is sent as it is, and what it leads to is shown in the gallery afterwards', async () => {
    const url = host.serve('/theirs.jpg', bytes('image/jpeg', picture));
    const { body } = await send(service, { media: { url } });
    expect(body).toMatchObject({ link: url, type: 'image/jpeg', bytes: picture.length, media: null });
    expect(host.requests[0]?.method).toBe('HEAD');
    const { id } = await settled(service, body.id, 'sent');
    expect(handedOf(id)?.url).toBe(url);
    const shown = await until(async () => {
      const { body: page } = await call<{ items: MediaView[] }>(
        service.url,
        `/v1/media?messageId=taken-${id}&state=ready`,
        { token: service.token('media:read') },
      );
      return page.items[0];
    });
    expect(shown).toMatchObject({ direction: 'outbound', bytes: picture.length });
    expect(host.requests.map(({ method }) => method)).toEqual(['HEAD', 'GET']);
  });

  test('of a host that answers no HEAD is sent all the same', async () => {
    const url = host.serve('/shy.jpg', bytes('image/jpeg', picture), [
      ({ method }) => (method === 'HEAD' ? { status: 405 } : undefined),
    ]);
    // Its first bytes say what it is.
    expect((await sent(service, { media: { url } })).type).toBe('image/jpeg');
  });

  test('is fetched now and sent as one of ours, where that is asked for', async () => {
    const url = host.serve('/fetched.jpg', bytes('image/jpeg', picture));
    const { path, media } = await handedLink({ media: { url }, options: { fetch: true } });
    expect(media).toMatchObject({ state: 'ready', bytes: picture.length });
    expect((await get(path)).bytes.equals(picture)).toBe(true);
  });
});

describe('where providers cannot reach us', () => {
  test('bytes go along, and a provider that takes links only is refused with what would help', async () => {
    const bytesOnly = { ...linkOnly.channel, id: 'links' };
    const hidden = await startTestService({ channels: [courier.channel, bytesOnly] });
    try {
      const { id } = await sent(hidden, { media: { data: dataOf(picture) } });
      expect(handedOf(id)?.base64).toBe(picture.toString('base64'));
      const { status, body } = await send<{ errors: { field: string; message: string }[] }>(hidden, {
        channel: 'links',
        media: { data: dataOf(picture) },
      });
      expect([status, body.errors[0]?.field]).toEqual([422, 'media.data']);
      expect(body.errors[0]?.message).toMatch(/PUBLIC_URL.*PUBLIC_MEDIA_LINKS=always/);
    } finally {
      await hidden.stop();
    }
  });
});

test('a provider at an address that is not public is in this network, and gets a link to an address there', async () => {
  const { channel } = linkOnly;
  const { sending } = channel.adapter;
  if (!sending) throw new Error('the courier sends');
  const at = (apiUrl: string, id: string): Channel => ({
    ...channel,
    id,
    adapter: { ...channel.adapter, sending: { ...sending, apiUrl } },
  });
  const nearby = at('http://127.0.0.1:9', 'nearby');
  const hidden = await startTestService({ channels: [nearby, at('https://api.twilio.com', 'far')] });
  try {
    const { id } = await sent(hidden, { channel: 'nearby', media: { data: dataOf(picture) } });
    const handed = linkOnly.handed.find((one) => one.id === id);
    expect(handed?.url?.startsWith(`${hidden.url}/public/`)).toBe(true);
    const { status } = await send(hidden, { channel: 'far', media: { data: dataOf(picture) } });
    expect(status).toBe(422);
  } finally {
    await hidden.stop();
  }
});

describe('a picture that is made to fit', () => {
  /** What was sent in place of these bytes, as the provider gets it. */
  async function fitted(content: Buffer, members: object = {}) {
    const { path, media } = await handedLink({
      media: { data: dataOf(content) },
      options: { fit: true },
      ...members,
    });
    const made = (await get(path)).bytes;
    expect(media?.bytes).toBe(made.length);
    return { made, facts: await sharp(made).metadata() };
  }

  test('is as large as it was, and has nearly as many bytes as are allowed', async () => {
    const large = await sharp(await photo({ seed: 2, width: 1_200, height: 900 }))
      .jpeg({ quality: 95 })
      .toBuffer();
    expect(large.length).toBeGreaterThan(150_000);
    const { made, facts } = await fitted(large);
    expect([facts.format, facts.width, facts.height]).toEqual(['jpeg', 1_200, 900]);
    expect(made.length).toBeLessThanOrEqual(100_000);
    expect(made.length).toBeGreaterThan(90_000);
  });

  test('is smaller where no quality would do', async () => {
    const huge = await photo({ seed: 3, width: 4_000, height: 3_000 });
    const { made, facts } = await fitted(huge);
    expect(made.length).toBeLessThanOrEqual(100_000);
    expect(facts.width).toBeLessThan(4_000);
    expect(Math.abs(facts.width / facts.height - 4 / 3)).toBeLessThan(0.01);
  });

  test('has the first format that the provider takes and can be made, with white where it was transparent', async () => {
    const clear = await sharp({ create: { width: 40, height: 30, channels: 4, background: '#00000000' } })
      .webp()
      .toBuffer();
    const { made, facts } = await fitted(clear);
    expect([facts.format, facts.hasAlpha]).toEqual(['jpeg', false]);
    expect((await sharp(made).stats()).channels.map(({ min }) => min)).toEqual([255, 255, 255]);
  });

  test.each([
    ['CMYK', (flower: Buffer) => sharp(flower).toColourspace('cmyk').jpeg().toBuffer()],
    ['16 bits', (flower: Buffer) => sharp(flower).toColourspace('rgb16').png().toBuffer()],
    ['shades of grey', (flower: Buffer) => sharp(flower).toColourspace('b-w').png().toBuffer()],
  ])('has 8 bits of RGB: %s has not', async (_, make) => {
    const { facts } = await fitted(await make(await photo({ seed: 4, width: 64, height: 48 })), {
      kind: 'sticker',
    });
    expect([facts.space, facts.depth, facts.channels]).toEqual(['srgb', 'uchar', 3]);
  });

  test('stands upright, and says nothing of where it was taken', async () => {
    const lying = await sharp(picture)
      .withExif({ IFD0: { Make: 'A telephone' } })
      .withMetadata({ orientation: 6 })
      .webp()
      .toBuffer();
    expect((await sharp(lying).metadata()).orientation).toBe(6);
    const { facts } = await fitted(lying);
    expect([facts.width, facts.height, facts.orientation, facts.exif]).toEqual([
      480,
      640,
      undefined,
      undefined,
    ]);
  });

  test('is another media: an upload stays as it was', async () => {
    const gif = await sharp(picture).gif().toBuffer();
    const { body: kept } = await upload(service, { file: gif, fields: { channel: 'courier' } });
    // Ids have no case.
    const { media } = await handedLink({ media: { id: kept.id.toUpperCase() }, options: { fit: true } });
    expect([media?.id === kept.id, media?.type]).toEqual([false, 'image/jpeg']);
    const { body: still } = await call<MediaView>(service.url, `/v1/media/${kept.id}`, {
      token: service.token('media:read'),
    });
    expect(still).toEqual(kept);
  });

  test.each(['cut short', 'gone'])('is asked for again later when the file here is %s', async (how) => {
    const gif = await sharp(await photo({ seed: 7, width: 320, height: 240 }))
      .gif()
      .toBuffer();
    const { body: kept } = await upload(service, { file: gif, fields: { channel: 'courier' } });
    const file = join(service.uploadsDir, blobKey(String(kept.sha256)));
    await (how === 'gone' ? rm(file) : truncate(file, 0));
    const refused = await send<Problem>(service, { media: { id: kept.id }, options: { fit: true } });
    expect([refused.status, refused.body.code]).toEqual([503, 'service.unavailable']);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    await writeFile(file, gif);
    const { media } = await handedLink({ media: { id: kept.id }, options: { fit: true } });
    expect(media?.type).toBe('image/jpeg');
  });

  /** A red bitmap without compression, whose rows need no padding. */
  function bitmap(width: number, height: number): Buffer {
    const head = Buffer.alloc(54);
    const pixels = Buffer.alloc(width * height * 3);
    for (let at = 2; at < pixels.length; at += 3) pixels[at] = 255;
    head.write('BM', 'latin1');
    head.writeUInt32LE(head.length + pixels.length, 2);
    head.writeUInt32LE(head.length, 10);
    head.writeUInt32LE(40, 14);
    head.writeInt32LE(width, 18);
    head.writeInt32LE(height, 22);
    head.writeUInt16LE(1, 26);
    head.writeUInt16LE(24, 28);
    return Buffer.concat([head, pixels]);
  }
  /** A WebP picture whose head declares fewer bytes than the file has. */
  async function webpOfWrongSize(): Promise<Buffer> {
    const webp = await sharp(picture).webp().toBuffer();
    webp.writeUInt32LE(webp.readUInt32LE(4) >> 1, 4);
    return webp;
  }

  test.each([
    ['a bitmap', () => Promise.resolve(bitmap(64, 48)), [64, 48]],
    ['WebP with a wrong size', webpOfWrongSize, [640, 480]],
  ])('may be one that only the isolated process decodes: %s', async (_, make, size) => {
    const content = await make();
    const sentAsData = await fitted(content);
    const { body: kept } = await upload(service, { file: content, fields: { channel: 'courier' } });
    expect(kept.previews.large).toBeDefined();
    const sentById = await fitted(content, { media: { id: kept.id } });
    for (const { facts } of [sentAsData, sentById])
      expect([facts.format, facts.width, facts.height]).toEqual(['jpeg', ...size]);
  });

  test.each([
    ['a drawing', '<svg xmlns="http://www.w3.org/2000/svg"/>', 'there is no decoder for image/svg+xml'],
    ['an archive', 'PK\x05\x06'.padEnd(22, '\0'), 'ZIP (application/zip) cannot be converted'],
  ])('is refused with the reason if it cannot be converted: %s', async (_, content, reason) => {
    const { body: kept } = await upload(service, {
      file: Buffer.from(content, 'latin1'),
      fields: { channel: 'courier' },
    });
    for (const media of [{ id: kept.id }, { data: dataOf(Buffer.from(content, 'latin1')) }]) {
      const { status, body } = await send<{ errors: { message: string }[] }>(service, {
        media,
        options: { fit: true },
      });
      expect([status, body.errors.map(({ message }) => message)]).toEqual([
        422,
        [expect.stringMatching(/ is not accepted; accepted: image\/jpeg, image\/png$/), reason],
      ]);
    }
  });

  test('is refused with the reason if it is a link that is not downloaded', async () => {
    const url = host.serve('/drawn.gif', bytes('image/gif', await sharp(picture).gif().toBuffer()));
    const { status, body } = await send<{ errors: { message: string }[] }>(service, {
      media: { url },
      options: { fit: true },
    });
    expect([status, body.errors.at(-1)?.message]).toEqual([
      422,
      'options.fit converts stored files only; set "options": {"fetch": true} to download the file first',
    ]);
  });

  test('is sent as it is when it fits', async () => {
    expect((await fitted(picture)).made.equals(picture)).toBe(true);
  });

  test('is a picture: no document is made to fit', async () => {
    const text = dataOf(Buffer.from('words'), 'text/plain');
    const { status, body } = await send<{ errors: { message: string }[] }>(service, {
      kind: 'document',
      media: { data: text },
      filename: 'a.txt',
      options: { fit: true },
    });
    expect([status, body.errors.map(({ message }) => message)]).toEqual([
      422,
      [
        'Text (text/plain) is not accepted; accepted: PDF (application/pdf)',
        'options.fit converts pictures only, not document',
      ],
    ]);
  });
});
