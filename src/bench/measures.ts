/** The measurements. Each compares the service with the minimal work in the same run. */
import { randomUUID } from 'node:crypto';

import { bytes, filledUpTo } from '../demo/media-host.js';
import { uniquePhotos } from '../demo/photos.js';
import { providerIds, type ProviderId } from '../demo/providers/registry.js';
import { httpRequest, runLoad } from './load.js';
import { startBenchService, startCompanion, type BenchService } from './service.js';
import { makePreviews } from './sharp-work.js';

export interface Measure {
  readonly id: string;
  readonly what: string;
  readonly service: number;
  readonly baseline: number;
  readonly unit: string;
  /** The required ratio of service to baseline. */
  readonly wanted: string;
  readonly ratio: number;
}

const rounds = 5;
export const connections = 64;

/** The provider whose payloads an expression translates, in a process apart. */
const declared: readonly ProviderId[] = ['custom'];
/** The providers whose payloads are read in code. */
export const inCode = providerIds.filter((id) => !declared.includes(id));

/** Webhooks of the providers, verified, parsed and committed, per second at 64 connections. */
export async function ack(environment: NodeJS.ProcessEnv): Promise<Measure[]> {
  const service = await startBenchService(environment, { PROCESS_MODE: 'api' });
  const baseline = await startCompanion('./ack-baseline.js');
  const baselinePort = Number(baseline.first['port']);
  try {
    await runLoad({ port: service.port, requests: webhooks(service, 4_000), connections });
    await runLoad({ port: baselinePort, requests: webhooks(service, 4_000), connections });
    const measure = (ids: readonly ProviderId[], count: number) =>
      series(rounds, async () => {
        const requests = webhooks(service, count, ids);
        const required = await runLoad({ port: baselinePort, requests, connections });
        const ours = await runLoad({ port: service.port, requests, connections });
        if (ours.statuses.get(200) !== requests.length) throw new Error('some webhooks were refused');
        return { service: ours.perSecond, baseline: required.perSecond };
      });
    const common = { id: 'ack', unit: '/s' } as const;
    return [
      {
        ...common,
        what: 'webhooks acknowledged',
        wanted: '>= 0.70',
        ...median(await measure(inCode, 10_000)),
      },
      {
        ...common,
        what: 'webhooks acknowledged, by an expression',
        wanted: 'no bound',
        ...median(await measure(declared, 1_000)),
      },
    ];
  } finally {
    baseline.stop();
    await service.stop();
  }
}

/**
 * One picture at a time, from webhook to a readable preview, compared with a plain download and the same
 * sharp work.
 */
export async function latency(environment: NodeJS.ProcessEnv): Promise<Measure> {
  const service = await startBenchService(environment);
  const photos = await uniquePhotos(200, { seed: 77 });
  const provider = service.simulator.providers['z-api'];
  try {
    const results = await series(60, async (round) => {
      const url = provider.publish(bytes('image/jpeg', photos.at(round)));
      const started = performance.now();
      await makePreviews(Buffer.from(await (await fetch(url)).arrayBuffer()));
      const plain = performance.now() - started;
      const again = performance.now();
      const [id] = await post(service, url);
      const media = (await (await service.get(`/v1/media/${id ?? ''}?wait=30`)).json()) as { state: string };
      if (media.state !== 'ready') throw new Error(`a picture is ${media.state}`);
      await (await service.get(`/v1/media/${id ?? ''}/preview?size=small`)).arrayBuffer();
      return { baseline: plain, service: performance.now() - again };
    });
    return {
      id: 'latency',
      what: 'webhook to readable preview',
      unit: 'ms',
      wanted: '<= 1.50',
      ...median(results.slice(10)),
    };
  } finally {
    await service.stop();
  }
}

/**
 * Peak memory of the process over 200 simultaneous downloads of 5 MB, and over as many readers of these files,
 * compared with the idle process.
 */
export async function memory(environment: NodeJS.ProcessEnv): Promise<readonly Measure[]> {
  const service = await startBenchService(environment);
  const photo = (await uniquePhotos(1, { seed: 5 })).at(0);
  const megabytes = (what: string, baseline: number): Measure => ({
    id: 'memory',
    what,
    unit: 'MB',
    wanted: 'peak < 350 MB',
    ...compare({ service: service.memory()?.peak ?? NaN, baseline }),
  });
  try {
    const idle = service.memory()?.now ?? NaN;
    const provider = service.simulator.providers['z-api'];
    const ids = await Promise.all(
      Array.from({ length: 200 }, async (_, index) => {
        // Each has different bytes: its number is in the last trailing bytes of the JPEG, which decoders
        // skip.
        const head = Buffer.concat([photo, Buffer.from(`#${String(index)}`)]);
        return (await post(service, provider.publish(filledUpTo(fileBytes, 'image/jpeg', head))))[0] ?? '';
      }),
    );
    for (const id of ids) await (await service.get(`/v1/media/${id}?wait=30`)).arrayBuffer();
    const downloads = megabytes('peak memory, 200 downloads of 5 MB', idle);
    service.forgetPeak();
    await Promise.all(ids.map((id) => readWhole(service, id)));
    return [downloads, megabytes('peak memory, 200 readers of 5 MB', idle)];
  } finally {
    await service.stop();
  }
}

const fileBytes = 5 * 1024 * 1024;

async function readWhole(service: BenchService, id: string): Promise<void> {
  const { body } = await service.get(`/v1/media/${id}/content`);
  let bytes = 0;
  for await (const chunk of body ?? []) bytes += (chunk as Uint8Array).length;
  if (bytes !== fileBytes) throw new Error(`a reader received ${String(bytes)} bytes`);
}

export function webhooks(
  { simulator }: BenchService,
  count: number,
  ids: readonly ProviderId[] = inCode,
): Buffer[] {
  return Array.from({ length: count }, (_, index) => {
    const provider = simulator.providers[ids[index % ids.length] ?? 'blip'];
    const { path, headers, body } = provider.webhook({
      kind: 'image',
      id: randomUUID(),
      url: `${simulator.host.origin}/nothing/${String(index)}.jpg`,
      caption: 'a caption of the usual length',
    });
    return httpRequest(path, headers, body);
  });
}

/** Posts a Z-API webhook with a picture at `url`; returns the ids of its media. */
export async function post({ baseUrl, simulator }: BenchService, url: string): Promise<string[]> {
  const { path, headers, body } = simulator.providers['z-api'].webhook({
    kind: 'image',
    id: randomUUID(),
    url,
  });
  const response = await fetch(baseUrl + path, { method: 'POST', headers, body });
  return ((await response.json()) as { media: string[] }).media;
}

export interface Pair {
  readonly service: number;
  readonly baseline: number;
}

export async function series(count: number, run: (round: number) => Promise<Pair>): Promise<Pair[]> {
  const results: Pair[] = [];
  for (let round = 0; round < count; round += 1) results.push(await run(round));
  return results;
}

/** The round with the median ratio: machines are noisy, and the two numbers of a round belong together. */
export function median(pairs: readonly Pair[]): Pair & { ratio: number } {
  const sorted = pairs.map(compare).sort((a, b) => a.ratio - b.ratio);
  const middle = sorted[Math.floor(sorted.length / 2)];
  if (!middle) throw new Error('nothing was measured');
  return middle;
}

function compare(pair: Pair): Pair & { ratio: number } {
  return { ...pair, ratio: pair.service / pair.baseline };
}
