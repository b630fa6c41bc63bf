/** The program in the documents does what it says. */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { expect, test } from '@jest/globals';

import { createClient } from '../../src/client/index.js';
import { bytes } from '../../src/demo/media-host.js';
import { photo } from '../../src/demo/photos.js';
import { startSimulator } from '../../src/demo/providers/index.js';
import { startTestService } from '../support/test-service.js';
import { until } from '../support/until.js';

const root = join(import.meta.dirname, '../..');
const program = /^```js\n(.*?)^```/ms.exec(readFileSync(join(root, 'docs/api.md'), 'utf8'))?.[1] ?? '';

test('the program of docs/api.md answers a picture', async () => {
  expect(existsSync(join(root, 'dist/client/index.js'))).toBe(true);
  const simulator = await startSimulator();
  const service = await startTestService({ env: simulator.env() });
  const client = createClient({ baseUrl: service.url, token: service.token('admin') });
  const { sobot } = simulator.providers;
  const picture = await photo({ seed: 8, width: 64, height: 48 });
  const url = sobot.publish(bytes('image/jpeg', picture));
  const { path, headers, body } = sobot.webhook({ kind: 'image', url });
  const answer = await fetch(service.url + path, { method: 'POST', headers, body });
  const { media } = (await answer.json()) as { media: string[] };
  await client.media.get(media[0] ?? '', { waitSeconds: 20 });

  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    ['--input-type=module', '--eval', program],
    { cwd: root, env: { BASE: service.url, TOKEN: service.token('media:read messages:send') } },
  );
  expect(stderr).toBe('');
  expect(stdout).toMatch(/^[\w-]{36} is queued\n$/);
  await until(() => sobot.api.accepted.some(({ to }) => to === '5511999990000'));

  await service.stop();
  await simulator.close();
});
