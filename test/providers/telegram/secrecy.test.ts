/**
 * The URL of a file contains the token of the bot. Every way in which a download or a call can end is tried
 * with a running service, and then everything that it keeps, says or passes on is searched.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { photo } from '../../../src/demo/photos.js';
import type { OutboundView } from '../../../src/http/shapes/outbound.js';
import { call, postWebhook, type MediaView } from '../../support/client.js';
import { startCollector, type Collector } from '../../support/collector.js';
import { findEverywhere } from '../../support/everything.js';
import { dataOf, lookAt, send } from '../../support/sending.js';
import { startTestService, type TestService } from '../../support/test-service.js';
import { until } from '../../support/until.js';

const secretHalf = 'AAsecret-half_of-the-token_0123456';
const token = `700000009:${secretHalf}`;
/** The half after the colon is in every spelling of the token. */
const spellings = [token, encodeURIComponent(token), secretHalf];

let picture: Buffer;
let server: Server;
let origin: string;
let host: string;
/** A service that may call the API, and one whose downloads may not reach its address. */
let service: TestService;
let guarded: TestService;
let collector: Collector;
let asked: string[];

const json = (response: ServerResponse, status: number, body: unknown): void => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
};
const pathTo = (response: ServerResponse, file_path: unknown): void => {
  json(response, 200, { ok: true, result: { file_id: 'x', file_unique_id: 'y', file_path } });
};
/** An error that repeats the address of the call, as some servers do. */
const refuse = (response: ServerResponse, status: number, url: string): void => {
  const description = `no such file: ${url} or ${encodeURIComponent(token)}`;
  json(response, status, { ok: false, error_code: status, description });
};

/** What the API answers about each file. */
const lookups: Readonly<Record<string, (response: ServerResponse, url: string) => void>> = {
  unauthorized: (response, url) => {
    refuse(response, 401, url);
  },
  unknown: (response, url) => {
    refuse(response, 404, url);
  },
  unavailable: (response, url) => {
    refuse(response, 400, url);
  },
  failing: (response, url) => {
    refuse(response, 500, url);
  },
  busy: (response, url) => {
    refuse(response, 429, url);
  },
  cut: (response) => {
    response.destroy();
  },
  flooding: (response, url) => {
    json(response, 200, { ok: true, result: { file_path: 'photos/ready', note: url.padEnd(2_000_000) } });
  },
  unreadable: (response) => {
    response.writeHead(200, { 'content-encoding': 'zstd' }).end(Buffer.from('28b52ffd', 'hex'));
  },
  local: (response) => {
    pathTo(response, `/var/lib/bot/${token}/photos/1.jpg`);
  },
  upwards: (response) => {
    pathTo(response, '../getMe');
  },
};

/** What is answered for each file that has a path. */
const files: Readonly<Record<string, (response: ServerResponse, url: string) => void>> = {
  ready: (response) => {
    response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(picture);
  },
  gone: (response, url) => {
    refuse(response, 404, url);
  },
  forbidden: (response, url) => {
    refuse(response, 403, url);
  },
  broken: (response, url) => {
    response.writeHead(502, { 'x-url': url }).end(url);
  },
  page: (response, url) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end(`<!doctype html><title>${url}</title>`);
  },
  empty: (response) => {
    response.writeHead(200).end();
  },
  torn: (response) => {
    response.writeHead(200, { 'content-length': 99_999 });
    response.write(picture.subarray(0, 999), () => response.destroy());
  },
  silent: () => undefined,
  moved: (response, url) => {
    response.writeHead(302, { location: `http://127.0.0.1:1${url}` }).end();
  },
  'moved-inside': (response, url) => {
    response.writeHead(302, { location: `http://169.254.169.254${url}` }).end();
  },
  'moved-nowhere': (response, url) => {
    response.writeHead(302, { location: `nowhere:${url}` }).end();
  },
  garbage: (response) => {
    response.socket?.end(`${token} is no HTTP\r\n\r\n`);
  },
};

function answer(request: IncomingMessage, response: ServerResponse): void {
  const url = request.url ?? '';
  asked.push(url);
  const { pathname, searchParams } = new URL(url, 'http://api');
  if (pathname.startsWith(`/file/bot${token}/`)) files[pathname.split('/').at(-1) ?? '']?.(response, url);
  else if (pathname === `/bot${token}/getFile`) {
    const id = searchParams.get('file_id') ?? '';
    const look = lookups[id];
    if (look) look(response, url);
    else pathTo(response, `photos/${id}`);
  } else refuse(response, 400, url);
}

let updates = 0;
const update = (file: string): object => {
  updates += 1;
  const chat = { id: 5_100_000_000 + updates, type: 'private', first_name: 'Rosa' };
  const photo = [{ file_id: file, file_unique_id: `${file}-unique`, width: 9, height: 9 }];
  return {
    update_id: updates,
    message: { message_id: updates, date: 1_795_255_200, chat, from: chat, photo },
  };
};

/** The media item of an update once it is settled. */
async function outcomeOf(at: TestService, file: string): Promise<MediaView> {
  const { body } = await postWebhook(at, 'telegram', update(file));
  const id = String(body.media[0]);
  const admin = at.token('admin');
  return until(async () => {
    const { body: media } = await call<MediaView>(at.url, `/v1/media/${id}`, { token: admin });
    return media.state !== 'pending' && media;
  }, 60_000);
}

beforeAll(async () => {
  asked = [];
  picture = await photo({ seed: 3, width: 320, height: 240 });
  server = createServer(answer);
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  host = `127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  origin = `http://${host}`;
  collector = await startCollector();
  const env = {
    TELEGRAM_BOT_TOKEN: token,
    TELEGRAM_API_URL: origin,
    FETCH_MAX_ATTEMPTS: '1',
    // Only the silent file may take so long, also while other suites have the processors for a while.
    FETCH_TIMEOUT_MS: '8000',
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
  };
  [service, guarded] = await Promise.all([
    startTestService({ mediaHosts: [host], env }),
    startTestService({ env }),
  ]);
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await service.stop();
  await guarded.stop();
  collector.close();
});

const all = [...Object.keys(lookups), ...Object.keys(files)];

test('every way in which a download can end is tried', async () => {
  const outcomes = await Promise.all(
    all.map(async (file) => {
      const { state, error } = await outcomeOf(service, file);
      return [file, error?.code ?? state] as const;
    }),
  );
  expect(Object.fromEntries(outcomes)).toEqual({
    unauthorized: 'media.http_status',
    unknown: 'media.http_status',
    unavailable: 'media.http_status',
    failing: 'media.http_status',
    busy: 'media.rate_limited',
    cut: 'media.connection_failed',
    flooding: 'media.http_status',
    unreadable: 'media.http_status',
    local: 'media.no_address',
    upwards: 'media.no_address',
    ready: 'ready',
    gone: 'media.http_status',
    forbidden: 'media.http_status',
    broken: 'media.http_status',
    page: 'media.type_mismatch',
    empty: 'media.empty',
    torn: 'media.truncated',
    silent: 'media.timeout',
    moved: 'media.forbidden_port',
    'moved-inside': 'media.forbidden_address',
    'moved-nowhere': 'media.invalid_url',
    garbage: 'media.connection_failed',
  });
  expect((await outcomeOf(guarded, 'ready')).error?.code).toBe('media.forbidden_address');
}, 180_000);

test('messages are sent, and refused', async () => {
  const { body } = await send(service, {
    channel: 'telegram',
    to: '5100000001',
    media: { data: dataOf(picture) },
  });
  const message = await until(async () => {
    const now: OutboundView = await lookAt(service, body.id);
    return now.state === 'failed' && now;
  });
  expect(message.error).toMatchObject({ code: '400', message: expect.stringContaining('/bot***/sendPhoto') });
});

test('a server that is not there is tried', async () => {
  server.closeAllConnections();
  await new Promise((closed) => server.close(closed));
  const { error } = await outcomeOf(service, 'ready-later');
  expect(error?.code).toBe('media.connection_failed');
  const { body } = await send(service, {
    channel: 'telegram',
    to: '5100000002',
    media: { data: dataOf(picture) },
  });
  await until(async () => (await lookAt(service, body.id)).error !== null);
});

describe('the token', () => {
  test('is what the API was called with', () => {
    expect(asked.filter((url) => url.includes(token)).length).toBeGreaterThan(all.length);
  });

  test('is in no row, no file and no line of the log', async () => {
    for (const one of [service, guarded]) expect(await findEverywhere(one, spellings)).toEqual([]);
    expect(service.logs()).toContain('a download attempt failed');
  });

  test('is in no answer of the API', async () => {
    const admin = service.token('admin');
    const get = async (path: string) =>
      (await call(service.url, path, { token: admin })).bytes.toString('utf8');
    const media = (JSON.parse(await get('/v1/media?limit=100')) as { items: MediaView[] }).items;
    expect(media.length).toBeGreaterThanOrEqual(all.length);
    const paths = [
      '/v1/media?limit=100',
      '/v1/deliveries?limit=100',
      '/v1/channels',
      '/v1/channels/telegram',
      '/v1/channels/telegram/limits',
      '/v1/providers',
      '/v1/stats',
      '/v1/messages?limit=100',
      '/v1/audit?limit=100',
      '/v1/subscriptions',
      '/metrics',
      ...media.flatMap(({ id }) => [`/v1/media/${id}`, `/v1/media/${id}/history`]),
    ];
    const answers = await Promise.all(paths.map(get));
    const leaks = paths.filter((_, index) => spellings.some((one) => answers[index]?.includes(one)));
    expect(leaks).toEqual([]);
    expect(answers.join('')).toContain('media.forbidden_address');
  });

  test('is in no trace', async () => {
    await until(
      () => collector.spans().filter(({ name }) => name === 'fetch media').length >= all.length,
      20_000,
    );
    const bodies = Buffer.concat(collector.bodies).toString('latin1');
    expect(spellings.filter((one) => bodies.includes(one))).toEqual([]);
  });
});
