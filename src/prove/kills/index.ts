/**
 * Processes are killed at any time: acknowledged webhooks are stored once and completely, and nothing else is
 * stored.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { join } from 'node:path';

import { startSimulator, type Simulator } from '../../demo/providers/index.js';
import { providerIds } from '../../demo/providers/registry.js';
import { seededRandom } from '../../demo/random.js';
import { audit } from '../auditor/index.js';
import type { Check, Context, Outcome } from '../check.js';
import { databaseUrlOf } from '../rows.js';
import { openBook, type Book } from './ledger.js';
import { startCouriers } from './couriers.js';
import { startFleet } from './fleet.js';
import { hittable, killAgainAndAgain, type Killing } from './loop.js';
import { settle } from './settle.js';
import { startTraffic } from './traffic.js';
import { weaknesses, type Weakness } from './weaknesses.js';

const counts = { short: 5, full: 100, weakened: 1 };
const timeoutMs = 60_000;

async function tryKills(context: Context, count: number, weakness: Weakness = {}): Promise<Outcome> {
  const random = seededRandom(context.seed);
  const simulator = await startSimulator();
  const book = await openBook(simulator, random);
  const couriers = await startCouriers(simulator, {
    underWay: book.underWay,
    random,
    onRequest: weakness.taken,
  });
  const fleet = await startFleet(context.environment, couriers.env);
  const door = await weakness.door?.(fleet);
  try {
    simulator.reportTo(fleet.baseUrl);
    const service = { ...fleet, doorUrl: door ? `http://127.0.0.1:${String(door.port)}` : fleet.baseUrl };
    const traffic = startTraffic({ service, book, random });
    const killing = await killAgainAndAgain({ fleet, book, random }, count);
    await fleet.start(killing.layout);
    await waitForTraffic(book, simulator);
    await settle({ fleet, simulator, traffic, book });
    await weakness.damage?.(fleet);
    const { checked, found, failures } = await audit({
      databaseUrl: await databaseUrlOf(fleet),
      uploadsDir: fleet.uploadsDir,
      minAgeMs: 0,
      spoolDir: join(fleet.inletDir, 'spool'),
      claims: book.claims(),
    });
    const surprises = [...new Set(traffic.surprises)];
    return {
      tried: count,
      lost: found.lost + found.event,
      doubled: found.doubled,
      worstMemoryMb: fleet.peakMb(),
      worstMs: traffic.worstMs(),
      notes: [
        `of ${String(count)} kills (${inWords(killing.victims)}) came in the middle of: ${inWords(killing.hits)}`,
        `looked at: ${inWords(checked)}; found: ${inWords(found)}`,
      ],
      failures: [...killing.failures, ...surprises, ...failures, ...(context.short ? [] : missed(killing))],
    };
  } finally {
    door?.close();
    await fleet.end();
    couriers.close();
    await simulator.close();
  }
}

/** Much of everything, so that something can be lost; fewer kills might leave no time for it. */
async function waitForTraffic({ pictures }: Book, { providers }: Simulator): Promise<void> {
  const since = Date.now();
  const isMuch = (): boolean =>
    pictures.filter(({ acknowledged }) => acknowledged).length >= 20 &&
    pictures.filter(({ erased }) => erased === 'yes').length >= 3 &&
    providerIds.filter((id) => providers[id].api.accepted.length > 0).length >= 3;
  while (!isMuch() && Date.now() - since < timeoutMs) await delay(100);
}

function inWords(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([what, count]) => `${what} ${String(count)}`)
    .join(', ');
}

/** Kills that interrupt nothing prove nothing. */
function missed({ hits }: Killing): string[] {
  return hittable.filter((what) => hits[what] === 0).map((what) => `no kill came in the middle of: ${what}`);
}

export const kills: Check = {
  id: 'kills',
  title: 'loses and duplicates nothing when its processes are killed',
  run: (context) => tryKills(context, context.short ? counts.short : counts.full),
  mutations: weaknesses.map(({ title, caughtBy, ...weakness }) => ({
    title,
    caughtBy,
    run: (context) => tryKills(context, counts.weakened, weakness),
  })),
};
