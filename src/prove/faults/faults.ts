/**
 * The faults, one after another. Each reports the guarantees that were broken during the fault and right
 * after it.
 */
import { setTimeout as delay } from 'node:timers/promises';

import { sendSignal } from '../../infra/process/signals.js';
import { eventually } from '../eventually.js';
import { retryAfterSeconds, type Mood } from './moody-host.js';
import { arrives, type SentPicture, type Stage } from './setup.js';

export interface Fault {
  readonly name: string;
  /** It takes long, and other tests cover it as well. */
  readonly onlyInFull?: true;
  readonly happen: (stage: Stage, extent: Extent) => Promise<readonly string[]>;
}

/** The extent of the attempts. */
export interface Extent {
  /** How long the database is unavailable, and how long all other faults last. */
  readonly awayMs: number;
  readonly lastsMs: number;
  /** How many pictures a fault spoils, and how often each. */
  readonly pictures: number;
  readonly times: number;
}

const betweenWebhooksMs = 100;
const reportTimeoutMs = 3_000;
/** The timeout for automatic recovery, even on a busy machine. */
export const timeoutMs = 60_000;

/** Sends webhooks one after another for this time; each must have one of these responses. */
async function keepSending(
  stage: Stage,
  forMs: number,
  answers: readonly number[] = [200],
): Promise<string[]> {
  const deadline = performance.now() + forMs;
  const failures: string[] = [];
  while (performance.now() < deadline) {
    const { status } = await stage.send();
    if (!answers.includes(status)) failures.push(`a webhook was answered ${String(status)}`);
    await delay(betweenWebhooksMs);
  }
  return failures;
}

/** Readiness must report the problem, and its end. */
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
  // Files that the service has just deleted may have made room for a moment.
  let trouble = '';
  const isTold = await eventually(async () => words.test((trouble = await stage.trouble())), reportTimeoutMs);
  if (!isTold) failures.push(`readiness says "${trouble}"`);
  await end();
  const isOver = await eventually(async () => (await stage.trouble()) === '', timeoutMs);
  return isOver ? failures : [...failures, `readiness still says "${await stage.trouble()}" afterwards`];
}

const sendMany = (stage: Stage, mood: Mood, { pictures, times }: Extent): Promise<SentPicture[]> =>
  Promise.all(Array.from({ length: pictures }, () => stage.send({ mood, times })));

const areAsked = ({ host }: Stage, pictures: readonly SentPicture[], times = 1): Promise<boolean> =>
  eventually(() => pictures.every(({ link }) => host.asked(link).length >= times), timeoutMs);

/** The shortest time between two attempts for one picture, in milliseconds. */
function shortestPause({ host }: Stage, pictures: readonly SentPicture[]): number {
  const pauses = pictures.flatMap(({ link }) => {
    const asked = host.asked(link);
    return asked.slice(1).map((at, index) => at - (asked[index] ?? 0));
  });
  return Math.min(Infinity, ...pauses);
}

async function allArrive(stage: Stage, pictures: readonly SentPicture[]): Promise<string[]> {
  const states = await Promise.all(pictures.map(({ media }) => arrives(stage, media, timeoutMs)));
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
        end: stage.postgres.resume,
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
        // The service must not acknowledge webhooks that it did not store.
        during: () => keepSending(stage, lastsMs, [200, 503]),
        end: async () => {
          await stage.disk.mend();
          await stage.postgres.start();
        },
      }),
  },
];

/** Retried automatically, after the time that the host has named, if any. */
function hostThat(mood: Mood): Fault {
  return {
    name: `a host that ${mood}`,
    happen: async (stage, extent) => {
      const pictures = await sendMany(stage, mood, extent);
      if (!(await areAsked(stage, pictures))) return ['the host was not asked'];
      if (mood !== 'rate-limits') return [];
      await areAsked(stage, pictures, 2);
      // A timer may be a few milliseconds early, never more.
      return shortestPause(stage, pictures) < retryAfterSeconds * 1000 - 100
        ? ['the host was asked again before the time that it had named']
        : [];
    },
  };
}

/** Refused permanently with this code; a user must request a retry after the host has recovered. */
function refusedHost(mood: Mood, code: string): Fault {
  return {
    name: `a host that ${mood}`,
    happen: async (stage, extent) => {
      const pictures = await sendMany(stage, mood, { ...extent, times: Infinity });
      const failures: string[] = [];
      for (const { media, link } of pictures) {
        await eventually(async () => (await stage.show(media)).state !== 'pending', timeoutMs);
        const { state, error } = await stage.show(media);
        if (error !== code) failures.push(`a picture is ${state} (${String(error)}), not ${code}`);
        stage.host.calmDown(link);
      }
      return failures;
    },
  };
}

/** The incomplete picture is all there is, and is stored. */
const halfPictures: Fault = {
  name: 'a host that promises less',
  happen: async (stage, extent) => {
    const pictures = await sendMany(stage, 'promises less', { ...extent, times: Infinity });
    const failures: string[] = [];
    for (const { media } of pictures) {
      await eventually(async () => (await stage.show(media)).state !== 'pending', timeoutMs);
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
    sendSignal(second.pid, 'SIGKILL');
    return allArrive(stage, pictures);
  },
};

const day = 86_400_000;
const hour = 3_600_000;
/**
 * The minimum delay before a second attempt; a shorter one would mean that a wrong clock was trusted too
 * much.
 */
const minPauseMs = 500;

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
      return shortestPause(stage, pictures) < minPauseMs
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
