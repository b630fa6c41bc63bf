/**
 * Containers on one volume: two databases never use the same data, and acknowledged webhooks survive the end
 * of each container.
 */
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { surroundings } from '../../demo/service-process.js';
import { untriedOutcome, type Check, type Context, type Outcome } from '../check.js';
import {
  missingOf,
  startContainer,
  startOwnService,
  withoutContainers,
  type OwnService,
} from '../own-service.js';

const webhooks = 5;
const rounds = { short: 1, full: 4 };
const refusalMs = 90_000;
const comesBackMs = 60_000;

/** What the containers of a round share. */
interface Scene {
  readonly folder: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly start: () => Promise<OwnService>;
  readonly acknowledged: string[];
  readonly failures: string[];
}

/** `path` names a folder in which programs are searched first. */
async function tryContainers(context: Context, path?: string): Promise<Outcome> {
  const obstacle = await withoutContainers();
  if (obstacle !== undefined) return untriedOutcome(obstacle);
  const environment = { ...context.environment };
  if (path !== undefined) environment['PATH'] = `${path}:${environment['PATH'] ?? ''}`;
  const failures: string[] = [];
  let tried = 0;
  let lost = 0;
  for (let round = 0; round < (context.short ? rounds.short : rounds.full); round += 1) {
    const folder = await mkdtemp(join(tmpdir(), 'inlet-containers-'));
    await chmod(folder, 0o755);
    const running: OwnService[] = [];
    const scene: Scene = {
      folder,
      environment,
      acknowledged: [],
      failures,
      start: async () => {
        const service = await startOwnService({ folder, environment });
        running.push(service);
        return service;
      },
    };
    try {
      await liveTogether(scene);
      lost += await inspect(scene);
      tried += scene.acknowledged.length;
    } finally {
      await Promise.all(running.map((service) => service.kill()));
      await rm(folder, { recursive: true, force: true });
    }
  }
  return {
    tried,
    lost,
    doubled: 0,
    worstMemoryMb: null,
    worstMs: null,
    failures,
    notes: ['two containers share the network and the database, a third has its own network and is refused'],
  };
}

async function liveTogether(scene: Scene): Promise<void> {
  const { start, failures } = scene;
  const first = await start();
  if (!(await first.ready())) {
    failures.push(`the first container does not start: ${first.output().slice(-300)}`);
    return;
  }
  const refused = refusal(scene);
  await send(scene, first);
  const beside = await start();
  if (!(await beside.ready()))
    failures.push(`the container beside it does not start: ${beside.output().slice(-300)}`);
  await Promise.all([send(scene, first), send(scene, beside)]);
  await refused;
  if (failures.length > 0) return;
  await first.kill(); // It owns the database, which ends with it.
  if (!(await beside.ready(comesBackMs)))
    failures.push('the container that is left has no database any more');
  await send(scene, beside);
  await beside.kill();
}

async function send({ acknowledged, failures }: Scene, service: OwnService): Promise<void> {
  const media = await Promise.all(Array.from({ length: webhooks }, service.send));
  const kept = media.filter((id) => id !== undefined);
  acknowledged.push(...kept);
  if (kept.length < webhooks)
    failures.push(`${String(webhooks - kept.length)} webhooks were not acknowledged`);
}

/** Checks the message for a container that cannot reach the one that uses the data. */
async function refusal({ folder, environment, failures }: Scene): Promise<void> {
  const container = startContainer({
    entry: new URL('apart.js', import.meta.url),
    args: [join(folder, 'inlet', 'postgres')],
    env: surroundings(environment),
    cwd: folder,
    apart: true,
  });
  await Promise.race([container.ended, delay(refusalMs, undefined, { ref: false })]);
  await container.kill();
  const answer = container.output().trim();
  if (!answer.includes(`is used by Inlet on the host ${hostname()} since`))
    failures.push(`the container with its own network, on the data of another one: ${answer.slice(-300)}`);
}

async function inspect({ start, acknowledged, failures }: Scene): Promise<number> {
  const last = await start();
  if (!(await last.ready())) {
    failures.push(`it does not start again: ${last.output().slice(-300)}`);
    return acknowledged.length;
  }
  const missing = await missingOf(last, acknowledged);
  failures.push(...missing);
  return missing.length;
}

/** Runs `use` with a folder of programs that precede the system's. */
async function withProgram<T>(
  program: { readonly name: string; readonly source: string },
  use: (path: string) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'inlet-programs-'));
  try {
    await writeFile(join(folder, program.name), program.source, { mode: 0o755 });
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export const containers: Check = {
  id: 'containers',
  title: 'shares one database between the containers of a volume, or refuses to start',
  run: (context) => tryContainers(context),
  mutations: [
    {
      title: 'every container gets the lock',
      caughtBy: /on the data of another one: has a database/,
      run: (context) =>
        withProgram({ name: 'flock', source: '#!/bin/sh\nexit 0\n' }, (path) => tryContainers(context, path)),
    },
  ],
};
