/**
 * Directus, a service for data and files with the same parts (Node.js, sharp, PostgreSQL): for comparison with a
 * service that fetches pictures, keeps them and makes previews of them, each when it is asked for the first time.
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { access, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

import { bytes, startMediaHost, type MediaHost } from '../../demo/media-host.js';
import { surroundings } from '../../demo/service-process.js';
import { freePort } from '../../infra/net/free-port.js';
import { startEmbeddedPostgres } from '../../infra/postgres/embedded/server.js';
import type { OtherProgram, PhotoTask, Thumbnails } from './other-program.js';
import { photosOf } from './photo-kinds.js';
import { processorMsOf } from './processor-time.js';

/** As many as the service has in the same measure. */
const connections = 16;
const readyMs = 120_000;
const pollMs = 200;
const token = 'inlet-bench-token';
/** The previews of the baseline. */
const previews = [
  'width=1280&height=1280&fit=inside&withoutEnlargement=true&format=jpg&quality=80',
  'width=320&height=320&fit=inside&withoutEnlargement=true&format=webp&quality=75',
];

interface Running {
  readonly baseUrl: string;
  readonly pid: number | undefined;
  /** The folder of its PostgreSQL. */
  readonly folder: string;
  readonly host: MediaHost;
}

/**
 * Starts it with a PostgreSQL of its own. Undefined unless `DIRECTUS_DIR` names a folder in which
 * `npm install directus` was run.
 */
export async function startDirectus(environment: NodeJS.ProcessEnv): Promise<OtherProgram | undefined> {
  const installed = environment['DIRECTUS_DIR'];
  if (installed === undefined) return undefined;
  const program = join(installed, 'node_modules', 'directus', 'cli.js');
  await access(program);
  const folder = await mkdtemp(join(tmpdir(), 'inlet-bench-directus-'));
  const postgres = await startEmbeddedPostgres(join(folder, 'postgres'));
  const port = await freePort();
  const env = { ...surroundings(environment), ...settings(folder, port, postgres.connectionString) };
  const node = nodeIn(installed);
  // Its sandbox for code of users needs the option.
  const args = ['--no-node-snapshot', program];
  await promisify(execFile)(node, [...args, 'bootstrap'], { env, cwd: folder });
  const child = spawn(node, [...args, 'start'], { env, cwd: folder, stdio: 'ignore' });
  const ended = once(child, 'exit');
  const endWithThis = (): void => {
    child.kill('SIGKILL');
  };
  process.once('exit', endWithThis);
  const baseUrl = `http://127.0.0.1:${String(port)}`;
  await untilReady(baseUrl);
  const host = await startMediaHost();
  const running: Running = { baseUrl, pid: child.pid, folder, host };
  return {
    name: 'Directus',
    run: (task) => run(running, task),
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
      process.off('exit', endWithThis);
      await host.close();
      await postgres.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The Node.js that is installed beside it, for which its native parts were compiled; else the one of this process. */
function nodeIn(installed: string): string {
  const own = join(installed, 'node_modules', '.bin', 'node');
  return existsSync(own) ? own : process.execPath;
}

function settings(folder: string, port: number, database: string): Record<string, string> {
  return {
    NODE_ENV: 'production',
    HOST: '127.0.0.1',
    PORT: String(port),
    PUBLIC_URL: `http://127.0.0.1:${String(port)}`,
    SECRET: 'inlet-bench-secret-inlet-bench-secret',
    ADMIN_EMAIL: 'bench@example.com',
    ADMIN_PASSWORD: 'inlet-bench-password',
    ADMIN_TOKEN: token,
    DB_CLIENT: 'pg',
    DB_CONNECTION_STRING: database,
    STORAGE_LOCATIONS: 'local',
    STORAGE_LOCAL_ROOT: join(folder, 'uploads'),
    EXTENSIONS_PATH: join(folder, 'extensions'),
    // Its default forbids addresses of this machine, where the photos are.
    IMPORT_IP_DENY_LIST: '169.254.169.254',
    // It answers 503 under load by default.
    PRESSURE_LIMITER_ENABLED: 'false',
    TELEMETRY: 'false',
    LOG_LEVEL: 'error',
  };
}

async function untilReady(baseUrl: string): Promise<void> {
  const deadline = Date.now() + readyMs;
  for (;;) {
    const isReady = await fetch(`${baseUrl}/server/ping`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isReady) return;
    if (Date.now() > deadline) throw new Error('Directus has not started');
    await delay(pollMs);
  }
}

async function run(running: Running, { kind, seed, count }: PhotoTask): Promise<Thumbnails> {
  const photos = await photosOf(kind, count, seed);
  const links = Array.from({ length: count }, (_, index) =>
    running.host.serve(
      `/${kind}/${String(seed)}/${String(index)}.jpg`,
      bytes('image/jpeg', photos.at(index)),
    ),
  );
  const before = processorMsOf(running.pid, running.folder);
  const began = performance.now();
  await Promise.all(
    Array.from({ length: connections }, async () => {
      for (let link = links.pop(); link !== undefined; link = links.pop())
        await keepAndPreview(running, link);
    }),
  );
  return {
    perSecond: count / ((performance.now() - began) / 1000),
    processorMs: (processorMsOf(running.pid, running.folder) - before) / count,
  };
}

/** Lets it fetch a photo, and asks for its previews. */
async function keepAndPreview({ baseUrl }: Running, link: string): Promise<void> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const body = JSON.stringify({ url: link });
  const imported = await fetch(`${baseUrl}/files/import`, { method: 'POST', headers, body });
  if (!imported.ok) throw new Error(`Directus answered ${String(imported.status)}: ${await imported.text()}`);
  const { data } = (await imported.json()) as { data: { id: string } };
  for (const preview of previews) {
    const asset = await fetch(`${baseUrl}/assets/${data.id}?${preview}`, { headers });
    const received = await asset.arrayBuffer();
    if (!asset.ok || received.byteLength === 0)
      throw new Error(`Directus answered ${String(asset.status)} for a preview`);
  }
}
