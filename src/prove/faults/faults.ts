/** One fault after the other. Each says what was not as promised while it lasted, and right after it. */
import { setTimeout as delay } from 'node:timers/promises';

import { eventually } from '../eventually.js';
import { retryAfterSeconds, type Mood } from './moody-host.js';
import { arrives, type SentPicture, type Stage } from './stage.js';

export interface Fault {
  readonly name: string;
  /** It takes long, and tests hold it as well. */
  readonly onlyInFull?: true;
  readonly happen: (stage: Stage, extent: Extent) => Promise<readonly string[]>;
}

/** How much is tried. */
export interface Extent {
  /** How long the database is away, and how long everything else. */
  readonly awayMs: number;
  readonly lastsMs: number;
  /** How many pictures a fault spoils, and how often each. */
  readonly pictures: number;
  readonly times: number;
}

const betweenWebhooksMs = 100;
const toldWithinMs = 3_000;
/** For what comes by itself, on a busy machine as well. */
export const patienceMs = 60_000;

/** Webhooks one after another for so long; each of them has to be answered in one of these ways. */
async function keepSending(
  stage: Stage,
  forMs: number,
  answers: readonly number[] = [200],
): Promise<string[]> {
  const until = performance.now() + forMs;
  const failures: string[] = [];
  while (performance.now() < until) {
    const { status } = await stage.send();
    if (!answers.includes(status)) failures.push(`a webhook was answered ${String(status)}`);
    await delay(betweenWebhooksMs);
  }
  return failures;
}

/** Readiness has to say it, and to say so no more when it is over. */
async function whileUnready(
  stage: Stage,
  words: RegExp,
  {
    begin,
    during,
    end,
  }: Record<'begin' | 'end', () => Promise<void> | void> & { during: () => Promise<string[]> },
): Promise<string[]> {
  await begin();
  const failures = await during();
  // What the service has just removed may have made room for a moment.
  let trouble = '';
  const isTold = await eventually(async () => words.test((trouble = await stage.trouble())), toldWithinMs);
  if (!isTold) failures.push(`readiness says "${trouble}"`);
  await end();
  const isOver = await eventually(async () => (await stage.trouble()) === '', patienceMs);
  return isOver ? failures : [...failures, `readiness still says "${await stage.trouble()}" afterwards`];
}

const sendMany = (stage: Stage, mood: Mood, { pictures, times }: Extent): Promise<SentPicture[]> =>
  Promise.all(Array.from({ length: pictures }, () => stage.send({ mood, times })));

const areAsked = ({ host }: Stage, pictures: readonly SentPicture[], times = 1): Promise<boolean> =>
  eventually(() => pictures.every(({ link }) => host.asked(link).length >= times), patienceMs);

/** The shortest time between two attempts for one picture, in milliseconds. */
function shortestPause({ host }: Stage, pictures: readonly SentPicture[]): number {
  const pauses = pictures.flatMap(({ link }) => {
    const asked = host.asked(link);
    return asked.slice(1).map((at, index) => at - (asked[index] ?? 0));
  });
  return Math.min(Infinity, ...pauses);
}

async function allArrive(stage: Stage, pictures: readonly SentPicture[]): Promise<string[]> {
  const states = await Promise.all(pictures.map(({ media }) => arrives(stage, media, patienceMs)));
  return states.filter((state) => state !== 'ready').map((state) => `a picture is ${state} afterwards`);
}

const database: readonly Fault[] = [
  {
    name: 'the database is stopped',
    happen: (stage, { awayMs }) =>
      whileUnready(stage, /^database: away, spooling/, {
        begin: stage.postgres.stop,
        during: () => keepSending(stage, awayMs),
        end: stage.postgres.start,
      }),
  },
  {
    name: 'the database hangs',
    onlyInFull: true,
    happen: (stage, { lastsMs }) =>
      whileUnready(stage, /^database: away, spooling/, {
        begin: stage.postgres.halt,
        during: () => keepSending(stage, lastsMs),
        end: stage.postgres.goOn,
      }),
  },
];

const storage: readonly Fault[] = [
  {
    name: 'the disk is full',
    happen: (stage, { lastsMs }) =>
      whileUnready(stage, /uploads: no file can be written/, {
        begin: stage.disk.fill,
        during: () => keepSending(stage, lastsMs),
        end: stage.disk.mend,
      }),
  },
  {
    name: 'uploads are read-only',
    happen: (stage, { lastsMs }) =>
      whileUnready(stage, /uploads: no file can be written/, {
        begin: stage.disk.makeReadOnly,
        during: () => keepSending(stage, lastsMs),
        end: stage.disk.mend,
      }),
  },
  {
    name: 'the database is stopped and the disk is full',
    happen: (stage, { lastsMs }) =>
      whileUnready(stage, /^database: away.*; uploads: no file can be written/, {
        begin: async () => {
          await Promise.all([stage.postgres.stop(), stage.disk.fill()]);
        },
        // Nobody is told that something was kept which was not.
        during: () => keepSending(stage, lastsMs, [200, 503]),
        end: async () => {
          await stage.disk.mend();
          await stage.postgres.start();
        },
      }),
  },
];

/** Tried again by itself, after the time that the host has named if it did. */
function hostThat(mood: Mood): Fault {
  return {
    name: `a host that ${mood}`,
    happen: async (stage, extent) => {
      const pictures = await sendMany(stage, mood, extent);
      if (!(await areAsked(stage, pictures))) return ['the host was not asked'];
      if (mood !== 'rate-limits') return [];
      await areAsked(stage, pictures, 2);
      // A timer may be some milliseconds early, never more.
      return shortestPause(stage, pictures) < retryAfterSeconds * 1000 - 100
        ? ['the host was asked again before the time that it had named']
        : [];
    },
  };
}

/** Refused for good, with this code; the host has to be asked again by hand once it has calmed down. */
function refusedHost(mood: Mood, code: string): Fault {
  return {
    name: `a host that ${mood}`,
    happen: async (stage, extent) => {
      const pictures = await sendMany(stage, mood, { ...extent, times: Infinity });
      const failures: string[] = [];
      for (const { media, link } of pictures) {
        await eventually(async () => (await stage.show(media)).state !== 'pending', patienceMs);
        const { state, error } = await stage.show(media);
        if (error !== code) failures.push(`a picture is ${state} (${String(error)}), not ${code}`);
        stage.host.calmDown(link);
      }
      return failures;
    },
  };
}

/** Half a picture is all that there is, and is kept as that. */
const halfPictures: Fault = {
  name: 'a host that promises less',
  happen: async (stage, extent) => {
    const pictures = await sendMany(stage, 'promises less', { ...extent, times: Infinity });
    const failures: string[] = [];
    for (const { media } of pictures) {
      await eventually(async () => (await stage.show(media)).state !== 'pending', patienceMs);
      const { state, warnings } = await stage.show(media);
      if (state !== 'ready' || !warnings.includes('media.damaged'))
        failures.push(`half a picture is ${state}, with ${warnings.join(', ') || 'no warnings'}`);
    }
    return failures;
  },
};

const killedWorker: Fault = {
  name: 'a second worker is killed',
  happen: async (stage, extent) => {
    const second = await stage.service.beside({});
    const pictures = await sendMany(stage, 'drips', { ...extent, pictures: 4 * extent.pictures });
    await areAsked(stage, pictures.slice(0, extent.pictures));
    if (second.pid !== undefined) process.kill(second.pid, 'SIGKILL');
    return allArrive(stage, pictures);
  },
};

const day = 86_400_000;
const hour = 3_600_000;
/** The least that is waited before a second attempt; less were a clock that is believed too much. */
const leastPauseMs = 500;

function clockJumps(name: string, offsetMs: number): Fault {
  return {
    name,
    happen: async (stage, extent) => {
      const before = await sendMany(stage, 'resets', extent);
      await areAsked(stage, before);
      await stage.setClock(offsetMs);
      const meanwhile = await sendMany(stage, 'resets', extent);
      const pictures = [...before, ...meanwhile];
      const failures = await allArrive(stage, pictures);
      await stage.setClock(0);
      return shortestPause(stage, pictures) < leastPauseMs
        ? [...failures, 'a host was asked again at once']
        : failures;
    },
  };
}

const moods: readonly Mood[] = ['hangs', 'drips', 'resets', 'promises more', 'rate-limits'];

export const faults: readonly Fault[] = [
  ...database,
  ...storage,
  ...moods.map(hostThat),
  halfPictures,
  refusedHost('bombs', 'media.too_large'),
  refusedHost('redirects for ever', 'media.too_many_redirects'),
  killedWorker,
  clockJumps('the clock jumps forward by a day', day),
  clockJumps('the clock jumps back by an hour', -hour),
];
