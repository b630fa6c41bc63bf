/** The service against the simulated account: it connects the sender, and fetches what never arrived. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { createClient, type InletClient } from '../../../src/client/index.js';
import { bytes } from '../../../src/demo/media-host.js';
import { photo } from '../../../src/demo/photos.js';
import { startSimulator, type Simulator } from '../../../src/demo/providers/index.js';
import { startTestService, type TestService } from '../../support/test-service.js';

let simulator: Simulator;
let service: TestService;
let client: InletClient;
beforeAll(async () => {
  simulator = await startSimulator();
  service = await startTestService({ env: simulator.env() });
  simulator.reportTo(service.url);
  client = createClient({ baseUrl: service.url, token: service.token('admin') });
});
afterAll(async () => {
  await service.stop();
  await simulator.close();
});

test('the sender is connected with one call', async () => {
  expect(await client.channels.connection('twilio')).toMatchObject({ url: null, isConnected: false });
  expect(await client.channels.connect('twilio')).toMatchObject({
    url: `${service.url}/webhooks/twilio`,
    isConnected: true,
    lastError: null,
    notes: [],
  });
});

test('pictures whose webhooks never arrived are fetched, from the host of the redirect and without credentials', async () => {
  const { publish, webhook } = simulator.providers.twilio;
  const since = new Date(Date.now() - 60_000);
  for (let seed = 0; seed < 3; seed += 1) {
    const file = await photo({ seed, width: 64, height: 48 });
    webhook({ kind: 'image', url: publish(bytes('image/jpeg', file)), caption: `number ${String(seed)}` });
  }
  expect(await client.channels.backfill('twilio', since)).toEqual({
    found: 3,
    stored: 3,
    failed: 0,
    complete: true,
    until: null,
  });
  const { items } = await client.media.list({ channel: 'twilio' }).page();
  const settled = await Promise.all(items.map(({ id }) => client.media.wait(id, { maxSeconds: 60 })));
  expect(settled.map(({ state, message }) => `${state}: ${String(message?.caption)}`).sort()).toEqual([
    'ready: number 0',
    'ready: number 1',
    'ready: number 2',
  ]);
  expect(simulator.cdn.requests.map(({ hadCredentials }) => hadCredentials)).toEqual([false, false, false]);
});
