/**
 * `npm run demo`: the service and the simulated providers on this machine, a scripted conversation, and a
 * table of what became of it. With `--once` it ends after the table, with status 1 when something was not as
 * expected.
 */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { createClient } from '../client/index.js';
import { orExplain } from '../commands/command-line.js';
import { freePort } from '../infra/net/free-port.js';
import { createTokenSigner } from '../infra/secrets/token-signer.js';
import { answerPictures, answerTable, type AnswerResult } from './answers.js';
import { channelLines, pictureCommand, signInLink } from './invitation.js';
import { startProgress, type Progress } from './progress.js';
import { startSimulator, type Simulator } from './providers/index.js';
import { resultTable, runScenario, type StepResult } from './run-scenario.js';
import { scenario } from './scenario.js';
import { startService, surroundings, type ServiceProcess } from './service-process.js';

/** Small enough for the scenario's picture that never ends to be over soon. */
const maxMediaBytes = 20 * 1024 * 1024;

interface Place {
  readonly folder: string;
  readonly port: number;
  readonly authSecret: string;
}

function settings(simulator: Simulator, { folder, port, authSecret }: Place): Record<string, string> {
  return {
    ...surroundings(process.env),
    ...simulator.env(),
    NODE_ENV: 'development',
    HOST: '127.0.0.1',
    PORT: String(port),
    INLET_DIR: join(folder, 'inlet'),
    UPLOADS_DIR: join(folder, 'uploads'),
    AUTH_SECRET: authSecret,
    MAX_MEDIA_BYTES: String(maxMediaBytes),
  };
}

/** Longer than anybody looks at a demo, with which its secret ends. */
const tokenSeconds = 43_200;

function makeToken(authSecret: string): string {
  return createTokenSigner(authSecret, () => new Date()).issue({
    name: 'demo',
    scopes: ['admin'],
    channels: null,
    expiresInSeconds: tokenSeconds,
  });
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

interface Demo {
  readonly simulator: Simulator;
  readonly service: ServiceProcess;
  readonly token: string;
  readonly progress: Progress;
}

async function play({ simulator, service, token, progress }: Demo): Promise<boolean> {
  const { baseUrl } = service;
  const [steps] = await progress.during(
    'still starting',
    Promise.all([scenario(simulator), service.ready()]),
  );
  progress.say(`The service is ready: ${baseUrl}`);
  progress.say(`Watch the pictures arrive: ${signInLink({ baseUrl, token })}`);
  simulator.reportTo(baseUrl);
  const received = await progress.during(
    'some attachments are slow, and are waited for',
    runScenario({
      baseUrl,
      token,
      simulator,
      steps,
      onStep: (step) => {
        progress.say(wordsOf(step));
      },
    }),
  );
  progress.say("Each provider's photo is answered with another one");
  const client = createClient({ baseUrl, token });
  const answered = await progress.during(
    'the answers are under way',
    answerPictures({ client, simulator, received }),
  );
  progress.say('Done');
  return report(received, answered);
}

function wordsOf({ provider, sent, state, outcome }: StepResult): string {
  return `${provider}: ${sent}, ${state ?? outcome}`;
}

/** Answers whether everything was as expected. */
function report(received: readonly StepResult[], answered: readonly AnswerResult[]): boolean {
  const matches = [
    ...received.map(({ matched }) => matched),
    ...answered.map(({ differences }) => differences.length === 0),
  ];
  const matched = matches.filter(Boolean).length;
  console.log(`\n${resultTable(received)}\n\n${answerTable(answered)}\n`);
  console.log(`${String(matched)} of ${String(matches.length)} as expected`);
  return matches.every(Boolean);
}

async function invite({ simulator, service: { baseUrl }, token }: Demo): Promise<void> {
  const service = { baseUrl, token };
  console.log(`
Gallery, signed in with one click
  ${signInLink(service)}

Webhooks of the channels, with their secrets
  ${channelLines(service, simulator).join('\n  ')}

Paste this into another terminal, and a picture appears in the gallery
  ${await pictureCommand(service, simulator)}

The API, with a token that may do everything
  curl -s -H 'Authorization: Bearer ${token}' '${baseUrl}/v1/media?limit=10'

Running until you press Ctrl-C.`);
}

/** Returns the status to end with. */
async function demo(once: boolean): Promise<number> {
  const stop = interrupted();
  const progress = startProgress(console.log);
  progress.say('Starting the simulated providers');
  const folder = await mkdtemp(join(tmpdir(), 'inlet-demo-'));
  const simulator = await startSimulator();
  const port = Number(process.env['PORT'] ?? 0) || (await freePort());
  const authSecret = randomBytes(32).toString('hex');
  progress.say('Starting the service with a PostgreSQL of its own');
  const env = settings(simulator, { folder, port, authSecret });
  const service = startService({ env, cwd: folder, port });
  try {
    const running: Demo = { simulator, service, token: makeToken(authSecret), progress };
    const outcome = await Promise.race([play(running), stop, service.ended.then(fails)]);
    if (outcome === 'interrupted') return 130;
    if (once) return outcome ? 0 : 1;
    await invite(running);
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

const about = {
  usage: 'npm run demo -- [--once]',
  does: 'Starts the service and the simulated providers on this machine, and plays a conversation.',
  options: { '--once': 'ends after the tables, with status 1 if something was not as expected' },
};
const { values } = orExplain(about, () => parseArgs({ options: { once: { type: 'boolean' } } }));
// Steps that are still under way when the demo is interrupted must not keep the process alive.
process.exit(await demo(values.once === true));
