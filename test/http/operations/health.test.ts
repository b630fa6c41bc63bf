import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterEach, describe, expect, it } from '@jest/globals';

import { call } from '../../support/client.js';
import { startTestService, type TestService } from '../../support/test-service.js';
import { until } from '../../support/until.js';

let service: TestService;

afterEach(() => service.stop());

describe('the service', () => {
  const ask = (path: string) => call<object>(service.url, path);

  it('is alive and ready, for anybody who asks', async () => {
    service = await startTestService();
    expect(await ask('/health/live')).toMatchObject({ status: 200, body: { status: 'ok' } });
    expect(await ask('/health/ready')).toMatchObject({ status: 200, body: { status: 'ok', database: 'ok' } });
  });

  it('is alive but not ready while the database is away, and ready again by itself', async () => {
    service = await startTestService();
    await service.database.goAway();
    expect(await ask('/health/live')).toMatchObject({ status: 200 });
    expect(await ask('/health/ready')).toMatchObject({
      status: 503,
      headers: { 'content-type': expect.stringMatching(/^application\/problem\+json/) },
      body: { code: 'service.unavailable' },
    });
    await service.database.comeBack();
    await until(async () => (await ask('/health/ready')).status === 200);
    expect(await ask('/health/ready')).toMatchObject({ body: { status: 'ok', queue: 'ok' } });
  });

  it('is not ready while no file can be written, and ready again by itself', async () => {
    service = await startTestService();
    // A file in the place of the folder: the one thing that root cannot write into either.
    const folder = join(service.uploadsDir, 'tmp');
    await rm(folder, { recursive: true, force: true });
    await writeFile(folder, '');
    expect(await ask('/health/ready')).toMatchObject({
      status: 503,
      body: { code: 'service.unavailable', detail: 'uploads: no file can be written (EEXIST)' },
    });
    await rm(folder);
    expect(await ask('/health/ready')).toMatchObject({ status: 200, body: { uploads: 'ok' } });
    expect(await readdir(folder)).toEqual([]);
  });

  it('is not ready while it takes no jobs, unless that is not its business', async () => {
    service = await startTestService({ queue: false });
    expect(await ask('/health/ready')).toMatchObject({ status: 503 });
    await service.stop();

    service = await startTestService({ queue: false, env: { PROCESS_MODE: 'api' } });
    expect(await ask('/health/ready')).toMatchObject({ status: 200 });
  });
});
