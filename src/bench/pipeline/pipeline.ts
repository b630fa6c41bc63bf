/** Pictures from webhook to `ready`: how many per second, and how much processor time each takes. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';

import { bytes } from '../../demo/media-host.js';
import { httpRequest, runLoad } from '../load.js';
import { median, type Measure, type Pair } from '../measures.js';
import { startBenchService, startCompanion, type BenchService, type Companion } from '../service.js';
import { startDirectus } from './directus.js';
import type { OtherProgram, PhotoTask, Thumbnails } from './other-program.js';
import { photoKinds, photosOf, type PhotoKindName } from './photo-kinds.js';
import { processorMsOf } from './processor-time.js';
import { findVipsthumbnail } from './vipsthumbnail.js';

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
  const found = [await findVipsthumbnail(environment), await startDirectus(environment)];
  const others = found.filter((other) => other !== undefined);
  const service = await startBenchService(environment);
  const baseline = await startCompanion('./pipeline/sharp-baseline.js');
  try {
    for (const program of [...others, { run: (task: PhotoTask) => run(service, task) }])
      await program.run({ kind: 'messenger', seed: 1, count: warmUpPictures });
    return [
      ...(await measure('messenger', { service, baseline, others })),
      ...(await measure('camera', { service, baseline, others })),
    ];
  } finally {
    baseline.stop();
    await service.stop();
    for (const other of others) await other.stop();
  }
}

interface Competitors {
  readonly service: BenchService;
  readonly baseline: Companion;
  readonly others: readonly OtherProgram[];
}

async function measure(
  kind: PhotoKindName,
  { service, baseline, others }: Competitors,
): Promise<readonly Measure[]> {
  const { count, rate, time } = targets[kind];
  const { title } = photoKinds[kind];
  const ours = newComparison();
  const compared = others.map((program) => ({ program, comparison: newComparison() }));
  for (let round = 0; round < rounds; round += 1) {
    const task = { kind, seed: round + 2, count };
    const { perSecond, processorMs } = await baseline.ask(task);
    const alone = { perSecond: Number(perSecond), processorMs: Number(processorMs) };
    for (const { program, comparison } of compared) compare(comparison, await program.run(task), alone);
    compare(ours, await run(service, task), alone);
  }
  return [
    ...measuresOf(ours, { what: 'pictures from webhook to ready', title, rate, time }),
    ...compared.flatMap(({ program: { name }, comparison }) =>
      measuresOf(comparison, { what: name, title, rate: 'for comparison', time: 'for comparison' }),
    ),
  ];
}

/** The results of a program beside those of the baseline, round by round. */
interface Comparison {
  readonly rates: Pair[];
  readonly times: Pair[];
}

function newComparison(): Comparison {
  return { rates: [], times: [] };
}

function compare({ rates, times }: Comparison, result: Thumbnails, alone: Thumbnails): void {
  rates.push({ service: result.perSecond, baseline: alone.perSecond });
  times.push({ service: result.processorMs, baseline: alone.processorMs });
}

interface Naming {
  readonly what: string;
  readonly title: string;
  readonly rate: string;
  readonly time: string;
}

function measuresOf({ rates, times }: Comparison, { what, title, rate, time }: Naming): readonly Measure[] {
  return [
    { id: 'pipeline', what: `${what}, ${title}`, unit: '/s', wanted: rate, ...median(rates) },
    {
      id: 'pipeline',
      what: `processor time of each, ${what}, ${title}`,
      unit: 'ms',
      wanted: time,
      ...median(times),
    },
  ];
}

/** Posts the photos and waits until all are ready. The processor time includes that of PostgreSQL. */
export async function run(service: BenchService, { kind, seed, count }: PhotoTask): Promise<Thumbnails> {
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
