/** The pages of a PDF as pictures. */
import { readdirSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, it } from '@jest/globals';
import sharp from 'sharp';

import { blobKey } from '../../../src/infra/files/blob-store.js';
import { sendSignal } from '../../../src/infra/process/signals.js';
import { call, upload, type Problem } from '../../support/client.js';
import { filesFolder } from '../../support/files.js';
import { pdfOf, type PdfPage } from '../../support/pdf.js';
import { startTestService, type TestService } from '../../support/test-service.js';

interface Pages {
  readonly count: number;
  readonly items: readonly { number: number; width: number; height: number; url: string }[];
}

let service: TestService;
let reader: string;
beforeAll(async () => {
  service = await startTestService();
  reader = service.token('media:read');
});
afterAll(() => service.stop());

async function stored(file: Buffer): Promise<string> {
  const { body } = await upload(service, { file, fields: { channel: 'z-api', kind: 'document' } });
  return body.id;
}
const get = <Body = Problem>(path: string, token = reader) => call<Body>(service.url, path, { token });

const red: PdfPage = { width: 200, height: 100, rgb: [1, 0, 0] };
const green: PdfPage = { width: 30, height: 30, rgb: [0, 1, 0] };
const blue: PdfPage = { width: 100, height: 200, rgb: [0, 0, 1] };

/** What a picture shows: its size, and the colour of its first pixel. */
async function seen(picture: Buffer) {
  const { data, info } = await sharp(picture).raw().toBuffer({ resolveWithObject: true });
  const [first = 0, second = 0, third = 0] = data;
  const strongest = [first, second, third].map((part) => part > 200);
  return { width: info.width, height: info.height, strongest };
}

/** Runs the work while the process stands still that has just drawn a page and is kept for the next one. */
async function whileNothingIsDrawn<T>(work: () => Promise<T>): Promise<T> {
  const processes = drawingProcesses();
  expect(processes).not.toEqual([]);
  for (const child of processes) sendSignal(child, 'SIGSTOP');
  return work().finally(() => {
    for (const child of processes) sendSignal(child, 'SIGCONT');
  });
}

/** The processes that this one has started to draw pages. */
function drawingProcesses(): number[] {
  const threads = readdirSync('/proc/self/task');
  const children = threads.flatMap((thread) => readIfThere(`/proc/self/task/${thread}/children`).split(' '));
  return children
    .map(Number)
    .filter(
      (child) => child > 0 && readIfThere(`/proc/${String(child)}/cmdline`).includes('isolated-decoder'),
    );
}

/** Threads and processes may end meanwhile. */
function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

it('are listed, and each is drawn with its own size', async () => {
  const id = await stored(pdfOf([red, green, blue]));
  const { body } = await get<Pages>(`/v1/media/${id}/pages`);
  expect(body).toEqual({
    count: 3,
    items: [
      { number: 1, width: 1600, height: 800, url: `/v1/media/${id}/pages/1` },
      { number: 2, width: 1600, height: 1600, url: `/v1/media/${id}/pages/2` },
      { number: 3, width: 800, height: 1600, url: `/v1/media/${id}/pages/3` },
    ],
  });
  const pictures = await Promise.all(body.items.map(({ url }) => get(url)));
  for (const { headers } of pictures)
    expect(headers).toMatchObject({ 'content-type': 'image/jpeg', 'x-content-type-options': 'nosniff' });
  expect(await Promise.all(pictures.map(({ bytes }) => seen(bytes)))).toEqual([
    { width: 1600, height: 800, strongest: [true, false, false] },
    { width: 1600, height: 1600, strongest: [false, true, false] },
    { width: 800, height: 1600, strongest: [false, false, true] },
  ]);
});

it('are those that other programs write', async () => {
  const id = await stored(readFileSync(join(filesFolder, 'letter.pdf')));
  const { body } = await get<Pages>(`/v1/media/${id}/pages`);
  expect(body.items).toHaveLength(body.count);
  expect((await get(`/v1/media/${id}/pages/1`)).status).toBe(200);
});

it('beyond the thousandth are drawn, but not listed', async () => {
  const id = await stored(pdfOf([...Array<PdfPage>(1_000).fill(red), blue]));
  const { body } = await get<Pages>(`/v1/media/${id}/pages`);
  expect([body.count, body.items.length]).toEqual([1_001, 1_000]);
  const last = await get(`/v1/media/${id}/pages/1001`);
  expect(await seen(last.bytes)).toMatchObject({ strongest: [false, false, true] });
});

it.each([
  ['a page that there is not', pdfOf([red]), 2, 'the document has fewer pages'],
  ['a document that is none', Buffer.from('%PDF-1.7 nothing'), 1, 'no page that can be rendered'],
  ['a document without pages', pdfOf([]), 1, 'no page that can be rendered'],
])('are refused of %s', async (_, file, number, message) => {
  const answer = await get(`/v1/media/${await stored(file)}/pages/${String(number)}`);
  expect([answer.status, answer.body.code]).toEqual([404, 'media.no_preview']);
  expect(answer.body.detail).toContain(message);
  // Another version may be able to draw it.
  expect(answer.headers['cache-control']).toBeUndefined();
  expect(answer.headers['etag']).toBeUndefined();
});

it('without an area have the size of a letter', async () => {
  const answer = await get(`/v1/media/${await stored(pdfOf([{ ...red, width: 0 }]))}/pages/1`);
  expect([answer.status, answer.headers['content-type']]).toEqual([200, 'image/jpeg']);
});

it.each([
  ['lie beside each other', '[0 0 200 300]/CropBox[500 500 600 600]'],
  ['lie beside each other, in a turned page', '[0 0 200 300]/CropBox[500 500 600 600]/Rotate 90'],
  ['have no end', `[-3${'0'.repeat(38)}.0 -3${'0'.repeat(38)}.0 3${'0'.repeat(38)}.0 3${'0'.repeat(38)}.0]`],
])('whose boxes %s are squares in the list and cannot be drawn, but others can', async (_, boxes) => {
  const text = pdfOf([red, green]).toString('latin1');
  const id = await stored(Buffer.from(text.replace('[0 0 200 100]', boxes), 'latin1'));
  const { body } = await get<Pages>(`/v1/media/${id}/pages`);
  expect(body.items).toMatchObject([{ width: 1600, height: 1600 }, { number: 2 }]);
  expect((await get(`/v1/media/${id}/pages/1`)).body).toMatchObject({
    code: 'media.no_preview',
    detail: 'the page cannot be rendered',
  });
  expect((await get(`/v1/media/${id}/pages/2`)).status).toBe(200);
});

it('have one address each', async () => {
  const id = await stored(pdfOf([red]));
  for (const number of ['01', '1e0', '0x1', '%2B1', '1.0', '%201', '0', '-1', '10000000'])
    expect(await get(`/v1/media/${id}/pages/${number}`)).toMatchObject({
      status: 404,
      body: { detail: 'there is no such media item or page; the first page is 1' },
    });
});

it('do not leave once their file is erased or their token is revoked while they are drawn', async () => {
  const admin = service.token('admin');
  const revoked = await call<{ id: string; token: string }>(service.url, '/v1/tokens', {
    method: 'post',
    token: admin,
    json: { scopes: ['media:read'], name: 'a reader' },
  });
  const erased = await stored(pdfOf([{ ...red, width: 55 }]));
  const kept = await stored(pdfOf([blue]));
  expect((await get(`/v1/media/${kept}/pages/1`)).status).toBe(200);
  const { first, waiting } = await whileNothingIsDrawn(async () => {
    // The first reader holds the place in which the others wait.
    const begun = {
      first: get(`/v1/media/${kept}/pages/1`),
      waiting: [
        get(`/v1/media/${erased}/pages/1`),
        get(`/v1/media/${erased}/pages`),
        get(`/v1/media/${kept}/pages/1`, revoked.body.token),
      ],
    };
    await Promise.all([
      call(service.url, `/v1/media/${erased}`, { method: 'delete', token: admin }),
      call(service.url, `/v1/tokens/${revoked.body.id}`, { method: 'delete', token: admin }),
    ]);
    return begun;
  });
  const codes = (await Promise.all(waiting)).map(({ status, body }) => [status, body.code]);
  expect((await first).status).toBe(200);
  expect(codes).toEqual([
    [410, 'media.erased'],
    [410, 'media.erased'],
    [401, 'auth.revoked'],
  ]);
});

it('are refused of other files, and to callers who may not see them', async () => {
  const text = await stored(Buffer.from('name;number\nAna;1\n'));
  expect((await get(`/v1/media/${text}/pages`)).body.code).toBe('media.no_preview');
  const id = await stored(pdfOf([red]));
  const elsewhere = service.token('media:read', { channels: ['blip'] });
  const sender = service.token('messages:send');
  for (const path of [`/v1/media/${id}/pages`, `/v1/media/${id}/pages/1`]) {
    expect((await get(path, elsewhere)).status).toBe(404);
    expect((await get(path, sender)).status).toBe(403);
  }
});

it('of a file that is gone from the store are refused like its bytes', async () => {
  const id = await stored(pdfOf([red, { ...blue, width: 77 }]));
  const [row] = await service.database.query<{ sha256: string }>('select sha256 from media where id = $1', [
    id,
  ]);
  await rm(join(service.uploadsDir, blobKey(row?.sha256 ?? '')));
  for (const path of [`/v1/media/${id}/pages`, `/v1/media/${id}/pages/1`]) {
    const { status, body } = await get(path);
    expect([status, body.code]).toEqual([404, 'media.no_bytes']);
  }
});

it('are not rendered for a caller who has them', async () => {
  const path = `/v1/media/${await stored(pdfOf([red]))}/pages/1`;
  const { headers } = await get(path);
  const again = await call(service.url, path, {
    token: reader,
    headers: { 'if-none-match': headers['etag'] ?? '' },
  });
  expect([again.status, again.bytes.length]).toEqual([304, 0]);
  const any = await call(service.url, path.replace(/1$/, '9'), {
    token: reader,
    headers: { 'if-none-match': '*', 'cache-control': 'max-age=0' },
  });
  expect(any.status).toBe(404);
});

it('of many readers at once wait for their turn, and beyond that are told to come back', async () => {
  const path = `/v1/media/${await stored(pdfOf([red]))}/pages/1`;
  expect((await get(path)).status).toBe(200);
  const asked = await whileNothingIsDrawn(async () => {
    const all = Array.from({ length: 40 }, () => get(path));
    // The first answer is a refusal.
    await Promise.race(all);
    return all;
  });
  const answers = await Promise.all(asked);
  const statuses = new Set(answers.map(({ status }) => status));
  expect(statuses).toEqual(new Set([200, 503]));
  for (const { headers, body } of answers.filter(({ status }) => status === 503)) {
    expect(body.code).toBe('service.unavailable');
    expect(Number(headers['retry-after'])).toBeGreaterThan(0);
  }
});
