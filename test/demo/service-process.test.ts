import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { afterAll, beforeAll, expect, test } from '@jest/globals';

import { makeToken, startService, surroundings } from '../../src/demo/service-process.js';
import { freePort } from '../../src/infra/net/free-port.js';
import { projectFolder } from '../../src/infra/process/project-folder.js';
import { isRunning } from '../../src/infra/process/signals.js';
import { until } from '../support/until.js';

let cwd: string;
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'inlet-demo-test-'));
});
afterAll(() => rm(cwd, { recursive: true }));

async function program(name: string, source: string): Promise<URL> {
  const path = join(cwd, name);
  await writeFile(path, source);
  return pathToFileURL(path);
}

test('the caller waits until a service is ready, and stops it', async () => {
  const entry = await program(
    'ready.mjs',
    `import { createServer } from 'node:http';
     let asked = 0;
     const server = createServer((request, response) => response.writeHead((asked += 1) > 2 ? 200 : 503).end());
     server.listen(process.env.PORT, '127.0.0.1');
     process.on('SIGTERM', () => { console.log('drained'); process.exit(0); });`,
  );
  const port = await freePort();
  const service = startService({ env: { PORT: String(port) }, cwd, port, entry });
  await service.ready();
  await service.stop();
  expect(await service.ended).toBe('code 0');
  await until(() => service.lastOutput() !== '');
  expect(service.lastOutput()).toBe('drained');
});

test('a service that ends before it is ready is reported with its output', async () => {
  const entry = await program('broken.mjs', `console.error('PORT is not a number'); process.exitCode = 78;`);
  const service = startService({ env: {}, cwd, port: await freePort(), entry });
  await expect(service.ready()).rejects.toThrow('code 78');
  await until(() => service.lastOutput() !== '');
  expect(service.lastOutput()).toBe('PORT is not a number');
  await service.stop();
});

test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
  'a program that is ended by %s takes its service along',
  async (signal) => {
    const entry = await program('endless.mjs', `console.log(process.pid); setInterval(() => {}, 1_000);`);
    const built = (file: string): string => JSON.stringify(pathToFileURL(join(projectFolder, 'dist', file)));
    const parent = await program(
      'parent.mjs',
      `import { exitAtSignals } from ${built('commands/command-line.js')};
       import { startService } from ${built('demo/service-process.js')};
       exitAtSignals();
       const service = startService({ env: {}, cwd: '.', port: 1, entry: new URL(${JSON.stringify(entry)}) });
       const timer = setInterval(() => {
         if (service.lastOutput() === '') return;
         clearInterval(timer);
         console.log(service.lastOutput());
         setInterval(() => {}, 1_000);
       }, 10);`,
    );
    const child = spawn(process.execPath, [fileURLToPath(parent)], {
      cwd,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [chunk] = (await once(child.stdout, 'data')) as [Buffer];
    const service = Number(chunk.toString());
    expect(isRunning(service)).toBe(true);
    child.kill(signal);
    await once(child, 'exit');
    await until(() => !isRunning(service));
  },
);

test('the token is the last line that the command prints', async () => {
  const entry = await program(
    'token.mjs',
    `console.log('note\\n' + process.argv.slice(2).join('.') + process.env.X);`,
  );
  expect(await makeToken({ env: { X: '!' }, cwd, entry })).toBe('--scope.admin!');
});

test('the output of a failed token command is reported', async () => {
  const entry = await program('no-token.mjs', `console.error('no secret'); process.exitCode = 1;`);
  await expect(makeToken({ env: {}, cwd, entry })).rejects.toThrow(/code 1[^]*no secret/);
});

test('a program inherits the environment except settings of the service', () => {
  const env = {
    PATH: '/bin',
    HOME: '/root',
    LC_ALL: 'C',
    DATABASE_URL: 'postgres://production',
    BLIP_KEY: 'x',
  };
  expect(surroundings({ ...env, TZ: undefined })).toEqual({ PATH: '/bin', HOME: '/root', LC_ALL: 'C' });
});
