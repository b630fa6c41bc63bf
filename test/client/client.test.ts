/** What the client does when things go wrong on the way. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import { afterEach, describe, expect, test } from '@jest/globals';

import { createClient, InletError, type ClientOptions, type InletEvent } from '../../src/client/index.js';
import { until } from '../support/until.js';

type Answering = (request: IncomingMessage, response: ServerResponse) => void;

let closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing) close();
  closing = [];
});

/** A service that answers its first call with the first of these, and so on; the last one stays. */
async function start(...answers: Answering[]) {
  const requests: { method: string; url: string; headers: IncomingMessage['headers'] }[] = [];
  const server = createServer((request, response) => {
    const answer = answers[Math.min(requests.length, answers.length - 1)];
    requests.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers });
    request.resume();
    answer?.(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const baseUrl = `http://127.0.0.1:${String(port)}`;
  const client = (options: Partial<ClientOptions> = {}) =>
    createClient({ baseUrl: `${baseUrl}/`, token: 'a-token', ...options });
  return { requests, client, baseUrl };
}

const json =
  (status: number, body: unknown, headers: Record<string, string> = {}): Answering =>
  (_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  };
const problem = (status: number, code: string, headers?: Record<string, string>): Answering =>
  json(status, { type: 'x', title: 'x', status, code, detail: `It is ${code}` }, headers);
const cut: Answering = (_request, response) => response.destroy();
const nothing = json(200, { items: [], nextCursor: null });

async function errorOf(call: Promise<unknown>): Promise<InletError> {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof InletError) return error;
  throw new Error(`This is no InletError: ${String(error)}`);
}

describe('a call', () => {
  test('carries the token, and parameters within their segment', async () => {
    const { client, requests } = await start(json(200, {}));
    await client().channels.get('a/b?c');
    expect(requests[0]).toMatchObject({
      url: '/v1/channels/a%2Fb%3Fc',
      headers: { authorization: 'Bearer a-token' },
    });
  });

  test('that is refused rejects with the problem, its fields, its id and when to come back', async () => {
    const errors = [{ field: 'limit', message: 'is too large' }];
    const body = { type: 'x', title: 'x', status: 400, code: 'request.invalid', detail: 'No', errors };
    const { client } = await start(json(400, body, { 'retry-after': '7', 'x-request-id': 'r-1' }));
    const error = await errorOf(client().media.list().page());
    expect(error).toMatchObject({
      code: 'request.invalid',
      status: 400,
      errors,
      retryAfter: 7,
      detail: 'No',
    });
    expect(error.requestId).toBe('r-1');
    expect(error.message).toBe('No');
  });

  test('that a proxy refuses until a date says how many seconds are left', async () => {
    const date = new Date(Date.now() + 90_000).toUTCString();
    const { client } = await start(problem(503, 'service.unavailable', { 'retry-after': date }));
    const { retryAfter } = await errorOf(client().stats());
    expect(retryAfter).toBeGreaterThan(80);
    expect(retryAfter).toBeLessThanOrEqual(90);
  });

  test('goes below the path of the service, and links in its answer become absolute', async () => {
    const links = { contentUrl: '/v1/media/a/content', previews: { small: { url: '/v1/media/a/preview' } } };
    const others = {
      webhookUrl: '/v1/media/',
      url: 'https://listener.example/v1/media/',
      caption: '/v1/media/a',
    };
    const { client, requests, baseUrl } = await start(json(200, { ...links, ...others }));
    const media = await client({ baseUrl: `${baseUrl}/inlet/` }).media.get('a');
    expect(requests[0]?.url).toBe('/inlet/v1/media/a');
    expect(media).toEqual({
      ...others,
      contentUrl: `${baseUrl}/inlet/v1/media/a/content`,
      previews: { small: { url: `${baseUrl}/inlet/v1/media/a/preview` } },
    });
  });

  test.each(['inlet.example', 'ftp://inlet.example', 'https://', 'https://inlet.example/?a=b', '#'])(
    'cannot be made to %j',
    (baseUrl) => {
      expect(() => createClient({ baseUrl, token: 'a-token' })).toThrow(TypeError);
    },
  );

  test('without a token says that a page asks, since the browser adds its session', async () => {
    const { client, requests } = await start(json(200, {}));
    await client({ token: undefined }).media.get('a');
    expect(requests[0]?.headers).toMatchObject({ 'x-inlet-request': '1' });
    expect(requests[0]?.headers.authorization).toBeUndefined();
  });

  test('that is answered by something else than the service says so', async () => {
    const { client } = await start((_request, response) => response.writeHead(418).end('<html>'));
    expect(await errorOf(client().stats())).toMatchObject({ code: 'unreadable', status: 418 });
    const { client: other } = await start((_request, response) => response.writeHead(200).end('<html>'));
    expect(await errorOf(other().stats())).toMatchObject({ code: 'unreadable', status: 200 });
  });

  test('is made again after a cut connection and while the service is away', async () => {
    const { client, requests } = await start(cut, problem(503, 'service.unavailable'), json(200, { ok: 1 }));
    expect(await client().stats()).toEqual({ ok: 1 });
    expect(requests).toHaveLength(3);
  });

  test('is made again when its answer is cut off in the middle', async () => {
    const half: Answering = (_request, response) => {
      response.writeHead(200, { 'content-length': '10' }).write('{"o');
      setImmediate(() => response.destroy());
    };
    const { client, requests } = await start(half, json(200, { ok: 1 }));
    expect(await client().stats()).toEqual({ ok: 1 });
    expect(requests).toHaveLength(2);
  });

  test('is made again when the service has said, and not before', async () => {
    const { client, requests } = await start(
      problem(429, 'request.rate_limited', { 'retry-after': '1' }),
      json(200, { ok: 1 }),
    );
    const before = Date.now();
    await client().stats();
    expect(Date.now() - before).toBeGreaterThanOrEqual(990);
    expect(requests).toHaveLength(2);
  });

  test('takes no longer than it may, with all its repetitions', async () => {
    const { client, requests } = await start(problem(503, 'x', { 'retry-after': '0' }), () => undefined);
    const late = { code: 'timeout', status: 0 };
    // Long enough for both requests of the first call, also on a busy machine.
    expect(await errorOf(client({ timeoutMs: 3_000 }).stats())).toMatchObject(late);
    expect(await errorOf(client().media.get('x', { timeoutMs: 3_000 }))).toMatchObject(late);
    expect(requests).toHaveLength(3);
  });

  test('does not wait for another attempt that would come too late', async () => {
    const { client, requests } = await start(problem(429, 'request.rate_limited', { 'retry-after': '20' }));
    const error = await errorOf(client({ timeoutMs: 5_000 }).stats());
    expect(error).toMatchObject({ code: 'request.rate_limited', retryAfter: 20 });
    expect(requests).toHaveLength(1);
  });

  test('may take as long as it likes without a limit, and a download after it has begun', async () => {
    const slowly: Answering = (_request, response) => {
      response.writeHead(200, { 'content-type': 'image/png' }).write('a');
      setTimeout(() => response.end('b'), 4_000);
    };
    const { client } = await start((_request, response) => {
      setTimeout(() => response.writeHead(200).end('{}'), 4_000);
    }, slowly);
    // Even a busy machine begins to answer the download within this time.
    const tight = client({ timeoutMs: 3_000 });
    expect(await tight.stats({ timeoutMs: Infinity })).toEqual({});
    expect(await (await tight.media.content('x')).text()).toBe('ab');
  });

  test('is given up in the end', async () => {
    const { client, requests } = await start(cut);
    expect(await errorOf(client({ retries: 1 }).stats())).toMatchObject({ code: 'unreachable', status: 0 });
    expect(requests).toHaveLength(2);
  });

  test('is not made again after a refusal, nor when the service wants a long rest', async () => {
    const refused = await start(problem(403, 'auth.scope'));
    expect(await errorOf(refused.client().stats())).toMatchObject({ code: 'auth.scope' });
    expect(refused.requests).toHaveLength(1);
    const tired = await start(problem(429, 'request.rate_limited', { 'retry-after': '3600' }));
    expect(await errorOf(tired.client().stats())).toMatchObject({ retryAfter: 3_600 });
    expect(tired.requests).toHaveLength(1);
  });

  test('that might do something twice is made once', async () => {
    const { client, requests } = await start(cut, problem(503, 'service.unavailable'));
    await errorOf(client().subscriptions.create({ url: 'https://listener.example/' }));
    await errorOf(client().subscriptions.change('x', { enabled: true }));
    await errorOf(client().media.erase('x'));
    await errorOf(client().media.upload(new Blob(['x']), { channel: 'blip' }));
    expect(requests).toHaveLength(4);
  });

  test('for the health is made once: it asks how it is now', async () => {
    const { client, requests } = await start(problem(503, 'service.unavailable'));
    expect(await errorOf(client().health.ready())).toMatchObject({
      code: 'service.unavailable',
      status: 503,
    });
    expect(requests).toHaveLength(1);
  });

  test('to send a message is made again with the same key, so that it sends nothing twice', async () => {
    const { client, requests } = await start(cut, cut, json(202, { id: 'one' }));
    const message = { channel: 'blip', to: 'somebody', kind: 'image', media: { id: 'x' } } as const;
    expect(await client().messages.send(message)).toEqual({ id: 'one' });
    const keys = requests.map(({ headers }) => headers['idempotency-key']);
    expect(new Set(keys).size).toBe(1);
    expect(keys[0]).toMatch(/^[\w-]{36}$/);
    await client().messages.send(message);
    await client().messages.send(message, { idempotencyKey: 'mine' });
    expect(requests.at(-1)?.headers['idempotency-key']).toBe('mine');
    expect(requests.at(-2)?.headers['idempotency-key']).not.toBe(keys[0]);
  });

  test('can be called off', async () => {
    const { client, requests } = await start(() => undefined);
    const stop = new AbortController();
    const call = client().media.get('x', { signal: stop.signal });
    await until(() => requests.length === 1);
    stop.abort(new Error('enough'));
    await expect(call).rejects.toThrow('enough');
  });
});

describe('a list', () => {
  test('asks for the next page when the items of one are used up, and keeps its filters', async () => {
    const { client, requests } = await start(
      json(200, { items: [1, 2], nextCursor: 'two' }),
      json(200, { items: [3], nextCursor: null }),
    );
    const items: unknown[] = [];
    for await (const item of client().media.list({ kind: 'image', since: new Date(0) })) items.push(item);
    expect(items).toEqual([1, 2, 3]);
    expect(requests.map(({ url }) => url)).toEqual([
      '/v1/media?kind=image&since=1970-01-01T00%3A00%3A00.000Z',
      '/v1/media?kind=image&since=1970-01-01T00%3A00%3A00.000Z&cursor=two',
    ]);
  });

  test('asks no further than it is read', async () => {
    const { client, requests } = await start(json(200, { items: [1, 2], nextCursor: 'two' }), nothing);
    for await (const item of client().deliveries.list()) {
      expect(item).toBe(1);
      break;
    }
    expect(requests).toHaveLength(1);
  });

  test('answers a page, too', async () => {
    const { client } = await start(json(200, { items: [1], nextCursor: 'next' }));
    expect(await client().media.list().page()).toEqual({ items: [1], nextCursor: 'next' });
  });
});

test('a media item that is still pending when the time is over is answered as it is', async () => {
  const { client, requests } = await start(json(200, { state: 'pending' }));
  expect(await client().media.wait('x', { maxSeconds: 0 })).toEqual({ state: 'pending' });
  expect(requests.map(({ url }) => url)).toEqual(['/v1/media/x?wait=0']);
});

test('waiting for a media goes on until it is no longer pending', async () => {
  const pending = json(200, { state: 'pending' });
  const { client, requests } = await start(pending, pending, json(200, { state: 'ready' }));
  expect(await client().media.wait('x', { maxSeconds: 60 })).toEqual({ state: 'ready' });
  expect(requests.map(({ url }) => url)).toEqual(Array(3).fill('/v1/media/x?wait=30'));
});

describe('events', () => {
  const told = (id: number) => `id: ${String(id)}\nevent: media.ready\ndata: {"id":"${String(id)}"}\n\n`;
  const stream =
    (...chunks: string[]): Answering =>
    async (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for (const chunk of chunks) {
        response.write(chunk);
        await new Promise(setImmediate);
      }
      response.end();
    };
  const open =
    (text: string): Answering =>
    (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(text);
    };

  test('go on after the connection has ended, from the last that was told', async () => {
    const { client, requests } = await start(
      stream('retry: 1\n\n', told(7), ': still here\n\n', told(8)),
      cut,
      problem(503, 'service.unavailable'),
      stream(told(9)),
      open(told(10)),
    );
    const stop = new AbortController();
    const ids: string[] = [];
    let connections = 0;
    const onConnected = () => (connections += 1);
    const events = client({ retries: 0 }).events({ signal: stop.signal, type: 'media.ready', onConnected });
    for await (const event of events) {
      ids.push(event.id);
      if (event.id === '10') stop.abort();
    }
    expect(ids).toEqual(['7', '8', '9', '10']);
    expect(connections).toBe(3);
    expect(requests[0]).toMatchObject({ url: '/v1/events?type=media.ready' });
    expect(requests.map(({ headers }) => headers['last-event-id'])).toEqual([undefined, '8', '8', '8', '9']);
  });

  test('go on from the beginning of the stream, when it breaks before the first of them', async () => {
    const { client, requests } = await start(
      stream(
        'retry: 1\nid: 41\nevent: stream.open\ndata: {"id":"41","type":"stream.open","missed":false}\n\n',
      ),
      // An id counts in a block without data, and in one that nobody knows.
      stream('id: 43\n\n'),
      stream('id:44\r\nevent: stream.news\r\ndata: {}\r\n\r\nid: 45\ndata: {"cut'),
      stream('id: x\0y\n\n', told(46)),
      open(''),
    );
    for await (const event of client({ retries: 0 }).events()) {
      expect(event.id).toBe('46');
      break;
    }
    expect(requests.map(({ headers }) => headers['last-event-id'])).toEqual([undefined, '41', '43', '44']);
  });

  test('come once each, however often the service tells them', async () => {
    const opening = 'id: 3\nevent: stream.open\ndata: {"id":"3","type":"stream.open","missed":false}\n\n';
    const { client, requests } = await start(
      stream(`retry: 1\n\n${told(9)}${told(10)}${told(10)}`),
      stream(told(9), told(10), told(11)),
      // Another database: its numbers begin anew, and the stream says so.
      open(opening + told(4)),
    );
    const ids: string[] = [];
    for await (const { id } of client().events()) {
      ids.push(id);
      if (id === '4') break;
    }
    expect(ids).toEqual(['9', '10', '11', '4']);
    expect(requests.map(({ headers }) => headers['last-event-id'])).toEqual([undefined, '10', '11']);
  });

  test('go on after a connection that breaks in the middle of one of them', async () => {
    const { client, requests } = await start(
      (_request, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write(`retry: 1\n\n${told(1)}id: 2\nevent: media.ready\ndata: {"id":`);
        setTimeout(() => response.destroy(), 50);
      },
      open(told(2) + told(3)),
    );
    const ids: string[] = [];
    for await (const { id } of client().events()) {
      ids.push(id);
      if (id === '3') break;
    }
    expect(ids).toEqual(['1', '2', '3']);
    expect(requests[1]?.headers['last-event-id']).toBe('1');
  });

  test('go on after a page that a proxy answers with, from where they were', async () => {
    const { client, requests } = await start(
      stream('retry: 1\n\n', told(1)),
      (_request, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<p>Soon</p>'),
      open(told(2)),
    );
    const ids: string[] = [];
    for await (const { id } of client().events()) {
      ids.push(id);
      if (id === '2') break;
    }
    expect(ids).toEqual(['1', '2']);
    expect(requests.map(({ headers }) => headers['last-event-id'])).toEqual([undefined, '1', '1']);
  });

  test('end with an error at one that is not JSON, and none before it is lost', async () => {
    const { client } = await start(stream(told(1), 'id: 2\nevent: media.ready\ndata: {"cut\n\n', told(3)));
    const events = client().events()[Symbol.asyncIterator]();
    expect((await events.next()).value).toEqual({ id: '1' });
    expect(await errorOf(events.next())).toMatchObject({ code: 'unreadable_event' });
  });

  test('say when some were missed', async () => {
    const opening = 'id: 9\nevent: stream.open\ndata: {"id":"9","type":"stream.open","missed":true}\n\n';
    const { client } = await start(open(opening + told(10)));
    let missed = 0;
    const onMissed = () => (missed += 1);
    for await (const event of client().events({ lastEventId: '3', onMissed })) {
      expect(event.id).toBe('10');
      break;
    }
    expect(missed).toBe(1);
  });

  test('go on after a silence, on a new connection; signs of life and a slow caller are none', async () => {
    let closed = 0;
    const { client, requests } = await start(
      // The answer itself does not come.
      (request) => request.once('close', () => (closed += 1)),
      (request, response) => {
        request.once('close', () => (closed += 1));
        response.writeHead(200, { 'content-type': 'text/event-stream' }).write(`retry: 1\n\n${told(1)}`);
        const beat = setInterval(() => response.write(': still here\n\n'), 500);
        setTimeout(() => {
          clearInterval(beat);
        }, 6_000);
      },
      open(told(2)),
    );
    const ids: string[] = [];
    for await (const { id } of client({ retries: 0 }).events({ silenceMs: 3_000 })) {
      ids.push(id);
      if (id === '1') await new Promise((resolve) => setTimeout(resolve, 4_500));
      else break;
    }
    expect(ids).toEqual(['1', '2']);
    expect(requests).toHaveLength(3);
    expect(requests[2]?.headers['last-event-id']).toBe('1');
    await until(() => closed === 2);
  }, 60_000);

  test('are put together from pieces of any size', async () => {
    const text = told(1) + told(2);
    const { client } = await start(stream('retry: 1\n\n', ...Array.from(text)), open(''));
    const events: InletEvent[] = [];
    for await (const event of client().events()) {
      events.push(event);
      if (events.length === 2) break;
    }
    expect(events.map(({ id }) => id)).toEqual(['1', '2']);
  });

  test('end with a refusal', async () => {
    const { client } = await start(problem(401, 'auth.revoked'));
    const events = client().events({ lastEventId: '3' })[Symbol.asyncIterator]();
    expect(await errorOf(events.next())).toMatchObject({ code: 'auth.revoked' });
  });

  test('let go of the connection when nobody listens any more', async () => {
    let ended = false;
    const { client } = await start((request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(told(1));
      request.once('close', () => (ended = true));
    });
    for await (const event of client().events()) {
      expect(event.id).toBe('1');
      break;
    }
    await until(() => ended);
  });

  test('end when they are called off while the service is away', async () => {
    const { client, requests } = await start(cut);
    const stop = new AbortController();
    const next = client({ retries: 0 }).events({ signal: stop.signal })[Symbol.asyncIterator]().next();
    await until(() => requests.length === 1);
    stop.abort();
    expect(await next).toEqual({ done: true, value: undefined });
  });
});
