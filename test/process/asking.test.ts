/**
 * `inlet events`, `inlet replay` and `inlet user`: commands that ask a running service, with a token that they sign
 * themselves.
 */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';

import { bytes, startMediaHost, type MediaHost } from '../../src/demo/media-host.js';
import { photo } from '../../src/demo/photos.js';
import { call, type Receipt } from '../support/client.js';
import { picture } from '../support/payloads.js';
import { startCompiled, type Program } from '../support/program.js';
import { startService, webhookSecret, type RunningService } from './service.js';

let cwd: string;
let host: MediaHost;
let service: RunningService;
let started: Program[] = [];

beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'inlet-asking-'));
  host = await startMediaHost();
  service = await startService(cwd, { FETCH_ALLOW_PRIVATE_HOSTS: host.host });
}, 180_000);
afterEach(async () => {
  for (const program of started) await program.kill('SIGKILL');
  started = [];
});
afterAll(async () => {
  await service.kill('SIGTERM');
  await host.close();
  await rm(cwd, { recursive: true });
});

function run(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Program {
  const { port } = new URL(service.url);
  const program = startCompiled(`commands/${command}.js`, args, { cwd, env: { PORT: port, ...env } });
  started.push(program);
  return program;
}

let sent = 0;
async function receive(caption: string): Promise<Receipt> {
  sent += 1;
  const body = await photo({ seed: sent, width: 320, height: 240 });
  const url = host.serve(`/${String(sent)}`, bytes('image/jpeg', body));
  const json = picture('z-api', { url, caption, messageId: `MESSAGE-${String(sent)}` });
  const path = `/webhooks/z-api?token=${webhookSecret}`;
  const { status, body: receipt } = await call<Receipt>(service.url, path, { method: 'post', json });
  expect(status).toBe(200);
  return receipt;
}

describe('inlet events', () => {
  test('prints one line for each event, and ends when it is interrupted', async () => {
    const events = run('events', []);
    await events.says(/Listening to http:\S+; press Ctrl-C to end\.\n/);
    const { media } = await receive('first');
    const [line] = await events.says(/^.*media\.ready.*\n/m);
    expect(line).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ {2}media\.ready +z-api +image /);
    expect(line).toContain(`image ${String(media[0])} from `);
    expect(line).toContain('"first"');
    expect(await events.kill('SIGINT')).toBe(0);
    expect(events.output()).not.toMatch(/eyJ/);
  }, 180_000);

  test('begins with earlier events, and prints JSON for programs', async () => {
    const { media } = await receive('second');
    const earlier = run('events', ['--since', '1h', '--json', '--type', 'media.ready', '--channel', 'z-api']);
    await earlier.says(new RegExp(String(media[0])));
    const lines = earlier
      .output()
      .split('\n')
      .filter((line) => line.startsWith('{'));
    const told = lines.map((line) => JSON.parse(line) as { id: string; type: string; data: { id: string } });
    expect(told.map(({ type }) => type)).toEqual(told.map(() => 'media.ready'));
    expect(told.at(-1)?.data.id).toBe(media[0]);

    const { media: third } = await receive('third');
    const after = run('events', ['--since', told.at(-1)?.id ?? '', '--json']);
    await after.says(new RegExp(String(third[0])));
    expect(after.output()).not.toContain(String(media[0]));
    const tomorrow = new Date(Date.now() + 86_400_000).toISOString();
    const none = run('events', ['--since', tomorrow]);
    await none.says(/Listening/);
    expect(await none.kill('SIGTERM')).toBe(0);
    expect(none.output().trim().split('\n')).toHaveLength(1);
  }, 180_000);
});

describe('inlet replay', () => {
  test('replays a stored webhook', async () => {
    const { delivery, media } = await receive('again');
    const replay = run('replay', [delivery]);
    expect(await replay.ended).toBe(0);
    expect(replay.output()).toBe(`${delivery}: accepted, media ${String(media[0])}\n`);
    const json = run('replay', [delivery, '--json', '--url', service.url]);
    expect(await json.ended).toBe(0);
    expect(JSON.parse(json.output())).toMatchObject({ delivery, outcome: 'accepted', media });
  }, 180_000);

  test('reports what does not exist', async () => {
    const replay = run('replay', ['01a1fd7e-84c9-7728-9890-b058615850a8']);
    expect(await replay.ended).toBe(1);
    expect(replay.output()).toMatch(/^http:\S+ answers: .+ \([a-z._]+\)\.\n$/);
  });
});

describe('inlet user', () => {
  test('invites the first administrator, and lists users', async () => {
    const args = ['add', '--email', 'boss@example.com', '--role', 'admin', '--channel', 'z-api'];
    const added = run('user', args);
    expect(await added.ended).toBe(0);
    expect(added.output()).toMatch(
      /^http:\S+\/admin\/#invitation=[\w-]{32}\nThe link sets the password of boss@example\.com and is valid until \S+Z\.\n$/,
    );
    const list = run('user', ['list']);
    expect(await list.ended).toBe(0);
    expect(list.output()).toBe('boss@example.com  admin  invited  z-api  boss\n');
    const again = run('user', args);
    expect(await again.ended).toBe(1);
    expect(again.output()).toMatch(/^http:\S+ answers: .+ \(user\.exists\)\.\n$/);
  }, 180_000);
});

const anyDelivery = '01a1fd7e-84c9-7728-9890-b058615850a8';

test.each<[string, string[]]>([
  ['events', ['--since', 'yesterday']],
  ['events', ['--type', 'media.lost']],
  ['events', ['--url', 'inlet']],
  ['events', ['--follow']],
  ['events', ['now']],
  ['replay', []],
  ['replay', ['all']],
  ['replay', [anyDelivery, anyDelivery]],
  ['replay', [anyDelivery, '--url', 'ftp://inlet']],
  ['user', []],
  ['user', ['remove']],
  ['user', ['list', 'all']],
  ['user', ['list', '--role', 'admin']],
  ['user', ['add', '--role', 'admin']],
  ['user', ['add', '--email', 'boss', '--role', 'admin']],
  ['user', ['add', '--email', 'boss@example.com']],
  ['user', ['add', '--email', 'boss@example.com', '--role', 'root']],
])('%s %j is refused in one sentence, and nothing is asked', async (command, args) => {
  const program = run(command, args);
  expect(await program.ended).toBe(64);
  const [sentence, usage, ...more] = program.output().trim().split('\n');
  expect(sentence).toMatch(/\S/);
  expect(usage).toMatch(new RegExp(`^usage: npm run inlet -- ${command} `));
  expect(more).toEqual([]);
});

test.each<[string, string[]]>([
  ['events', []],
  ['replay', [anyDelivery]],
  ['user', ['list']],
])(
  '%s reports in one sentence why it cannot call the service',
  async (command, args) => {
    const nothing = run(command, [...args, '--url', 'http://127.0.0.1:1']);
    expect(await nothing.ended).toBe(1);
    expect(nothing.output()).toBe(
      'Nothing answers at http://127.0.0.1:1: start the service, or name its address with --url.\n',
    );
    const stranger = run(command, [...args, '--url', host.origin]);
    expect(await stranger.ended).toBe(1);
    expect(stranger.output()).toBe(
      `What answers at ${host.origin} is not Inlet: name its address with --url.\n`,
    );
    const other = run(command, args, { AUTH_SECRET: 'another secret of more than thirty-two characters' });
    expect(await other.ended).toBe(1);
    expect(other.output()).toMatch(/^The service at http:\S+ has another AUTH_SECRET: .+\.\n$/);
  },
  180_000,
);

test.each<[string, string[]]>([
  ['events', []],
  ['replay', [anyDelivery]],
  ['user', ['list']],
])('%s needs a secret, and makes none', async (command, args) => {
  const empty = await mkdtemp(join(tmpdir(), 'inlet-asking-'));
  const ask = async (env: Record<string, string>): Promise<string> => {
    const program = startCompiled(`commands/${command}.js`, args, { cwd: empty, env });
    expect(await program.ended).toBe(78);
    return program.output();
  };
  expect(await ask({})).toContain(`AUTH_SECRET: is not set, and there is none in ${join(empty, '.inlet')}; `);
  expect(await ask({ PORT: 'abc', LOG_LEVEL: 'loud' })).toMatch(/ {2}PORT: .+\n {2}LOG_LEVEL: /);
  expect(await readdir(empty)).toEqual([]);
  await rm(empty, { recursive: true });
});
