import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { buffer, text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { AppError } from '../../../src/domain/errors.js';
import { createHttp, type HttpClient } from '../../../src/infra/net/http-client.js';
import { startHostileHost, type HostileHost } from '../../support/hostile-host.js';

let server: Server;
let origin: string;
let answer: (request: IncomingMessage, response: ServerResponse) => void;
let host: HostileHost;
let http: HttpClient;
/** A delay for peers that take longer than any caller waits. */
let impatient: HttpClient;

beforeAll(async () => {
  host = await startHostileHost();
  server = createServer((request, response) => {
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port.toString()}`;
  http = createHttp({ timeoutMs: 10_000, userAgent: 'Inlet/1' });
  impatient = createHttp({ timeoutMs: 300 });
});

afterEach(() => {
  answer = (_, response) => response.end();
});

afterAll(async () => {
  await Promise.all([http.close(), impatient.close()]);
  server.closeAllConnections();
  server.close();
  await host.close();
});

async function failure(work: Promise<unknown>): Promise<AppError> {
  return work.then(
    () => Promise.reject(new Error('It did not fail')),
    (error: unknown) => error as AppError,
  );
}

describe('a call to a provider', () => {
  it('sends JSON and returns status, headers and parsed JSON', async () => {
    let received = {};
    answer = (request, response) => {
      void text(request).then((body) => {
        received = { method: request.method, url: request.url, headers: request.headers, body };
        response.writeHead(201, { 'content-type': 'application/json', 'x-two': ['a', 'b'] });
        response.end('{"id":7}');
      });
    };

    const response = await http({
      method: 'POST',
      url: `${origin}/messages?to=1`,
      headers: { authorization: 'Key k' },
      json: { kind: 'image', caption: 'olá' },
    });

    expect(response).toMatchObject({ status: 201, headers: { 'x-two': 'a, b' }, body: { id: 7 } });
    expect(received).toMatchObject({
      method: 'POST',
      url: '/messages?to=1',
      headers: { authorization: 'Key k', 'content-type': 'application/json', 'user-agent': 'Inlet/1' },
      body: '{"kind":"image","caption":"olá"}',
    });
  });

  it('sends a form: fields unchanged, files with their names and types', async () => {
    let received = { headers: {}, body: '' };
    answer = (request, response) => {
      void buffer(request).then((body) => {
        received = { headers: request.headers, body: body.toString('latin1') };
        response.end('{}');
      });
    };
    const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);

    await http({
      method: 'POST',
      url: origin,
      form: [
        { name: 'quality_ratio', value: '100' },
        { name: 'file', value: bytes, filename: 'a "b".jpg', type: 'image/jpeg' },
      ],
    });

    const boundary = /^--(\S+)/.exec(received.body)?.[1] ?? '';
    expect(received.headers).toMatchObject({
      'content-type': `multipart/form-data; boundary=${boundary}`,
      'content-length': String(received.body.length),
    });
    expect(received.body.trimEnd().split(`--${boundary}`)).toEqual([
      '',
      '\r\nContent-Disposition: form-data; name="quality_ratio"\r\n\r\n100\r\n',
      '\r\nContent-Disposition: form-data; name="file"; filename="a %22b%22.jpg"\r\n' +
        `Content-Type: image/jpeg\r\n\r\n${Buffer.from(bytes).toString('latin1')}\r\n`,
      '--',
    ]);
  });

  it('without a body declares none', async () => {
    let headers = {};
    answer = (request, response) => {
      headers = request.headers;
      response.end('[]');
    };
    const response = await http({ method: 'GET', url: origin });

    expect(response.body).toEqual([]);
    expect(headers).not.toHaveProperty('content-type');
  });

  it.each(['', 'Bad gateway', '<html></html>', '{"cut'])('returns %j as text', async (body) => {
    answer = (_, response) => response.writeHead(502).end(body);

    expect(await http({ method: 'GET', url: origin })).toMatchObject({ status: 502, body });
  });

  it('does not follow redirects', async () => {
    const response = await http({ method: 'GET', url: host.url('/redirect?to=/ok') });

    expect(response).toMatchObject({ status: 302, headers: { location: '/ok' } });
  });

  it('understands a response that is compressed nevertheless', async () => {
    answer = (_, response) =>
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('{"a":1}'));

    expect((await http({ method: 'GET', url: origin })).body).toEqual({ a: 1 });
  });

  it('reads an answer of 1 MiB', async () => {
    answer = (_, response) => response.end('x'.repeat(1024 * 1024));

    expect((await http({ method: 'GET', url: origin })).body).toHaveLength(1024 * 1024);
  });
});

describe('a call without a response', () => {
  it.each([
    ['/reset', 'media.connection_failed', true],
    ['/reset?after=10', 'media.connection_failed', true],
    ['/liar?declared=20&sent=10', 'media.connection_failed', true],
    ['/brokenGzip?broken=cut', 'media.connection_failed', true],
    ['/flood', 'media.too_large', false],
    ['/bomb', 'media.too_large', false],
    ['/startingWith?start=28b52ffd&as=zstd', 'media.unsupported_encoding', false],
  ])('%s rejects with %s', async (path, code, retryable) => {
    expect(await failure(http({ method: 'GET', url: host.url(path) }))).toMatchObject({ code, retryable });
  });

  it.each(['/hang', '/drip'])('%s rejects at the timeout', async (path) => {
    const error = await failure(impatient({ method: 'GET', url: host.url(path) }));
    expect(error).toMatchObject({ code: 'media.timeout', retryable: true });
  });

  it('rejects if no server listens', async () => {
    const gone = await startHostileHost();
    await gone.close();
    const error = await failure(http({ method: 'POST', url: gone.url('/?key=s3cret'), json: {} }));

    expect(error).toMatchObject({ code: 'media.connection_failed', retryable: true });
    expect(error.message).not.toContain('s3cret');
  });

  it.each(['', 'nonsense', 'file:///etc/passwd'])('rejects the address %j', async (url) => {
    expect((await failure(http({ method: 'GET', url }))).code).toBe('media.invalid_url');
  });
});

describe('whether a failed request may have been read', () => {
  it.each(['/reset', '/reset?after=10', '/flood'])('is unknown after %s', async (path) => {
    const error = await failure(http({ method: 'POST', url: host.url(path), json: {} }));
    expect(error.requestLeft).toBe(true);
  });

  it('is unknown if the response does not arrive in time', async () => {
    // The request must leave before, also if this process is stopped for a while.
    const patient = createHttp({ timeoutMs: 3_000 });
    const error = await failure(patient({ method: 'POST', url: host.url('/hang'), json: {} }));
    expect(error).toMatchObject({ code: 'media.timeout', requestLeft: true });
    await patient.close();
  });

  it('is unknown on a reused connection', async () => {
    await http({ method: 'GET', url: origin });
    answer = (request) => request.socket.destroy();
    const error = await failure(http({ method: 'POST', url: origin, json: {} }));
    expect(error).toMatchObject({ code: 'media.connection_failed', requestLeft: true });
  });

  it('is known if no server listens, and if the name has no address', async () => {
    const gone = await startHostileHost();
    await gone.close();
    for (const url of [gone.url('/'), 'http://nobody.invalid/'])
      expect(await failure(http({ method: 'POST', url, json: {} }))).toMatchObject({
        code: 'media.connection_failed',
        requestLeft: false,
      });
  });

  it('is known if the TLS handshake fails', async () => {
    const error = await failure(http({ method: 'POST', url: origin.replace('http:', 'https:'), json: {} }));
    expect(error).toMatchObject({ code: 'media.connection_failed', requestLeft: false });
  });

  it('is known if the timeout comes before the connection', async () => {
    // Accepts the connection but never starts TLS.
    const mute = createTcpServer().listen(0, '127.0.0.1');
    await once(mute, 'listening');
    const { port } = mute.address() as AddressInfo;
    const url = `https://127.0.0.1:${String(port)}/`;
    const error = await failure(impatient({ method: 'POST', url, json: {} }));
    expect(error).toMatchObject({ code: 'media.timeout', requestLeft: false });
    mute.close();
  });

  it('is known for a forbidden or invalid address', async () => {
    const guarded = createHttp({ timeoutMs: 5_000, allowOnlyPublicAnd: [] });
    const errors = [
      await failure(guarded({ method: 'POST', url: origin, json: {} })),
      await failure(http({ method: 'POST', url: 'file:///etc/passwd', json: {} })),
    ];
    expect(errors.map(({ code, requestLeft }) => [code, requestLeft])).toEqual([
      ['media.forbidden_address', false],
      ['media.invalid_url', false],
    ]);
    await guarded.close();
  });
});

describe('a call that is restricted to public addresses', () => {
  it('reaches public and listed hosts only, by any name', async () => {
    let reached = 0;
    answer = (_, response) => {
      reached += 1;
      response.end('{}');
    };
    const guarded = createHttp({ timeoutMs: 5_000, allowOnlyPublicAnd: [] });
    const listed = createHttp({ timeoutMs: 5_000, allowOnlyPublicAnd: [new URL(origin).host] });
    try {
      for (const url of [
        origin,
        origin.replace('127.0.0.1', 'localhost'),
        origin.replace('127.0.0.1', '2130706433'),
      ])
        expect((await failure(guarded({ method: 'GET', url }))).code).toBe('media.forbidden_address');
      expect(reached).toBe(0);
      expect((await listed({ method: 'GET', url: origin })).status).toBe(200);
    } finally {
      await Promise.all([guarded.close(), listed.close()]);
    }
  });
});
