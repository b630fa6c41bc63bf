/** The whole service in this process: the real composition on a database of its own, listening on a real port. */
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
  /** Settings beyond those of the five channels, which are all enabled with the secrets of signing.ts. */
  readonly env?: Readonly<Record<string, string>>;
  /** Channels beside those of the providers. */
  readonly channels?: readonly Channel[];
  /** Hosts, as `127.0.0.1:PORT`, that pictures may be fetched from. */
  readonly mediaHosts?: readonly string[];
  readonly now?: () => Date;
  /** By default the address that it listens on. */
  readonly publicUrl?: string;
  /** Whether pictures are fetched; without it everything stays pending. By default true. */
  readonly queue?: boolean;
  /** Another service to share the database with, as a second process does. It is stopped after this one. */
  readonly beside?: Pick<TestService, 'database'>;
}

export interface TestService {
  readonly url: string;
  readonly database: TestDatabase;
  readonly uploadsDir: string;
  /** A token for the scopes, separated by spaces, and for all channels unless some are named. */
  readonly token: (scope: string, options?: TokenOptions) => string;
  /** Everything that was logged so far, in the form in which it is written. */
  readonly logs: () => string;
  readonly stop: () => Promise<void>;
}

export interface TokenOptions {
  readonly channels?: readonly string[];
  readonly expiresInSeconds?: number;
}

export const authSecret = 'a-secret-for-tests-0123456789abcdef';

/** Longer than the service takes to give up what is under way. */
const stopTimeoutMs = 20_000;

/** The caller stops the service. Close hanging hosts before, or stopping waits for them. */
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

/** Names what does not end, before Jest gives up on all of it together. */
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

/** Listens at once, since the address is part of what is composed; requests come later. */
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

/** The service's own logger, at its most talkative, except that its lines stay here. */
function loggerInMemory() {
  const lines: string[] = [];
  const logger = createLogger('trace');
  Object.assign(logger, { [pino.symbols.streamSym]: { write: (line: string) => lines.push(line) } });
  return { logger, logs: () => lines.join('') };
}
