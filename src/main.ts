/** The process: read the settings, compose, listen and work, drain on SIGTERM. */
import { createServer, type RequestListener, type Server } from 'node:http';
import { join } from 'node:path';

import { compose, type Services } from './compose.js';
import { ConfigError, loadConfig, readEnvironment, type Config } from './config.js';
import { openDatabase } from './infra/database.js';
import { EmbeddedPostgresError, startEmbeddedPostgres } from './infra/embedded-postgres.js';
import { shutForeignDecoders } from './infra/images.js';
import { createLogger, type Logger } from './infra/logger.js';
import { migrate, MigrationError } from './infra/migrations.js';
import { startPatience } from './infra/patience.js';
import { putThreadsBehind } from './infra/thread-priority.js';

const exitConfig = 78;
/** For everything together; after it the process goes, and what it held is taken up by the next one. */
const drainMs = 9_500;
const lastRequestMs = 4_500;
const lookForIdleMs = 100;

async function main(): Promise<void> {
  const now = (): Date => new Date();
  const config = loadConfig(readEnvironment(), now);
  const logger = createLogger(config.logLevel);
  shutForeignDecoders();
  const app = deferred<RequestListener>();
  const server = await listenAt(config, app.promise);
  const postgres =
    config.databaseUrl === undefined
      ? await startEmbeddedPostgres(join(config.inletDir, 'postgres'))
      : undefined;
  const databaseUrl = config.databaseUrl ?? postgres?.connectionString ?? '';
  await migrateDatabase(databaseUrl, logger);
  const publicUrl = config.publicUrl ?? addressOf(server, config);
  const services = await compose(config, { databaseUrl, publicUrl, logger, now });
  putThreadsBehind(logger);
  if (config.processMode !== 'api') await services.queue.start();
  if (config.processMode === 'worker') server.close();
  else app.resolve(services.app);

  const stop = once(async (signal: string) => {
    logger.info({ signal }, 'stopping');
    const patience = startPatience(drainMs, logger);
    await patience.waitFor('what is under way', drain(server, services));
    if (postgres) await patience.waitFor('the embedded PostgreSQL', postgres.stop());
    process.exit(0);
  });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop(signal));
  announce(config, { publicUrl, adopted: postgres?.adopted, channels: services.enabledChannels });
}

/**
 * Listens before anything slow is begun, so that a port in use is said at once. Who calls before everything is ready waits
 * for the answer: some providers send a webhook only once.
 */
function listenAt({ host, port, processMode }: Config, app: Promise<RequestListener>): Promise<Server> {
  const server = createServer({ requestTimeout: 60_000, keepAliveTimeout: 65_000 });
  const patience: RequestListener = (request, response) => {
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
    server.listen(port, host, () => {
      resolve(server);
    });
  });
}

async function migrateDatabase(databaseUrl: string, logger: Logger): Promise<void> {
  const database = openDatabase(databaseUrl, logger);
  try {
    await migrate(database);
  } finally {
    await database.close();
  }
}

function addressOf(server: Server, { host, port }: Config): string {
  const address = server.address();
  const bound = typeof address === 'object' && address ? address.port : port;
  const name = host === '0.0.0.0' || host === '::' ? 'localhost' : host;
  return `http://${name.includes(':') ? `[${name}]` : name}:${String(bound)}`;
}

interface Announced {
  readonly publicUrl: string;
  readonly adopted: boolean | undefined;
  readonly channels: readonly string[];
}

function announce({ processMode, databaseUrl }: Config, { publicUrl, adopted, channels }: Announced): void {
  const enabled =
    channels.join(', ') ||
    'none yet: set the webhook secret of a provider (see .env.example), or add one in the gallery';
  const database =
    databaseUrl === undefined
      ? `embedded PostgreSQL${adopted ? ' (already running, adopted)' : ''}`
      : 'DATABASE_URL';
  console.log(
    [
      `Inlet is ready (${processMode}).`,
      ...(processMode === 'worker'
        ? []
        : [
            `  gallery   ${publicUrl}/admin`,
            `  address   ${publicUrl}`,
            `  webhooks  ${publicUrl}/webhooks/<channel>`,
          ]),
      `  channels  ${enabled}`,
      `  database  ${database}`,
      '  token     npm run token -- --scope admin',
    ].join('\n'),
  );
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

function once(task: (signal: string) => Promise<void>): (signal: string) => Promise<void> {
  let running: Promise<void> | undefined;
  return (signal) => (running ??= task(signal));
}

function explain(error: unknown): string {
  const known =
    error instanceof ConfigError || error instanceof EmbeddedPostgresError || error instanceof MigrationError;
  if (known) return `Inlet cannot start: ${error.message}`;
  return `Inlet cannot start: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
}

main().catch((error: unknown) => {
  console.error(explain(error));
  process.exit(error instanceof ConfigError ? exitConfig : 1);
});
