/**
 * `npm run demo`: the service and five simulated providers on this machine, a scripted conversation, and a table of
 * what became of it. With `--once` it ends after the table, with status 1 when something was not as expected.
 */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { createClient } from '../client/index.js';
import { orExplain } from '../commands/command-line.js';
import { freePort } from '../infra/net/free-port.js';
import { answerPictures, answerTable } from './answers.js';
import { startSimulator, type Simulator } from './providers/index.js';
import { resultTable, runScenario } from './run-scenario.js';
import { scenario } from './scenario.js';
import { makeToken, startService, surroundings, type ServiceProcess } from './service-process.js';

/** Small enough for the scenario's picture that never ends to be over soon. */
const maxMediaBytes = 20 * 1024 * 1024;

interface Place {
  readonly folder: string;
  readonly port: number;
}

function settings(simulator: Simulator, { folder, port }: Place): Record<string, string> {
  return {
    ...surroundings(process.env),
    ...simulator.env(),
    NODE_ENV: 'development',
    HOST: '127.0.0.1',
    PORT: String(port),
    INLET_DIR: join(folder, 'inlet'),
    UPLOADS_DIR: join(folder, 'uploads'),
    AUTH_SECRET: randomBytes(32).toString('hex'),
    MAX_MEDIA_BYTES: String(maxMediaBytes),
  };
}

function interrupted(): Promise<'interrupted'> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        resolve('interrupted');
      });
    }
  });
}

async function play(service: ServiceProcess, simulator: Simulator, token: () => Promise<string>) {
  const [steps] = await Promise.all([scenario(simulator), service.ready()]);
  const secret = await token();
  const { baseUrl } = service;
  simulator.reportTo(baseUrl);
  const received = await runScenario({ baseUrl, token: secret, simulator, steps });
  console.log(`\n${resultTable(received)}\n`);
  const client = createClient({ baseUrl, token: secret });
  const answered = await answerPictures({ client, simulator, received });
  console.log(`${answerTable(answered)}\n`);
  const matches = [
    ...received.map(({ matched }) => matched),
    ...answered.map(({ differences }) => differences.length === 0),
  ];
  report(matches, { baseUrl, token: secret });
  return matches.every(Boolean);
}

function report(matches: readonly boolean[], service: { baseUrl: string; token: string }): void {
  const { baseUrl, token } = service;
  const matched = matches.filter(Boolean).length;
  console.log(`${String(matched)} of ${String(matches.length)} as expected\n`);
  console.log(`Gallery  ${baseUrl}/admin   (sign in with the token)`);
  console.log(`Service  ${baseUrl}`);
  console.log(`Token    ${token}`);
  console.log(`Media    curl -H 'Authorization: Bearer ${token}' '${baseUrl}/v1/media?limit=10'`);
}

/** Returns the status to end with. */
async function demo(once: boolean): Promise<number> {
  const stop = interrupted();
  const folder = await mkdtemp(join(tmpdir(), 'inlet-demo-'));
  const simulator = await startSimulator();
  const port = Number(process.env['PORT'] ?? 0) || (await freePort());
  const env = settings(simulator, { folder, port });
  console.log('Starting the service and five simulated providers ...');
  const service = startService({ env, cwd: folder, port });
  try {
    const played = play(service, simulator, () => makeToken({ env, cwd: folder }));
    const outcome = await Promise.race([played, stop, service.ended.then(fails)]);
    if (outcome === 'interrupted') return 130;
    if (once) return outcome ? 0 : 1;
    console.log('\nRunning until you press Ctrl-C.');
    await Promise.race([stop, service.ended.then(fails)]);
    return 0;
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    console.error(`The last that the service printed:\n${service.lastOutput()}`);
    return 1;
  } finally {
    await service.stop();
    await simulator.close();
    await rm(folder, { recursive: true, force: true });
  }
}

function fails(how: string): never {
  throw new Error(`The service ended (${how})`);
}

const { values } = orExplain('npm run demo -- [--once]', () =>
  parseArgs({ options: { once: { type: 'boolean' } } }),
);
// Steps that are still under way when the demo is interrupted must not keep the process alive.
process.exit(await demo(values.once === true));
