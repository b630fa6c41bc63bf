/** Many callers that wait for the same picture. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test } from '@jest/globals';

import { call, type MediaView, type Receipt } from '../support/client.js';
import { startHostileHost } from '../support/hostile-host.js';
import { picture } from '../support/payloads.js';
import { until } from '../support/until.js';
import { startService, token, webhookSecret } from './service.js';

let cwd: string;
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'inlet-waiting-'));
});
afterEach(() => rm(cwd, { recursive: true }));

test('fifteen callers wait at once, and Node.js prints no warning', async () => {
  const hostile = await startHostileHost();
  const service = await startService(cwd, { FETCH_ALLOW_PRIVATE_HOSTS: hostile.host });
  const { body } = await call<Receipt>(service.url, `/webhooks/z-api?token=${webhookSecret}`, {
    method: 'post',
    json: picture('z-api', { url: hostile.url('/hang') }),
  });
  await until(() => hostile.requests.length > 0);
  const { output: reader } = await token(cwd, ['--scope', 'media:read']);
  const waiting = Array.from({ length: 15 }, () =>
    call<MediaView>(service.url, `/v1/media/${String(body.media[0])}?wait=3`, { token: reader }),
  );
  expect((await Promise.all(waiting)).map(({ status, body: { state } }) => [status, state])).toEqual(
    Array.from({ length: 15 }, () => [200, 'pending']),
  );
  expect(service.output()).not.toContain('Warning');
  expect(await service.kill('SIGTERM')).toBe(0);
  await hostile.close();
}, 180_000);
