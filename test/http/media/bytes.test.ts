/**
 * Stored bytes over HTTP: conditional requests, ranges, what keeps browsers safe from them, and signed links.
 */
import { createHash } from 'node:crypto';
import { access, truncate } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import sharp from 'sharp';

import { pdf, video, voiceNote } from '../../../src/demo/attachments.js';
import { bytes, startMediaHost, type MediaHost } from '../../../src/demo/media-host.js';
import { photo } from '../../../src/demo/photos.js';
import { blobKey, previewKey } from '../../../src/infra/files/blob-store.js';
import { call, receive, type Answer, type Call, type MediaView, type Problem } from '../../support/client.js';
import { zApiMedia, type ZApiOptions } from '../../support/payloads.js';
import { startTestService, type TestService } from '../../support/test-service.js';

let host: MediaHost;
let service: TestService;
let reader: string;
/** The time at which the service's clock stands still, if it does. */
let standing: number | undefined;
let served = 0;
let original: Buffer;
let media: MediaView;

beforeAll(async () => {
  host = await startMediaHost();
  service = await startTestService({
    mediaHosts: [host.host],
    now: () => new Date(standing ?? Date.now()),
  });
  reader = service.token('media:read');
  original = await photo({ seed: 1, width: 500, height: 400 });
  media = await bring(original);
});

afterAll(async () => {
  await service.stop();
  await host.close();
});

function bring(body: Uint8Array, options: ZApiOptions = {}): Promise<MediaView> {
  served += 1;
  const url = host.serve(`/${String(served)}`, bytes('image/jpeg', body));
  return receive(service, 'z-api', zApiMedia({ url, ...options }));
}

function get(path: string, headers: Record<string, string> = {}, method: Call['method'] = 'get') {
  return call<Problem | undefined>(service.url, path, { method, headers, token: reader });
}

const contentPath = (): string => `/v1/media/${media.id}/content`;
const content = (headers: Record<string, string> = {}, method: Call['method'] = 'get') =>
  get(contentPath(), headers, method);
const digest = (): string => createHash('sha256').update(original).digest('hex');
/**
 * The large preview is the picture without its metadata, which stand between the first two bytes and the
 * rest.
 */
const largeTag = (): string => {
  const start = original.indexOf(Buffer.from([0xff, 0xdb]));
  return `${digest()}-large-0-1.${String(start)}-${String(original.length - 1)}`;
};

describe('a large preview that is the picture without its metadata', () => {
  const path = (): string => `/v1/media/${media.id}/preview?size=large`;
  const expected = (): Buffer =>
    Buffer.concat([original.subarray(0, 2), original.subarray(original.indexOf(Buffer.from([0xff, 0xdb])))]);

  it('has no file of its own, and shows the same pixels', async () => {
    const { bytes: large } = await get(path());
    expect(large.equals(expected())).toBe(true);
    expect(original.includes('Demo camera')).toBe(true);
    expect(large.includes('Demo camera')).toBe(false);
    expect((await sharp(large).raw().toBuffer()).equals(await sharp(original).raw().toBuffer())).toBe(true);
    await expect(access(join(service.uploadsDir, previewKey(digest(), 'large')))).rejects.toThrow('ENOENT');
  });

  it.each([
    ['the first bytes', 'bytes=0-9', [0, 9]],
    ['bytes of both parts', 'bytes=1-2', [1, 2]],
    ['bytes of the second part', 'bytes=1000-1999', [1000, 1999]],
    ['the last bytes', 'bytes=-100', [-100, undefined]],
    ['all bytes from a place on', 'bytes=500-', [500, undefined]],
  ])('is sent in part: %s', async (_, range, [start = 0, end]) => {
    const part = await get(path(), { range });
    const whole = expected();
    expect(part.status).toBe(206);
    expect(part.bytes.equals(whole.subarray(start, end === undefined ? undefined : end + 1))).toBe(true);
    expect(part.headers['content-range']).toMatch(new RegExp(`/${String(whole.length)}$`));
    expect(part.headers['content-length']).toBe(String(part.bytes.length));
  });

  it('ends where its bytes end, not where those of the file do', async () => {
    const whole = expected();
    const beyond = await get(path(), { range: `bytes=${String(whole.length)}-` });
    expect(beyond).toMatchObject({
      status: 416,
      headers: { 'content-range': `bytes */${String(whole.length)}` },
    });
    const condition = { 'if-none-match': `"${largeTag()}"` };
    expect((await get(path(), condition)).status).toBe(304);
  });
});

it('are not given as the whole when their file was cut short', async () => {
  const { id, sha256 } = await bring(await photo({ seed: 2, width: 500, height: 400 }));
  const spoil = (key: string, length: number) => truncate(join(service.uploadsDir, key), length);
  const answers = async (path: string) => {
    const whole = await get(`/v1/media/${id}/${path}`);
    const part = await get(`/v1/media/${id}/${path}`, { range: 'bytes=0-9' });
    const head = await get(`/v1/media/${id}/${path}`, {}, 'head');
    expect([whole.headers['etag'], whole.headers['cache-control']]).toEqual([undefined, undefined]);
    return [whole.status, part.status, head.status, whole.body?.code];
  };
  await spoil(blobKey(String(sha256)), 1_000);
  expect(await answers('content')).toEqual([404, 404, 404, 'media.no_bytes']);
  await spoil(previewKey(String(sha256), 'small'), 0);
  expect(await answers('preview?size=small')).toEqual([404, 404, 404, 'media.no_bytes']);
  // This preview consists of parts of the file that was cut short.
  expect(await answers('preview?size=large')).toEqual([404, 404, 404, 'media.no_bytes']);
});

describe('what comes with the bytes', () => {
  it.each([
    ['content', 'image/jpeg', () => digest()],
    ['preview?size=small', 'image/jpeg', () => `${digest()}-small`],
    ['preview?size=large', 'image/jpeg', largeTag],
    ['preview', 'image/jpeg', () => `${digest()}-small`],
  ])('of %s', async (path, type, tag) => {
    const answer = await get(`/v1/media/${media.id}/${path}`);

    expect(answer).toMatchObject({
      status: 200,
      headers: {
        'content-type': type,
        'content-length': String(answer.bytes.length),
        etag: `"${tag()}"`,
        'last-modified': expect.stringMatching(/^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/),
        'accept-ranges': 'bytes',
        'cache-control': expect.stringMatching(/max-age=31536000, immutable/),
        'content-disposition': 'inline',
        'x-content-type-options': 'nosniff',
        'content-security-policy': expect.stringMatching(/(^|; ?)sandbox(;|$)/),
        'cross-origin-resource-policy': 'same-site',
      },
    });
    expect(answer.headers).not.toHaveProperty('access-control-allow-origin');
    expect(answer.headers['cache-control']).toMatch(/private/);
    expect(answer.headers).not.toHaveProperty('set-cookie');
  });

  it.each(['content', 'preview?size=small', 'preview?size=large'])(
    'of %s comes with HEAD, too, without them',
    async (path) => {
      const full = await get(`/v1/media/${media.id}/${path}`);
      const head = await get(`/v1/media/${media.id}/${path}`, {}, 'head');
      expect(head.status).toBe(200);
      expect(head.bytes).toHaveLength(0);
      const names = [
        'content-type',
        'content-length',
        'etag',
        'last-modified',
        'cache-control',
        'accept-ranges',
      ];
      for (const name of names) expect(head.headers[name]).toBe(full.headers[name]);
    },
  );
});

describe('a conditional request', () => {
  const before = 'Sat, 01 Jan 2000 00:00:00 GMT';
  const later = 'Fri, 01 Jan 2100 00:00:00 GMT';

  it.each<[string, () => Record<string, string>]>([
    ['the tag', () => ({ 'if-none-match': `"${digest()}"` })],
    ['one of several tags', () => ({ 'if-none-match': `"other", "${digest()}"` })],
    ['the tag, weakly', () => ({ 'if-none-match': `W/"${digest()}"` })],
    ['any tag', () => ({ 'if-none-match': '*' })],
    ['a later date', () => ({ 'if-modified-since': later })],
    ['the tag and an old date', () => ({ 'if-none-match': `"${digest()}"`, 'if-modified-since': before })],
  ])('with %s is answered 304', async (_, headers) => {
    for (const method of ['get', 'head'] as const) {
      const answer = await content(headers(), method);
      expect(answer).toMatchObject({
        status: 304,
        headers: {
          etag: `"${digest()}"`,
          'cache-control': expect.stringContaining('immutable'),
          'last-modified': expect.any(String),
        },
      });
      expect(answer.bytes).toHaveLength(0);
    }
  });

  it('with the date that was given is answered 304', async () => {
    const { headers } = await content();
    const answer = await content({ 'if-modified-since': headers['last-modified'] ?? '' });
    expect(answer.status).toBe(304);
  });

  it.each<[string, Record<string, string>]>([
    ['another tag', { 'if-none-match': '"other"' }],
    ['the tag of a preview', { 'if-none-match': '"other-small"' }],
    ['an old date', { 'if-modified-since': before }],
    ['no date', { 'if-modified-since': 'yesterday' }],
    ['another tag and a later date', { 'if-none-match': '"other"', 'if-modified-since': later }],
  ])('with %s is answered in full', async (_, headers) => {
    const answer = await content(headers);
    expect(answer.status).toBe(200);
    expect(answer.bytes.equals(original)).toBe(true);
  });

  it('is still asked for a token', async () => {
    const headers = { 'if-none-match': `"${digest()}"` };
    expect((await call(service.url, contentPath(), { headers })).status).toBe(401);
  });
});

describe('a range', () => {
  it.each<[string, (size: number) => readonly [start: number, end: number]]>([
    ['bytes=0-0', () => [0, 0]],
    ['bytes=0-99', () => [0, 99]],
    ['bytes=100-1999', () => [100, 1999]],
    ['bytes=1000-', (size) => [1000, size - 1]],
    ['bytes=-50', (size) => [size - 50, size - 1]],
    ['bytes=-99999999', (size) => [0, size - 1]],
    ['bytes=0-99999999', (size) => [0, size - 1]],
    ['bytes=0-9,10-19', () => [0, 19]],
  ])('%s is answered with just that', async (range, wanted) => {
    const [start, end] = wanted(original.length);
    const answer = await content({ range });

    expect(answer).toMatchObject({
      status: 206,
      headers: {
        'content-range': `bytes ${String(start)}-${String(end)}/${String(original.length)}`,
        'content-length': String(end - start + 1),
        'content-type': 'image/jpeg',
        etag: `"${digest()}"`,
        'x-content-type-options': 'nosniff',
      },
    });
    expect(answer.bytes.equals(original.subarray(start, end + 1))).toBe(true);
  });

  it.each(['bytes=99999999-', 'bytes=99999999-100000000', 'bytes=-0'])(
    '%s cannot be satisfied',
    async (range) => {
      const answer = await content({ range });
      expect(answer).toMatchObject({
        status: 416,
        headers: {
          'content-range': `bytes */${String(original.length)}`,
          'cache-control': 'no-store',
        },
      });
    },
  );

  it.each([
    'bytes=abc',
    'bytes=',
    'items=0-5',
    '0-5',
    'bytes=0-1,50-60',
    'bytes=5-2',
    'bytes=0-1,5-2',
    `bytes=${'0-1,'.repeat(99)}0-1`,
  ])('%s is answered in full', async (range) => {
    const answer = await content({ range });
    expect(answer.status).toBe(200);
    expect(answer.headers).not.toHaveProperty('content-range');
    expect(answer.bytes.equals(original)).toBe(true);
  });

  it('is given when the bytes are still those that were begun with', async () => {
    const { headers } = await content();
    for (const condition of [headers['etag'], headers['last-modified']])
      expect(await content({ range: 'bytes=0-9', 'if-range': condition ?? '' })).toMatchObject({
        status: 206,
      });
  });

  it.each(['"other"', 'W/"other"', 'Sat, 01 Jan 2000 00:00:00 GMT', 'yesterday'])(
    'is not given when the bytes were %s',
    async (condition) => {
      const answer = await content({ range: 'bytes=0-9', 'if-range': condition });
      expect(answer.status).toBe(200);
      expect(answer.bytes.equals(original)).toBe(true);
    },
  );

  it('means nothing with HEAD', async () => {
    const answer = await content({ range: 'bytes=0-9' }, 'head');
    expect(answer).toMatchObject({ status: 200, headers: { 'content-length': String(original.length) } });
  });

  it('of a preview is given, too', async () => {
    const path = `/v1/media/${media.id}/preview?size=small`;
    const full = await get(path);
    const part = await get(path, { range: 'bytes=4-11' });
    expect(part.status).toBe(206);
    expect(part.bytes.equals(full.bytes.subarray(4, 12))).toBe(true);
  });
});

describe('a browser', () => {
  const html = '<!doctype html><title>x</title><script>alert(1)</script>';
  const svg = '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>';

  it.each<[string, string | Buffer, ZApiOptions]>([
    ['a web page', html, { kind: 'document', filename: 'page.html' }],
    ['a web page that begins late', `\n\n  ${html}`, { kind: 'document', filename: 'page.jpg' }],
    ['a drawing', svg, { kind: 'document', filename: 'drawing.svg' }],
    ['a drawing with a prologue', `<?xml version="1.0"?>${svg}`, { kind: 'document' }],
    ['a script', 'alert(1)', { kind: 'document', filename: 'a.js' }],
    ['a PDF', pdf('hello'), { kind: 'document', filename: 'order.pdf' }],
    ['bytes that nobody knows', Buffer.from([0, 1, 2, 3, 250]), { kind: 'document' }],
  ])('is made to download %s', async (_, body, options) => {
    const { state, contentUrl } = await bring(Buffer.from(body), options);
    expect(state).toBe('ready');
    const answer = await get(String(contentUrl));
    expect(answer.headers['content-disposition']).toMatch(/^attachment\b/);
    expect(answer.headers['x-content-type-options']).toBe('nosniff');
    expect(answer.headers['content-security-policy']).toMatch(/default-src 'none'.*sandbox/);
    expect(answer.headers['content-security-policy']).not.toMatch(/allow-scripts|allow-same-origin/);
    expect(answer.bytes.equals(Buffer.from(body))).toBe(true);
  });

  it('may show pictures, play videos and voice in place', async () => {
    const shown = [
      media,
      await bring(video({ seed: 1, bytes: 20_000 }), { kind: 'video' }),
      await bring(voiceNote({ seed: 1 }), { kind: 'audio' }),
      await bring(original, { kind: 'document', filename: 'photo.jpg' }),
    ];
    for (const { contentUrl, type } of shown) {
      const answer = await get(String(contentUrl));
      expect(answer.headers).toMatchObject({
        'content-type': type,
        'content-disposition': expect.stringMatching(/^inline\b/),
      });
    }
  });

  it.each([
    { name: 'order 7.pdf', ascii: 'order 7.pdf', encoded: 'order%207.pdf' },
    {
      name: 'a"; filename="b.exe',
      ascii: 'a_; filename=_b.exe',
      encoded: 'a%22%3B%20filename%3D%22b.exe',
    },
    {
      name: 'a\r\nSet-Cookie: x=1\r\n\r\nb',
      ascii: 'a__Set-Cookie: x=1____b',
      encoded: 'a__Set-Cookie%3A%20x%3D1____b',
    },
    { name: 'orçamento 🌹.pdf', ascii: 'or_amento __.pdf', encoded: 'or%C3%A7amento%20%F0%9F%8C%B9.pdf' },
    { name: '../../etc/passwd', ascii: '.._.._etc_passwd', encoded: '.._.._etc_passwd' },
    { name: String.raw`..\..\a.bat`, ascii: '.._.._a.bat', encoded: '.._.._a.bat' },
    { name: '100%41.pdf', ascii: '100_41.pdf', encoded: '100%2541.pdf' },
    { name: `it's (a) *.pdf`, ascii: `it's (a) *.pdf`, encoded: 'it%27s%20%28a%29%20%2A.pdf' },
    { name: 'a\u0000b\u007fc', ascii: 'ab_c', encoded: 'ab_c' },
    { name: 'rose\u202egpj.exe', ascii: 'rose_gpj.exe', encoded: 'rose_gpj.exe' },
    { name: 'a\u0085b.pdf', ascii: 'a_b.pdf', encoded: 'a_b.pdf' },
    { name: 'a\ud800b', ascii: 'a_b', encoded: 'a%EF%BF%BDb' },
  ])('is told a strange name safely: $encoded', async ({ name: filename, ascii, encoded }) => {
    const body = pdf(filename.replace(/[^a-z]/g, ''));
    const { contentUrl } = await bring(body, { kind: 'document', filename });
    const answer = await get(String(contentUrl));
    expect(answer.status).toBe(200);
    expect(answer.headers['content-disposition']).toBe(
      `attachment; filename="${ascii}"; filename*=UTF-8''${encoded}`,
    );
    expect(answer.headers).not.toHaveProperty('set-cookie');
  });
});

describe('what cannot be read', () => {
  it.each(['content', 'preview'])('because there is no such media: %s', async (path) => {
    for (const id of ['01a1fd86-7643-7000-8b24-0d479f8d70bd', 'nonsense', '%00', '..%2f..%2fetc%2fpasswd'])
      expect(await get(`/v1/media/${id}/${path}`)).toMatchObject({
        status: 404,
        body: { code: 'media.not_found' },
      });
  });

  it.each(['medium', '', 'small&size=large', '..%2fcontent'])('because of its size: %s', async (size) => {
    expect(await get(`/v1/media/${media.id}/preview?size=${size}`)).toMatchObject({
      status: 400,
      body: { code: 'request.invalid', errors: [{ field: 'size' }] },
    });
  });

  it('answers with problems that are not kept like pictures', async () => {
    const answer = await get('/v1/media/nonsense/content');
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(answer.headers['cache-control'] ?? '').not.toMatch(/immutable|max-age=[1-9]/);
  });
});

interface Link {
  readonly path: string;
  readonly expires: string;
  readonly signature: string;
}

describe('a signed link', () => {
  const makeLink = (json: unknown = {}, id = media.id) =>
    call<{ url: string; expiresAt: string } & Problem>(service.url, `/v1/media/${id}/link`, {
      method: 'post',
      token: reader,
      json,
    });
  /** Follows a link as anybody would who has nothing else. */
  const follow = (url: string, options: Call = {}): Promise<Answer<Problem | undefined>> =>
    call(service.url, url.replace(service.url, ''), options);
  const parse = (url: string): Link => {
    const { pathname, searchParams } = new URL(url);
    const expires = searchParams.get('expires');
    const signature = searchParams.get('signature');
    return { path: pathname, expires: expires ?? '', signature: signature ?? '' };
  };
  const format = ({ path, ...query }: Link): string =>
    `${path}${path.includes('?') ? '&' : '?'}${new URLSearchParams(query).toString()}`;

  it('opens the bytes without a token, for an hour unless asked otherwise', async () => {
    const { status, body } = await makeLink();
    expect(status).toBe(200);
    expect(body.url.startsWith(`${service.url}/v1/media/${media.id}/content?`)).toBe(true);
    expect(Math.abs(Date.parse(body.expiresAt) - Date.now() - 3_600_000)).toBeLessThan(10_000);

    const answer = await follow(body.url);
    expect(answer).toMatchObject({ status: 200, headers: { 'content-type': 'image/jpeg' } });
    expect(answer.bytes.equals(original)).toBe(true);
    expect(answer.headers['cache-control']).toMatch(/private/);
  });

  it('may be asked for without a body', async () => {
    const path = `/v1/media/${media.id}/link`;
    expect(await call(service.url, path, { method: 'post', token: reader })).toMatchObject({ status: 200 });
  });

  it.each([
    ['small', () => `${digest()}-small`],
    ['large', largeTag],
  ])('opens the %s preview', async (size, tag) => {
    const { body } = await makeLink({ size, expiresIn: 60 });
    expect(await follow(body.url)).toMatchObject({ status: 200, headers: { etag: `"${tag()}"` } });
  });

  it('answers HEAD, ranges and conditions as well', async () => {
    const { body } = await makeLink();
    expect(await follow(body.url, { method: 'head' })).toMatchObject({ status: 200 });
    expect(await follow(body.url, { headers: { range: 'bytes=0-9' } })).toMatchObject({ status: 206 });
    const headers = { 'if-none-match': `"${digest()}"` };
    expect(await follow(body.url, { headers })).toMatchObject({ status: 304 });
  });

  it.each<[string, (link: Link, other: MediaView) => Partial<Link>]>([
    ['another media', ({ path }, other) => ({ path: path.replace(media.id, other.id) })],
    ['a preview', ({ path }) => ({ path: path.replace('content', 'preview') })],
    ['a size', ({ path }) => ({ path: `${path}?size=small` })],
    ['a later end', ({ expires }) => ({ expires: String(Number(expires) + 1) })],
    ['an end spelled otherwise', ({ expires }) => ({ expires: `0${expires}` })],
    ['another signature', () => ({ signature: 'A'.repeat(43) })],
    ['a signature cut short', ({ signature }) => ({ signature: signature.slice(0, -1) })],
    ['a padded signature', ({ signature }) => ({ signature: `${signature}=` })],
    ['an empty signature', () => ({ signature: '' })],
  ])('does not open with %s', async (_, change) => {
    const other = await bring(await photo({ seed: 2, width: 400, height: 300 }));
    const link = parse((await makeLink()).body.url);
    expect(await follow(format(link))).toMatchObject({ status: 200 });
    expect(await follow(format({ ...link, ...change(link, other) }))).toMatchObject({
      status: 403,
      body: { code: 'link.invalid' },
    });
  });

  it('of one size does not open the other', async () => {
    const { body } = await makeLink({ size: 'small' });
    expect(await follow(body.url.replace('size=small', 'size=large'))).toMatchObject({
      status: 403,
      body: { code: 'link.invalid' },
    });
  });

  it.each(['signature', 'expires'])('is none without its %s', async (name) => {
    const { body } = await makeLink();
    const answer = await follow(body.url.replace(`${name}=`, 'other='));
    expect(answer).toMatchObject({ status: 401, body: { code: 'auth.missing' } });
  });

  it('opens nothing but what it names', async () => {
    const { body } = await makeLink();
    const { search } = new URL(body.url);
    for (const path of [`/v1/media/${media.id}`, '/v1/media', `/v1/media/${media.id}/link`])
      expect([400, 401, 405]).toContain((await follow(`${path}${search}`)).status);
    expect((await follow(body.url, { method: 'delete' })).status).toBeGreaterThanOrEqual(400);
  });

  it('has an end', async () => {
    try {
      standing = Date.now();
      const { body } = await makeLink({ expiresIn: 60 });
      standing += 59_000;
      expect((await follow(body.url)).status).toBe(200);
      standing += 3_000;
      expect(await follow(body.url)).toMatchObject({ status: 403, body: { code: 'link.expired' } });
    } finally {
      standing = undefined;
    }
  });

  it.each([
    [{ expiresIn: 0 }, 'expiresIn'],
    [{ expiresIn: -5 }, 'expiresIn'],
    [{ expiresIn: 1.5 }, 'expiresIn'],
    [{ expiresIn: '3600' }, 'expiresIn'],
    [{ expiresIn: 31 * 86_400 }, 'expiresIn'],
    [{ expiresIn: null }, 'expiresIn'],
    [{ size: 'huge' }, 'size'],
    [{ width: 320 }, 'width'],
    [[], 'body'],
  ])('cannot be asked for with %j', async (json, field) => {
    expect(await makeLink(json)).toMatchObject({
      status: 400,
      body: { code: 'request.invalid', errors: [{ field }] },
    });
  });

  it('may say that it wants no size', async () => {
    const { body } = await makeLink({ expiresIn: 3600, size: null });
    expect(new URL(body.url).pathname).toBe(`/v1/media/${media.id}/content`);
  });

  it('is not made of what does not exist', async () => {
    expect(await makeLink({}, '01a1fd86-7643-7000-8b24-0d479f8d70bd')).toMatchObject({
      status: 404,
      body: { code: 'media.not_found' },
    });
  });
});
