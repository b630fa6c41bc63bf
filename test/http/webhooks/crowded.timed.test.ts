/**
 * The largest webhook that is accepted. With a busy machine beside it, the database takes longer than a
 * webhook waits; it is acknowledged from the disk then and recognised later.
 */
import { afterAll, beforeAll, expect, it } from '@jest/globals';

import { postWebhook } from '../../support/client.js';
import { manyAttachments } from '../../support/payloads.js';
import { startTestService, type TestService } from '../../support/test-service.js';

let service: TestService;
beforeAll(async () => {
  service = await startTestService({ queue: false });
});
afterAll(() => service.stop());

it('is written whole at the limit, and recognised', async () => {
  const answer = await postWebhook(service, 'blip', manyAttachments(10_000));
  expect(answer).toMatchObject({ status: 200, body: { outcome: 'accepted', duplicate: false } });
  expect(new Set(answer.body.media).size).toBe(10_000);
  const again = await postWebhook(service, 'blip', manyAttachments(10_000));
  expect(again.body).toEqual({ ...answer.body, duplicate: true });
}, 360_000);
