/** A secret that is part of the address, as people paste it into a provider's console. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { call } from '../../support/client.js';
import { startTestService, type TestService } from '../../support/test-service.js';

const secret = 'ab+cd/ef+gh/ijklmnopqrst==';

let service: TestService;
beforeAll(async () => {
  service = await startTestService({ env: { ZAPI_WEBHOOK_SECRET: secret } });
});
afterAll(() => service.stop());

test.each([
  ['as it is', secret],
  ['encoded', encodeURIComponent(secret)],
  ['encoded in part', secret.replaceAll('+', '%2B')],
])('is recognised %s', async (_, token) => {
  const { status } = await call(service.url, `/webhooks/z-api?token=${token}`, { method: 'post', json: {} });
  expect(status).toBe(200);
});

test.each([secret.replaceAll('+', ' '), secret.replaceAll('+', '')])('%j is another one', async (token) => {
  const path = `/webhooks/z-api?token=${encodeURIComponent(token)}`;
  const { status } = await call(service.url, path, { method: 'post', json: {} });
  expect(status).toBe(401);
});
