/** The secret that a start without AUTH_SECRET generates: complete, or not used at all. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { projectFolder, startCompiled } from '../support/program.js';
import { token } from './service.js';

let cwd: string;
let file: string;
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'inlet-secret-'));
  file = join(cwd, '.inlet', 'auth-secret');
});
afterEach(() => rm(cwd, { recursive: true }));

const start = (program: string, settings: Record<string, string> = {}) =>
  startCompiled(program, [], { cwd, env: { PORT: '0', ...settings } });

/**
 * Limits every file that a program writes to 0 bytes: it can be created but not filled, as on a full disk.
 */
function withoutRoom(...args: readonly string[]): Promise<{ status: number; output: string }> {
  const command = 'ulimit -f 0; exec "$@"';
  const env = { PATH: '/usr/bin:/bin' };
  return new Promise((done) => {
    const words = [
      '-c',
      command,
      'sh',
      process.execPath,
      join(projectFolder, 'dist', args[0] ?? ''),
      ...args.slice(1),
    ];
    const child = execFile('sh', words, { cwd, env }, (_, out, complaints) => {
      done({ status: child.exitCode ?? -1, output: out + complaints });
    });
  });
}

test('a disk that is full when the secret is generated leaves none, and the next start generates it', async () => {
  const { status, output } = await withoutRoom('commands/token.js', '--scope', 'admin');
  expect(status).toBe(78);
  expect(output).toContain(`INLET_DIR: ${file} cannot be read or created (EFBIG)`);
  expect(await readdir(join(cwd, '.inlet'))).toEqual([]);

  expect((await token(cwd, ['--scope', 'admin'])).status).toBe(0);
  expect(await readFile(file, 'utf8')).toMatch(/^[\w-]{64}\n$/);
});

describe.each([
  ['the service', 'main.js'],
  ['the command after a restore', 'commands/restored.js'],
])('%s refuses a secret that is', (_, program) => {
  test.each([
    ['empty', '', 'is empty'],
    ['short', 'abc', 'is incomplete (3 characters)'],
    ['cut off', 'x'.repeat(40), 'is incomplete (40 characters)'],
    ['full of zeros', '\0'.repeat(64), 'is incomplete (64 characters)'],
  ])('%s, and keeps the file as it is', async (__, content, fault) => {
    await mkdir(join(cwd, '.inlet'));
    await writeFile(file, content);
    const service = start(program);
    expect(await service.ended).toBe(78);
    expect(service.output()).toContain(`AUTH_SECRET: ${file} ${fault}: restore it from a backup`);
    expect(await readFile(file, 'utf8')).toBe(content);
    expect(await readdir(join(cwd, '.inlet'))).toEqual(['auth-secret']);
  });
});

test('the token command refuses a truncated secret', async () => {
  expect((await token(cwd, ['--scope', 'admin'])).status).toBe(0);
  await truncate(file, 20);
  const { status, output } = await token(cwd, ['--scope', 'admin']);
  expect(status).toBe(78);
  expect(output).toContain(`${file} is incomplete (20 characters)`);
});

test('a secret that is missing beside a database is not generated again, unless the operator creates one', async () => {
  await mkdir(join(cwd, '.inlet', 'postgres', 'data'), { recursive: true });
  await writeFile(join(cwd, '.inlet', 'postgres', 'data', 'PG_VERSION'), '18\n');
  const refused = await token(cwd, ['--scope', 'admin']);
  expect(refused.status).toBe(78);
  expect(refused.output).toContain(`AUTH_SECRET: ${file} is missing, but`);
  expect((await token(cwd, ['--scope', 'admin'], { AUTH_SECRET: 's'.repeat(32) })).status).toBe(0);

  await writeFile(file, `${'s'.repeat(32)}\n`);
  expect((await token(cwd, ['--scope', 'admin'])).status).toBe(0);
});

test('a secret of an earlier version without a line break is accepted', async () => {
  await mkdir(join(cwd, '.inlet'));
  await writeFile(file, 'k'.repeat(64));
  expect((await token(cwd, ['--scope', 'admin'])).status).toBe(0);
  expect(await readFile(file, 'utf8')).toBe('k'.repeat(64));
});
