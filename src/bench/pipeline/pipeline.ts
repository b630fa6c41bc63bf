/** Pictures from webhook to `ready`: how many per second, and how much processor time each takes. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';

import { bytes } from '../../demo/media-host.js';
import { httpRequest, runLoad } from '../load.js';
import { median, series, type Measure, type Pair } from '../measures.js';
import { startBenchService, startCompanion, type BenchService, type Companion } from '../service.js';
import { photoKinds, photosOf, type PhotoKindName } from './photo-kinds.js';
import { processorMsOf } from './processor-time.js';
import { vipsthumbnail, type Thumbnails } from './vipsthumbnail.js';

interface Target {
  /** Pictures in one round, a few seconds of work. */
  readonly count: number;
  /** The required ratios to sharp alone. */
  readonly rate: string;
  readonly time: string;
}

const targets = {
  messenger: { count: 200, rate: '>= 1.20', time: '<= 0.80' },
  camera: { count: 60, rate: '>= 0.85', time: '<= 1.20' },
} as const satisfies Record<PhotoKindName, Target>;

const rounds = 5;
const warmUpPictures = 40;
const connections = 16;

/** Compared with sharp alone, which makes previews from the same bytes in memory. */
export async function pipeline(environment: NodeJS.ProcessEnv): Promise<readonly Measure[]> {
  const service = await startBenchService(environment);
  const baseline = await startCompanion('./pipeline/sharp-baseline.js');
  try {
    await run(service, { kind: 'messenger', seed: 1, count: warmUpPictures });
    return [
      ...(await measure('messenger', { environment, service, baseline })),
      ...(await measure('camera', { environment, service, baseline })),
    ];
  } finally {
    baseline.stop();
    await service.stop();
  }
}

interface Competitors {
  readonly environment: NodeJS.ProcessEnv;
  readonly service: BenchService;
  readonly baseline: Companion;
}

async function measure(
  kind: PhotoKindName,
  { environment, service, baseline }: Competitors,
): Promise<readonly Measure[]> {
  const { count, rate, time } = targets[kind];
  const times: Pair[] = [];
  const others: Others = { rates: [], times: [] };
  const rates = await series(rounds, async (round) => {
    const task = { kind, seed: round + 2, count };
    const alone = await baseline.ask(task);
    compareOthers(others, await vipsthumbnail(environment, task), alone);
    const ours = await run(service, task);
    times.push({ service: ours.processorMs, baseline: Number(alone['processorMs']) });
    return { service: ours.perSecond, baseline: Number(alone['perSecond']) };
  });
  const what = `pictures from webhook to ready, ${photoKinds[kind].title}`;
  return [
    { id: 'pipeline', what, unit: '/s', wanted: rate, ...median(rates) },
    {
      id: 'pipeline',
      what: `processor time of each, ${photoKinds[kind].title}`,
      unit: 'ms',
      wanted: time,
      ...median(times),
    },
    ...othersOf(others, photoKinds[kind].title),
  ];
}

/** The results of another program beside those of the baseline; empty if it is not installed. */
interface Others {
  readonly rates: Pair[];
  readonly times: Pair[];
}

function compareOthers(
  { rates, times }: Others,
  result: Thumbnails | undefined,
  alone: Readonly<Record<string, unknown>>,
): void {
  if (!result) return;
  rates.push({ service: result.perSecond, baseline: Number(alone['perSecond']) });
  times.push({ service: result.processorMs, baseline: Number(alone['processorMs']) });
}

function othersOf({ rates, times }: Others, title: string): readonly Measure[] {
  if (rates.length === 0) return [];
  const common = { id: 'pipeline', wanted: 'for comparison' } as const;
  return [
    { ...common, what: `vipsthumbnail, ${title}`, unit: '/s', ...median(rates) },
    { ...common, what: `processor time of vipsthumbnail, ${title}`, unit: 'ms', ...median(times) },
  ];
}

interface Task {
  readonly kind: PhotoKindName;
  readonly seed: number;
  readonly count: number;
}

interface Result {
  readonly perSecond: number;
  /** The processor time of the service and PostgreSQL. */
  readonly processorMs: number;
}

/** Posts the photos and waits until all are ready. */
export async function run(service: BenchService, { kind, seed, count }: Task): Promise<Result> {
  const photos = await photosOf(kind, count, seed);
  const provider = service.simulator.providers['z-api'];
  const requests = Array.from({ length: count }, (_, index) => {
    const url = provider.publish(bytes('image/jpeg', photos.at(index)));
    const { path, headers, body } = provider.webhook({ kind: 'image', id: randomUUID(), url });
    return httpRequest(path, headers, body);
  });
  const before = processorMsOf(service.pid, service.inletDir);
  const started = Date.now();
  await runLoad({ port: service.port, requests, connections });
  while ((await listed(service, 'state=pending&limit=1')).length > 0) await delay(pollMs);
  const processorMs = (processorMsOf(service.pid, service.inletDir) - before) / count;
  const done = (await listed(service, `limit=${String(count)}`)).map(({ readyAt }) =>
    Date.parse(readyAt ?? ''),
  );
  return { perSecond: count / ((Math.max(...done) - started) / 1000), processorMs };
}

/**
 * Polls rarely, because each request costs the service as much as a tenth of a picture. The time of the last
 * `ready` is read afterwards.
 */
const pollMs = 500;

async function listed(service: BenchService, query: string): Promise<{ readyAt: string | null }[]> {
  const page = (await (await service.get(`/v1/media?${query}`)).json()) as {
    items: { readyAt: string | null }[];
  };
  return page.items;
}
