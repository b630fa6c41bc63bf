/**
 * The client as other programs have it: packed, installed alone, compiled strictly, and run against a real
 * service.
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { build } from 'esbuild';

import { bytes } from '../../src/demo/media-host.js';
import { photo } from '../../src/demo/photos.js';
import { startSimulator, type Simulator } from '../../src/demo/providers/index.js';
import { freePort } from '../../src/infra/net/free-port.js';
import { blocksOf } from '../docs/markdown.js';
import { describeInBrowser } from '../support/browser.js';
import { projectFolder, startPackaged } from '../support/program.js';
import { startTestService, type TestService } from '../support/test-service.js';
import { until } from '../support/until.js';

const run = promisify(execFile);
const packageFolder = join(projectFolder, 'packages/client');
const modules = join(projectFolder, 'node_modules');
const slowMs = 240_000;

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly engines: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
}

async function manifestOf(folder: string): Promise<Manifest> {
  return JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as Manifest;
}

let folder: string;
let installed: string;
let simulator: Simulator;
let service: TestService;
let port: number;
let mediaId: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'inlet-client-'));
  installed = join(folder, 'node_modules/inlet-client');
  await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  await run('npm', ['pack', '--ignore-scripts', '--pack-destination', folder], { cwd: packageFolder });
  const { version } = await manifestOf(packageFolder);
  await run('npm', ['install', '--offline', '--no-audit', `./inlet-client-${version}.tgz`], { cwd: folder });

  port = await freePort();
  simulator = await startSimulator();
  const { FETCH_ALLOW_PRIVATE_HOSTS: hosts = '', ...env } = simulator.env();
  service = await startTestService({
    env: { ...env, FETCH_ALLOW_PRIVATE_HOSTS: `${hosts},127.0.0.1:${String(port)}` },
  });
  mediaId = await receive(3);
}, slowMs);
afterAll(async () => {
  await service.stop();
  await simulator.close();
  await rm(folder, { recursive: true });
});

async function receive(seed: number): Promise<string> {
  const { sobot } = simulator.providers;
  const picture = await photo({ seed, width: 64, height: 48 });
  const { path, headers, body } = sobot.webhook({
    kind: 'image',
    url: sobot.publish(bytes('image/jpeg', picture)),
  });
  const answer = await fetch(service.url + path, { method: 'POST', headers, body });
  const { media } = (await answer.json()) as { media: string[] };
  return media[0] ?? '';
}

/** Compiles programs as their author would, with every check that the compiler has for them. */
async function compile(name: string, programs: Readonly<Record<string, string>>, options: object) {
  const root = join(folder, name);
  await mkdir(root);
  for (const [file, text] of Object.entries(programs)) await writeFile(join(root, file), text);
  const compilerOptions = {
    target: 'es2023',
    strict: true,
    noUncheckedIndexedAccess: true,
    exactOptionalPropertyTypes: true,
    noPropertyAccessFromIndexSignature: true,
    verbatimModuleSyntax: true,
    skipLibCheck: false,
    rootDir: root,
    outDir: join(root, 'out'),
    typeRoots: [join(modules, '@types')],
    ...options,
  };
  await writeFile(join(root, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }));
  const compiler = join(modules, 'typescript/bin/tsc');
  const { stdout } = await run(process.execPath, [compiler, '-p', root]).catch(
    (error: unknown) => error as { readonly stdout: string },
  );
  expect(stdout).toBe('');
}

async function examples(): Promise<readonly string[]> {
  const readme = await readFile(join(installed, 'README.md'), 'utf8');
  return blocksOf(readme).flatMap(({ language, text }) => (language === 'ts' ? [text] : []));
}

const inBrowser = { module: 'esnext', moduleResolution: 'bundler', lib: ['es2023', 'dom'], types: [] };
const inNode = { module: 'nodenext', moduleResolution: 'nodenext', lib: ['es2023'], types: ['node'] };

/** What the types must know, and what they must refuse. */
const typed = `
import { createClient, verifyWebhook, type InletEvent, type Media } from 'inlet-client';

const client = createClient({ baseUrl: 'https://inlet.example/', token: undefined });
export async function use(event: InletEvent): Promise<string | null> {
  const media: Media = await client.media.get('x', { timeoutMs: 5, signal: undefined });
  const kind: 'image' | 'video' | 'audio' | 'document' | 'sticker' = media.kind;
  const { items, nextCursor } = await client.media.list({ since: new Date(), cursor: undefined }).page();
  await client.media.upload((await client.media.content(items[0]?.id ?? '')).body ?? new Blob([]), { channel: kind });
  // @ts-expect-error: there is no such kind
  client.media.list({ kind: 'picture' });
  // @ts-expect-error: the channel is missing
  await client.messages.send({ to: 'x', kind: 'image', media: { id: 'x' } });
  // @ts-expect-error: it may be null
  media.message.from;
  // @ts-expect-error: a message has no file
  if (event.type === 'message.status') return event.data.contentUrl;
  const called = await verifyWebhook({ headers: new Headers(), body: new Uint8Array() }, { secrets: ['x'] });
  if (called.type === 'message.status') return called.data.status;
  return 'kind' in called.data ? (called.data.contentUrl ?? nextCursor) : called.data.message;
}
`;

describe('the package', () => {
  test('contains its modules with their types, its README and its licence, and can be installed alone', async () => {
    const files = await readdir(installed, { recursive: true });
    const others = files.filter((file) => !/^dist(\/[\w-]+(\.d\.ts|\.js))?$/.test(file)).sort();
    expect(others).toEqual(['LICENSE', 'README.md', 'package.json']);
    expect(files).toEqual(expect.arrayContaining(['dist/index.js', 'dist/index.d.ts']));
    expect((await readdir(join(folder, 'node_modules'))).filter((name) => !name.startsWith('.'))).toEqual([
      'inlet-client',
    ]);
    expect(await readFile(join(installed, 'LICENSE'), 'utf8')).toBe(
      await readFile(join(projectFolder, 'LICENSE'), 'utf8'),
    );
  });

  test('has the version, the licence and the Node.js of the service, and no dependencies', async () => {
    const { version, license, engines } = await manifestOf(projectFolder);
    const manifest = await manifestOf(installed);
    expect(manifest).toMatchObject({ name: 'inlet-client', version, license, engines });
    expect(Object.keys(manifest).filter((key) => key.toLowerCase().includes('dependencies'))).toEqual([]);
  });

  test('imports nothing but its own modules, in code and in types', async () => {
    const modulesOf = await readdir(join(installed, 'dist'));
    expect(modulesOf.length).toBeGreaterThan(20);
    for (const file of modulesOf) {
      const text = await readFile(join(installed, 'dist', file), 'utf8');
      const named = [...text.matchAll(/(?:from|import)\s*\(?'([^']+)'/g)].map(([, name = '']) => name);
      expect([file, named.filter((name) => !modulesOf.includes(name.replace(/^\.\//, '')))]).toEqual([
        file,
        [],
      ]);
    }
  });
});

describe('a strict program', () => {
  test(
    'of Node.js has the types, and the examples of the README do what they say',
    async () => {
      const texts = await examples();
      expect(texts).toHaveLength(5);
      const [answering = '', listening = '', subscribing = '', failing = ''] = texts;
      const programs = {
        'typed.ts': typed,
        'answering.ts': answering,
        'listening.ts': listening,
        'subscribing.ts': subscribing,
        'failing.ts': failing,
      };
      await compile('node', programs, inNode);

      const cwd = join(folder, 'node/out');
      const env = {
        INLET_URL: service.url,
        INLET_TOKEN: service.token('admin'),
        PORT: String(port),
        LAST_EVENT_ID: '0',
      };
      const outputOf = async (program: string): Promise<string> => {
        const { stdout, stderr } = await run(process.execPath, [program], { cwd, env });
        expect(stderr).toBe('');
        return stdout;
      };

      expect(await outputOf('answering.js')).toMatch(/^message [\w-]{36} is queued\n$/);
      const { sobot } = simulator.providers;
      await until(() => sobot.api.accepted.length === 1);
      const kept = await fetch(`${service.url}/v1/media/${mediaId}/content`, {
        headers: { authorization: `Bearer ${env.INLET_TOKEN}` },
      });
      expect(await readFile(join(cwd, 'received-picture'))).toEqual(Buffer.from(await kept.arrayBuffer()));

      expect(await outputOf('subscribing.js')).toMatch(
        /^media\.ready [0-]{36}\n\{ delivered: true, status: 204, error: null \}\n$/,
      );
      expect(await outputOf('failing.js')).toMatch(/status: 404,\n {2}code: 'media\.not_found'/);
    },
    slowMs,
  );

  test('of Node.js receives events until it is interrupted', async () => {
    const program = startPackaged(join(folder, 'node/out/listening.js'), [], {
      INLET_URL: service.url,
      INLET_TOKEN: service.token('admin'),
      LAST_EVENT_ID: '0',
    });
    await program.says(new RegExp(`^\\d+ media\\.ready ${service.url}/v1/media/${mediaId}/content$`, 'm'));
    const next = await receive(4);
    await program.says(new RegExp(`media\\.ready ${service.url}/v1/media/${next}/content$`, 'm'));
    expect(await program.kill('SIGINT')).toBe(0);
  });

  test(
    'of a browser has the types without those of Node.js',
    async () => {
      const [page = ''] = (await examples()).slice(-1);
      await compile('browser', { 'typed.ts': typed, 'page.ts': page }, inBrowser);
    },
    slowMs,
  );
});

/** The page, and the service below /inlet, behind one origin. */
async function startFront(script: string): Promise<{ readonly origin: string; readonly server: Server }> {
  const server = createServer((asked, response) => {
    const { url = '/', method, headers } = asked;
    if (!url.startsWith('/inlet/')) {
      const type = url === '/page.js' ? 'text/javascript' : 'text/html';
      const html = '<!doctype html><title>Pictures</title><body><script src="/page.js"></script>';
      response.writeHead(200, { 'content-type': type }).end(url === '/page.js' ? script : html);
      return;
    }
    const passed = request(service.url + url.slice('/inlet'.length), { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    asked.pipe(passed);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return { origin: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`, server };
}

describeInBrowser('a page', (browser) => {
  test(
    'lists pictures with the bundled client, and shows them with its session',
    async () => {
      const [example = ''] = (await examples()).slice(-1);
      const entry = join(folder, 'page.ts');
      await writeFile(entry, `export * from 'inlet-client';\n${example}`);
      const { outputFiles } = await build({
        entryPoints: [entry],
        bundle: true,
        format: 'iife',
        globalName: 'inletPage',
        platform: 'browser',
        write: false,
      });
      const front = await startFront(outputFiles[0]?.text ?? '');
      const context = await browser().newContext();
      try {
        const page = await context.newPage();
        const faults: string[] = [];
        page.on('pageerror', ({ message }) => faults.push(message));
        await page.goto(front.origin);

        const token = JSON.stringify(service.token('admin'));
        const listed = await page.evaluate<{ readonly ids: string[]; readonly size: number }>(`(async () => {
          const client = inletPage.createClient({ baseUrl: location.origin + '/inlet', token: ${token} });
          const { items } = await client.media.list({ direction: 'inbound', state: 'ready' }).page();
          const ids = items.map(({ id }) => id);
          return { ids, size: (await (await client.media.preview(ids[0])).blob()).size };
        })()`);
        expect(listed.ids).toContain(mediaId);
        expect(listed.size).toBeGreaterThan(100);

        await page.evaluate(`inletPage.showPictures(${token})`);
        const widths = `[...document.images].map(({ naturalWidth }) => naturalWidth)`;
        await until(async () => {
          const shown = await page.evaluate<number[]>(widths);
          return shown.length >= listed.ids.length && shown.every((width) => width === 64);
        });
        expect(faults).toEqual([]);
      } finally {
        await context.close();
        front.server.closeAllConnections();
        front.server.close();
      }
    },
    slowMs,
  );
});
