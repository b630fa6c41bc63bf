/** `POST /v1/media`: files for sending, checked and stored like those that are fetched. */
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { bytes, startMediaHost, type MediaHost } from '../../../src/demo/media-host.js';
import { photo } from '../../../src/demo/photos.js';
import { call, receive, upload, type MediaView, type Page, type Problem } from '../../support/client.js';
import { film } from '../../support/film.js';
import { heic } from '../../support/heic.js';
import { picture } from '../../support/payloads.js';
import { describeWith } from '../../support/programs.js';
import { startTestService, type TestService } from '../../support/test-service.js';
import { until } from '../../support/until.js';

const maxBytes = 200_000;

let host: MediaHost;
let service: TestService;
let original: Buffer;

beforeAll(async () => {
  host = await startMediaHost();
  service = await startTestService({
    mediaHosts: [host.host],
    env: { MAX_MEDIA_BYTES: String(maxBytes) },
  });
  original = await photo({ seed: 1, width: 400, height: 300 });
});

afterAll(async () => {
  await service.stop();
  await host.close();
});

const sha256 = (body: Uint8Array): string => createHash('sha256').update(body).digest('hex');
/** Temporary files go with the answer, or right after it. */
const leavesNothing = (): Promise<true> =>
  until(async () => (await readdir(join(service.uploadsDir, 'tmp')).catch(() => [])).length === 0);

describe('a picture', () => {
  it('is stored, with previews, and belongs to no message yet', async () => {
    const answer = await upload(service, { file: original, filename: 'roses.jpg' });

    expect(answer.status).toBe(201);
    expect(answer.headers['location']).toBe(`/v1/media/${answer.body.id}`);
    expect(answer.body).toMatchObject({
      channel: 'z-api',
      provider: 'z-api',
      direction: 'outbound',
      kind: 'image',
      state: 'ready',
      message: null,
      type: 'image/jpeg',
      bytes: original.length,
      width: 400,
      height: 300,
      sha256: sha256(original),
      filename: 'roses.jpg',
      error: null,
      nextAttemptAt: null,
      previews: { small: { width: 400, height: 300 }, large: { width: 400, height: 300 } },
    });
    const token = service.token('media:read');
    const shown = await call<MediaView>(service.url, `/v1/media/${answer.body.id}`, { token });
    expect(shown.body).toEqual(answer.body);
    const content = await call(service.url, String(answer.body.contentUrl), { token });
    expect(content.bytes.equals(original)).toBe(true);
    expect(await leavesNothing()).toBe(true);
  });

  it('that came in before is stored once', async () => {
    const body = await photo({ seed: 2, width: 400, height: 300 });
    const url = host.serve('/inbound.jpg', bytes('image/jpeg', body));
    const inbound = await receive(service, 'blip', picture('blip', { url }));
    const { body: uploaded } = await upload(service, { file: body });
    const { body: again } = await upload(service, { file: body });

    expect(new Set([inbound.id, uploaded.id, again.id]).size).toBe(3);
    for (const { sha256: digest, thumbhash } of [uploaded, again])
      expect({ digest, thumbhash }).toEqual({ digest: inbound.sha256, thumbhash: inbound.thumbhash });
    const blobs = await service.database.query('select 1 from blob where sha256 = $1', [sha256(body)]);
    expect(blobs).toHaveLength(1);
    const found = await call<Page<MediaView>>(service.url, `/v1/media?sha256=${sha256(body)}`, {
      token: service.token('media:read'),
    });
    expect(found.body.items).toHaveLength(3);
  });

  it('may be uploaded many times at once', async () => {
    const body = await photo({ seed: 3, width: 400, height: 300 });
    const answers = await Promise.all(Array.from({ length: 8 }, () => upload(service, { file: body })));
    expect(answers.map(({ status }) => status)).toEqual(Array<number>(8).fill(201));
    expect(await leavesNothing()).toBe(true);
  });

  it.each([
    ['../../etc/passwd', 'passwd'],
    ['C:\\pictures\\roses.jpg', 'roses.jpg'],
    ['..', null],
    ['.', null],
    ['album/..', null],
    ['album/', null],
    ['a/..\u200B', null],
  ])('of the name %p keeps %p', async (filename, kept) => {
    const { status, body } = await upload(service, { file: original, filename });
    expect({ status, filename: body.filename }).toEqual({ status: 201, filename: kept });
  });

  it.each(['orçamento 🌹.jpg', '../../etc/passwd', 'a"b.jpg', 'x'.repeat(300)])(
    'keeps no more of its name than a label: %s',
    async (filename) => {
      const { status, body } = await upload(service, { file: original, filename });
      expect(status).toBe(201);
      expect(body.filename?.length).toBeLessThanOrEqual(255);
    },
  );
});

it.each(['document', 'video', 'audio', 'sticker'])('takes other kinds, too: %s', async (kind) => {
  const files: Record<string, Buffer> = {
    document: Buffer.from('%PDF-1.7\n%%EOF\n'),
    video: Buffer.from('\0\0\0\x18ftypmp42\0\0\0\0mp42isom', 'latin1'),
    audio: Buffer.from('OggS\0\x02', 'latin1'),
    sticker: original,
  };
  const fields = { channel: 'sobot', kind };
  const answer = await upload(service, { file: files[kind] ?? original, fields });
  expect(answer).toMatchObject({ status: 201, body: { channel: 'sobot', kind, state: 'ready' } });
});

describe('previews', () => {
  it('of a HEIC picture are made of its pixels, also where it comes as a document', async () => {
    const { body } = await upload(service, {
      file: await heic('photo'),
      fields: { channel: 'z-api', kind: 'document' },
    });
    expect(body).toMatchObject({
      kind: 'document',
      state: 'ready',
      type: 'image/heic',
      width: 120,
      height: 80,
      previews: { small: { type: 'image/jpeg' }, large: { type: 'image/jpeg', width: 120, height: 80 } },
    });
    const token = service.token('media:read');
    const large = await call(service.url, body.previews.large?.url ?? '', { token });
    expect(large).toMatchObject({ status: 200, headers: { 'content-type': 'image/jpeg' } });
    const content = await call(service.url, String(body.contentUrl), { token });
    expect(content.headers['content-disposition']).toMatch(/^attachment/);
  });

  describeWith('ffmpeg', 'of a video', (ffmpeg) => {
    it('are its first frame, unless that is switched off', async () => {
      const folder = await mkdtemp(join(tmpdir(), 'inlet-film-'));
      const file = await readFile(await film(ffmpeg, folder));
      await rm(folder, { recursive: true });
      const seen = [];
      for (const setting of ['auto', 'off']) {
        const each = await startTestService({ env: { FFMPEG: setting, PATH: dirname(ffmpeg) } });
        const { body } = await upload(each, { file, fields: { channel: 'z-api', kind: 'video' } });
        seen.push(body);
        await each.stop();
      }
      expect(seen).toMatchObject([
        {
          state: 'ready',
          type: 'video/mp4',
          width: 320,
          height: 180,
          previews: { small: { width: 320, height: 180 }, large: { type: 'image/jpeg' } },
        },
        { state: 'ready', type: 'video/mp4', width: null, previews: {} },
      ]);
    });
  });
});

describe('is kept, with words about what is odd', () => {
  it.each<[string, string, Buffer]>([
    ['a drawing', 'media.no_decoder', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>')],
    ['a broken picture', 'media.damaged', Buffer.from('\x89PNG\r\n\x1a\n\0\0\0\rIHDR', 'latin1')],
    ['a document', 'media.kind_differs', Buffer.from('PK\x05\x06'.padEnd(22, '\0'), 'latin1')],
  ])('as an image: %s', async (_, code, file) => {
    const fields = { channel: 'z-api', kind: 'image' };
    const { status, body } = await upload(service, { file, filename: 'photo.jpg', fields });
    expect(status).toBe(201);
    expect(body).toMatchObject({
      state: 'ready',
      previews: {},
      warnings: [{ code, message: expect.any(String) }],
    });
  });
});

describe('without a kind', () => {
  it.each<[string, Buffer]>([
    ['document', Buffer.from('Opening hours: 9 to 5\n')],
    ['document', Buffer.from('PK\x05\x06'.padEnd(22, '\0'), 'latin1')],
    ['video', Buffer.from('\0\0\0\x18ftypmp42\0\0\0\0mp42isom', 'latin1')],
    ['image', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>')],
  ])('a file has the kind that follows from its bytes: %s', async (kind, file) => {
    const { status, body } = await upload(service, { file });
    expect([status, body.kind]).toEqual([201, kind]);
    expect(body.warnings.map(({ code }) => code)).not.toContain('media.kind_differs');
  });

  it('a page is refused, with what would keep it', async () => {
    const file = Buffer.from('{"prices":[]}');
    const { status, body } = await upload<Problem>(service, { file });
    expect([status, body.detail]).toEqual([
      422,
      'media.type_mismatch: the file is a page or data; to keep it, set `kind` to `document`',
    ]);
    const fields = { channel: 'z-api', kind: 'document' };
    expect((await upload(service, { file, fields })).status).toBe(201);
  });
});

describe('is refused', () => {
  const refuse = (options: Parameters<typeof upload>[1]) => upload<Problem>(service, options);
  const count = async (): Promise<unknown> => service.database.query('select count(*) from media');

  it.each<[string, Buffer]>([
    ['a web page', Buffer.from('<!doctype html><script>alert(1)</script>')],
    ['JSON', Buffer.from('{"error":"gone"}')],
    ['an empty file', Buffer.alloc(0)],
  ])('as an image: %s', async (_, file) => {
    const before = await count();
    const answer = await refuse({ file, filename: 'photo.jpg' });
    expect(answer).toMatchObject({
      status: 422,
      headers: { 'content-type': expect.stringMatching(/^application\/problem\+json/) },
      body: { code: 'upload.refused', errors: [{ field: 'file', message: expect.any(String) }] },
    });
    expect(await count()).toEqual(before);
    expect(await leavesNothing()).toBe(true);
  });

  it('with words about the file where it is empty', async () => {
    const { body } = await refuse({ file: Buffer.alloc(0), filename: 'photo.jpg' });
    expect(body.detail).toBe('media.empty: the file is empty');
  });

  it.each(['short', 'x'.repeat(2_000)])('as a text, without a name: %p', async (content) => {
    const form = new FormData();
    form.set('channel', 'z-api');
    form.set('file', content);
    const response = await fetch(`${service.url}/v1/media`, {
      method: 'POST',
      headers: { authorization: `Bearer ${service.token('messages:send')}` },
      body: form,
    });
    const { errors } = (await response.json()) as Problem;
    expect([response.status, errors?.map(({ field }) => field)]).toEqual([400, ['file']]);
    expect(errors?.[0]?.message).toContain('send multipart/form-data with the file, which has a name');
  });

  it('over the limit, and not at it', async () => {
    const fields = { channel: 'z-api', kind: 'document' };
    expect(await upload(service, { file: Buffer.alloc(maxBytes, 'a'), fields })).toMatchObject({
      status: 201,
    });
    expect(await refuse({ file: Buffer.alloc(maxBytes + 1, 'a'), fields })).toMatchObject({
      status: 413,
      body: { code: 'request.too_large' },
    });
    expect(await leavesNothing()).toBe(true);
  });

  it.each([
    ['without a file', {}, 'file'],
    ['with the file in another field', { file: Buffer.from('x'), field: 'picture' }, 'picture'],
    ['without a channel', { file: Buffer.from('x'), fields: {} }, 'channel'],
    [
      'for a channel that does not exist',
      { file: Buffer.from('x'), fields: { channel: 'nobody' } },
      'channel',
    ],
    [
      'with an unknown kind',
      { file: Buffer.from('x'), fields: { channel: 'z-api', kind: 'picture' } },
      'kind',
    ],
    [
      'with unknown fields',
      { file: Buffer.from('x'), fields: { channel: 'z-api', colour: 'red' } },
      'colour',
    ],
    [
      'with a field that is too long',
      { file: Buffer.from('x'), fields: { channel: 'c'.repeat(2_000) } },
      'channel',
    ],
  ])('%s', async (_, options, field) => {
    const before = await count();
    expect(await refuse(options)).toMatchObject({
      status: 400,
      body: { code: 'request.invalid', errors: [{ field, message: expect.any(String) }] },
    });
    expect(await count()).toEqual(before);
    expect(await leavesNothing()).toBe(true);
  });

  it.each([
    ['as JSON', { json: { channel: 'z-api' } }],
    ['as bytes', { raw: Buffer.from('x'), headers: { 'content-type': 'image/jpeg' } }],
    ['with nothing', {}],
    ['without a boundary', { raw: Buffer.from('x'), headers: { 'content-type': 'multipart/form-data' } }],
    [
      'cut short',
      {
        raw: Buffer.from('--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nabc'),
        headers: { 'content-type': 'multipart/form-data; boundary=b' },
      },
    ],
    [
      'with headers that are none',
      {
        raw: Buffer.from('--b\r\nnonsense\r\n\r\nabc\r\n--b--\r\n'),
        headers: { 'content-type': 'multipart/form-data; boundary=b' },
      },
    ],
  ])('when it is sent %s', async (_, options) => {
    const token = service.token('messages:send');
    expect(await call(service.url, '/v1/media', { method: 'post', token, ...options })).toMatchObject({
      status: 400,
      body: { code: 'request.invalid', errors: [{ field: expect.any(String) }] },
    });
    expect(await leavesNothing()).toBe(true);
  });

  it('without a token that may send, before any of it is stored', async () => {
    expect(await refuse({ file: original, token: service.token('media:read') })).toMatchObject({
      status: 403,
      body: { code: 'auth.scope' },
    });
    expect(await call(service.url, '/v1/media', { method: 'post' })).toMatchObject({ status: 401 });
    expect(await leavesNothing()).toBe(true);
  });
});

describe('a disk that takes nothing', () => {
  it.each(['tmp', 'blobs'])('is answered 503 by name, and works again afterwards: %s', async (name) => {
    const folder = join(service.uploadsDir, name);
    const aside = join(service.uploadsDir, `${name}-aside`);
    await mkdir(folder, { recursive: true });
    await rename(folder, aside);
    await writeFile(folder, 'a file where a folder should be');
    const file = await photo({ seed: 77, width: 64, height: 48 });
    try {
      expect(await upload(service, { file })).toMatchObject({
        status: 503,
        body: { code: 'service.unavailable' },
      });
    } finally {
      await rm(folder);
      await rename(aside, folder);
    }
    expect((await upload(service, { file })).status).toBe(201);
  });
});
