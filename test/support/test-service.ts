/** The whole service in this process: the real composition with its own database, on a real port. */
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { pino } from 'pino';

import { compose } from '../../src/compose/index.js';
import { loadConfig } from '../../src/config.js';
import type { Scope } from '../../src/domain/access.js';
import type { Channel } from '../../src/domain/channel.js';
import { createLogger } from '../../src/infra/logging/logger.js';
import { createTokenSigner } from '../../src/infra/secrets/token-signer.js';
import { providers } from '../../src/providers/index.js';
import { settings } from './signing.js';
import { cloneDatabase, type TestDatabase } from './test-database.js';

export interface TestServiceOptions {
  /** Settings in addition to those of the channels, which all use the secrets of signing.ts. */
  readonly env?: Readonly<Record<string, string>>;
  /** Channels in addition to those of the providers. */
  readonly channels?: readonly Channel[];
  /** Hosts, as `127.0.0.1:PORT`, from which pictures may be downloaded. */
  readonly mediaHosts?: readonly string[];
  readonly now?: () => Date;
  /** The URL of its port by default. */
  readonly publicUrl?: string;
  /** Whether the queue runs; otherwise media stay pending. By default true. */
  readonly queue?: boolean;
  /**
   * Another service whose database this one shares, like a second process. The caller stops it after this
   * one.
   */
  readonly beside?: Pick<TestService, 'database'>;
}

export interface TestService {
  readonly url: string;
  readonly database: TestDatabase;
  readonly uploadsDir: string;
  /** Issues a token for the scopes, which are separated by spaces, and by default for all channels. */
  readonly token: (scope: string, options?: TokenOptions) => string;
  /** The log so far, as it would be written. */
  readonly logs: () => string;
  readonly stop: () => Promise<void>;
}

export interface TokenOptions {
  readonly channels?: readonly string[];
  readonly expiresInSeconds?: number;
}

export const authSecret = 'a-secret-for-tests-0123456789abcdef';

/** The timeout of each part of the shutdown, longer than the service's own. */
const stopTimeoutMs = 60_000;

/** The caller stops the service. Hosts that hang must be closed before, or the shutdown waits for them. */
export async function startTestService(options: TestServiceOptions = {}): Promise<TestService> {
  const now = options.now ?? (() => new Date());
  const [database, folder] = await Promise.all([
    options.beside?.database ?? cloneDatabase(),
    mkdtemp(join(tmpdir(), 'inlet-test-uploads-')),
  ]);
  const config = loadConfig(
    {
      ...channelSettings(),
      AUTH_SECRET: authSecret,
      INLET_DIR: folder,
      UPLOADS_DIR: folder,
      FETCH_ALLOW_PRIVATE_HOSTS: (options.mediaHosts ?? []).join(','),
      ...options.env,
    },
    now,
  );
  const { server, url, handle } = await listen();
  const { logger, logs } = loggerInMemory();
  const channels = [...config.channels, ...(options.channels ?? [])];
  const services = await compose(
    { ...config, channels },
    {
      databaseUrl: database.connectionString,
      publicUrl: options.publicUrl ?? url,
      logger,
      now,
      readWithRetries: (read) => read(),
    },
  );
  handle(services.app);
  if (options.queue ?? true) await services.queue.start();
  const tokens = createTokenSigner(config.authSecret, now);

  return {
    url,
    database,
    uploadsDir: config.uploadsDir,
    token: (scope, { channels, expiresInSeconds } = {}) =>
      tokens.issue({
        name: null,
        scopes: scope.split(' ') as Scope[],
        channels: channels ?? null,
        expiresInSeconds: expiresInSeconds ?? null,
      }),
    logs,
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await inTime('the queue', services.queue.stop());
      await inTime('what is still open', services.close());
      if (!options.beside) await inTime('its database', database.drop());
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** What a test may start, apart from the tests that run beside it. */
export interface Premises {
  readonly start: (options?: TestServiceOptions) => Promise<TestService>;
  /** Ends something with the test, before everything that was started before it. */
  readonly atEnd: (end: () => unknown) => void;
}

/** Runs a test that starts services of its own, so that tests can run beside each other; then ends them. */
export async function onPremises(work: (premises: Premises) => Promise<void>): Promise<void> {
  const endings: (() => unknown)[] = [];
  const start = async (options?: TestServiceOptions): Promise<TestService> => {
    const service = await startTestService(options);
    endings.push(service.stop);
    return service;
  };
  try {
    await work({ start, atEnd: (end) => endings.push(end) });
  } finally {
    for (const end of endings.reverse()) await end();
  }
}

/** Rejects with the name of a part that does not end, before Jest's own timeout, which names none. */
async function inTime(what: string, ending: Promise<void>): Promise<void> {
  const timer = new AbortController();
  const late = delay(stopTimeoutMs, undefined, { signal: timer.signal }).then(() => {
    const open = process.getActiveResourcesInfo().join(', ');
    throw new Error(`${what} did not end in time; still there: ${open}`);
  });
  await Promise.race([ending, late]).finally(() => {
    timer.abort();
    late.catch(() => undefined);
  });
}

function channelSettings(): Record<string, string> {
  return Object.fromEntries(
    providers.flatMap(({ id, envKeys }) =>
      Object.entries(settings[id] ?? {}).map(([name, value]) => [envKeys[name] ?? name, value]),
    ),
  );
}

/** Listens at once, because the composition needs the address; requests are handled later. */
async function listen() {
  let listener: RequestListener | undefined;
  const server = createServer((request, response) => listener?.(request, response));
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  return {
    server,
    url,
    handle: (app: RequestListener) => {
      listener = app;
    },
  };
}

/** The service's own logger at the level trace; its lines stay in memory. */
function loggerInMemory() {
  const lines: string[] = [];
  const logger = createLogger('trace');
  Object.assign(logger, { [pino.symbols.streamSym]: { write: (line: string) => lines.push(line) } });
  return { logger, logs: () => lines.join('') };
}
