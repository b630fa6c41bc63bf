/**
 * The command `inlet` and the launcher behind every script: which Node.js they start, and what they answer
 * where they start nothing.
 */
import { execFile, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';

import { isRunning } from '../../src/infra/process/signals.js';
import { projectFolder, startPackaged, startScript } from '../support/program.js';

const run = promisify(execFile);
const inlet = join(projectFolder, 'bin/inlet.mjs');
const commands = ['start', 'doctor', 'token', 'user', 'events', 'replay', 'restored'];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'inlet-launcher-'));
});
afterAll(() => rm(folder, { recursive: true }));

interface Manifest {
  readonly version: string;
  readonly engines: { readonly node: string };
  readonly scripts: Readonly<Record<string, string>>;
}

async function manifest(): Promise<Manifest> {
  return JSON.parse(await readFile(join(projectFolder, 'package.json'), 'utf8')) as Manifest;
}

describe('inlet', () => {
  test.each([[[]], [['strat']], [['constructor']], [['start', '--fast']], [['--versions']]])(
    '%j is refused in one sentence, and nothing is started',
    (args) => {
      const { status, stdout, stderr } = spawnSync(process.execPath, [inlet, ...args], {
        cwd: folder,
        encoding: 'utf8',
      });
      expect(status).toBe(64);
      expect(stdout).toBe('');
      expect(stderr).toMatch(/^inlet: .+; inlet --help lists the commands\.\n$/);
    },
  );

  test('lists its commands and prints its version', async () => {
    const help = await run(process.execPath, [inlet, '--help'], { cwd: folder });
    const listed = [...help.stdout.matchAll(/^ {2}([a-z]+) {2,}\S/gm)].map(([, name]) => name);
    expect(listed).toEqual(commands);
    expect((await run(process.execPath, [inlet, 'help'], { cwd: folder })).stdout).toBe(help.stdout);
    const told = await run(process.execPath, [inlet, '--version'], { cwd: folder });
    expect(told.stdout.trim()).toBe((await manifest()).version);
  });

  test.each(commands)('%s --help explains the command, and starts nothing', async (command) => {
    const ways = [
      [command, '--help'],
      ['help', command],
    ];
    for (const words of ways) {
      const { stdout, stderr } = await run(process.execPath, [inlet, ...words], { cwd: folder });
      expect(stderr).toBe('');
      expect(stdout).toMatch(/^usage: .+\n\n[A-Z].+\.\n/);
    }
    expect(existsSync(join(folder, '.inlet'))).toBe(false);
  });

  test('a command reads its own options and refuses unknown ones', async () => {
    const wrong = startPackaged(inlet, ['token', '--scope', 'everything']);
    expect(await wrong.ended).toBe(64);
    expect(wrong.output()).toContain('there is no scope everything');
  });
});

describe('the launcher', () => {
  /** A copy of it in a package that needs another Node.js, with a program that tells how it was started. */
  async function place(name: string, needed: string): Promise<string> {
    const root = join(folder, name);
    await mkdir(join(root, 'dist'), { recursive: true });
    await copyFile(join(projectFolder, 'run.mjs'), join(root, 'run.mjs'));
    await writeFile(
      join(root, 'package.json'),
      JSON.stringify({ type: 'module', engines: { node: needed } }),
    );
    await writeFile(
      join(root, 'dist/tell.js'),
      `const { pid, argv, execArgv, env, version } = process;
       process.on('SIGTERM', () => process.exit(7));
       console.log(JSON.stringify({ pid, args: argv.slice(2), execArgv, threads: env.UV_THREADPOOL_SIZE, arenas: env.MALLOC_ARENA_MAX, version }));
       if (argv[2] === 'stay') setInterval(() => undefined, 1000);`,
    );
    return join(root, 'run.mjs');
  }

  test('is replaced by the program, with the flags of the runtime', async () => {
    const program = startPackaged(await place('new', '>=22.19'), ['tell.js', 'stay']);
    const [, told = ''] = await program.says(/^(\{.*\})$/m);
    expect(JSON.parse(told)).toMatchObject({
      pid: program.pid,
      args: ['stay'],
      execArgv: [
        '--single-threaded-gc',
        '--max-semi-space-size=8',
        '--heap-growing-percent=130',
        '--expose-gc',
      ],
      threads: '8',
      arenas: '2',
      version: process.version,
    });
    expect(program.output()).toBe(`${told}\n`);
    expect(await program.kill('SIGTERM')).toBe(7);
  });

  test('behind npx, whose shell passes no signal on, the program ends with that shell', async () => {
    const root = join(await place('npx', '>=22.19'), '..');
    await mkdir(join(root, 'bin'));
    await mkdir(join(root, 'dist/commands'));
    await copyFile(inlet, join(root, 'bin/inlet.mjs'));
    await rename(join(root, 'dist/tell.js'), join(root, 'dist/commands/token.js'));
    const shell = startScript(
      `const { spawn } = await import('node:child_process');
       const env = { ...process.env, npm_lifecycle_event: 'npx', npm_lifecycle_script: "'inlet'" };
       spawn(process.execPath, [process.argv[1], 'token', 'stay'], { stdio: 'inherit', env });`,
      [join(root, 'bin/inlet.mjs')],
    );
    const [, told = ''] = await shell.says(/^(\{.*\})$/m);
    const { pid } = JSON.parse(told) as { pid: number };
    // The pipes end with the last process that holds them.
    expect(await shell.kill('SIGKILL')).toBe('SIGKILL');
    expect(isRunning(pid)).toBe(false);
  });

  test('names the required Node.js and exits with 78', async () => {
    const program = startPackaged(await place('old', '>=999.0'), ['tell.js']);
    expect(await program.ended).toBe(78);
    expect(program.output()).toBe(
      `Inlet needs Node.js 999.0 or newer, and this is ${process.versions.node}: install a newer one.\n`,
    );
  });

  test('on an older Node.js uses the one that is installed for development, and passes signals on', async () => {
    const runner = await place('locked', '>=999.0');
    const platform = `node-${process.platform}-${process.arch}`;
    const modules = join(folder, 'locked', 'node_modules');
    await mkdir(join(modules, 'inlet-node'), { recursive: true });
    await writeFile(
      join(modules, 'inlet-node', 'package.json'),
      JSON.stringify({ optionalDependencies: { 'node-other-x64': '1.0.0', [platform]: '999.0.0' } }),
    );
    await mkdir(join(modules, platform, 'bin'), { recursive: true });
    await writeFile(join(modules, platform, 'bin', 'node'), `#!/bin/sh\nexec '${process.execPath}' "$@"\n`, {
      mode: 0o755,
    });
    const program = startPackaged(runner, ['tell.js', 'stay']);
    await program.says(/"args":\["stay"\]/);
    expect(await program.kill('SIGTERM')).toBe(7);
  });

  test('every script uses it to start a program', async () => {
    const { scripts } = await manifest();
    // The options of Jest are its own.
    const direct = Object.entries(scripts).filter(
      ([name, script]) => name !== 'test' && /\bdist\/|--single-threaded-gc|UV_THREAD/.test(script),
    );
    expect(direct).toEqual([]);
    // It refuses words that it does not know.
    expect(scripts['start']).toBe('exec node bin/inlet.mjs start');
  });
});
