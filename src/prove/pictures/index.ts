/**
 * Hostile pictures neither crash the process nor exhaust its memory, and the next good one is processed as
 * usual.
 */
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';

import { memoryOf, type BenchService } from '../../bench/service.js';
import { bytes } from '../../demo/media-host.js';
import { uniquePhotos } from '../../demo/photos.js';
import type { MediaView } from '../../http/shapes/media.js';
import type { Check, Context, Outcome } from '../check.js';
import { hostilePictures } from './hostile.js';

/** The limits of the process. */
const maxMemoryMb = 400;
/** The limit of the isolated process: 1200 MB of its own, and the programs that all processes share. */
const maxIsolatedMb = 1_300;
const maxMs = 15_000;
/** After this time a picture counts as pending for good, also in a short run. */
const pendingTimeoutMs = 240_000;
/** How often a good picture follows in a short run; in a full run it follows each. */
const goodEvery = 8;

interface Tried {
  readonly what: string;
  readonly ms: number;
  /** The peak memory of the process meanwhile. */
  readonly peakMb: number;
  /** The memory of its child processes together; 0 if they have ended. */
  readonly apartMb: number;
}

async function tryPictures(
  context: Context,
  service: BenchService,
  isChosen: (what: string) => boolean = () => true,
): Promise<Outcome> {
  const pictures = (await hostilePictures(context.short)).filter(({ what }) => isChosen(what));
  const failures: string[] = [];
  const tried: Tried[] = [];
  const every = context.short ? goodEvery : 1;
  const allowedMs = context.short ? Infinity : maxMs;
  const goodOnes = Math.ceil(pictures.length / every);
  const photos = await uniquePhotos(goodOnes, { seed: context.seed % 1000, width: 320, height: 240 });
  for (const [index, { what, content, allowed }] of pictures.entries()) {
    service.forgetPeak();
    const { fate, ms } = await becomes(service, content);
    const one = { what, ms, peakMb: service.memory()?.peak ?? 0, apartMb: isolatedPeak(service.pid) };
    tried.push(one);
    if (!allowed.some((one) => one === fate)) failures.push(`${what} is ${fate}`);
    failures.push(...excesses(one, allowedMs));
    if (index % every !== 0) continue;
    const next = await becomes(service, photos.at(index / every));
    if (next.fate !== 'shown') failures.push(`the good picture after ${what} is ${next.fate}`);
  }
  return { ...summary(tried), failures };
}

function summary(tried: readonly Tried[]): Omit<Outcome, 'failures'> {
  const peakMb = worst(tried, ({ peakMb }) => peakMb);
  const slowest = worst(tried, ({ ms }) => ms);
  return {
    tried: tried.length,
    lost: 0,
    doubled: 0,
    worstMs: slowest[0]?.ms ?? 0,
    worstMemoryMb: peakMb[0]?.peakMb ?? 0,
    notes: [
      `most memory: ${peakMb.map(({ what, peakMb }) => `${what} ${peakMb.toFixed(0)} MB`).join(', ')}`,
      `most in a process of its own: ${worst(tried, ({ apartMb }) => apartMb)
        .map(({ what, apartMb }) => `${what} ${apartMb.toFixed(0)} MB`)
        .join(', ')}`,
      `most time: ${slowest.map(({ what, ms }) => `${what} ${ms.toFixed(0)} ms`).join(', ')}`,
    ],
  };
}

function excesses({ what, ms, peakMb, apartMb }: Tried, allowedMs: number): string[] {
  return [
    ...(ms > allowedMs ? [`${what} took ${ms.toFixed(0)} ms`] : []),
    ...(peakMb > maxMemoryMb ? [`memory reached ${peakMb.toFixed(0)} MB with ${what}`] : []),
    ...(apartMb > maxIsolatedMb ? [`a decoder reached ${apartMb.toFixed(0)} MB with ${what}`] : []),
  ];
}

/** The peak memory of its running child processes (MB). */
function isolatedPeak(pid: number | undefined): number {
  const peaks = childrenOf(pid).map((child) => memoryOf(child)?.peak ?? 0);
  return Math.max(0, ...peaks.filter((peak) => !Number.isNaN(peak)));
}

function childrenOf(pid: number | undefined): number[] {
  const task = `/proc/${String(pid)}/task/${String(pid)}/children`;
  if (!existsSync(task)) return [];
  return readFileSync(task, 'utf8').split(' ').filter(Boolean).map(Number);
}

/** The three entries with the highest values. */
function worst(tried: readonly Tried[], valueOf: (one: Tried) => number): Tried[] {
  return [...tried].sort((one, other) => valueOf(other) - valueOf(one)).slice(0, 3);
}

/** The outcome of a picture with these bytes, and its duration in milliseconds. */
async function becomes(service: BenchService, content: Buffer): Promise<{ fate: string; ms: number }> {
  const provider = service.simulator.providers['z-api'];
  const url = provider.publish(bytes('image/jpeg', content));
  const { path, headers, body } = provider.webhook({ kind: 'image', id: randomUUID(), url });
  const started = performance.now();
  const answer = await fetch(service.baseUrl + path, { method: 'POST', headers, body });
  const { media } = (await answer.json()) as { media: string[] };
  for (;;) {
    const found = await service.get(`/v1/media/${media[0] ?? ''}?wait=30`);
    const { state = String(found.status), previews = {} } = (await found.json()) as Partial<MediaView>;
    const ms = performance.now() - started;
    if (state === 'pending' && ms < pendingTimeoutMs) continue;
    const ready = Object.keys(previews).length > 0 ? 'shown' : 'kept';
    return { fate: state === 'ready' ? ready : state, ms };
  }
}

export const pictures: Check = {
  id: 'pictures',
  title: 'survives hostile pictures and limits their memory',
  run: async (context) => tryPictures(context, await context.service()),
  mutations: [
    {
      title: 'the limit of pixels is five times as high',
      caughtBy: /^PNG of 20000x20000 .* is shown/,
      run: async (context) => {
        const service = await context.start({ MAX_IMAGE_PIXELS: '500000000' });
        try {
          return await tryPictures(context, service, (what) => what.startsWith('PNG of '));
        } finally {
          await service.stop();
        }
      },
    },
  ],
};
