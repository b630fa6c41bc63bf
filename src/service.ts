/** The life of the process: reads the settings, composes the services, listens and works, and shuts down. */
import { createServer, type RequestListener, type Server } from 'node:http';
import { join } from 'node:path';

import { compose, type Services } from './compose/index.js';
import { ConfigError, loadConfig, readEnvironment, settingWarnings, type Config } from './config.js';
import { answeredWhileStarting } from './http/operations/starting.js';
import { createLogger, type Logger } from './infra/logging/logger.js';
import { DatabaseStartError, prepareDatabase, retryWhileDown } from './infra/migrations/start-database.js';
import { allowOnlyRasterDecoders } from './infra/pictures/decoder.js';
import {
  EmbeddedPostgresError,
  startEmbeddedPostgres,
  type EmbeddedPostgres,
} from './infra/postgres/embedded/server.js';
import { commandLine } from './infra/process/command-line.js';
import { startShutdownBudget } from './infra/process/shutdown-budget.js';
import { lowerBackgroundThreads } from './infra/process/thread-priority.js';

const exitConfig = 78;
/**
 * The time limit of the whole shutdown; the next process then takes up the remaining jobs. Process managers
 * commonly wait 10 seconds, and a busy machine needs most of a second to end a process.
 */
const drainMs = 9_000;
/** The part of it for a start that was interrupted. */
const startAbortMs = 7_000;
const lastRequestsMs = 4_500;
const idleCheckMs = 100;
/**
 * The number of connections that may wait to be accepted. With Node's 511, a burst of a thousand makes
 * clients wait a second and try again.
 */
const backlog = 4_096;

/** The parts that were started so far and must be stopped. */
interface StartedParts {
  logger?: Logger;
  server?: Server;
  postgres?: EmbeddedPostgres;
  services?: Services;
}

/** Runs the service until `stopping` aborts, at any stage; then the process ends with status 0. */
export async function run(stopping: AbortSignal): Promise<void> {
  const started: StartedParts = {};
  const starting = start(started, stopping);
  const stop = (): void => void end(started, { starting, signal: String(stopping.reason) });
  if (stopping.aborted) stop();
  else stopping.addEventListener('abort', stop);
  try {
    await starting;
  } catch (error) {
    // An interrupted start is not a failure: the process ends as `end` says.
    if (stopping.aborted) return;
    console.error(explain(error));
    await started.postgres?.stop();
    process.exit(error instanceof ConfigError ? exitConfig : 1);
  }
}

/** Resolves when the service is ready. Rejects soon after `stopping` has aborted. */
async function start(started: StartedParts, stopping: AbortSignal): Promise<void> {
  stopping.throwIfAborted();
  const now = (): Date => new Date();
  const environment = readEnvironment();
  const config = loadConfig(environment, now);
  const logger = createLogger(config.logLevel);
  started.logger = logger;
  for (const warning of settingWarnings(environment)) logger.warn(warning);
  allowOnlyRasterDecoders();
  const app = deferred<RequestListener>();
  const server = await listenAt(config, app.promise);
  started.server = server;
  stopping.throwIfAborted();
  const databaseUrl = config.databaseUrl ?? (await startOwnDatabase(config, started, stopping));
  stopping.throwIfAborted();
  const setting = config.databaseUrl === undefined ? 'the embedded PostgreSQL' : 'DATABASE_URL';
  const waiting = { setting, logger, stopping };
  await prepareDatabase({ ...waiting, connectionString: databaseUrl });
  stopping.throwIfAborted();
  const publicUrl = config.publicUrl ?? addressOf(server, config);
  const services = await compose(config, {
    databaseUrl,
    publicUrl,
    logger,
    now,
    readWithRetries: (read) => retryWhileDown(waiting, read),
  });
  started.services = services;
  stopping.throwIfAborted();
  lowerBackgroundThreads(logger);
  if (config.processMode !== 'api') await services.queue.start();
  stopping.throwIfAborted();
  if (config.processMode === 'worker') server.close();
  else app.resolve(services.app);
  await waitForStorage(config, services, stopping);
  announce(config, { publicUrl, adopted: started.postgres?.adopted, channels: services.enabledChannels });
}

async function startOwnDatabase(
  { inletDir }: Config,
  started: StartedParts,
  signal: AbortSignal,
): Promise<string> {
  started.postgres = await startEmbeddedPostgres(join(inletDir, 'postgres'), {
    keepUp: true,
    signal,
    tell: (sentence) => started.logger?.warn(sentence),
  });
  return started.postgres.connectionString;
}

interface ShutdownOptions {
  readonly starting: Promise<void>;
  readonly signal: string;
}

/** Stops what was started, and then ends the process. */
async function end(started: StartedParts, { starting, signal }: ShutdownOptions): Promise<void> {
  const { logger = createLogger('silent') } = started;
  logger.info({ signal }, 'stopping');
  const budget = startShutdownBudget(drainMs, logger);
  // The started parts are known once the start has settled.
  await startShutdownBudget(startAbortMs, logger).waitFor(
    'the start',
    starting.catch(() => undefined),
  );
  const { server, services, postgres } = started;
  if (server && services) await budget.waitFor('running requests and jobs', drain(server, services));
  if (postgres) await budget.waitFor('the embedded PostgreSQL', postgres.stop());
  process.exit(0);
}

/**
 * Listens before anything slow starts, so that a port in use is reported at once. Requests that arrive before
 * the service is ready wait for their response; health checks do not.
 */
function listenAt({ host, port, processMode }: Config, app: Promise<RequestListener>): Promise<Server> {
  const server = createServer({ requestTimeout: 60_000, keepAliveTimeout: 65_000 });
  const waitForApp: RequestListener = (request, response) => {
    if (answeredWhileStarting(request, response)) return;
    void app.then((listener) => {
      listener(request, response);
    });
  };
  server.on('request', waitForApp);
  void app.then((listener) => server.off('request', waitForApp).on('request', listener));
  if (processMode === 'worker') return Promise.resolve(server);
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const reason =
        error.code === 'EADDRINUSE'
          ? 'is already in use'
          : `is not available (${error.code ?? error.message})`;
      reject(new ConfigError([`PORT: ${host}:${String(port)} ${reason}`]));
    });
    server.listen({ port, host, backlog }, () => {
      resolve(server);
    });
  });
}

function addressOf(server: Server, { host, port }: Config): string {
  const address = server.address();
  const bound = typeof address === 'object' && address ? address.port : port;
  const name = host === '0.0.0.0' || host === '::' ? 'localhost' : host;
  return `http://${name.includes(':') ? `[${name}]` : name}:${String(bound)}`;
}

/** Webhooks do not need the file store, so they are accepted from the beginning. */
async function waitForStorage(
  { processMode }: Config,
  { storage }: Services,
  stopping: AbortSignal,
): Promise<void> {
  const stopped = new Promise<undefined>((resolve) => {
    stopping.addEventListener('abort', () => {
      resolve(undefined);
    });
  });
  const problem = await Promise.race([storage.check(), stopped]);
  if (problem) {
    const meanwhile = processMode === 'worker' ? 'Pictures wait' : 'Webhooks are taken, their pictures wait';
    console.log(`Inlet is not ready, files cannot be written: ${problem.message}. ${meanwhile}.`);
    await Promise.race([storage.whenWritable(), stopped]);
  }
  stopping.throwIfAborted();
}

interface Announcement {
  readonly publicUrl: string;
  readonly adopted: boolean | undefined;
  readonly channels: readonly string[];
}

/** Prints what a newcomer needs first, one line each. */
function announce(config: Config, { publicUrl, adopted, channels }: Announcement): void {
  const { processMode, databaseUrl, inletDir, uploadsDir, s3 } = config;
  const isListening = processMode !== 'worker';
  const enabled =
    channels.join(', ') ||
    'none yet: set the webhook secret of a provider (see .env.example), or add one in the gallery';
  const database =
    databaseUrl === undefined
      ? `embedded PostgreSQL${adopted ? ' (already running, adopted)' : ''}`
      : 'DATABASE_URL';
  const lines = [
    ...(isListening
      ? [
          `  gallery   ${publicUrl}/admin  (sign in with a token)`,
          `  address   ${publicUrl}`,
          `  webhooks  ${publicUrl}/webhooks/<channel>`,
        ]
      : []),
    `  channels  ${enabled}`,
    `  database  ${database}`,
    `  data      ${inletDir}`,
    `  files     ${s3 === undefined ? uploadsDir : `the bucket ${s3.bucket}`}`,
    `  token     ${commandLine('token')} --scope admin`,
  ];
  console.log([`Inlet is ready (${processMode}).`, ...lines].join('\n'));
}

/**
 * Accepts no new work and lets running work finish, but does not wait long for clients that wait for news.
 */
async function drain(server: Server, services: Services): Promise<void> {
  const closed = server.listening
    ? new Promise<void>((done) => {
        server.close(() => {
          done();
        });
      })
    : undefined;
  // Includes connections that are kept alive after their last response.
  setInterval(() => {
    server.closeIdleConnections();
  }, idleCheckMs).unref();
  setTimeout(() => {
    server.closeAllConnections();
  }, lastRequestsMs).unref();
  await Promise.all([services.queue.stop(), closed]);
  await services.close();
}

function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((settle) => (resolve = settle));
  return { promise, resolve };
}

function explain(error: unknown): string {
  const isExpected =
    error instanceof ConfigError ||
    error instanceof EmbeddedPostgresError ||
    error instanceof DatabaseStartError;
  if (isExpected) return `Inlet cannot start: ${error.message}`;
  return `Inlet cannot start: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
}
