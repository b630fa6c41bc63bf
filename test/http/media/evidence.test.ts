/** The report about one media item: what it says, and that nothing in it is more than text. */
import { createHash } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

import { bytes, startMediaHost, type MediaHost } from '../../../src/demo/media-host.js';
import { uniquePhotos, type UniquePhotos } from '../../../src/demo/photos.js';
import { newId } from '../../../src/domain/id.js';
import type { Evidence } from '../../../src/client/index.js';
import { blobKey } from '../../../src/infra/files/blob-store.js';
import { call, receive, type MediaView } from '../../support/client.js';
import { zApiMedia, type ZApiOptions } from '../../support/payloads.js';
import { startTestService, type TestService } from '../../support/test-service.js';

let service: TestService;
let host: MediaHost;
let photos: UniquePhotos;
let admin: string;
let count = 0;

beforeAll(async () => {
  host = await startMediaHost();
  service = await startTestService({ mediaHosts: [host.host] });
  admin = service.token('admin');
  photos = await uniquePhotos(20, { width: 64, height: 48 });
});
afterAll(async () => {
  await service.stop();
  await host.close();
});

const fresh = (): Buffer => photos.at((count += 1));
const media = (content: Buffer, options: ZApiOptions = {}): Promise<MediaView> =>
  receive(
    service,
    'z-api',
    zApiMedia({ url: host.serve(`/${newId()}.jpg`, bytes('image/jpeg', content)), ...options }),
  );
const ask = <Body>(id: string, accept: string, token = admin) =>
  call<Body>(service.url, `/v1/media/${id}/evidence`, { token, headers: { accept } });
const report = async (id: string): Promise<Evidence> => (await ask<Evidence>(id, 'application/json')).body;
const page = async (id: string) => {
  const answer = await ask<unknown>(id, 'text/html');
  return { headers: answer.headers, html: answer.bytes.toString('utf8') };
};

describe('a report', () => {
  it('has the file, its message, its webhook and what was done', async () => {
    const content = fresh();
    const messageId = newId();
    const { id } = await media(content, { messageId, from: '5521900001111' });
    const json = { tags: ['case 4711'], note: 'Called back' };
    await call(service.url, `/v1/media/${id}`, { method: 'patch', token: admin, json });
    const hold = await call<{ id: string }>(service.url, '/v1/holds', {
      method: 'post',
      token: admin,
      json: { type: 'media', subject: id, reason: 'Case 4711' },
    });
    const found = await report(id);
    const sha256 = createHash('sha256').update(content).digest('hex');
    expect(found).toMatchObject({
      media: { id, sha256, message: { id: messageId, from: '5521900001111' } },
      hash: { sha256, computedAt: found.media.readyAt, check: 'same' },
      attempts: [{ error: null }],
      copies: { count: 0, first: null },
      holds: [{ id: hold.body.id, type: 'media' }],
      audit: [{ action: 'media.annotate', details: { tagsAdded: 1, note: 'changed' } }],
      version: (JSON.parse(await readFile('package.json', 'utf8')) as { version: string }).version,
    });
    const [delivery] = await service.database.query<{ id: string; hash: string }>(
      `select id, encode(sha256(body), 'hex') as hash from delivery order by id desc limit 1`,
    );
    expect(found.deliveries).toMatchObject([
      { id: delivery?.id, sha256: delivery?.hash, outcome: 'accepted', erasedAt: null },
    ]);
    const { html } = await page(id);
    for (const text of [id, sha256, messageId, '5521900001111', 'case 4711', 'Called back', hold.body.id])
      expect(html).toContain(text);
    // Both reports are recorded, and an answer without a report is not.
    const head = await call(service.url, `/v1/media/${id}/evidence`, { method: 'head', token: admin });
    expect(head.status).toBe(200);
    expect((await report(id)).audit.map(({ action }) => action)).toEqual([
      'media.evidence',
      'media.evidence',
      'media.annotate',
    ]);
  });

  it('says whether the same bytes were received before', async () => {
    const content = fresh();
    const first = await media(content);
    const second = await media(content);
    const third = await media(content);
    expect((await report(third.id)).copies).toMatchObject({ count: 2, first: { id: first.id } });
    expect((await report(first.id)).copies).toMatchObject({ count: 2, first: { id: second.id } });
  });

  it('checks the stored file', async () => {
    const { id, sha256, bytes: size } = await media(fresh());
    const file = join(service.uploadsDir, blobKey(String(sha256)));
    const before = await readFile(file);
    await writeFile(file, Buffer.alloc(Number(size), 1));
    expect((await report(id)).hash?.check).toBe('different');
    expect((await page(id)).html).toContain('ANOTHER hash');
    await rm(file);
    expect((await report(id)).hash?.check).toBe('missing');
    await writeFile(file, before);
    expect((await report(id)).hash?.check).toBe('same');
  });

  it('of a file that could not be downloaded has no hash', async () => {
    const { id } = await receive(service, 'z-api', zApiMedia({ url: `${host.origin}/gone.jpg` }));
    expect(await report(id)).toMatchObject({ hash: null, media: { state: 'failed' } });
    expect((await page(id)).html).toContain('failed');
  });

  it('exists for tokens of its channel only', async () => {
    const { id } = await media(fresh());
    const other = service.token('media:manage', { channels: ['blip'] });
    expect((await ask<{ code: string }>(id, 'application/json', other)).body.code).toBe('media.not_found');
    expect((await ask(id, 'text/html', service.token('messages:send'))).status).toBe(403);
    expect((await ask(id, 'text/html', service.token('media:read'))).status).toBe(403);
    expect((await ask(id, 'text/html', service.token('media:manage'))).status).toBe(200);
  });
});

describe('the page', () => {
  it('runs nothing and loads nothing', async () => {
    const { id } = await media(fresh());
    const { headers, html } = await page(id);
    expect(headers['content-type']).toMatch(/^text\/html/);
    expect(headers['cache-control']).toBe('no-store');
    const policy = String(headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toContain('script-src');
    expect(html).not.toMatch(/<script|src="(?!data:)|href="(?!data:)/);
    expect(html).toContain('src="data:image/jpeg;base64,');
  });

  it('shows what others have written as text', async () => {
    const caption = '<img src=x onerror=alert(1)>&"';
    const { id } = await media(fresh(), { caption, filename: 'a\u202egpj.html"><b>' });
    const { html } = await page(id);
    expect(html).toContain('&lt;img src=x onerror=alert(1)&gt;&amp;&quot;');
    expect(html).not.toContain('<img src=x');
    expect(html).not.toContain('\u202e');
    expect(html).not.toContain('"><b>');
  });

  it('shows names from right to left in cells of their own, and nothing that turns the rest around', async () => {
    const url = host.serve(`/${newId()}.jpg`, bytes('image/jpeg', fresh()));
    const senderName = `\u2067</dd><script>alert(1)</script> فاطمة\u200f`;
    const { id } = await receive(service, 'z-api', { ...zApiMedia({ url }), senderName });
    const json = { tags: ['<i>תיק</i>'], note: "</dl><style>*{display:none}</style>' \u202etext" };
    await call(service.url, `/v1/media/${id}`, { method: 'patch', token: admin, json });
    const { html } = await page(id);
    expect(html).toContain('&lt;script&gt;alert(1)&lt;/script&gt; فاطمة');
    expect(html).toMatch(/<dd dir="auto">&lt;i&gt;תיק&lt;\/i&gt;<\/dd>/);
    expect(html).not.toMatch(/<script|<i>|<\/dl><style|\p{Bidi_Control}/u);
    expect(html.match(/<style>/g)).toHaveLength(1);
  });
});
