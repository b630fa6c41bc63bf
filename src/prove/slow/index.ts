/**
 * Hundreds of links to hosts that send a byte a second, from one sender and from as many senders in one
 * channel: the good pictures of another sender are ready soon, on the same channel and on another one.
 */
import { randomUUID } from 'node:crypto';

import type { BenchService } from '../../bench/service.js';
import { bytes, startMediaHost, type MediaHost } from '../../demo/media-host.js';
import { uniquePhotos } from '../../demo/photos.js';
import type { ProviderId } from '../../demo/providers/registry.js';
import { arrivalOf, sendPicture } from '../arrival.js';
import type { Check, Context, Mutation, Outcome } from '../check.js';
import { eventually } from '../eventually.js';
import { countMedia, countNow, withRows } from '../rows.js';
import { changingJobs } from '../weak-queue.js';
import { eachOf } from '../wire.js';
import { startSlowHosts, type SlowHosts } from './hosts.js';

interface Crowd {
  readonly name: string;
  /** The digits of the sender of the link with this number. */
  readonly from: (index: number) => string;
}

const oneSender: Crowd = { name: 'slow hosts of one sender', from: () => '5511600000000' };
const manySenders: Crowd = {
  name: 'slow hosts of many senders',
  from: (index) => `55117${String(index).padStart(8, '0')}`,
};

interface Extent {
  readonly hosts: number;
  readonly crowds: readonly Crowd[];
  /** The number of good pictures on each channel, one after another. */
  readonly rounds: number;
  /** The time limit for each of them. */
  readonly maxMs: number;
}

const full: Extent = { hosts: 500, crowds: [oneSender, manySenders], rounds: 3, maxMs: 8_000 };
/** On a busy machine times are meaningless, but even there a picture does not wait for a hundred timeouts. */
const short: Extent = { hosts: 100, crowds: [oneSender, manySenders], rounds: 1, maxMs: 30_000 };

const crowdedChannel: ProviderId = 'z-api';
const otherChannel: ProviderId = 'sobot';
const webhooksAtOnce = 4;
/** Waits until the queue has taken up all of the slow ones. */
const takenUpMs = 60_000;
const photo = { width: 320, height: 240 };
const maxPhotos = 100;

interface Stage {
  /** Statements that weaken the database once the slow ones are taken up. */
  readonly weakening: string;
  readonly service: BenchService;
  readonly slow: SlowHosts;
  readonly extent: Extent;
  /** The link of a new picture. */
  readonly goodLink: () => string;
}

async function trySlowHosts(context: Context, extent: Extent, weakening = ''): Promise<Outcome> {
  const [slow, good] = await Promise.all([startSlowHosts(extent.hosts), startMediaHost({ port: 0 })]);
  try {
    const service = await context.start({
      FETCH_ALLOW_PRIVATE_HOSTS: [good.host, ...slow.hosts].join(','),
    });
    try {
      const photos = await uniquePhotos(maxPhotos, { seed: context.seed % 1_000, ...photo });
      return await judge({ weakening, service, slow, extent, goodLink: servingEach(good, photos.at) });
    } finally {
      await service.stop();
    }
  } finally {
    slow.close();
    await good.close();
  }
}

function servingEach(host: MediaHost, photoAt: (index: number) => Buffer): () => string {
  let count = 0;
  return () => {
    const content = photoAt(count);
    count += 1;
    return host.serve(`/${String(count)}.jpg`, bytes('image/jpeg', content));
  };
}

async function judge(stage: Stage): Promise<Outcome> {
  const { weakening, service, slow, extent } = stage;
  const failures: string[] = [];
  const notes: string[] = [];
  const media: string[] = [];
  let worstMs = 0;
  for (const crowd of extent.crowds) {
    media.push(...(await sendSlowOnes(stage, crowd)));
    if (!(await eventually(async () => (await untouched(service)) === 0, takenUpMs)))
      failures.push(`${crowd.name}: ${String(await untouched(service))} were not looked at`);
    const underWay = slow.underWay();
    await withRows(service, (client) => client.query(weakening));
    const seen = await tryGoodOnes(stage);
    failures.push(...seen.failures.map((failure) => `${crowd.name}: ${failure}`));
    worstMs = Math.max(worstMs, seen.worstMs);
    notes.push(
      `${crowd.name}: ${String(underWay)} under way, a good picture took at most ${seen.worstMs.toFixed(0)} ms`,
    );
  }
  const lost = media.length - (await countMedia(service, media));
  if (lost > 0) failures.push(`${String(lost)} were acknowledged and are not there`);
  return {
    tried: media.length + extent.crowds.length * extent.rounds * 2,
    lost,
    doubled: 0,
    worstMs,
    worstMemoryMb: service.memory()?.peak ?? null,
    failures,
    notes: [notes.join('; ')],
  };
}

async function sendSlowOnes({ service, slow }: Stage, { from }: Crowd): Promise<string[]> {
  const media: string[] = [];
  await eachOf([...slow.hosts.entries()], webhooksAtOnce, async ([index, host]) => {
    const url = `http://${host}/${randomUUID()}.jpg`;
    media.push(await sendPicture(service, { provider: crowdedChannel, from: from(index), url }));
  });
  return media;
}

async function tryGoodOnes({ service, extent, goodLink }: Stage): Promise<{
  readonly failures: readonly string[];
  readonly worstMs: number;
}> {
  const failures: string[] = [];
  let worstMs = 0;
  for (let round = 0; round < extent.rounds; round += 1) {
    const tryOne = async (provider: ProviderId, where: string): Promise<void> => {
      const media = await sendPicture(service, { provider, from: '5511999990001', url: goodLink() });
      const { state, ms } = await arrivalOf(service, media, extent.maxMs);
      worstMs = Math.max(worstMs, ms);
      if (state !== 'ready' || ms > extent.maxMs)
        failures.push(`a good picture on ${where} channel is ${state} after ${ms.toFixed(0)} ms`);
    };
    await Promise.all([tryOne(crowdedChannel, 'the same'), tryOne(otherChannel, 'another')]);
  }
  return { failures, worstMs };
}

/** The number of media that wait for their first attempt. */
function untouched(service: BenchService): Promise<number> {
  return countNow(
    service,
    `select count(*)::int as count from graphile_worker._private_jobs
     where locked_at is null and attempts = 0 and run_at < to_timestamp(0)`,
  );
}

/** Short, with the guaranteed time: the weakened services take far longer on any machine. */
function weakened(mutation: Omit<Mutation, 'run'>, weakening: string): Mutation {
  const extent = { ...short, crowds: [manySenders], maxMs: full.maxMs };
  return { ...mutation, run: (context) => trySlowHosts(context, extent, weakening) };
}

export const slow: Check = {
  id: 'slow',
  title: 'downloads good pictures in time while other hosts are slow',
  run: (context) => trySlowHosts(context, context.short ? short : full),
  mutations: [
    weakened(
      {
        title: 'a new picture waits for 20 s while hosts are slow',
        caughtBy: /^slow hosts of many senders: a good picture on the same channel is pending/,
      },
      changingJobs(`new.run_at := now() + interval '20 seconds';`),
    ),
  ],
};
