/** Readers that take one byte a second, or ask for one byte at a time, are in nobody's way. */
import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import { afterAll, beforeAll, expect, it } from '@jest/globals';

import { call, postWebhook, upload } from '../../support/client.js';
import { zApiMedia } from '../../support/payloads.js';
import { startTestService, type TestService } from '../../support/test-service.js';
import { until } from '../../support/until.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

let service: TestService;
/** The size of a file that is larger than what a connection holds on its way. */
let content: string;
const megabytes = 8;

beforeAll(async () => {
  service = await startTestService({ queue: false });
  const { body } = await upload(service, {
    file: randomBytes(megabytes * 1024 * 1024),
    filename: 'large.bin',
  });
  content = `/v1/media/${body.id}/content`;
});
afterAll(() => service.stop());

/** The bytes of buffers that are still in use. */
function heldBytes(): number {
  collectGarbage();
  return process.memoryUsage().arrayBuffers;
}

/** Asks for the file, and reads a byte of it now and then. */
function startSlowReader(token: string): Socket {
  const { hostname, port } = new URL(service.url);
  const socket = connect(Number(port), hostname);
  socket.write(`GET ${content} HTTP/1.1\r\nHost: inlet\r\nAuthorization: Bearer ${token}\r\n\r\n`);
  void (async () => {
    while (!socket.destroyed) {
      socket.read(1);
      await delay(1_000, undefined, { ref: false });
    }
  })();
  return socket.on('error', () => undefined);
}

it('readers of one byte a second hold up neither webhooks nor other readers, and take little memory', async () => {
  const before = heldBytes();
  const token = service.token('media:read');
  const slow = Array.from({ length: 100 }, () => startSlowReader(token));
  try {
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => postWebhook(service, 'z-api', zApiMedia())),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    // Two reads of 128 KB for each reader, and what the other requests hold.
    const most = slow.length * 2 * 128 * 1024 + 30 * 1024 * 1024;
    expect(await until(() => Promise.resolve(heldBytes() - before < most))).toBe(true);
    const other = await call(service.url, content, { token: service.token('media:read') });
    expect(other.bytes).toHaveLength(megabytes * 1024 * 1024);
    expect(slow.every((socket) => !socket.destroyed)).toBe(true);
  } finally {
    for (const socket of slow) socket.destroy();
  }
});

it('a thousand requests for one byte are answered or refused, and webhooks come through', async () => {
  const token = service.token('media:read');
  const ranges = Array.from({ length: 1_000 }, (_, at) =>
    call<{ code?: string } | undefined>(service.url, content, {
      token,
      headers: { range: `bytes=${String(at)}-${String(at)}` },
    }),
  );
  const webhook = await postWebhook(service, 'z-api', zApiMedia());
  expect(webhook.status).toBe(200);
  const answers = await Promise.all(ranges);
  const served = answers.filter(({ status }) => status === 206);
  expect(served.length).toBeGreaterThan(100);
  expect(served.every(({ bytes }) => bytes.length === 1)).toBe(true);
  const refused = answers.filter(({ status }) => status !== 206);
  expect(new Set(refused.map(({ body }) => body?.code))).toEqual(
    new Set(refused.length > 0 ? ['request.too_many_at_once'] : []),
  );
});
