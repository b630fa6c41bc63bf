/** Events of a real service arrive once each and in order, however often the connection breaks. */
import { connect, createServer, type AddressInfo } from 'node:net';

import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { createClient } from '../../src/client/index.js';
import { bytes } from '../../src/demo/media-host.js';
import { photo } from '../../src/demo/photos.js';
import { startSimulator, type Simulator } from '../../src/demo/providers/index.js';
import { startTestService, type TestService } from '../support/test-service.js';

const pictures = 12;

let simulator: Simulator;
let service: TestService;
beforeAll(async () => {
  simulator = await startSimulator();
  service = await startTestService({ env: simulator.env() });
});
afterAll(async () => {
  await service.stop();
  await simulator.close();
});

/** Passes connections on, and breaks each after as many bytes as the next of these says. */
async function startBreaker(limits: readonly number[]) {
  let connections = 0;
  const target = Number(new URL(service.url).port);
  const server = createServer((near) => {
    const far = connect(target, '127.0.0.1');
    let left = limits[connections] ?? Infinity;
    connections += 1;
    const end = (): void => {
      near.destroy();
      far.destroy();
    };
    near.on('error', end).on('close', end).pipe(far);
    far.on('error', end).on('close', end);
    far.on('data', (chunk) => {
      if (left <= 0) return;
      near.write(chunk.subarray(0, left));
      left -= chunk.length;
      if (left <= 0) near.end(end);
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  return {
    baseUrl: `http://127.0.0.1:${String(port)}`,
    connections: () => connections,
    close: () => server.close(),
  };
}

test('events come once each and in order through connections that break anywhere', async () => {
  const { sobot } = simulator.providers;
  const expected: string[] = [];
  for (let seed = 0; seed < pictures; seed += 1) {
    const picture = await photo({ seed, width: 64, height: 48 });
    const url = sobot.publish(bytes('image/jpeg', picture));
    const { path, headers, body } = sobot.webhook({ kind: 'image', url });
    const answer = await fetch(service.url + path, { method: 'POST', headers, body });
    const { media } = (await answer.json()) as { media: string[] };
    expected.push(...media);
  }
  // Within the head of the answer, the opening of the stream, and events: an event has about 1 100 bytes.
  const breaker = await startBreaker([100, 1_500, 700, 3_300]);
  const client = createClient({ baseUrl: breaker.baseUrl, token: service.token('media:read') });
  const heard: { id: number; media: string | null }[] = [];
  for await (const { id, data } of client.events({ lastEventId: '0', type: 'media.ready' })) {
    if ('kind' in data) heard.push({ id: Number(id), media: data.id });
    if (heard.length === pictures) break;
  }
  expect(heard.map(({ media }) => media).sort()).toEqual(expected.sort());
  expect(heard.map(({ id }) => id)).toEqual(heard.map(({ id }) => id).sort((one, other) => one - other));
  expect(breaker.connections()).toBe(5);
  breaker.close();
}, 360_000);
