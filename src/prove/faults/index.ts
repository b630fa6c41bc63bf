/** Whatever goes wrong around the service, one thing after the other: nothing is lost or doubled, and it goes on as ever. */
import { audit } from '../auditor/index.js';
import type { Check, Context, Mutation, Outcome } from '../check.js';
import { eventually } from '../eventually.js';
import { faults, patienceMs, type Extent, type Fault } from './faults.js';
import { arrives, openStage, type Stage, type Weakness } from './stage.js';

const full: Extent = { awayMs: 30_000, lastsMs: 6_000, pictures: 8, times: 2 };
const short: Extent = { awayMs: 3_000, lastsMs: 500, pictures: 2, times: 1 };

/** What is promised of the process: at work, and with nothing to do. */
const mostMemoryMb = 400;
const mostIdleMb = 150;
/** Some half a minute after the start the collector gives back what the start has used. */
const idleWithinMs = 90_000;
/** In which a good picture is there after each fault. */
const mostMs = 15_000;

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
  const memory = (): number => service.memory()?.now ?? 0;
  const isCalm = context.short || (await eventually(() => memory() < mostIdleMb, idleWithinMs));
  const idle = memory();
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
  if (peak > mostMemoryMb) failures.push(`memory reached ${peak.toFixed(0)} MB`);
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
  /** What was not as promised, each once. */
  readonly found: readonly string[];
  /** Until the good picture that follows is there. */
  readonly goodMs: number;
}

async function happen({ short: isShort }: Context, fault: Fault, stage: Stage): Promise<Happened> {
  const found = [...(await fault.happen(stage, isShort ? short : full))];
  const began = performance.now();
  const { media, status } = await stage.send();
  const state = media === '' ? `answered ${String(status)}` : await arrives(stage, media, patienceMs);
  const goodMs = performance.now() - began;
  if (state !== 'ready') found.push(`the good picture after it is ${state}`);
  if (!isShort && goodMs > mostMs) found.push(`the good picture after it took ${goodMs.toFixed(0)} ms`);
  return { found: [...new Set(found)], goodMs };
}

/** Until everything that was acknowledged has come to its end. */
async function settle(stage: Stage): Promise<void> {
  for (const media of stage.acknowledged()) await arrives(stage, media, patienceMs);
}

/** Short runs of some of the faults. */
function weakened(mutation: Omit<Mutation, 'run'>, wanted: RegExp, weakness: Weakness): Mutation {
  const chosen = faults.filter(({ name }) => wanted.test(name));
  return { ...mutation, run: (context) => tryFaults(context, chosen, weakness) };
}

export const faultsCheck: Check = {
  id: 'faults',
  title: 'no fault loses or doubles anything',
  run: (context) =>
    tryFaults(
      context,
      faults.filter(({ onlyInFull }) => !(context.short && onlyInFull === true)),
    ),
  mutations: [
    weakened(
      {
        title: 'what is refused is acknowledged',
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
      { title: 'readiness says yes', caughtBy: /^the disk is full: readiness says ""/ },
      /^the disk is full$/,
      {
        between: {
          answer: (answer, { path }) => (path.startsWith('/health/') ? { status: 200, text: '{}' } : answer),
        },
      },
    ),
    weakened(
      { title: 'nothing is tried twice', caughtBy: /^lost: media .* is failed .* its picture was good/ },
      /^a host that resets$/,
      { settings: { FETCH_MAX_ATTEMPTS: '1' } },
    ),
    weakened(
      { title: 'sizes are not bounded', caughtBy: /^a host that bombs: .*, not media\.too_large/ },
      /^a host that bombs$/,
      { settings: { MAX_MEDIA_BYTES: '1000000000' } },
    ),
  ],
};
