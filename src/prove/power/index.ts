/**
 * The power fails right after an acknowledgement, in the first minute of a new installation: nothing
 * acknowledged is lost.
 */
import { truncate } from 'node:fs/promises';
import { join } from 'node:path';

import { between, seededRandom } from '../../demo/random.js';
import { untriedOutcome, type Check, type Context, type Outcome } from '../check.js';
import { eventually } from '../eventually.js';
import { lastLine, missingOf, startOwnService, withoutContainers, type OwnService } from '../own-service.js';
import { withRows } from '../rows.js';
import { openPowerDisk, type PowerDisk } from './disk.js';

const rounds = { short: 1, full: 20 };
/** The number of webhooks. */
const minWebhooks = 2;
const maxWebhooks = 12;
const reloadMs = 10_000;

interface Weakness {
  /** Runs before the first webhook. */
  readonly before?: (folder: string) => Promise<void>;
  /** Runs while the power is off. */
  readonly meanwhile?: (folder: string) => Promise<void>;
}

interface Round {
  readonly acknowledged: number;
  readonly failures: readonly string[];
  readonly startMs: number;
}

async function tryPower(context: Context, weakness: Weakness = {}): Promise<Outcome> {
  const obstacle = (await withoutContainers()) ?? (await withoutDisks());
  if (obstacle !== undefined) return untriedOutcome(obstacle);
  const random = seededRandom(context.seed);
  const done: Round[] = [];
  for (let round = 0; round < (context.short ? rounds.short : rounds.full); round += 1) {
    const disk = await openPowerDisk();
    try {
      done.push(
        await cutOnce(context, disk, {
          weakness,
          webhooks: Math.floor(between(random, [minWebhooks, maxWebhooks])),
        }),
      );
    } finally {
      await disk.remove();
    }
  }
  const failures = done.flatMap((round, index) =>
    round.failures.map((what) => `round ${String(index + 1)}: ${what}`),
  );
  const tried = done.reduce((sum, { acknowledged }) => sum + acknowledged, 0);
  return {
    tried,
    lost: failures.filter((what) => what.includes('was acknowledged')).length,
    doubled: 0,
    worstMemoryMb: null,
    worstMs: Math.max(...done.map(({ startMs }) => startMs)),
    failures,
    notes: [`${String(done.length)} power cuts during a first start's first webhooks, on ext4 in a file`],
  };
}

async function withoutDisks(): Promise<string | undefined> {
  try {
    await (await openPowerDisk()).remove();
    return undefined;
  } catch (error) {
    return `a disk in a file cannot be made here (${lastLine(error)})`;
  }
}

interface Plan {
  readonly weakness: Weakness;
  readonly webhooks: number;
}

async function cutOnce(context: Context, disk: PowerDisk, { weakness, webhooks }: Plan): Promise<Round> {
  const start = (): Promise<OwnService> =>
    startOwnService({ folder: disk.folder, environment: context.environment });
  const service = await start();
  const acknowledged: string[] = [];
  try {
    if (!(await service.ready())) return failed(`the first start: ${service.output().slice(-300)}`);
    await weakness.before?.(disk.folder);
    const added = await service.post('/v1/channels', {
      id: 'added',
      provider: 'sobot',
      settings: { webhookSecret: 'added-secret-0123456789' },
    });
    if (added.status !== 201) return failed(`a channel could not be added: ${await added.text()}`);
    const sending = Array.from({ length: webhooks }, async () => {
      const media = await service.send();
      if (media !== undefined) acknowledged.push(media);
    });
    await Promise.all(sending);
  } finally {
    await service.kill();
  }
  await disk.losePower();
  await weakness.meanwhile?.(disk.folder);
  return { ...(await checkAgain(await start(), acknowledged)), acknowledged: acknowledged.length };
}

/** The server continues to write, but no longer waits for the disk. */
async function stopSyncing(folder: string): Promise<void> {
  await withRows({ inletDir: join(folder, 'inlet') }, async (client) => {
    await client.query('alter system set fsync = off');
    await client.query('select pg_reload_conf()');
    const isOff = async (): Promise<boolean> =>
      (await client.query<{ fsync: string }>('show fsync')).rows[0]?.fsync === 'off';
    if (!(await eventually(isOff, reloadMs))) throw new Error('the database did not take the setting');
  });
}

function failed(what: string): Round {
  return { acknowledged: 0, failures: [what], startMs: 0 };
}

async function checkAgain(
  service: OwnService,
  acknowledged: readonly string[],
): Promise<Omit<Round, 'acknowledged'>> {
  const began = performance.now();
  try {
    if (!(await service.ready()))
      return { failures: [`it does not start again: ${service.output().slice(-300)}`], startMs: 0 };
    const startMs = performance.now() - began;
    const failures = await missingOf(service, acknowledged);
    const channel = await service.get('/v1/channels/added');
    const text = await channel.text();
    if (channel.status !== 200 || text.includes('"problem":"'))
      failures.push(`the channel that was added: ${text}`);
    return { failures, startMs };
  } finally {
    await service.kill();
  }
}

export const power: Check = {
  id: 'power',
  title: 'keeps everything that it acknowledged before a power cut',
  run: (context) => tryPower(context),
  mutations: [
    {
      title: 'the database does not sync its files',
      caughtBy: /was acknowledged and is answered with 404/,
      run: (context) => tryPower(context, { before: stopSyncing }),
    },
    {
      title: 'the secret is not synced',
      caughtBy: /it does not start again: .*auth-secret is empty/s,
      run: (context) =>
        tryPower(context, { meanwhile: (folder) => truncate(join(folder, 'inlet/auth-secret'), 0) }),
    },
  ],
};
