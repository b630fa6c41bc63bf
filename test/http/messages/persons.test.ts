/**
 * A person is one person: however a recipient is written, what they were sent is found and erased under the
 * name that webhooks use.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { createClient, type InletClient } from '../../../src/client/index.js';
import { photo } from '../../../src/demo/photos.js';
import { startSimulator, type Simulator } from '../../../src/demo/providers/index.js';
import { startTestService, type TestService } from '../../support/test-service.js';
import { until } from '../../support/until.js';

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

test.each(['5511999990007', '5511999990007@wa.gw.msging.net'])('over Blip, to %s', async (to) => {
  const file = new Blob([new Uint8Array(await photo({ seed: 1, width: 320, height: 240 }))]);
  const { id: media } = await client.media.upload(file, { channel: 'blip', filename: 'roses.jpg' });
  const { id } = await client.messages.send({ channel: 'blip', to, kind: 'image', media: { id: media } });
  const sent = await until(async () => {
    const now = await client.messages.get(id);
    return now.status === 'read' && now;
  });
  expect(sent.to).toBe('5511999990007');
  expect(simulator.providers.blip.api.accepted.at(-1)?.to).toBe('5511999990007@wa.gw.msging.net');
  const response = await fetch(`${service.url}/v1/contacts/blip/5511999990007`, {
    method: 'DELETE',
    headers: { authorization: `Bearer ${service.token('admin')}` },
  });
  expect(response.status).toBe(200);
  expect(await client.messages.get(id)).toMatchObject({ state: 'erased', to: '', media: null });
});
