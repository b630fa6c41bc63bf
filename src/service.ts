/** The life of the process: read the settings, compose, listen and work, drain when it is to end. */
import { createServer, type RequestListener, type Server } from 'node:http';
import { join } from 'node:path';

import { compose, type Services } from './compose/index.js';
import { ConfigError, loadConfig, readEnvironment, settingWarnings, type Config } from './config.js';
import { answeredWhileStarting } from './http/operations/starting.js';
import { createLogger, type Logger } from './infra/logging/logger.js';
import { DatabaseStartError, prepareDatabase, whenItAnswers } from './infra/migrations/start-database.js';
import { shutForeignDecoders } from './infra/pictures/decoder.js';
import {
  EmbeddedPostgresError,
  startEmbeddedPostgres,
  type EmbeddedPostgres,
} from './infra/postgres/embedded/server.js';
import { commandLine } from './infra/process/command-line.js';
import { startPatience } from './infra/process/patience.js';
import { putThreadsBehind } from './infra/process/thread-priority.js';

const exitConfig = 78;
/**
 * For everything together; then the process ends, and the next one takes up what it held. A process manager commonly waits 10 seconds, and a
 * busy machine needs most of a second to end a process.
 */
const drainMs = 9_000;
/** Of it, for a start that was broken off in the middle. */
const brokenOffMs = 7_000;
const lastRequestMs = 4_500;
const lookForIdleMs = 100;
/** New connections that wait to be accepted. With Node's 511, a burst of a thousand makes clients wait for a second and try again. */
const backlog = 4_096;

/** What a start has begun so far, and an end has to end. */
interface Begun {
  logger?: Logger;
  server?: Server;
  postgres?: EmbeddedPostgres;
  services?: Services;
}

/** Runs the service until `stopping` aborts, at whatever stage that is; then the process ends with status 0. */
export async function run(stopping: AbortSignal): Promise<void> {
  const begun: Begun = {};
  const starting = start(begun, stopping);
  const stop = (): void => void end(begun, { starting, signal: String(stopping.reason) });
  if (stopping.aborted) stop();
  else stopping.addEventListener('abort', stop);
  try {
    await starting;
  } catch (error) {
    // A start that was broken off is no failure: the process ends as `end` says.
    if (stopping.aborted) return;
    console.error(explain(error));
    await begun.postgres?.stop();
    process.exit(error instanceof ConfigError ? exitConfig : 1);
  }
}

/** Resolves when the service is ready. Rejects soon after `stopping` has aborted. */
async function start(begun: Begun, stopping: AbortSignal): Promise<void> {
  stopping.throwIfAborted();
  const now = (): Date => new Date();
  const environment = readEnvironment();
  const config = loadConfig(environment, now);
  const logger = createLogger(config.logLevel);
  begun.logger = logger;
  for (const warning of settingWarnings(environment)) logger.warn(warning);
  shutForeignDecoders();
  const app = deferred<RequestListener>();
  const server = await listenAt(config, app.promise);
  begun.server = server;
  stopping.throwIfAborted();
  const databaseUrl = config.databaseUrl ?? (await startOwnDatabase(config, begun, stopping));
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
    readPatiently: (read) => whenItAnswers(waiting, read),
  });
  begun.services = services;
  stopping.throwIfAborted();
  putThreadsBehind(logger);
  if (config.processMode !== 'api') await services.queue.start();
  stopping.throwIfAborted();
  if (config.processMode === 'worker') server.close();
  else app.resolve(services.app);
  await waitForStorage(config, services, stopping);
  announce(config, { publicUrl, adopted: begun.postgres?.adopted, channels: services.enabledChannels });
}

async function startOwnDatabase({ inletDir }: Config, begun: Begun, signal: AbortSignal): Promise<string> {
  begun.postgres = await startEmbeddedPostgres(join(inletDir, 'postgres'), {
    keepUp: true,
    signal,
    tell: (sentence) => begun.logger?.warn(sentence),
  });
  return begun.postgres.connectionString;
}

interface Ending {
  readonly starting: Promise<void>;
  readonly signal: string;
}

/** Ends what was begun, and then the process. */
async function end(begun: Begun, { starting, signal }: Ending): Promise<void> {
  const { logger = createLogger('silent') } = begun;
  logger.info({ signal }, 'stopping');
  const patience = startPatience(drainMs, logger);
  // What it has begun is known when it has settled.
  await startPatience(brokenOffMs, logger).waitFor(
    'the start',
    starting.catch(() => undefined),
  );
  const { server, services, postgres } = begun;
  if (server && services) await patience.waitFor('what is under way', drain(server, services));
  if (postgres) await patience.waitFor('the embedded PostgreSQL', postgres.stop());
  process.exit(0);
}

/**
 * Listens before anything slow is begun, so that a port in use is reported at once. A request that comes before everything is ready waits
 * for its answer; health checks do not.
 */
function listenAt({ host, port, processMode }: Config, app: Promise<RequestListener>): Promise<Server> {
  const server = createServer({ requestTimeout: 60_000, keepAliveTimeout: 65_000 });
  const patience: RequestListener = (request, response) => {
    if (answeredWhileStarting(request, response)) return;
    void app.then((listener) => {
      listener(request, response);
    });
  };
  server.on('request', patience);
  void app.then((listener) => server.off('request', patience).on('request', listener));
  if (processMode === 'worker') return Promise.resolve(server);
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const reason =
        error.code === 'EADDRINUSE'
          ? 'is in use already'
          : `cannot be listened on (${error.code ?? error.message})`;
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

/** Webhooks are kept without it, so that they are taken from the beginning. */
async function waitForStorage(
  { processMode }: Config,
  { storage }: Services,
  stopping: AbortSignal,
): Promise<void> {
  const stopped = new Promise<undefined>((goOn) => {
    stopping.addEventListener('abort', () => {
      goOn(undefined);
    });
  });
  const trouble = await Promise.race([storage.look(), stopped]);
  if (trouble) {
    const meanwhile = processMode === 'worker' ? 'Pictures wait' : 'Webhooks are taken, their pictures wait';
    console.log(`Inlet is not ready, no file can be written: ${trouble.message}. ${meanwhile}.`);
    await Promise.race([storage.usable(), stopped]);
  }
  stopping.throwIfAborted();
}

interface Announced {
  readonly publicUrl: string;
  readonly adopted: boolean | undefined;
  readonly channels: readonly string[];
}

/** What a newcomer needs first, one line each. */
function announce(config: Config, { publicUrl, adopted, channels }: Announced): void {
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

/** No new work; what is under way gets to its end, though whoever waits for news is not waited for long. */
async function drain(server: Server, services: Services): Promise<void> {
  const closed = server.listening
    ? new Promise<void>((done) => {
        server.close(() => {
          done();
        });
      })
    : undefined;
  // Those that are kept after their last answer as well.
  setInterval(() => {
    server.closeIdleConnections();
  }, lookForIdleMs).unref();
  setTimeout(() => {
    server.closeAllConnections();
  }, lastRequestMs).unref();
  await Promise.all([services.queue.stop(), closed]);
  await services.close();
}

function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((settle) => (resolve = settle));
  return { promise, resolve };
}

function explain(error: unknown): string {
  const known =
    error instanceof ConfigError ||
    error instanceof EmbeddedPostgresError ||
    error instanceof DatabaseStartError;
  if (known) return `Inlet cannot start: ${error.message}`;
  return `Inlet cannot start: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
}
