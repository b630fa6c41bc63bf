/** The time that a host which hangs costs the pictures of another one. */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';

import { bytes, startMediaHost, type MediaHost } from '../../src/demo/media-host.js';
import { uniquePhotos, type UniquePhotos } from '../../src/demo/photos.js';
import { postWebhook } from '../support/client.js';
import { picture } from '../support/payloads.js';
import { startTestService, type TestService, type TestServiceOptions } from '../support/test-service.js';
import { until } from '../support/until.js';

let photos: UniquePhotos;
let quick: MediaHost;
let service: TestService | undefined;
beforeAll(async () => {
  [photos, quick] = await Promise.all([uniquePhotos(300, { width: 320, height: 240 }), startMediaHost()]);
});
afterEach(async () => {
  await service?.stop();
  service = undefined;
});
afterAll(() => quick.close());

async function start(options: TestServiceOptions): Promise<TestService> {
  service = await startTestService(options);
  return service;
}

/** Receives a picture with this URL and returns its id. */
async function receive(to: TestService, url: string): Promise<string> {
  const { status, body } = await postWebhook(to, 'z-api', picture('z-api', { url }));
  expect(status).toBe(200);
  return body.media[0] ?? '';
}

async function stateOf(of: TestService, id: string): Promise<string | undefined> {
  const [row] = await of.database.query<{ state: string }>('select state from media where id = $1', [id]);
  return row?.state;
}

async function countReady(of: TestService): Promise<number> {
  const [row] = await of.database.query<{ count: number }>(
    `select count(*)::int as count from media where state = 'ready'`,
  );
  return row?.count ?? -1;
}

/** A host that answers no request until it is told to. */
async function startSlowHost(answer: () => Buffer) {
  const waiting = new Set<ServerResponse>();
  let isOpen = false;
  let most = 0;
  const send = (response: ServerResponse): void => {
    waiting.delete(response);
    response.end(answer());
  };
  const server = createServer((_, response) => {
    if (isOpen) {
      send(response);
      return;
    }
    waiting.add(response);
    most = Math.max(most, waiting.size);
    response.on('close', () => waiting.delete(response));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const host = `127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  return {
    host,
    waiting: () => waiting.size,
    most: () => most,
    open: () => {
      isOpen = true;
      for (const response of waiting) send(response);
    },
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

test('a hundred pictures from a hanging host do not delay another host, and are stored when the host responds again', async () => {
  let next = 0;
  const slow = await startSlowHost(() => photos.at(next++));
  const running = await start({ mediaHosts: [slow.host, quick.host] });
  try {
    const ids = await Promise.all(
      Array.from({ length: 100 }, (_, index) => receive(running, `http://${slow.host}/${String(index)}`)),
    );
    await until(() => slow.waiting() === 16);
    for (let index = 0; index < 5; index++) {
      const url = quick.serve(`/${String(index)}`, bytes('image/jpeg', photos.at(200 + index)));
      const asked = performance.now();
      const id = await receive(running, url);
      await until(async () => (await stateOf(running, id)) === 'ready');
      expect(performance.now() - asked).toBeLessThan(5_000);
    }
    expect(slow.most()).toBe(16);
    expect(await countReady(running)).toBe(5);

    slow.open();
    for (const id of ids) await until(async () => (await stateOf(running, id)) === 'ready');
    expect(await countReady(running)).toBe(105);
  } finally {
    slow.close();
  }
}, 180_000);
