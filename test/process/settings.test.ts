import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test } from '@jest/globals';

import { built, startCompiled, startScript } from '../support/program.js';
import { launch, startService } from './service.js';

let cwd: string;
beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'inlet-settings-'));
});
afterEach(() => rm(cwd, { recursive: true }));

/** A value that must not be printed. */
const value = 'hunter2';

test('all invalid settings are reported at once without their values, and nothing is started', async () => {
  const wrong = {
    PORT: `8080${value}`,
    PUBLIC_URL: `ftp://${value}`,
    DATABASE_URL: `mysql://root:${value}@host/db`,
    AUTH_SECRET: value,
    PROCESS_MODE: value,
    STORAGE: value,
    LOG_LEVEL: value,
    NODE_ENV: `prod${value}`,
    FETCH_CONCURRENCY: ' ',
    MAX_MEDIA_BYTES: `-${value}`,
    MAX_IMAGE_PIXELS: '-1',
    MAX_WEBHOOK_BYTES: '1.5',
    FETCH_TIMEOUT_MS: '0',
    FETCH_MAX_ATTEMPTS: value,
    TRUSTED_PROXY_HOPS: '11',
    BLIP_WEBHOOK_SECRET: 'short',
    BLIP_CONTRACT_ID: `no/${value}`,
    BLIP_API_URL: value,
    VONAGE_SIGNATURE_SECRET: value,
    SOBOT_WEBHOOK_SECRET: value,
    OTEL_EXPORTER_OTLP_ENDPOINT: `grpc://${value}`,
    OTEL_EXPORTER_OTLP_HEADERS: `${value}=%`,
    OTEL_TRACES_SAMPLER: value,
    OTEL_TRACES_SAMPLER_ARG: '2',
  };
  const program = launch(cwd, wrong);
  expect(await program.ended).toBe(78);
  const output = program.output();
  expect(Object.keys(wrong).filter((name) => !output.includes(`  ${name}: `))).toEqual([]);
  expect(output).not.toContain(value);
  expect(output).not.toContain('    at '); // A stack does not help an operator.
  expect(await readdir(cwd)).toEqual([]);
});

test.each([
  ['https://example.com/inlet?key=1', /PUBLIC_URL: has a query or a fragment/],
  ['https://example.com/in%20let', /PUBLIC_URL: may only have letters, digits/],
])('a URL to which no path can be appended is reported: %s', async (PUBLIC_URL, words) => {
  const program = launch(cwd, { PUBLIC_URL });
  expect(await program.ended).toBe(78);
  expect(program.output()).toMatch(words);
});

test('problems are explained to the operator, together with names that are probably misspelled', async () => {
  await writeFile(join(cwd, 'file'), '');
  const program = launch(cwd, {
    NODE_ENV: 'production',
    PORT: 'abc',
    HOST: '  ',
    PUBLIC_URL: 'inlet.example.com',
    UPLOADS_DIR: 'file',
    INLET_DIR: 'file/inside/folder',
    STORAGE: 's3',
    TRUSTED_PROXY_HOPS: '11',
    FETCH_MAX_ATTEMPTS: '1.5',
    PROCESS_MODE: 'both',
    ZAPI_API_URL: 'z-api',
    DATABSE_URL: 'postgresql://localhost/inlet',
    UNKNOWN: 'of another program',
  });
  expect(await program.ended).toBe(78);
  expect(program.output().trim().split('\n').sort()).toEqual([
    '  AUTH_SECRET: is required when NODE_ENV=production',
    '  DATABSE_URL: is not a setting; did you mean DATABASE_URL?',
    '  FETCH_MAX_ATTEMPTS: must be a whole number',
    '  HOST: holds nothing but spaces; remove it, or give it a value',
    '  INLET_DIR: is inside a file; name a folder',
    '  PORT: must be a number',
    '  PROCESS_MODE: must be all, api or worker',
    '  PUBLIC_URL: is not a URL that begins with https:// or http://',
    '  S3_BUCKET: is required when STORAGE=s3',
    '  TRUSTED_PROXY_HOPS: must be at most 10',
    '  UPLOADS_DIR: is a file; name a folder',
    '  ZAPI_API_URL: is not a URL that begins with https:// or http://',
    'Inlet cannot start: the settings have problems:',
  ]);
  expect(await readdir(cwd)).toEqual(['file']);
});

test('NODE_ENV accepts three values', async () => {
  const program = launch(cwd, { NODE_ENV: 'prod' });
  expect(await program.ended).toBe(78);
  expect(program.output()).toContain('NODE_ENV: must be development, production or test');
});

test('a name that is probably misspelled causes a warning, and does not prevent the start', async () => {
  const service = await startService(cwd, { UPLOAD_DIR: 'here', ZAPI_TOKN: 'x', FOREIGN: 'x' });
  expect(service.output()).toContain('UPLOAD_DIR: is not a setting; did you mean UPLOADS_DIR?');
  expect(service.output()).toContain('ZAPI_TOKN: is not a setting; did you mean ZAPI_TOKEN?');
  expect(service.output()).not.toContain('FOREIGN');
  expect(await service.kill('SIGTERM')).toBe(0);
}, 180_000);

test('a start prints what a newcomer needs, one line each, and nothing else', async () => {
  const service = await startService(cwd, { LOG_LEVEL: 'info' });
  const lines = service.output().trim().split('\n');
  const told = lines.slice(lines.indexOf('Inlet is ready (all).'));
  expect(told).toEqual([
    'Inlet is ready (all).',
    `  gallery   ${service.url}/admin  (sign in with a token)`,
    `  address   ${service.url}`,
    `  webhooks  ${service.url}/webhooks/<channel>`,
    '  channels  z-api',
    '  database  embedded PostgreSQL',
    `  data      ${join(cwd, '.inlet')}`,
    `  files     ${join(cwd, 'uploads')}`,
    '  token     npm run token -- --scope admin',
  ]);
  const levels = lines.filter((line) => line.startsWith('{')).map((line) => /"level":(\d+)/.exec(line)?.[1]);
  expect(levels.filter((level) => level !== '30')).toEqual([]);
  expect(await service.kill('SIGTERM')).toBe(0);
}, 180_000);

test('a secret is required in production', async () => {
  const program = launch(cwd, { NODE_ENV: 'production' });
  expect(await program.ended).toBe(78);
  expect(program.output()).toContain('AUTH_SECRET: is required when NODE_ENV=production');
});

test('settings are read from .env, and the real environment takes precedence', async () => {
  await writeFile(join(cwd, '.env'), 'FETCH_TIMEOUT_MS=never\nLOG_LEVEL=loud\n');
  const program = launch(cwd, { LOG_LEVEL: 'error' });
  expect(await program.ended).toBe(78);
  expect(program.output()).toContain('FETCH_TIMEOUT_MS: ');
  expect(program.output()).not.toContain('LOG_LEVEL');
});

test.each([
  ['with the mark that editors of Windows write', Buffer.from('\uFEFFLOG_LEVEL=loud\n'), 'LOG_LEVEL: '],
  [
    'with two bytes for each character',
    Buffer.from('\uFEFFLOG_LEVEL=loud\n', 'utf16le'),
    '.env: is not UTF-8 text',
  ],
])('a file .env %s is not ignored', async (_, content, problem) => {
  await writeFile(join(cwd, '.env'), content);
  const program = startCompiled('main.js', [], { cwd, env: { PORT: '0' } });
  expect(await program.ended).toBe(78);
  expect(program.output()).toContain(problem);
});

test('an unreadable .env file is reported', async () => {
  await mkdir(join(cwd, '.env'));
  const program = launch(cwd);
  expect(await program.ended).toBe(78);
  expect(program.output()).toBe(
    'Inlet cannot start: the settings have problems:\n  .env: cannot be read (EISDIR)\n',
  );
});

test('a port in use is reported before anything slow starts', async () => {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  try {
    const port = String((server.address() as AddressInfo).port);
    const program = launch(cwd, { PORT: port });
    expect(await program.ended).toBe(78);
    expect(program.output()).toContain(`PORT: 127.0.0.1:${port} is already in use`);
    expect(existsSync(join(cwd, '.inlet', 'postgres'))).toBe(false);
  } finally {
    server.close();
  }
});

test('the address of another machine is reported', async () => {
  const program = launch(cwd, { HOST: '192.0.2.1' });
  expect(await program.ended).toBe(78);
  expect(program.output()).toMatch(/PORT: 192\.0\.2\.1:0 is not available \(EADDRNOTAVAIL\)/);
});

test('a folder that cannot be created is reported with the name of its setting', async () => {
  const folder = join(cwd, 'x'.repeat(300));
  const program = launch(cwd, { INLET_DIR: folder });
  expect(await program.ended).toBe(78);
  expect(program.output()).toContain(
    `INLET_DIR: ${folder}/auth-secret cannot be read or created (ENAMETOOLONG)`,
  );

  const withSecret = launch(cwd, { INLET_DIR: folder, AUTH_SECRET: 'x'.repeat(32) });
  expect(await withSecret.ended).not.toBe(0);
  expect(withSecret.output()).toContain(`${folder}/postgres`);
});

test('OpenTelemetry is loaded only if there is a collector', async () => {
  const script = `
    import { createRequire } from 'node:module';
    const { openTracing } = await import(${JSON.stringify(built('infra/observability/open-tracing.js'))});
    await import(${JSON.stringify(built('compose/index.js'))});
    const { cache } = createRequire(import.meta.url);
    const loaded = () => Object.keys(cache).filter((name) => name.includes('@opentelemetry/sdk-trace')).length > 0;
    const before = loaded();
    const tracing = await openTracing(
      { endpoint: 'http://127.0.0.1:1', headers: {}, serviceName: 'inlet', sampler: 'always_on', ratio: 1 },
      console,
    );
    console.log(JSON.stringify([before, loaded()]));
    await tracing.close();`;
  const program = startScript(script);
  await program.ended;
  expect(program.output().trim()).toBe('[false,true]');
});
