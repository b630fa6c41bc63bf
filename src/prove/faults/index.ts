/**
 * The parts around the service fail, one after another: nothing is lost or duplicated, and the service
 * recovers.
 */
import { audit } from '../auditor/index.js';
import type { Check, Context, Mutation, Outcome } from '../check.js';
import { eventually } from '../eventually.js';
import { faults, timeoutMs, type Extent, type Fault } from './faults.js';
import { arrives, openStage, type Stage, type Weakness } from './setup.js';

const full: Extent = { awayMs: 30_000, lastsMs: 6_000, pictures: 8, times: 2 };
const short: Extent = { awayMs: 3_000, lastsMs: 500, pictures: 2, times: 1 };

/** The limits of the process: at work, and idle. */
const maxMemoryMb = 400;
/**
 * Without the pages of files: those of Node.js 24 alone are 63 MB, and those of Node.js 20 were 36 MB. With
 * them, the limit was 150 MB on Node.js 20.
 */
const maxIdleMb = 114;
/** About half a minute after the start, the garbage collector releases what the start has used. */
const idleWithinMs = 90_000;
/** The time limit for a good picture after each fault. */
const maxMs = 15_000;

async function tryFaults(
  context: Context,
  chosen: readonly Fault[],
  weakness: Weakness = {},
): Promise<Outcome> {
  const stage = await openStage(context, weakness);
  try {
    return await happenAll(context, chosen, stage);
  } finally {
    await stage.close();
  }
}

async function happenAll(context: Context, chosen: readonly Fault[], stage: Stage): Promise<Outcome> {
  const { service, databaseUrl, uploadsDir, spoolDir, sent } = stage;
  const failures: string[] = [];
  const anonymous = (): number => service.memory()?.anonymous ?? 0;
  const isCalm = context.short || (await eventually(() => anonymous() < maxIdleMb, idleWithinMs));
  const idle = anonymous();
  if (!isCalm) failures.push(`with nothing to do, it holds ${idle.toFixed(0)} MB`);
  let worstMs = 0;
  for (const fault of chosen) {
    const { found, goodMs } = await happen(context, fault, stage);
    failures.push(...found.map((what) => `${fault.name}: ${what}`));
    worstMs = Math.max(worstMs, goodMs);
  }
  await settle(stage);
  const audited = await audit({ databaseUrl, uploadsDir, spoolDir, claims: { webhooks: sent } });
  const peak = service.memory()?.peak ?? 0;
  if (peak > maxMemoryMb) failures.push(`memory reached ${peak.toFixed(0)} MB`);
  const acknowledged = sent.filter((one) => one.acknowledged).length;
  return {
    tried: sent.length,
    worstMs,
    worstMemoryMb: peak,
    lost: audited.found.lost,
    doubled: audited.found.doubled,
    failures: [...failures, ...audited.failures],
    notes: [
      `${String(chosen.length)} faults, ${String(acknowledged)} of ${String(sent.length)} webhooks acknowledged; ` +
        `${idle.toFixed(0)} MB idle, at most ${peak.toFixed(0)} MB; the disk was ${stage.disk.kind}`,
    ],
  };
}

interface Happened {
  /** The broken guarantees, each once. */
  readonly found: readonly string[];
  /** The time until the following good picture is ready. */
  readonly goodMs: number;
}

async function happen({ short: isShort }: Context, fault: Fault, stage: Stage): Promise<Happened> {
  const found = [...(await fault.happen(stage, isShort ? short : full))];
  const began = performance.now();
  const { media, status } = await stage.send();
  const state = media === '' ? `answered ${String(status)}` : await arrives(stage, media, timeoutMs);
  const goodMs = performance.now() - began;
  if (state !== 'ready') found.push(`the good picture after it is ${state}`);
  if (!isShort && goodMs > maxMs) found.push(`the good picture after it took ${goodMs.toFixed(0)} ms`);
  return { found: [...new Set(found)], goodMs };
}

/** Waits until everything that was acknowledged is finished. */
async function settle(stage: Stage): Promise<void> {
  for (const media of stage.acknowledged()) await arrives(stage, media, timeoutMs);
}

/** Short runs of some of the faults. */
function weakened(mutation: Omit<Mutation, 'run'>, wanted: RegExp, weakness: Weakness): Mutation {
  const chosen = faults.filter(({ name }) => wanted.test(name));
  return { ...mutation, run: (context) => tryFaults(context, chosen, weakness) };
}

export const faultsCheck: Check = {
  id: 'faults',
  title: 'loses and duplicates nothing when its database, disk or hosts fail',
  run: (context) =>
    tryFaults(
      context,
      faults.filter(({ onlyInFull }) => !(context.short && onlyInFull === true)),
    ),
  mutations: [
    weakened(
      {
        title: 'refused webhooks are acknowledged',
        caughtBy: /^lost: message .* was acknowledged and is not there/,
      },
      /^the database is stopped$/,
      {
        settings: { SPOOL_MAX_BYTES: '0' },
        between: {
          answer: (answer, { path }) =>
            path.startsWith('/webhooks/') ? { status: 200, text: '{"media":[]}' } : answer,
        },
      },
    ),
    weakened(
      { title: 'readiness reports no problem', caughtBy: /^the disk is full: readiness says ""/ },
      /^the disk is full$/,
      {
        between: {
          answer: (answer, { path }) => (path.startsWith('/health/') ? { status: 200, text: '{}' } : answer),
        },
      },
    ),
    weakened(
      {
        title: 'a failed download is not retried',
        caughtBy: /^lost: media .* is failed .* its picture was good/,
      },
      /^a host that resets$/,
      { settings: { FETCH_MAX_ATTEMPTS: '1' } },
    ),
    weakened(
      { title: 'the size of media is not limited', caughtBy: /^a host that bombs: .*, not media\.too_large/ },
      /^a host that bombs$/,
      { settings: { MAX_MEDIA_BYTES: '1000000000' } },
    ),
  ],
};
