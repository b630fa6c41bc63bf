/** Kills processes repeatedly at random times, and records what was interrupted. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { between, type Random } from '../../demo/random.js';
import type { Activity, Book } from './ledger.js';
import type { Fleet, Layout, Victim } from './fleet.js';

export const hittable = ['start', 'receive', 'fetch', 'preview', 'send', 'erase'] as const;
type Hit = (typeof hittable)[number];

export interface Killing {
  readonly kills: number;
  readonly victims: Readonly<Record<string, number>>;
  /** How many kills interrupted each activity. */
  readonly hits: Readonly<Record<Hit, number>>;
  /** Starts that ended by themselves. */
  readonly failures: readonly string[];
  /** What must be started so that everything runs again; the remaining part continues. */
  readonly layout: Layout;
}

const chanceDuringStart = 0.12;
const startingMs = [50, 1_500] as const;
const workingMs = [50, 1_200] as const;
/** How long the service is without its database: long enough to spool, or not. */
const widowedMs = [50, 2_500] as const;

/** The possible activities of each victim: the other processes continue. */
const doings: Readonly<Record<Victim, readonly Activity[]>> = {
  everything: ['receive', 'fetch', 'send', 'erase'],
  service: ['receive', 'fetch', 'send', 'erase'],
  database: ['receive', 'fetch', 'send', 'erase'],
  api: ['receive', 'erase'],
  worker: ['fetch', 'send'],
};
const whole: readonly Victim[] = ['everything', 'service', 'database'];

interface Scene {
  readonly fleet: Fleet;
  readonly book: Book;
  readonly random: Random;
}

export async function killAgainAndAgain(scene: Scene, kills: number): Promise<Killing> {
  const { fleet, book, random } = scene;
  const victims: Record<string, number> = {};
  const hits: Record<Hit, number> = { start: 0, receive: 0, fetch: 0, preview: 0, send: 0, erase: 0 };
  const failures: string[] = [];
  const isNew = newPictures(scene);
  let layout: Layout = 'one process';
  for (let kill = 0; kill < kills && failures.length === 0; kill += 1) {
    const starting = startOrFail(fleet, layout, failures);
    await moment(starting, random, kill > 0);
    const victim = chooseVictim(layout, random);
    victims[victim] = (victims[victim] ?? 0) + 1;
    for (const hit of hitsOf(starting, victim, book)) hits[hit] += 1;
    starting.mayEnd();
    await fleet.kill(victim);
    if (await isNew()) hits.preview += 1;
    if (victim === 'database') {
      await delay(between(random, widowedMs));
      await fleet.kill('everything');
    }
    await starting.ended;
    // The remaining part continues with a replacement for the dead one.
    if (whole.includes(victim)) layout = random() < 0.6 ? 'one process' : 'api and worker';
  }
  return { kills, victims, hits, failures, layout };
}

function hitsOf(starting: Starting, victim: Victim, { underWay }: Book): readonly Hit[] {
  return starting.isOver() ? doings[victim].filter((doing) => underWay[doing] > 0) : ['start'];
}

/** Somewhere in the work, or, if allowed, in the middle of the start. */
async function moment(starting: Starting, random: Random, mayBeEarly: boolean): Promise<void> {
  if (mayBeEarly && random() < chanceDuringStart)
    await Promise.race([starting.ended, delay(between(random, startingMs))]);
  else {
    await starting.ended;
    await delay(between(random, workingMs));
  }
}

interface Starting {
  /** Never rejects. */
  readonly ended: Promise<void>;
  readonly isOver: () => boolean;
  /** From now on, its end is not a failure. */
  readonly mayEnd: () => void;
}

function startOrFail(fleet: Fleet, layout: Layout, failures: string[]): Starting {
  let isOver = false;
  let mayEnd = false;
  const ended = fleet.start(layout).then(
    () => {
      isOver = true;
    },
    (error: unknown) => {
      if (!mayEnd) failures.push(`it did not start again: ${String(error)}`);
      isOver = true;
    },
  );
  return { ended, isOver: () => isOver, mayEnd: () => (mayEnd = true) };
}

function chooseVictim(layout: Layout, random: Random): Victim {
  const choices: readonly Victim[] =
    layout === 'one process'
      ? ['everything', 'everything', 'service', 'database']
      : ['everything', 'service', 'database', 'api', 'worker'];
  return choices[Math.floor(random() * choices.length)] ?? 'everything';
}

/**
 * Returns whether there are complete temporary files since the last call, that is, pictures that were
 * downloaded and not stored yet.
 */
function newPictures({ fleet, book }: Scene): () => Promise<boolean> {
  const folder = join(fleet.uploadsDir, 'tmp');
  const known = new Set<string>();
  return async () => {
    let found = false;
    for (const name of await readdir(folder).catch(() => [])) {
      if (known.has(name)) continue;
      known.add(name);
      const content = await readFile(join(folder, name)).catch(() => undefined);
      if (content && book.isPicture(content)) found = true;
    }
    return found;
  };
}
