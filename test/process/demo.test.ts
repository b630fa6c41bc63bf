/** `npm run demo`: what it says while it starts, and that what it prints at the end can be used. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { call, type MediaView, type Receipt } from '../support/client.js';
import { startCompiled, type Program } from '../support/program.js';
import { describeWith, systemProgram } from '../support/programs.js';
import { until } from '../support/until.js';

const run = promisify(execFile);

let cwd: string;
let demo: Program;
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'inlet-demo-test-'));
  demo = startCompiled('demo/main.js', [], { cwd });
  await demo.says(/Running until you press Ctrl-C\.\n/);
}, 540_000);
afterAll(async () => {
  await demo.kill('SIGINT');
  await rm(cwd, { recursive: true });
}, 90_000);

/** The service and the token of the link, which has the token where no server sees it. */
function linkOf(output: string): { readonly url: string; readonly token: string } {
  const [, url = '', token = ''] =
    /^ {2}(http:\/\/127\.0\.0\.1:\d+)\/admin#token=([\w.-]+)$/m.exec(output) ?? [];
  return { url, token };
}

test('each step is shown with its seconds', () => {
  const steps = [...demo.output().matchAll(/^ *(\d+\.\d) s {2}(.+)$/gm)].map(([, seconds, words]) => ({
    seconds: Number(seconds),
    words,
  }));
  const words = steps.map((step) => step.words);
  expect(words.slice(0, 2)).toEqual([
    'Starting the simulated providers',
    'Starting the service with a PostgreSQL of its own',
  ]);
  expect(words).toContain('z-api: photo, ready');
  expect(words.at(-1)).toBe('Done');
  const gaps = steps.slice(1).map(({ seconds }, at) => seconds - (steps[at]?.seconds ?? 0));
  expect(Math.max(...gaps)).toBeLessThan(20);
});

test('the link signs in, and its token is in no query', async () => {
  const { url, token } = linkOf(demo.output());
  const answer = await call(url, '/v1/session', {
    method: 'post',
    headers: { 'x-inlet-request': '1' },
    json: { token },
  });
  expect(answer.status).toBe(200);
  expect(demo.output()).not.toContain('?token=ey');
});

test('every channel has an address that takes its secret', async () => {
  const channels = [...demo.output().matchAll(/^ {2}(\S+) +http:\S+\/webhooks\/(\S+)/gm)];
  expect(channels.map(([, name]) => name)).toEqual([
    'z-api',
    'blip',
    'sobot',
    'vonage',
    'aisoule',
    'meta',
    'twilio',
    'telegram',
    'custom',
  ]);
  const open = [...demo.output().matchAll(/^ {2}(?:z-api|blip|sobot) +(http:\S+)$/gm)].map(
    ([, address = '']) => address,
  );
  for (const address of open) {
    const { origin, pathname, search } = new URL(address);
    const { status } = await call(origin, pathname + search, { method: 'post', json: {} });
    expect({ pathname, status }).toEqual({ pathname, status: 200 });
  }
});

describeWith('curl', 'the printed command', () => {
  const shells = ['bash', 'zsh'].filter((shell) => systemProgram(shell) !== undefined);

  test.each(shells)('makes a picture appear when it is run by %s', async (shell) => {
    const { url, token } = linkOf(demo.output());
    const [, command = ''] = /^ {2}(curl -s 'http:\S+\/webhooks\/.*)$/m.exec(demo.output()) ?? [];
    expect(command).not.toContain('!');
    const { stdout } = await run(shell, ['-c', command]);
    const receipt = JSON.parse(stdout) as Receipt;
    expect(receipt).toMatchObject({ outcome: 'accepted', media: [expect.any(String)] });
    const path = `/v1/media/${String(receipt.media[0])}?wait=20`;
    const body = await until(async () => {
      const { body: media } = await call<MediaView>(url, path, { token });
      return media.state !== 'pending' && media;
    });
    expect(body).toMatchObject({
      state: 'ready',
      width: 1_600,
      message: { caption: 'Sent with curl' },
    });
  });
});
