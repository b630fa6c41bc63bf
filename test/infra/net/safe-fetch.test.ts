import { buffer } from 'node:stream/consumers';
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { AppError } from '../../../src/domain/errors.js';
import {
  createSafeFetch,
  type DownloadRequest,
  type LookupAll,
  type SafeFetch,
  type SafeFetchOptions,
} from '../../../src/infra/net/safe-fetch.js';
import {
  jpeg,
  picture,
  startHostileHost,
  startSilentHost,
  type HostileHost,
} from '../../support/hostile-host.js';
import { startSecureHost } from '../../support/secure-host.js';
import { until } from '../../support/until.js';

/** The host that may be reached. */
let host: HostileHost;
/** Listens on every local address and must never be reached, unless a test lists it. */
let inside: HostileHost;
let opened: SafeFetch[] = [];

beforeAll(async () => {
  [host, inside] = await Promise.all([startHostileHost(), startHostileHost('::')]);
});

afterEach(async () => {
  await Promise.all(opened.map((safeFetch) => safeFetch.close()));
  opened = [];
});

afterAll(async () => {
  await Promise.all([host.close(), inside.close()]);
});

function fetcher(options: Partial<SafeFetchOptions> = {}): SafeFetch {
  const safeFetch = createSafeFetch({ allowPrivateHosts: [host.host], timeoutMs: 10_000, ...options });
  opened.push(safeFetch);
  return safeFetch;
}

function ask(url: string, request: Partial<DownloadRequest> = {}): DownloadRequest {
  return { url, credentials: () => ({}), maxBytes: 1_000_000, ...request };
}

async function download(safeFetch: SafeFetch, request: DownloadRequest): Promise<Buffer> {
  const { body } = await safeFetch.open(request);
  return buffer(body);
}

/** The path that returns a photo after these header lines. */
function verbatim(...lines: string[]): string {
  const head = Buffer.from([...lines, '', ''].join('\r\n'), 'latin1');
  return `/verbatim?head=${encodeURIComponent(head.toString('base64'))}`;
}

async function failure(work: Promise<unknown>): Promise<AppError> {
  return work.then(
    () => Promise.reject(new Error('It did not fail')),
    (error: unknown) => error as AppError,
  );
}

/** Reads without storing anything. */
async function drain(safeFetch: SafeFetch, request: DownloadRequest): Promise<void> {
  const { body } = await safeFetch.open(request);
  await readToFailure(body).then(({ error }) => Promise.reject(error));
}

/** The error that ends a body, and how many bytes preceded it. */
async function readToFailure(body: AsyncIterable<Buffer>): Promise<{ error: AppError; bytes: number }> {
  let bytes = 0;
  const count = async () => {
    for await (const chunk of body) bytes += chunk.length;
  };
  const error = await failure(count());
  return { error, bytes };
}

function answering(...addresses: string[]): LookupAll {
  return () =>
    Promise.resolve(addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })));
}

describe('an ordinary download', () => {
  it('returns the bytes, their declared type and length, and their URL', async () => {
    const result = await fetcher().open(ask(host.url('/ok?type=image/webp')));

    expect(result).toMatchObject({ contentType: 'image/webp', contentLength: picture.length });
    expect(result.url.href).toBe(host.url('/ok?type=image/webp'));
    expect(picture.equals(await buffer(result.body))).toBe(true);
  });

  it('does without a declared length', async () => {
    const result = await fetcher().open(ask(host.url('/chunked')));

    expect(result.contentLength).toBeNull();
    expect(picture.equals(await buffer(result.body))).toBe(true);
  });

  it('sends its user agent, and asks for uncompressed bytes', async () => {
    await download(fetcher({ userAgent: 'Inlet/1' }), ask(host.url('/ok')));

    expect(host.requests.at(-1)?.headers).toMatchObject({
      'user-agent': 'Inlet/1',
      'accept-encoding': 'identity',
    });
  });

  it('reaches a listed host by name, at the address of the lookup', async () => {
    const safeFetch = fetcher({
      allowPrivateHosts: [`pictures.test:${host.port.toString()}`],
      lookup: answering('127.0.0.1'),
    });

    const bytes = await download(safeFetch, ask(`http://pictures.test:${host.port.toString()}/ok`));

    expect(picture.equals(bytes)).toBe(true);
    expect(host.requests.at(-1)?.headers.host).toBe(`pictures.test:${host.port.toString()}`);
  });

  it('reuses a connection', async () => {
    const safeFetch = fetcher();
    const before = host.connections();

    for (let count = 0; count < 20; count++) {
      await download(safeFetch, ask(host.url('/ok')));
    }

    expect(host.connections() - before).toBeLessThanOrEqual(2);
  });

  it('runs many at once', async () => {
    const safeFetch = fetcher();
    const all = await Promise.all(
      Array.from({ length: 50 }, () => download(safeFetch, ask(host.url('/chunked')))),
    );

    expect(all.every((bytes) => bytes.equals(picture))).toBe(true);
  });
});

describe('forbidden addresses', () => {
  const literals = [
    '127.0.0.1',
    '127.0.0.1.',
    '127.1',
    '127.0.1',
    '127.255.255.254',
    '2130706433',
    '2130706433.',
    '0x7f.1',
    '0x7f000001',
    '0X7F.0X0.0X0.0X1',
    '0177.0.0.1',
    '0177.1',
    '017700000001',
    '00000177.0.0.1',
    '0x7f.0.0.0x1',
    '127.0x0.00.1',
    '0',
    '0.0.0.0',
    '0x0',
    '00',
    '0.0',
    '0.0.0.0.',
    '１２７.０.０.１',
    '①②⑦.⓪.⓪.①',
    '127。0。0。1',
    '127．0．0．1',
    '127｡0｡0｡1',
    '𝟏𝟐𝟕.𝟎.𝟎.𝟏',
    '%31%32%37.0.0.1',
    '127%2e0%2e0%2e1',
    '%30x7f.1',
    '127.0.0.%31',
    '2%3130706433',
    '%EF%BC%91%32%37.1',
    '[::1]',
    '[0:0:0:0:0:0:0:1]',
    '[0000::0001]',
    '[::]',
    '[::0]',
    '[::0.0.0.1]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[::FFFF:7F00:0001]',
    '[0:0:0:0:0:ffff:127.0.0.1]',
    '[::127.0.0.1]',
    '[::7f00:1]',
    '[::ffff:0:127.0.0.1]',
    '[64:ff9b::127.0.0.1]',
    '[64:ff9b:1::7f00:1]',
    '[2002:7f00:1::]',
    '[2001:0:7f00:1::]',
    '[fe80::5efe:7f00:1]',
    '[2606:4700::200:5efe:7f00:1]',
    '[fe80::1]',
    '[fc00::1]',
    '[fd00:ec2::254]',
    '[ff02::1]',
    '[::ffff:169.254.169.254]',
    '[::a9fe:a9fe]',
    '169.254.169.254',
    '2852039166',
    '0xa9fea9fe',
    '0251.0376.0251.0376',
    '169.16689662',
    '10.0.0.1',
    '172.16.0.1',
    '192.168.0.1',
    '3232235521',
    '100.64.0.1',
    '198.18.0.1',
    '255.255.255.255',
    '224.0.0.1',
    'localhost',
    'localhost.',
    'LOCALHOST',
    'LocalHost',
    'ｌocalhost',
    '%6c%6f%63alhost',
    'loc\talhost',
    'a.localhost',
    'a.b.localhost.',
  ];

  /** The code of the refusal; a connection to a private address is a failure, whatever the code. */
  async function refusal(safeFetch: SafeFetch, url: string): Promise<string> {
    const error = await failure(safeFetch.open(ask(url, { extraPorts: () => true })));
    return inside.connections() === 0 ? error.code : 'a connection was opened';
  }

  it.each(literals)('http://%s is refused', async (name) => {
    const url = `http://${name}:${inside.port.toString()}/ok`;

    expect(await refusal(fetcher(), url)).toBe('media.forbidden_address');
  });

  it.each(literals)('a redirect to http://%s is refused', async (name) => {
    // A header may not contain non-ASCII characters; a host name may contain them percent-encoded.
    const ascii = name.replace(/[^\t\x20-\x7e]/gu, encodeURIComponent);
    const to = encodeURIComponent(`http://${ascii}:${inside.port.toString()}/ok`);

    expect(await refusal(fetcher(), host.url(`/redirect?to=${to}`))).toBe('media.forbidden_address');
  });

  it.each(literals)('a name with the address %s is refused', async (name) => {
    const { hostname } = new URL(`http://${name}`);
    const address = hostname.includes('localhost') ? '::1' : hostname.replace(/^\[|\]$/g, '');
    const url = `http://pictures.example:${inside.port.toString()}/ok`;

    expect(await refusal(fetcher({ lookup: answering(address) }), url)).toBe('media.forbidden_address');
  });

  it.each([
    'http:127.0.0.1',
    'http:\\\\127.0.0.1',
    'http:///127.0.0.1',
    'http:/127.0.0.1',
    ' http://127.0.0.1',
    'HTTP://127.0.0.1',
    'ht\ntp://127.0.0.1',
    'https://127.0.0.1',
  ])('%j is refused in every spelling', async (start) => {
    expect(await refusal(fetcher(), `${start}:${inside.port.toString()}/ok`)).toBe('media.forbidden_address');
  });

  it.each([
    [['127.0.0.1']],
    [['127.0.0.1', '10.0.0.1']],
    [['::1', '::ffff:10.0.0.1']],
    [['64:ff9b::7f00:1']],
    [['fe80::1%eth0']],
    [['nonsense']],
    [['']],
  ])(
    'a name with %j is refused, and asked for again: a resolver may block it for a time',
    async (records) => {
      const url = `http://pictures.example:${inside.port.toString()}/ok`;
      const error = await failure(
        fetcher({ lookup: answering(...records) }).open(ask(url, { extraPorts: () => true })),
      );

      expect(error).toMatchObject({ code: 'media.forbidden_address', mayRecover: true });
      expect(inside.connections()).toBe(0);
    },
  );

  it('a literal is refused permanently', async () => {
    const error = await failure(fetcher().open(ask('http://127.0.0.1/ok')));

    expect(error).toMatchObject({ code: 'media.forbidden_address', mayRecover: false });
  });

  // 2000::1 is unassigned, so nothing is reached there; any other address leads to a private host.
  it.each([
    [['2000::1', '127.0.0.1']],
    [['127.0.0.1', '2000::1']],
    [['2000::1', '::1']],
    [['::ffff:127.0.0.1', '2000::1', '127.0.0.1']],
    [['2000::1', '64:ff9b::7f00:1']],
    [['2000::1', 'fe80::1%eth0']],
    [['2000::1', 'nonsense', '']],
  ])('only the public addresses of a name with %j are dialled', async (records) => {
    const url = `http://pictures.example:${inside.port.toString()}/ok`;
    const safeFetch = fetcher({ lookup: answering(...records), timeoutMs: 300 });

    expect(['media.connection_failed', 'media.timeout']).toContain(await refusal(safeFetch, url));
  });

  it('a name that changes its address between check and connection gains nothing', async () => {
    // 2000::1 is unassigned, so nothing is reached there; a second lookup would lead to a private host.
    const answers = ['2000::1', '127.0.0.1', '127.0.0.1'];
    let looks = 0;
    const lookup: LookupAll = (name) =>
      name === 'pictures.example' ? answering(answers[looks++] ?? '127.0.0.1')(name) : Promise.resolve([]);
    const url = `http://pictures.example:${inside.port.toString()}/ok`;
    const safeFetch = fetcher({ lookup, timeoutMs: 300 });

    expect(['media.connection_failed', 'media.timeout']).toContain(await refusal(safeFetch, url));
    expect(looks).toBe(1);
    // The connection attempt ends a moment after the download, and later downloads would wait for it.
    const later: string[] = [];
    await until(
      async () => later.push(await refusal(safeFetch, url)) > 0 && later.at(-1) !== 'media.timeout',
    );
    expect(later.at(-1)).toBe('media.forbidden_address');
    expect(looks).toBeGreaterThan(1);
  });

  it('a listed host is listed with its port only', async () => {
    const safeFetch = fetcher({
      allowPrivateHosts: ['127.0.0.1:1', 'localhost', `[::1]:${host.port.toString()}`],
    });
    const open = (name: string) => refusal(safeFetch, `http://${name}:${inside.port.toString()}/ok`);

    expect(await open('127.0.0.1')).toBe('media.forbidden_address');
    expect(await open('[::1]')).toBe('media.forbidden_address');
    expect(await open('localhost.')).toBe('media.forbidden_address');
  });

  it.each([
    ['file:///etc/passwd', 'media.invalid_url'],
    ['ftp://93.184.216.34/x', 'media.invalid_url'],
    ['data:image/png;base64,AAAA', 'media.invalid_url'],
    ['gopher://127.0.0.1:70/', 'media.invalid_url'],
    ['javascript:alert(1)', 'media.invalid_url'],
    ['http://', 'media.invalid_url'],
    ['http://[::1', 'media.invalid_url'],
    ['http://[fe80::1%25eth0]/', 'media.invalid_url'],
    ['http://256.256.256.256/', 'media.invalid_url'],
    ['http://1.2.3.4.5/', 'media.invalid_url'],
    ['http://exa mple.org/', 'media.invalid_url'],
    ['http://user@127.0.0.1/', 'media.invalid_url'],
    ['http://user:password@example.org/', 'media.invalid_url'],
    ['http://:password@example.org/', 'media.invalid_url'],
    ['http://example.org:22/', 'media.forbidden_port'],
    ['http://example.org:6379/', 'media.forbidden_port'],
    ['https://example.org:25/', 'media.forbidden_port'],
    ['http://example.org:0/', 'media.forbidden_port'],
    ['http://example.org:65536/', 'media.invalid_url'],
    ['http://127.0.0.1:5432/', 'media.forbidden_port'],
  ])('%j is refused, as a link and as the target of a redirect', async (url, code) => {
    const lookup: LookupAll = () => Promise.reject(new Error('No lookup was expected'));
    expect((await failure(fetcher({ lookup }).open(ask(url)))).code).toBe(code);

    const redirect = host.url(`/redirect?to=${encodeURIComponent(url)}`);
    expect((await failure(fetcher({ lookup }).open(ask(redirect)))).code).toBe(code);
  });

  it.each(['', '/ok', '//127.0.0.1/ok', 'ok', '?', '#'])('%j is not a link', async (url) => {
    expect((await failure(fetcher().open(ask(url)))).code).toBe('media.invalid_url');
  });

  it.each(['80', '443', '8080', '8443'])('port %s needs no permission', async (port) => {
    const error = await failure(
      fetcher({ lookup: answering('127.0.0.1') }).open(ask(`http://a.example:${port}/`)),
    );

    expect(error.code).toBe('media.forbidden_address');
  });

  it('a listed host is reached on every address, which shows that the tests above are effective', async () => {
    const port = inside.port.toString();
    const safeFetch = fetcher({
      allowPrivateHosts: [`127.0.0.1:${port}`, `[::1]:${port}`, `localhost:${port}`],
    });
    for (const name of ['127.0.0.1', '2130706433', '[::1]', 'localhost']) {
      expect(picture.equals(await download(safeFetch, ask(`http://${name}:${port}/ok`)))).toBe(true);
    }
  });
});

describe('redirects', () => {
  it('are followed up to five times', async () => {
    const result = await fetcher().open(ask(host.url('/hops?n=5')));

    expect(result.url.href).toBe(host.url('/ok'));
    expect(picture.equals(await buffer(result.body))).toBe(true);
  });

  it.each([301, 302, 303, 307, 308])('%s is one', async (status) => {
    const bytes = await download(fetcher(), ask(host.url(`/redirect?status=${status.toString()}&to=/ok`)));

    expect(picture.equals(bytes)).toBe(true);
  });

  it.each(['ok', './ok', '/x/../ok', '//HOST/ok', 'http:/ok'])('may be relative: %s', async (to) => {
    const location = encodeURIComponent(to.replace('HOST', host.host));

    expect(picture.equals(await download(fetcher(), ask(host.url(`/redirect?to=${location}`))))).toBe(true);
  });

  it.each(['/hops?n=6', '/loop'])('%s is too many', async (path) => {
    const error = await failure(fetcher().open(ask(host.url(path))));

    expect(error).toMatchObject({ code: 'media.too_many_redirects', retryable: false });
  });

  it('without a target may be retried', async () => {
    const error = await failure(fetcher().open(ask(host.url('/redirect'))));

    expect(error).toMatchObject({ code: 'media.http_status', retryable: true });
  });

  it.each([
    ['in UTF-8', Buffer.from('Location: /redirect?to=/ok&x=\u00e7\u00e3o', 'utf8')],
    ['in Latin-1', Buffer.from('Location: /redirect?to=/ok&x=\u00e7\u00e3o', 'latin1')],
    ['twice', Buffer.from('Location: /redirect?to=/ok&x=%C3%A7%C3%A3o\r\nLocation: /elsewhere')],
  ])('may be written %s', async (_, lines) => {
    const path = `/rawRedirect?lines=${encodeURIComponent(lines.toString('base64'))}`;

    expect(picture.equals(await download(fetcher(), ask(host.url(path))))).toBe(true);
    expect(host.requests.at(-2)?.url).toBe('/redirect?to=/ok&x=%C3%A7%C3%A3o');
  });

  it('with unusual statuses are not followed', async () => {
    const error = await failure(fetcher().open(ask(host.url('/redirect?status=300&to=/ok'))));

    expect(error.code).toBe('media.http_status');
  });
});

describe('credentials', () => {
  let other: HostileHost;
  let asked: string[];
  const credentials = (url: URL) => {
    asked.push(url.host);
    return Promise.resolve({ authorization: 'Key secret' });
  };

  beforeAll(async () => {
    other = await startHostileHost();
  });
  beforeEach(() => {
    asked = [];
    host.requests.length = 0;
    other.requests.length = 0;
  });
  afterAll(() => other.close());

  const redirectVia = (peer: HostileHost, to: string) => peer.url(`/redirect?to=${encodeURIComponent(to)}`);
  const shown = (peer: HostileHost) => peer.requests.map(({ headers }) => headers.authorization);

  it('are sent to the first origin and kept within it', async () => {
    await download(fetcher(), ask(redirectVia(host, '/ok'), { credentials }));

    expect(shown(host)).toEqual(['Key secret', 'Key secret']);
  });

  it('are dropped at a change of origin and not sent again', async () => {
    const safeFetch = fetcher({ allowPrivateHosts: [host.host, other.host] });
    const back = redirectVia(host, host.url('/ok'));
    await download(safeFetch, ask(redirectVia(host, redirectVia(other, back)), { credentials }));

    expect(shown(host)).toEqual(['Key secret', undefined, undefined]);
    expect(shown(other)).toEqual([undefined]);
    expect(asked).toEqual([host.host]);
  });

  it('are not sent without TLS, except to a listed host', async () => {
    const safeFetch = fetcher({ lookup: answering('127.0.0.1') });
    await failure(safeFetch.open(ask('http://media.example/ok', { credentials })));
    expect(asked).toEqual([]);

    await failure(safeFetch.open(ask('https://media.example/ok', { credentials })));
    expect(asked).toEqual(['media.example']);
  });

  it('that take too long fail at the deadline', async () => {
    const never = () => new Promise<never>(() => undefined);
    const error = await failure(
      fetcher({ timeoutMs: 100 }).open(ask(host.url('/ok'), { credentials: never })),
    );

    expect(error.code).toBe('media.timeout');
    expect(host.requests).toEqual([]);
  });
});

describe('responses without a picture', () => {
  it.each([
    [401, 'media.refused'],
    [403, 'media.refused'],
    [404, 'media.gone'],
    [410, 'media.gone'],
    [400, 'media.refused'],
    [402, 'media.refused'],
    [406, 'media.refused'],
    [451, 'media.refused'],
    [408, 'media.http_status'],
    [425, 'media.http_status'],
    [429, 'media.rate_limited'],
    [500, 'media.http_status'],
    [502, 'media.http_status'],
    [503, 'media.http_status'],
    [504, 'media.http_status'],
    [599, 'media.http_status'],
    [204, 'media.empty'],
    [205, 'media.empty'],
    [202, 'media.http_status'],
    [206, 'media.http_status'],
    [304, 'media.http_status'],
  ])('status %s is %s', async (status, code) => {
    const error = await failure(fetcher().open(ask(host.url(`/status?code=${status.toString()}`))));

    expect(error.code).toBe(code);
  });

  it('leave the connection usable', async () => {
    const safeFetch = fetcher();
    const before = host.connections();
    for (let count = 0; count < 10; count++) {
      await failure(safeFetch.open(ask(host.url('/status?code=404'))));
      await download(safeFetch, ask(host.url('/ok')));
    }

    expect(host.connections() - before).toBeLessThanOrEqual(4);
  });

  it.each([
    ['0', 0],
    ['7', 7],
    [' 120 ', 120],
    ['3600', 3600],
    ['3601', 3600],
    ['99999999999999999999', 3600],
    ['Sat, 21 Nov 2026 10:00:30 GMT', 30],
    ['Saturday, 21-Nov-26 10:00:30 GMT', 30],
    ['Sat Nov 21 10:00:30 2026', 30],
    ['Sat, 21 Nov 2026 09:00:00 GMT', 0],
    ['Sat, 21 Nov 2099 10:00:00 GMT', 3600],
  ])('Retry-After: %s means in %s seconds', async (retryAfter, seconds) => {
    const now = new Date('2026-11-21T10:00:00.000Z');
    const path = `/status?code=429&retryAfter=${encodeURIComponent(retryAfter)}`;
    const error = await failure(fetcher({ now: () => now }).open(ask(host.url(path))));

    expect(error.retryAt).toEqual(new Date(now.getTime() + seconds * 1000));
  });

  it.each(['', '-1', '1.5', 'soon', '2026-11-21T10:00:00Z', 'Sat, whenever', '0x10'])(
    'Retry-After: %j means nothing',
    async (retryAfter) => {
      const path = `/status?code=503&retryAfter=${encodeURIComponent(retryAfter)}`;
      const error = await failure(fetcher().open(ask(host.url(path))));

      expect(error).toMatchObject({ code: 'media.http_status', retryAt: undefined });
    },
  );
});

describe('the limit of bytes', () => {
  it('accepts a body of exactly that size', async () => {
    expect(
      picture.equals(await download(fetcher(), ask(host.url('/ok'), { maxBytes: picture.length }))),
    ).toBe(true);
    expect(await download(fetcher(), ask(host.url('/chunked'), { maxBytes: picture.length }))).toEqual(
      picture,
    );
  });

  it('refuses a declared length at once', async () => {
    const error = await failure(fetcher().open(ask(host.url('/ok'), { maxBytes: picture.length - 1 })));

    expect(error).toMatchObject({ code: 'media.too_large', retryable: false });
    await host.allClosed();
  });

  it.each(['/chunked', '/flood'])('stops %s, which declares nothing, while it streams', async (path) => {
    const { body } = await fetcher().open(ask(host.url(path), { maxBytes: picture.length - 1 }));
    const { error, bytes } = await readToFailure(body);

    expect(error.code).toBe('media.too_large');
    expect(bytes).toBeLessThan(picture.length);
  });

  it('counts the decompressed bytes of a bomb', async () => {
    const { body, contentLength } = await fetcher().open(ask(host.url('/bomb')));
    const { error, bytes } = await readToFailure(body);

    expect(contentLength).toBeNull();
    expect(error.code).toBe('media.too_large');
    expect(bytes).toBeLessThanOrEqual(1_000_000);
  });

  it('counts received bytes, and bytes between two codings', async () => {
    const open = (path: string, maxBytes: number) => download(fetcher(), ask(host.url(path), { maxBytes }));

    expect((await failure(open('/encoded?with=gzip', 100))).code).toBe('media.too_large');
    expect((await failure(open('/hollow', 100_000))).code).toBe('media.too_large');
  });
});

describe('content codings', () => {
  it.each([
    ['with=gzip'],
    ['with=x-gzip'],
    ['with=gzip&as=GZip'],
    ['with=deflate'],
    ['with=raw deflate&as=deflate'],
    ['with=br'],
    ['with=gzip, br'],
    ['with=deflate, gzip, x-gzip'],
    ['with=raw deflate, gzip&as=deflate, gzip'],
    ['with=identity'],
    ['with=gzip&as=identity, gzip, ,'],
  ])('%s is decoded although it was not requested', async (query) => {
    expect(picture.equals(await download(fetcher(), ask(host.url(`/encoded?${query}`))))).toBe(true);
  });

  it.each([
    ['28b52ffd', 'zstd'],
    ['28b52ffd', 'ZSTD, aws-chunked'],
    ['1f9d90', 'compress'],
    ['1f9d90', 'x-compress'],
  ])('bytes that begin with %s are not supported with the coding %s', async (start, coding) => {
    const path = `/startingWith?start=${start}&as=${coding}`;
    const error = await failure(drain(fetcher(), ask(host.url(path))));

    expect(error).toMatchObject({ code: 'media.unsupported_encoding', retryable: false });
    await host.allClosed();
  });

  it('of an unrealistic number are not supported', async () => {
    const error = await failure(fetcher().open(ask(host.url('/encoded?as=gzip, gzip, gzip, gzip'))));

    expect(error).toMatchObject({ code: 'media.unsupported_encoding', retryable: false });
    await host.allClosed();
  });

  const labels = [
    'aws-chunked',
    'UTF-8',
    'binary',
    'none',
    'base64',
    '7bit',
    'constructor',
    '__proto__',
    'image/jpeg',
    'gzip',
    'x-gzip',
    'deflate',
    'br',
    'zstd',
    'compress',
    'gzip, br',
    'gzip, zstd',
    'aws-chunked, gzip',
    'a, b, c, d, e',
    '"',
    '*',
  ];

  it.each(labels)('the label %j on plain bytes changes nothing', async (coding) => {
    const as = encodeURIComponent(coding);

    expect(picture.equals(await download(fetcher(), ask(host.url(`/encoded?as=${as}`))))).toBe(true);
    expect(jpeg.equals(await download(fetcher(), ask(host.url(`/labelled?as=${as}`))))).toBe(true);
  });

  it.each([
    ['gzip', 'gzip, aws-chunked'],
    ['gzip', 'utf-8, gzip'],
    ['br', 'base64, br'],
    ['deflate', 'aws-chunked, deflate'],
    ['gzip', 'br, gzip'],
    ['br', 'br, gzip'],
    ['gzip', 'br'],
    ['gzip', 'deflate'],
    ['deflate', 'gzip'],
    ['gzip', 'gzip;q=1.0'],
    ['gzip', '"gzip"'],
  ])('%s is decoded with the label %j', async (coding, label) => {
    const path = `/labelled?with=${coding}&as=${encodeURIComponent(label)}`;

    expect(jpeg.equals(await download(fetcher(), ask(host.url(path))))).toBe(true);
  });

  it.each(['/* a comment */ code', '{"json":true}', 'ID3', '#!AMR\n'])(
    'a body that begins with %j is not taken for compressed by chance',
    async (text) => {
      for (const coding of ['br', 'deflate', 'gzip']) {
        const path = `/startingWith?start=${Buffer.from(text).toString('hex')}&as=${coding}`;
        const bytes = await download(fetcher(), ask(host.url(path)));
        expect(bytes.equals(Buffer.concat([Buffer.from(text), picture]))).toBe(true);
      }
    },
  );

  it.each(['', '0a', '0d0a', '00000000', '6a756e6b', '1f8b', '1f8b7a7a'])(
    'what follows a gzip body is ignored: %s',
    async (after) => {
      const bytes = await download(fetcher(), ask(host.url(`/followed?after=${after}`)));
      expect(picture.equals(bytes)).toBe(true);
    },
  );

  it.each(['/brokenGzip?broken=cut', '/brokenGzip?broken=inside'])('%s is broken', async (path) => {
    const error = await failure(download(fetcher(), ask(host.url(path))));

    expect(error).toMatchObject({ code: 'media.truncated', retryable: true });
  });
});

describe('headers with one value', () => {
  it.each([
    ['Content-Type: image/jpeg\r\nContent-Type: image/jpeg', 'image/jpeg'],
    ['Content-Type: image/webp\r\nContent-Type: text/html', 'image/webp'],
  ])('%j means the first', async (lines, contentType) => {
    const path = `/raw?lines=${encodeURIComponent(Buffer.from(lines).toString('base64'))}`;
    const result = await fetcher().open(ask(host.url(path)));

    expect(result.contentType).toBe(contentType);
    expect(picture.equals(await buffer(result.body))).toBe(true);
  });
});

describe('a probe of a link', () => {
  const look = (path: string, suffices = true) =>
    fetcher().probe({
      url: host.url(path),
      signal: AbortSignal.timeout(10_000),
      isSufficient: () => suffices,
    });
  const isJpeg = { type: 'image/jpeg', bytes: jpeg.length };

  it('trusts a host that answers HEAD', async () => {
    expect(await look('/ok?type=image/webp')).toEqual({ type: 'image/webp', bytes: picture.length });
    expect(host.requests.at(-1)?.method).toBe('HEAD');
  });

  it.each([
    ['image/pjpeg', 'image/jpeg'],
    ['IMAGE/JPG; charset=utf-8', 'image/jpeg'],
    ['image/x-png', 'image/png'],
    ['audio/mp3', 'audio/mpeg'],
    ['audio/x-mpeg', 'audio/mpeg'],
    ['audio/x-mp3', 'audio/mpeg'],
    ['audio/m4a', 'audio/x-m4a'],
    ['audio/x-aac', 'audio/aac'],
    ['audio/opus', 'audio/ogg'],
    ['application/ogg', 'audio/ogg'],
    ['audio/amr-nb', 'audio/amr'],
    ['video/3gp', 'video/3gpp'],
    ['application/x-pdf', 'application/pdf'],
    ['image/jpeg, image/jpeg', 'image/jpeg'],
    ['application/force-download', null],
    ['application/x-download', null],
    ['application/download', null],
    ['application/octet-stream', null],
    ['binary/octet-stream', null],
    ['unknown/unknown', null],
    ['*/*', null],
    ['constructor', null],
    ['__proto__', null],
    ['toString/valueOf', 'tostring/valueof'],
    ['nonsense', null],
    ['', null],
  ])('reads the type %j as %j', async (told, type) => {
    const encoded = encodeURIComponent(told);

    expect(await look(`/ok?type=${encoded}`)).toEqual({ type, bytes: picture.length });
  });

  it.each([404, 410, 403, 405, 500, 501, 204])(
    'asks for the first bytes where HEAD is answered %s',
    async (head) => {
      expect(await look(`/headless?head=${String(head)}`)).toEqual(isJpeg);
      expect(host.requests.at(-1)).toMatchObject({ method: 'GET', headers: { range: 'bytes=0-65535' } });
    },
  );

  it.each(['application/pdf', 'text/html', 'constructor', 'application/force-download'])(
    'believes the bytes where the type %s is not taken',
    async (type) => {
      const path = `/headless?head=200&type=${encodeURIComponent(type)}`;

      expect(await look(path, false)).toEqual(isJpeg);
    },
  );

  it('reads only what it needs from a host that sends everything', async () => {
    expect(await look('/headless?ranges=no')).toEqual({ type: 'image/jpeg', bytes: null });
    await host.allClosed();
  });

  it('reads compressed bytes, too', async () => {
    expect(await look('/labelled?with=gzip&as=gzip', false)).toMatchObject({ type: 'image/jpeg' });
  });

  it('sends GET to a host whose answers to HEAD lead nowhere', async () => {
    expect(await look('/headloop')).toEqual(isJpeg);
  });

  it('reports a missing file, whatever the method', async () => {
    expect((await failure(look('/status?code=404'))).code).toBe('media.gone');
    expect((await failure(look('/status?code=410'))).code).toBe('media.gone');
  });

  it('returns nothing for a host that answers neither', async () => {
    expect(await look('/status?code=403')).toBeUndefined();
    expect(await look('/reset')).toBeUndefined();
  });
});

describe('the message contains the cause of a failure', () => {
  it.each([
    ['/status?code=403', /answered 403 Forbidden: the host refuses access/],
    ['/status?code=404', /answered 404 Not Found: the file does not exist/],
    ['/status?code=503', /answered 503 Service Unavailable$/],
    ['/status?code=599', /answered 599$/],
    ['/reset', /could not be reached: .*\(.*\)/],
    ['/bigHeaders', /could not be reached: its headers are too long/],
    [verbatim('SSH-2.0-OpenSSH_9.7'), /its response is not valid HTTP/],
    ['/liar?declared=20&sent=10', /closed the connection early: the connection was closed/],
    ['/brokenGzip?broken=cut', /closed the connection early: its compressed data is incomplete/],
    ['/brokenGzip?broken=middle', /closed the connection early: its compressed data is damaged/],
  ])('%s', async (path, words) => {
    expect((await failure(download(fetcher(), ask(host.url(path))))).message).toMatch(words);
  });

  it('of a certificate', async () => {
    const secure = await startSecureHost();
    const safeFetch = fetcher({ allowPrivateHosts: [secure.host] });
    const error = await failure(safeFetch.open(ask(`https://${secure.host}/`)));
    await secure.close();

    expect(error).toMatchObject({ code: 'media.connection_failed', retryable: true });
    expect(error.message).toMatch(/its certificate is self-signed \(DEPTH_ZERO_SELF_SIGNED_CERT\)/);
  });

  it('of a refused connection, and of a host without TLS', async () => {
    const gone = await startHostileHost();
    await gone.close();
    const refused = await failure(fetcher({ allowPrivateHosts: [gone.host] }).open(ask(gone.url('/ok'))));
    expect(refused.message).toMatch(/nothing listens on that port \(ECONNREFUSED\)/);

    const plain = await failure(fetcher().open(ask(host.url('/ok').replace('http:', 'https:'))));
    expect(plain.message).toMatch(/the TLS handshake failed/);
  });

  it('of a name', async () => {
    const lookup: LookupAll = () => Promise.reject(Object.assign(new Error('no'), { code: 'ENOTFOUND' }));
    const error = await failure(fetcher({ lookup }).open(ask('https://nobody.example/')));

    expect(error.message).toMatch(/could not be resolved \(ENOTFOUND\)/);
  });
});

describe('the head of a response is read as in browsers', () => {
  const length = `Content-Length: ${String(jpeg.length)}`;

  it.each([
    ['a length that is said twice', ['HTTP/1.1 200 OK', length, length]],
    ['lengths in a list', ['HTTP/1.1 200 OK', `${length}, ${String(jpeg.length)}`]],
    ['a negative length', ['HTTP/1.1 200 OK', 'Content-Length: -1']],
    ['a length in words', ['HTTP/1.1 200 OK', 'Content-Length: unknown']],
    ['an empty length', ['HTTP/1.1 200 OK', 'Content-Length:']],
    ['no length', ['HTTP/1.0 200 OK']],
    ['a control character', ['HTTP/1.1 200 OK', length, 'X-Odd: a\x01b\x7f']],
    ['a lone carriage return', ['HTTP/1.1 200 OK', length, 'X-Odd: a\rb']],
    ['a name with a blank', ['HTTP/1.1 200 OK', length, 'X Odd: a']],
    ['a blank before the colon', ['HTTP/1.1 200 OK', length, 'X-Odd : a']],
    ['a letter beyond ASCII in a name', ['HTTP/1.1 200 OK', length, 'X-Ödd: a']],
    ['a line without a colon', ['HTTP/1.1 200 OK', 'Odd', length]],
    ['a line without a name', ['HTTP/1.1 200 OK', ': odd', length]],
    ['a continued line', ['HTTP/1.1 200 OK', 'X-Odd: a', '  b', length]],
    ['bare line feeds', [`HTTP/1.1 200 OK\nX-Odd: a\n${length}`]],
    ['small letters', ['http/1.1 200 ok', length]],
    ['an unasked Continue', ['HTTP/1.1 100 Continue', '', 'HTTP/1.1 200 OK', length]],
    [
      'hints',
      ['HTTP/1.1 103 Early Hints', 'Link: </a>', '', 'HTTP/1.1 102 X', '', 'HTTP/1.1 200 OK', length],
    ],
    ['names of inherited members', ['HTTP/1.1 200 OK', '__proto__: a', 'constructor: b', length]],
  ])('%s', async (_what, lines) => {
    expect(jpeg.equals(await download(fetcher(), ask(host.url(verbatim(...lines)))))).toBe(true);
  });

  it('a length with chunks is ignored', async () => {
    const head = ['HTTP/1.1 200 OK', 'Content-Length: 5', 'Transfer-Encoding: chunked', '', ''].join('\r\n');
    const body = `${head}3\r\nabc\r\n0\r\n\r\n`;
    const path = `/verbatim?head=${encodeURIComponent(Buffer.from(body).toString('base64'))}`;

    expect((await download(fetcher(), ask(host.url(path)))).toString()).toBe('abc');
  });

  it('may be long', async () => {
    expect(picture.equals(await download(fetcher(), ask(host.url('/bigHeaders?kilobytes=60'))))).toBe(true);
  });

  it('a part that covers the whole file is accepted', async () => {
    const range = (last: number): string => `Content-Range: bytes 0-${String(last)}/${String(jpeg.length)}`;
    const whole = verbatim('HTTP/1.1 206 Partial Content', length, range(jpeg.length - 1));
    expect(jpeg.equals(await download(fetcher(), ask(host.url(whole))))).toBe(true);

    const part = verbatim('HTTP/1.1 206 Partial Content', length, range(jpeg.length - 2));
    expect((await failure(fetcher().open(ask(host.url(part))))).code).toBe('media.http_status');
  });
});

describe('a host that closes the connection while its response waits for the reader', () => {
  it.each(['no', 'yes'])('only ends its response (with a length: %s)', async (withLength) => {
    const path = `/closing?megabytes=1&length=${withLength}`;
    const { body } = await fetcher().open(ask(host.url(path), { maxBytes: 2_000_000 }));
    await new Promise((resolve) => setTimeout(resolve, 200));
    let bytes = 0;
    for await (const chunk of body) {
      bytes += chunk.length;
      await new Promise((resolve) => setTimeout(resolve, 2));
    }

    expect(bytes).toBe(1_000_000);
  });

  it.each(['no', 'yes'])('may have sent an unread response (with a length: %s)', async (withLength) => {
    const path = `/closing?megabytes=0.06&length=${withLength}`;
    await fetcher().open(ask(host.url(path)));
    await new Promise((resolve) => setTimeout(resolve, 300));

    expect((await download(fetcher(), ask(host.url('/ok')))).equals(picture)).toBe(true);
  });
});

describe('a host that closes the connection early', () => {
  it.each([
    ['/reset', 'media.connection_failed'],
    ['/reset?after=1000', 'media.truncated'],
    ['/liar?declared=20&sent=10', 'media.truncated'],
    ['/unfinished', 'media.truncated'],
    ['/empty', 'media.empty'],
    ['/liar?declared=0&sent=0', 'media.empty'],
    [verbatim('HTTP/1.1 200 OK', 'Content-Length: 10', 'Content-Length: 11'), 'media.connection_failed'],
    [`${verbatim('HTTP/1.1 200 OK', 'Connection: close')}&reset=yes`, 'media.truncated'],
    ['/bigHeaders', 'media.connection_failed'],
  ])('%s is %s', async (path, code) => {
    const error = await failure(download(fetcher(), ask(host.url(path))));

    expect(error).toMatchObject({ code, retryable: true });
  });

  it('or sends more than declared is read up to the declared length', async () => {
    const safeFetch = fetcher();

    expect(await download(safeFetch, ask(host.url('/liar?declared=10&sent=500')))).toEqual(
      picture.subarray(0, 10),
    );
    expect(picture.equals(await download(safeFetch, ask(host.url('/ok'))))).toBe(true);
  });

  it('or is unreachable is retryable', async () => {
    const gone = await startHostileHost();
    await gone.close();
    const error = await failure(fetcher({ allowPrivateHosts: [gone.host] }).open(ask(gone.url('/ok'))));

    expect(error).toMatchObject({ code: 'media.connection_failed', retryable: true });
    expect(error.cause).toBeDefined();
  });

  it('or does not support TLS is retryable', async () => {
    const error = await failure(fetcher().open(ask(host.url('/ok').replace('http:', 'https:'))));

    expect(error.code).toBe('media.connection_failed');
  });

  it.each(['ENOTFOUND', 'EAI_AGAIN'])('or has no name (%s) is retryable', async (code) => {
    const lookup: LookupAll = () => Promise.reject(Object.assign(new Error(code), { code }));
    const error = await failure(fetcher({ lookup }).open(ask('https://nobody.example/')));

    expect(error).toMatchObject({ code: 'media.dns_failed', retryable: true });
  });

  it('or has a name without addresses is retryable', async () => {
    const error = await failure(fetcher({ lookup: answering() }).open(ask('https://nobody.example/')));

    expect(error.code).toBe('media.dns_failed');
  });
});

describe('the deadline', () => {
  const timeoutMs = 300;

  it.each(['/hang', '/drip', '/flood'])('ends %s', async (path) => {
    const started = performance.now();
    const maxBytes = Number.MAX_SAFE_INTEGER;
    const error = await failure(drain(fetcher({ timeoutMs }), ask(host.url(path), { maxBytes })));

    expect(error).toMatchObject({ code: 'media.timeout', retryable: true });
    expect(performance.now() - started).toBeLessThan(5000);
    await host.allClosed();
  });

  it('covers the name lookup', async () => {
    const lookup: LookupAll = () => new Promise(() => undefined);
    const error = await failure(fetcher({ lookup, timeoutMs }).open(ask('https://slow.example/')));

    expect(error.code).toBe('media.timeout');
  });

  it('covers the TLS handshake', async () => {
    const silent = await startSilentHost();
    const safeFetch = fetcher({ timeoutMs, allowPrivateHosts: [silent.host] });
    const error = await failure(safeFetch.open(ask(`https://${silent.host}/`)));
    await silent.close();

    expect(error.code).toBe('media.timeout');
  });

  it('releases the connection of an unread body', async () => {
    // The response must begin before, also if this process is stopped for a while.
    const { body } = await fetcher({ timeoutMs: 3_000 }).open(ask(host.url('/flood')));
    await host.allClosed();

    expect((await failure(buffer(body))).code).toBe('media.timeout');
  });

  it('covers all redirects together', async () => {
    const before = host.requests.length;
    const slowly = (to: string): string =>
      host.url(`/redirect?ms=${String(0.7 * timeoutMs)}&to=${encodeURIComponent(to)}`);
    const error = await failure(fetcher({ timeoutMs }).open(ask(slowly(slowly(host.url('/ok'))))));

    expect(error.code).toBe('media.timeout');
    expect(host.requests.slice(before).map(({ url }) => url)).not.toContain('/ok');
    await host.allClosed();
  });
});

describe('stopping', () => {
  it.each(['/flood', '/drip'])('to read %s early releases the connection', async (path) => {
    const { body } = await fetcher().open(ask(host.url(path)));
    for await (const chunk of body) {
      expect(chunk.length).toBeGreaterThan(0);
      break;
    }

    await host.allClosed();
  });

  it.each(['/hang', '/drip'])('%s by the signal rejects with its reason', async (path) => {
    const controller = new AbortController();
    const work = drain(fetcher(), ask(host.url(path), { signal: controller.signal }));
    controller.abort(new Error('Shutting down'));

    expect((await failure(work)).message).toBe('Shutting down');
    await host.allClosed();
  });

  it('before the start opens nothing', async () => {
    const before = host.connections();
    const signal = AbortSignal.abort(new Error('Shutting down'));

    expect((await failure(fetcher().open(ask(host.url('/ok'), { signal })))).message).toBe('Shutting down');
    expect(host.connections()).toBe(before);
  });

  it('everything ends running downloads with an error that can be retried', async () => {
    const safeFetch = fetcher();
    const { body } = await safeFetch.open(ask(host.url('/drip')));
    const reading = failure(buffer(body));
    await safeFetch.close();

    expect(await reading).toMatchObject({ code: 'media.truncated', retryable: true });
    await host.allClosed();
  });
});

describe('errors', () => {
  it.each([
    '/status?code=403',
    '/status?code=500',
    '/redirect',
    '/redirect?to=file:///etc/passwd',
    '/loop',
    '/reset',
    '/reset?after=100',
    '/liar?declared=20&sent=10',
    '/empty',
    '/hang',
    '/startingWith?start=28b52ffd&as=zstd',
    '/flood',
  ])('of %s contain neither the query nor credentials', async (path) => {
    const url = host.url(`${path}${path.includes('?') ? '&' : '?'}signature=s3cret`);
    const credentials = () => ({ authorization: 's3cret' });
    const error = await failure(drain(fetcher({ timeoutMs: 300 }), ask(url, { credentials })));

    expect(inspect(error, { depth: null, showHidden: true })).not.toContain('s3cret');
  });

  it.each(['http://[s3cret/', 'http://user:s3cret@example.org/', 's3cret', 'http://a.example:99/?s3cret'])(
    'about the link %s contain only its host',
    async (url) => {
      const error = await failure(fetcher().open(ask(url)));

      expect(inspect(error, { depth: null, showHidden: true })).not.toContain('s3cret');
    },
  );
});
