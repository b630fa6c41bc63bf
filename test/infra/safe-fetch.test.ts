import { buffer } from 'node:stream/consumers';
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { AppError } from '../../src/domain/errors.js';
import {
  createSafeFetch,
  type DownloadRequest,
  type LookupAll,
  type SafeFetch,
  type SafeFetchOptions,
} from '../../src/infra/safe-fetch.js';
import { picture, startHostileHost, startSilentHost, type HostileHost } from '../support/hostile-host.js';

/** The peer that may be reached. */
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

async function failure(work: Promise<unknown>): Promise<AppError> {
  return work.then(
    () => Promise.reject(new Error('It did not fail')),
    (error: unknown) => error as AppError,
  );
}

/** Reads without keeping anything. */
async function drain(safeFetch: SafeFetch, request: DownloadRequest): Promise<void> {
  const { body } = await safeFetch.open(request);
  await readToFailure(body).then(({ error }) => Promise.reject(error));
}

/** The error that ends a body, and how many bytes were handed over before it. */
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
  it('gives the bytes, their declared type and length and where they came from', async () => {
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

  it('says who asks, and asks for plain bytes', async () => {
    await download(fetcher({ userAgent: 'Inlet/1' }), ask(host.url('/ok')));

    expect(host.requests.at(-1)?.headers).toMatchObject({
      'user-agent': 'Inlet/1',
      'accept-encoding': 'identity',
    });
  });

  it('reaches a listed host by name, at the address that the lookup gave', async () => {
    const safeFetch = fetcher({
      allowPrivateHosts: [`pictures.test:${host.port.toString()}`],
      lookup: answering('127.0.0.1'),
    });

    const bytes = await download(safeFetch, ask(`http://pictures.test:${host.port.toString()}/ok`));

    expect(picture.equals(bytes)).toBe(true);
    expect(host.requests.at(-1)?.headers.host).toBe(`pictures.test:${host.port.toString()}`);
  });

  it('uses a connection again', async () => {
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

describe('what may not be dialled', () => {
  const literals = [
    ...['127.0.0.1', '127.0.0.1.', '127.1', '127.0.1', '127.255.255.254', '2130706433', '2130706433.'],
    ...['0x7f.1', '0x7f000001', '0X7F.0X0.0X0.0X1', '0177.0.0.1', '0177.1', '017700000001', '00000177.0.0.1'],
    ...['0x7f.0.0.0x1', '127.0x0.00.1', '0', '0.0.0.0', '0x0', '00', '0.0', '0.0.0.0.'],
    ...['１２７.０.０.１', '①②⑦.⓪.⓪.①', '127。0。0。1', '127．0．0．1', '127｡0｡0｡1', '𝟏𝟐𝟕.𝟎.𝟎.𝟏'],
    ...['%31%32%37.0.0.1', '127%2e0%2e0%2e1', '%30x7f.1', '127.0.0.%31', '2%3130706433', '%EF%BC%91%32%37.1'],
    ...['[::1]', '[0:0:0:0:0:0:0:1]', '[0000::0001]', '[::]', '[::0]', '[::0.0.0.1]'],
    ...['[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '[::FFFF:7F00:0001]', '[0:0:0:0:0:ffff:127.0.0.1]'],
    ...['[::127.0.0.1]', '[::7f00:1]', '[::ffff:0:127.0.0.1]', '[64:ff9b::127.0.0.1]', '[64:ff9b:1::7f00:1]'],
    ...['[2002:7f00:1::]', '[2001:0:7f00:1::]', '[fe80::5efe:7f00:1]', '[2606:4700::200:5efe:7f00:1]'],
    ...[
      '[fe80::1]',
      '[fc00::1]',
      '[fd00:ec2::254]',
      '[ff02::1]',
      '[::ffff:169.254.169.254]',
      '[::a9fe:a9fe]',
    ],
    ...['169.254.169.254', '2852039166', '0xa9fea9fe', '0251.0376.0251.0376', '169.16689662', '10.0.0.1'],
    ...[
      '172.16.0.1',
      '192.168.0.1',
      '3232235521',
      '100.64.0.1',
      '198.18.0.1',
      '255.255.255.255',
      '224.0.0.1',
    ],
    ...['localhost', 'localhost.', 'LOCALHOST', 'LocalHost', 'ｌocalhost', '%6c%6f%63alhost', 'loc\talhost'],
    ...['a.localhost', 'a.b.localhost.'],
  ];

  /** The code of the refusal; a connection to the inside is a failure whatever the code. */
  async function refusal(safeFetch: SafeFetch, url: string): Promise<string> {
    const error = await failure(safeFetch.open(ask(url, { extraPorts: () => true })));
    return inside.connections() === 0 ? error.code : 'a connection was opened';
  }

  it.each(literals)('http://%s is refused', async (name) => {
    const url = `http://${name}:${inside.port.toString()}/ok`;

    expect(await refusal(fetcher(), url)).toBe('media.forbidden_address');
  });

  it.each(literals)('a redirect to http://%s is refused', async (name) => {
    // A header holds no characters beyond ASCII; a host name may hold them percent-encoded.
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
  ])('%j is refused however it is written', async (start) => {
    expect(await refusal(fetcher(), `${start}:${inside.port.toString()}/ok`)).toBe('media.forbidden_address');
  });

  it.each([
    [['127.0.0.1']],
    [['93.184.216.34', '127.0.0.1']],
    [['127.0.0.1', '93.184.216.34']],
    [['2606:4700::1111', '::1']],
    [['93.184.216.34', '2606:4700::1111', '::ffff:10.0.0.1']],
    [['93.184.216.34', '64:ff9b::7f00:1']],
    [['93.184.216.34', 'fe80::1%eth0']],
    [['93.184.216.34', 'nonsense']],
    [['']],
  ])('one bad record spoils the name: %j', async (records) => {
    const url = `http://pictures.example:${inside.port.toString()}/ok`;

    expect(await refusal(fetcher({ lookup: answering(...records) }), url)).toBe('media.forbidden_address');
  });

  it('a name that changes its mind between the check and the connection gains nothing', async () => {
    // 2000::1 belongs to nobody, so nothing is reached there; a second look would lead inside.
    const answers = ['2000::1', '127.0.0.1', '127.0.0.1'];
    let looks = 0;
    const lookup: LookupAll = (name) => answering(answers[looks++] ?? '127.0.0.1')(name);
    const url = `http://pictures.example:${inside.port.toString()}/ok`;
    const safeFetch = fetcher({ lookup, timeoutMs: 300 });

    expect(['media.connection_failed', 'media.timeout']).toContain(await refusal(safeFetch, url));
    expect(looks).toBe(1);
    expect(await refusal(safeFetch, url)).toBe('media.forbidden_address');
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

  it.each(['', '/ok', '//127.0.0.1/ok', 'ok', '?', '#'])('%j is no link', async (url) => {
    expect((await failure(fetcher().open(ask(url)))).code).toBe('media.invalid_url');
  });

  it.each(['80', '443', '8080', '8443'])('port %s needs no permission', async (port) => {
    const error = await failure(
      fetcher({ lookup: answering('127.0.0.1') }).open(ask(`http://a.example:${port}/`)),
    );

    expect(error.code).toBe('media.forbidden_address');
  });

  it('a listed host is reached, on every address, so that the tests above prove something', async () => {
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
  it('are followed up to three times', async () => {
    const result = await fetcher().open(ask(host.url('/hops?n=3')));

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

  it.each(['/hops?n=4', '/loop'])('%s is too many', async (path) => {
    const error = await failure(fetcher().open(ask(host.url(path))));

    expect(error).toMatchObject({ code: 'media.too_many_redirects', retryable: false });
  });

  it('without a target may be retried', async () => {
    const error = await failure(fetcher().open(ask(host.url('/redirect'))));

    expect(error).toMatchObject({ code: 'media.http_status', retryable: true });
  });

  it('of an unusual kind are not followed', async () => {
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

  it('are dropped at a change of origin and do not come back', async () => {
    const safeFetch = fetcher({ allowPrivateHosts: [host.host, other.host] });
    const back = redirectVia(host, host.url('/ok'));
    await download(safeFetch, ask(redirectVia(host, redirectVia(other, back)), { credentials }));

    expect(shown(host)).toEqual(['Key secret', undefined, undefined]);
    expect(shown(other)).toEqual([undefined]);
    expect(asked).toEqual([host.host]);
  });

  it('are not sent in the clear, except to a listed host', async () => {
    const safeFetch = fetcher({ lookup: answering('127.0.0.1') });
    await failure(safeFetch.open(ask('http://media.example/ok', { credentials })));
    expect(asked).toEqual([]);

    await failure(safeFetch.open(ask('https://media.example/ok', { credentials })));
    expect(asked).toEqual(['media.example']);
  });

  it('that take too long end at the deadline', async () => {
    const never = () => new Promise<never>(() => undefined);
    const error = await failure(
      fetcher({ timeoutMs: 100 }).open(ask(host.url('/ok'), { credentials: never })),
    );

    expect(error.code).toBe('media.timeout');
    expect(host.requests).toEqual([]);
  });
});

describe('answers that are no picture', () => {
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

describe('the cap on bytes', () => {
  it('lets a body of exactly that size through', async () => {
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

  it('counts what a bomb unfolds to', async () => {
    const { body, contentLength } = await fetcher().open(ask(host.url('/bomb')));
    const { error, bytes } = await readToFailure(body);

    expect(contentLength).toBeNull();
    expect(error.code).toBe('media.too_large');
    expect(bytes).toBeLessThanOrEqual(1_000_000);
  });

  it('counts what comes over the wire, and what passes between two codings', async () => {
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
  ])('%s is undone though it was not asked for', async (query) => {
    expect(picture.equals(await download(fetcher(), ask(host.url(`/encoded?${query}`))))).toBe(true);
  });

  it.each(['zstd', 'compress', 'gzip, zstd', 'constructor', 'gzip, gzip, gzip, gzip'])(
    '%s is not supported',
    async (coding) => {
      const error = await failure(fetcher().open(ask(host.url(`/encoded?with=none&as=${coding}`))));

      expect(error).toMatchObject({ code: 'media.unsupported_encoding', retryable: false });
      await host.allClosed();
    },
  );

  it.each([
    '/brokenGzip?broken=cut',
    '/brokenGzip?broken=inside',
    '/encoded?with=none&as=gzip',
    '/encoded?with=none&as=br',
    '/encoded?with=none&as=deflate',
  ])('%s is broken', async (path) => {
    const error = await failure(download(fetcher(), ask(host.url(path))));

    expect(error).toMatchObject({ code: 'media.truncated', retryable: true });
  });
});

describe('a host that breaks off', () => {
  it.each([
    ['/reset', 'media.connection_failed'],
    ['/reset?after=1000', 'media.truncated'],
    ['/liar?declared=20&sent=10', 'media.truncated'],
    ['/unfinished', 'media.truncated'],
    ['/empty', 'media.empty'],
    ['/liar?declared=0&sent=0', 'media.empty'],
    ['/liar?declared=nonsense&sent=10', 'media.connection_failed'],
    ['/bigHeaders', 'media.connection_failed'],
  ])('%s is %s', async (path, code) => {
    const error = await failure(download(fetcher(), ask(host.url(path))));

    expect(error).toMatchObject({ code, retryable: true });
  });

  it('or sends more than it declared is believed as far as it declared', async () => {
    const safeFetch = fetcher();

    expect(await download(safeFetch, ask(host.url('/liar?declared=10&sent=500')))).toEqual(
      picture.subarray(0, 10),
    );
    expect(picture.equals(await download(safeFetch, ask(host.url('/ok'))))).toBe(true);
  });

  it('or is not there at all may be asked again', async () => {
    const gone = await startHostileHost();
    await gone.close();
    const error = await failure(fetcher({ allowPrivateHosts: [gone.host] }).open(ask(gone.url('/ok'))));

    expect(error).toMatchObject({ code: 'media.connection_failed', retryable: true });
    expect(error.cause).toBeDefined();
  });

  it('or does not speak TLS may be asked again', async () => {
    const error = await failure(fetcher().open(ask(host.url('/ok').replace('http:', 'https:'))));

    expect(error.code).toBe('media.connection_failed');
  });

  it.each(['ENOTFOUND', 'EAI_AGAIN'])('or has no name (%s) may be asked again', async (code) => {
    const lookup: LookupAll = () => Promise.reject(Object.assign(new Error(code), { code }));
    const error = await failure(fetcher({ lookup }).open(ask('https://nobody.example/')));

    expect(error).toMatchObject({ code: 'media.dns_failed', retryable: true });
  });

  it('or has a name without addresses may be asked again', async () => {
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

  it('covers the lookup of the name', async () => {
    const lookup: LookupAll = () => new Promise(() => undefined);
    const error = await failure(fetcher({ lookup, timeoutMs }).open(ask('https://slow.example/')));

    expect(error.code).toBe('media.timeout');
  });

  it('covers the handshake of TLS', async () => {
    const silent = await startSilentHost();
    const safeFetch = fetcher({ timeoutMs, allowPrivateHosts: [silent.host] });
    const error = await failure(safeFetch.open(ask(`https://${silent.host}/`)));
    await silent.close();

    expect(error.code).toBe('media.timeout');
  });

  it('releases the connection of a body that nobody reads', async () => {
    const { body } = await fetcher({ timeoutMs }).open(ask(host.url('/flood')));
    await host.allClosed();

    expect((await failure(buffer(body))).code).toBe('media.timeout');
  });

  it('is one for all redirects together', async () => {
    const started = performance.now();
    const to = encodeURIComponent(host.url(`/redirect?to=${encodeURIComponent('/hang')}`));
    const error = await failure(fetcher({ timeoutMs }).open(ask(host.url(`/redirect?to=${to}`))));

    expect(error.code).toBe('media.timeout');
    expect(performance.now() - started).toBeLessThan(2 * timeoutMs);
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
    '/encoded?as=zstd',
    '/flood',
  ])('of %s hold nothing of the query and no credentials', async (path) => {
    const url = host.url(`${path}${path.includes('?') ? '&' : '?'}signature=s3cret`);
    const credentials = () => ({ authorization: 's3cret' });
    const error = await failure(drain(fetcher({ timeoutMs: 300 }), ask(url, { credentials })));

    expect(inspect(error, { depth: null, showHidden: true })).not.toContain('s3cret');
  });

  it.each(['http://[s3cret/', 'http://user:s3cret@example.org/', 's3cret', 'http://a.example:99/?s3cret'])(
    'about the link %s hold nothing of it but the host',
    async (url) => {
      const error = await failure(fetcher().open(ask(url)));

      expect(inspect(error, { depth: null, showHidden: true })).not.toContain('s3cret');
    },
  );
});
