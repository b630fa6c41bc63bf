/** The worker as part of the whole service, with its queue and gate. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { failsFirst } from '../../src/demo/media-checks.js';
import { bytes, startMediaHost, type MediaHost } from '../../src/demo/media-host.js';
import { photo } from '../../src/demo/photos.js';
import { newId } from '../../src/domain/id.js';
import { postWebhook } from '../support/client.js';
import { addJobs } from '../support/jobs.js';
import { picture } from '../support/payloads.js';
import { startTestService, type TestService } from '../support/test-service.js';
import { until } from '../support/until.js';

let host: MediaHost;
let service: TestService;
beforeAll(async () => {
  host = await startMediaHost();
  service = await startTestService({ mediaHosts: [host.host] });
});
afterAll(async () => {
  await service.stop();
  await host.close();
});

async function isReady(id: string): Promise<boolean> {
  const [row] = await service.database.query<{ state: string }>('select state from media where id = $1', [
    id,
  ]);
  return row?.state === 'ready';
}

test('a picture is ready seconds later if its host fails at first', async () => {
  const content = bytes('image/jpeg', await photo({ seed: 1, width: 320, height: 240 }));
  const url = host.serve('/failing', content, [failsFirst(1, 1)]);
  const { body } = await postWebhook(service, 'z-api', picture('z-api', { url }));
  const id = body.media[0] ?? '';
  await until(() => isReady(id));
  const [row] = await service.database.query('select attempts, error_code from media where id = $1', [id]);
  expect(row).toEqual({ attempts: 2, error_code: null });
  await until(async () => {
    const jobs = await service.database.query('select from graphile_worker._private_jobs');
    return jobs.length === 0;
  });
});

test('the maintenance finds a pending picture without a job', async () => {
  const content = bytes('image/jpeg', await photo({ seed: 2, width: 320, height: 240 }));
  const url = host.serve('/forgotten', content);
  const id = newId();
  await service.database.query(
    `insert into media (id, channel, provider, position, direction, kind, state, source_url, received_at, next_attempt_at)
     values ($1, 'z-api', 'z-api', 0, 'inbound', 'image', 'pending', $2, now(), now() - interval '2 minutes')`,
    [id, url],
  );
  await addJobs(service.database, 'maintain');
  await until(() => isReady(id));
});
