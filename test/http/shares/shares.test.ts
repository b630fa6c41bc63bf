/** Shares: pages with files behind a link. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { hash } from '@node-rs/argon2';

import { bytes, startMediaHost, type MediaHost } from '../../../src/demo/media-host.js';
import { photo } from '../../../src/demo/photos.js';
import { call, receive, upload, type Answer, type Call, type Problem } from '../../support/client.js';
import { findEverywhere } from '../../support/everything.js';
import { zApiMedia } from '../../support/payloads.js';
import { startTestService, type TestService } from '../../support/test-service.js';

let service: TestService;
let host: MediaHost;
let time: number;
const now = (): Date => new Date(time);

beforeAll(async () => {
  host = await startMediaHost();
  time = Date.now();
  service = await startTestService({
    mediaHosts: [host.host],
    now,
    env: { TRUSTED_PROXY_HOPS: '1', FAILED_WEBHOOKS_PER_MINUTE: '20' },
  });
});
afterAll(async () => {
  await service.stop();
  await host.close();
});
/** Each test has an address of its own, because failures are counted by address. */
let address = 0;
beforeEach(() => {
  time = Date.now();
  address += 1;
});

interface ShareView {
  readonly id: string;
  readonly url: string;
  readonly state: string;
  readonly title: string | null;
  readonly media: readonly (string | null)[];
  readonly views: number;
  readonly lastViewedAt: string | null;
  readonly expiresAt: string;
  readonly createdAt: string;
}

async function aPhoto(seed = 1): Promise<string> {
  const file = bytes('image/jpeg', await photo({ seed, width: 640, height: 480 }));
  const { id } = await receive(
    service,
    'z-api',
    zApiMedia({ url: host.serve(`/${String(seed)}.jpg`, file) }),
  );
  return id;
}

const admin = () => service.token('admin');
const create = <Body = ShareView>(json: object, token = admin()) =>
  call<Body>(service.url, '/v1/shares', { method: 'post', token, json });
const shareOf = (id: string, token = admin()) => call<ShareView>(service.url, `/v1/shares/${id}`, { token });
const revoke = (id: string, token = admin()) =>
  call<ShareView>(service.url, `/v1/shares/${id}`, { method: 'delete', token });
const erase = (id: string) => call(service.url, `/v1/media/${id}`, { method: 'delete', token: admin() });

/** As browsers ask for pages. */
const browser = {
  accept: 'text/html,application/xhtml+xml,*/*;q=0.8',
  'user-agent': 'Mozilla/5.0 Firefox/140.0',
};

function open(url: string, { headers, ...options }: Call = {}): Promise<Answer<Problem>> {
  const from = { 'x-forwarded-for': `203.0.113.${String(address)}` };
  return call(service.url, new URL(url).pathname, {
    ...options,
    headers: { ...browser, ...from, ...headers },
  });
}
const textOf = ({ bytes: body }: Answer<unknown>): string => body.toString('utf8');

describe('a share', () => {
  it('shows its files to everybody who has the link, and exposes no address of the API', async () => {
    const media = [await aPhoto(1), await aPhoto(2)];
    const { status, headers, body } = await create({ media, title: 'Photos <b>&' });
    expect({ status, cache: headers['cache-control'] }).toEqual({ status: 201, cache: 'no-store' });
    const path = new URL(body.url).pathname;
    expect(path).toMatch(/^\/shared\/[\w-]{32}$/);
    const page = await open(body.url);
    const html = textOf(page);
    expect(page.status).toBe(200);
    expect(html).toContain('Photos &lt;b&gt;&amp;');
    expect(html).not.toMatch(/\/v1\/|<script|z-api|5511/);
    for (const id of media) expect(html).not.toContain(id);
    const addresses = [...html.matchAll(/(?:src|href)="(\/[^"]*)"/g)].map(([, each]) => each);
    expect(addresses).toEqual([`${path}/1/preview`, `${path}/1`, `${path}/2/preview`, `${path}/2`]);
    for (const each of addresses) {
      const file = await open(service.url + String(each));
      expect({ status: file.status, cache: file.headers['cache-control'] }).toEqual({
        status: 200,
        cache: 'no-store',
      });
    }
  });

  it('lasts a week by default and 90 days at most', async () => {
    const media = [await aPhoto()];
    const { expiresAt, createdAt } = (await create({ media })).body;
    expect(Date.parse(expiresAt) - Date.parse(createdAt)).toBe(7 * 86_400_000);
    expect((await create({ media, expiresIn: 90 * 86_400 })).status).toBe(201);
    expect((await create({ media, expiresIn: 90 * 86_400 + 1 })).status).toBe(400);
    expect((await create({ media, expiresIn: 0 })).status).toBe(400);
  });

  it.each([
    ['no media', { media: [] }],
    ['too many media', { media: Array(101).fill('019aa5e2-0000-7000-8000-000000000000') }],
    ['an id that is none', { media: ['nobody'] }],
    ['a short password', { password: 'seven77' }],
    ['a password that is too long', { password: 'x'.repeat(129) }],
    ['a title that is too long', { title: 'x'.repeat(201) }],
    ['a title that cannot be stored', { title: 'a\u0000' }],
    ['an unknown member', { forever: true }],
  ])('is not made with %s', async (_, wrong) => {
    const media = [await aPhoto()];
    expect(await create<Problem>({ media, ...wrong })).toMatchObject({
      status: 400,
      body: { code: 'request.invalid' },
    });
  });

  it('is for administrators of all channels of its files', async () => {
    const media = [await aPhoto()];
    expect((await create({ media }, service.token('media:read messages:send'))).status).toBe(403);
    const elsewhere = service.token('admin', { channels: ['sobot'] });
    expect((await create({ media }, elsewhere)).status).toBe(404);
    const { id } = (await create({ media })).body;
    expect((await shareOf(id, elsewhere)).status).toBe(404);
    expect((await revoke(id, elsewhere)).status).toBe(404);
    const here = service.token('admin', { channels: ['z-api'] });
    const lists = (token: string) =>
      call<{ items: ShareView[] }>(service.url, '/v1/shares', { token }).then(({ body }) =>
        body.items.map((item) => item.id),
      );
    expect((await shareOf(id, here)).status).toBe(200);
    expect(await lists(here)).toContain(id);
    expect(await lists(elsewhere)).toEqual([]);
  });

  it('keeps neither the secret of its link nor its password', async () => {
    const { body } = await create({ media: [await aPhoto()], password: 'a long password' });
    const secret = new URL(body.url).pathname.split('/').at(-1) ?? '';
    await open(body.url);
    await open(body.url, post('a long password'));
    expect(await findEverywhere(service, [secret, 'a long password'])).toEqual([]);
    expect(JSON.stringify((await shareOf(body.id)).body)).not.toContain(secret);
  });
});

describe('the page', () => {
  it('can do nothing in a browser but show its files, and is found by no search engine', async () => {
    const { url } = (await create({ media: [await aPhoto()] })).body;
    const { headers } = await open(url);
    expect(headers).toMatchObject({
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-robots-tag': 'noindex, nofollow, noarchive',
    });
    const policy = headers['content-security-policy'] ?? '';
    expect(policy).toMatch(/^default-src 'none'; .*frame-ancestors 'none'/);
    expect(policy).not.toMatch(/unsafe|script-src|connect-src/);
    expect(policy).toContain("img-src 'self' data:");
  });

  it.each([
    ['pt-BR', 'Arquivos compartilhados'],
    ['pt-PT,en;q=0.5', 'Arquivos compartilhados'],
    ['es-MX,es;q=0.9', 'Archivos compartidos'],
    ['de,en;q=0.5', 'Shared files'],
    ['pt-%%%', 'Arquivos compartilhados'],
    [';;q=x', 'Shared files'],
  ])('is in the language of the browser (%s)', async (language, title) => {
    const { url } = (await create({ media: [await aPhoto()] })).body;
    const page = await open(url, { headers: { 'accept-language': language } });
    expect({ status: page.status, html: textOf(page) }).toEqual({
      status: 200,
      html: expect.stringContaining(`<title>${title}</title>`),
    });
  });

  it('shows names of files as text', async () => {
    const { body } = await upload(service, {
      file: Buffer.from('%PDF-1.7'),
      filename: '"><img src=x onerror=alert(1)>.pdf',
      fields: { channel: 'z-api', kind: 'document' },
    });
    const { url } = (await create({ media: [body.id] })).body;
    const html = textOf(await open(url));
    expect(html).not.toContain('<img');
    expect(html).toContain('&lt;img src=x onerror=alert(1)&gt;.pdf');
  });
});

describe('a view', () => {
  it.each([
    ['a browser', {}, 1],
    ['HEAD', { method: 'head' }, 0],
    ['a program that takes anything', { headers: { accept: '*/*' } }, 0],
    ['the preview of a messenger', { headers: { 'user-agent': 'WhatsApp/2.23.20.0' } }, 0],
    ['another messenger', { headers: { 'user-agent': 'TelegramBot (like TwitterBot)' } }, 0],
    ['a page that is loaded ahead', { headers: { 'sec-purpose': 'prefetch;prerender' } }, 0],
  ] as const)('is counted for %s: %j', async (_, how, views) => {
    const { id, url } = (await create({ media: [await aPhoto()] })).body;
    expect((await open(url, how)).status).toBe(200);
    const { body } = await shareOf(id);
    expect({ views: body.views, isKnown: body.lastViewedAt !== null }).toEqual({ views, isKnown: views > 0 });
  });

  it('is not lost when many people look at the same moment, and files are no views', async () => {
    const { id, url } = (await create({ media: [await aPhoto()] })).body;
    await Promise.all(Array.from({ length: 20 }, () => open(url)));
    await open(`${url}/1`);
    expect((await shareOf(id)).body.views).toBe(20);
  });
});

describe('the end of a share', () => {
  it('comes with a revocation, in every process before it is answered', async () => {
    const other = await startTestService({ beside: service, queue: false, mediaHosts: [host.host] });
    try {
      const { id, url } = (await create({ media: [await aPhoto()] })).body;
      const path = new URL(url).pathname;
      expect((await call(other.url, path)).status).toBe(200);
      expect(await revoke(id)).toMatchObject({ status: 200, body: { state: 'revoked' } });
      for (const each of [path, `${path}/1/preview`])
        for (const base of [service.url, other.url])
          expect(await call(base, each)).toMatchObject({ status: 410, body: { code: 'share.ended' } });
      const again = (await revoke(id)).body;
      expect(again).toEqual((await shareOf(id)).body);
    } finally {
      await other.stop();
    }
  });

  it('comes with its time', async () => {
    const { id, url } = (await create({ media: [await aPhoto()], expiresIn: 60 })).body;
    time += 59_000;
    expect((await open(url)).status).toBe(200);
    time += 1_000;
    expect((await open(url)).status).toBe(410);
    expect((await open(`${url}/1`)).status).toBe(410);
    expect((await shareOf(id)).body.state).toBe('expired');
  });

  it('is explained to people in their language', async () => {
    const { id, url } = (await create({ media: [await aPhoto()] })).body;
    await revoke(id);
    const page = await open(url, { headers: { 'accept-language': 'es' } });
    expect(page.headers['content-type']).toContain('text/html');
    expect(textOf(page)).toContain('Este enlace ya no es válido.');
  });

  it('is in the audit trail, as is the beginning', async () => {
    const { id } = (await create({ media: [await aPhoto()], password: 'a password' })).body;
    await revoke(id);
    const { body } = await call<{ items: { action: string; target: string; details: object }[] }>(
      service.url,
      '/v1/audit?limit=2',
      { token: service.token('admin', { channels: ['z-api'] }) },
    );
    expect(body.items.map(({ action, target }) => ({ action, target }))).toEqual([
      { action: 'share.revoke', target: id },
      { action: 'share.create', target: id },
    ]);
    expect(body.items[1]?.details).toMatchObject({ files: 1, hasPassword: true });
  });
});

describe('an erased file', () => {
  it('leaves the others, and the page says that one is gone', async () => {
    const gone = await aPhoto(3);
    const stays = await aPhoto(4);
    const { id, url } = (await create({ media: [gone, stays], title: 'Two' })).body;
    await erase(gone);
    const html = textOf(await open(url));
    expect(html).toContain('This file is no longer available.');
    expect(html).toContain('/2/preview"');
    expect(html).not.toContain('/1/preview"');
    expect(await open(`${url}/1`)).toMatchObject({ status: 404, body: { code: 'media.not_found' } });
    expect((await open(`${url}/2`)).status).toBe(200);
    expect((await shareOf(id)).body).toMatchObject({ media: [null, stays], title: 'Two' });
  });

  it('takes the title with it if it was the last one, also when several are erased at the same moment', async () => {
    const media = await Promise.all([5, 6, 7, 8, 9].map(aPhoto));
    const shares = await Promise.all(
      [media, [...media].reverse()].map((each) => create({ media: each, title: 'Fernanda' })),
    );
    await Promise.all(media.map(erase));
    for (const { body } of shares)
      expect((await shareOf(body.id)).body).toMatchObject({ media: media.map(() => null), title: null });
    expect(await findEverywhere(service, ['Fernanda'])).toEqual([]);
  });
});

const post = (password: string): Call => ({
  method: 'post',
  headers: { 'content-type': 'application/x-www-form-urlencoded' },
  raw: `password=${encodeURIComponent(password)}`,
});

describe('a password', () => {
  const secretWord = 'açaí & roses';
  const locked = async () => (await create({ media: [await aPhoto()], password: secretWord })).body;
  /** Gives a share a digest that is checked quickly: dozens of guesses at an ordinary one take many seconds. */
  const makeCheap = async (id: string): Promise<void> => {
    const digest = await hash(secretWord.normalize('NFC'), { memoryCost: 64, timeCost: 1, parallelism: 1 });
    await service.database.query('update share set password_hash = $2 where id = $1', [id, digest]);
  };
  const cookieOf = ({ headers }: Answer<unknown>): string =>
    String(headers['set-cookie']).split(';')[0] ?? '';

  it('is asked for before anything is shown', async () => {
    const { id, url } = await locked();
    const page = await open(url);
    expect(page.status).toBe(200);
    expect(textOf(page)).toContain('<input id="password"');
    expect(textOf(page)).not.toContain(`${new URL(url).pathname}/1`);
    for (const path of ['/1', '/1/preview'])
      expect(await open(url + path)).toMatchObject({ status: 403, body: { code: 'share.locked' } });
    expect((await shareOf(id)).body.views).toBe(0);
  });

  it('opens the page and its files in that browser, however its letters are composed', async () => {
    const { id, url } = await locked();
    const given = await open(url, post(secretWord.normalize('NFD')));
    const path = new URL(url).pathname;
    expect({ status: given.status, location: given.headers['location'] }).toEqual({
      status: 303,
      location: path,
    });
    expect(String(given.headers['set-cookie'])).toMatch(new RegExp(`Path=${path};.*HttpOnly; SameSite=Lax`));
    const headers = { cookie: cookieOf(given) };
    expect(textOf(await open(url, { headers }))).toContain('/1/preview"');
    expect((await open(`${url}/1`, { headers })).status).toBe(200);
    expect((await shareOf(id)).body.views).toBe(1);
    await revoke(id);
    expect((await open(url, { headers })).status).toBe(410);
  });

  it('of one share opens no other, and only for twelve hours', async () => {
    const one = await locked();
    const other = await locked();
    const headers = { cookie: cookieOf(await open(one.url, post(secretWord))) };
    expect((await open(`${other.url}/1`, { headers })).status).toBe(403);
    const forged = { cookie: headers.cookie.replace(/.$/, (sign) => (sign === 'A' ? 'B' : 'A')) };
    expect((await open(`${one.url}/1`, { headers: forged })).status).toBe(403);
    time += 12 * 3_600_000 + 1_000;
    expect((await open(`${one.url}/1`, { headers })).status).toBe(403);
  });

  it('that is wrong is refused, and after ten of them from one address every one is', async () => {
    const { id, url } = await locked();
    await makeCheap(id);
    expect((await open(url, post(secretWord))).status).toBe(303);
    const wrong = await Promise.all(
      Array.from({ length: 12 }, (_, at) => open(url, post(`wrong ${String(at)}`))),
    );
    expect(wrong.map(({ status }) => status).sort()).toEqual([...Array<number>(10).fill(403), 429, 429]);
    const html = wrong.filter(({ status }) => status === 403).map(textOf);
    expect(html.every((each) => each.includes('This password is not correct.'))).toBe(true);
    const refused = await open(url, post(secretWord));
    expect(refused.status).toBe(429);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    expect(textOf(refused)).toContain('too many attempts');
    address += 1;
    expect((await open(url, post(secretWord))).status).toBe(303);
  });

  it('cannot be guessed from many addresses', async () => {
    const { id, url } = await locked();
    await makeCheap(id);
    const statuses: number[] = [];
    for (let addresses = 0; addresses < 9; addresses += 1) {
      address += 1;
      const answers = await Promise.all(Array.from({ length: 6 }, () => open(url, post('wrong'))));
      statuses.push(...answers.map(({ status }) => status));
    }
    expect(statuses.sort()).toEqual([...Array<number>(50).fill(403), ...Array<number>(4).fill(429)]);
  });

  it.each([
    ['no password', 'word=x'],
    ['two of them', 'password=a&password=b'],
    ['nothing', ''],
    ['a very long one', `password=${'x'.repeat(200)}`],
    ['a sign that nobody can type', 'password=%00'],
  ])('is not %s', async (_, raw) => {
    const { url } = await locked();
    const answer = await open(url, { ...post(''), raw, headers: { ...post('').headers, accept: '*/*' } });
    expect({ status: answer.status, code: answer.body.code }).toEqual({
      status: 400,
      code: 'request.invalid',
    });
  });
});

describe('a guessed link', () => {
  it('is answered like any other that does not exist, and too many are refused', async () => {
    const { url } = (await create({ media: [await aPhoto()] })).body;
    const guesses = [
      'x'.repeat(32),
      'short',
      `${new URL(url).pathname.split('/').at(-1) ?? ''}x`,
      '%00',
      '..%2f',
    ];
    const pages = await Promise.all(guesses.map((guess) => open(`${service.url}/shared/${guess}`)));
    expect(new Set(pages.map((page) => `${String(page.status)} ${textOf(page)}`)).size).toBe(1);
    expect(pages[0]?.status).toBe(404);
    const more = await Promise.all(
      Array.from({ length: 20 }, () => open(`${service.url}/shared/${'y'.repeat(32)}`)),
    );
    expect(more.filter(({ status }) => status === 429)).toHaveLength(5);
    // Those who have a link are not concerned.
    expect((await open(url)).status).toBe(200);
  });
});
