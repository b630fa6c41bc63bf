/** Hostile pictures neither break the process nor fill it, and the next good one is served as ever. */
import { randomUUID } from 'node:crypto';

import type { BenchService } from '../../bench/service.js';
import { bytes } from '../../demo/media-host.js';
import { uniquePhotos } from '../../demo/photos.js';
import type { Check, Context, Outcome } from '../check.js';
import { hostilePictures } from './hostile.js';

/** What is promised of the process. */
const mostMemoryMb = 400;
const mostMs = 15_000;
/** How often a good picture follows in a short run; in a full one it does after each. */
const goodEvery = 8;

interface Tried {
  readonly what: string;
  readonly ms: number;
  /** The most that the process held meanwhile. */
  readonly peakMb: number;
}

async function tryPictures(context: Context, service: BenchService): Promise<Outcome> {
  const pictures = await hostilePictures(context.short);
  const failures: string[] = [];
  const tried: Tried[] = [];
  const [every, patience] = context.short ? [goodEvery, Infinity] : [1, mostMs];
  const goodOnes = Math.ceil(pictures.length / every);
  const photos = await uniquePhotos(goodOnes, { seed: context.seed % 1000, width: 320, height: 240 });
  for (const [index, { what, content, wanted }] of pictures.entries()) {
    service.forgetPeak();
    const { state, ms } = await becomes(service, content);
    const peakMb = service.memory()?.peak ?? 0;
    tried.push({ what, ms, peakMb });
    if (!wanted.includes(state)) failures.push(`${what} is ${state}`);
    failures.push(...excesses({ what, ms, peakMb }, patience));
    if (index % every !== 0) continue;
    const next = await becomes(service, photos.at(index / every));
    if (next.state !== 'ready') failures.push(`the good picture after ${what} is ${next.state}`);
  }
  return { ...summary(tried), failures };
}

function summary(tried: readonly Tried[]): Omit<Outcome, 'failures'> {
  const most = worst(tried, ({ peakMb }) => peakMb);
  const slowest = worst(tried, ({ ms }) => ms);
  return {
    ...{ tried: tried.length, lost: 0, doubled: 0 },
    ...{ worstMs: slowest[0]?.ms ?? 0, worstMemoryMb: most[0]?.peakMb ?? 0 },
    notes: [
      `most memory: ${most.map(({ what, peakMb }) => `${what} ${peakMb.toFixed(0)} MB`).join(', ')}`,
      `most time: ${slowest.map(({ what, ms }) => `${what} ${ms.toFixed(0)} ms`).join(', ')}`,
    ],
  };
}

function excesses({ what, ms, peakMb }: Tried, patience: number): string[] {
  return [
    ...(ms > patience ? [`${what} took ${ms.toFixed(0)} ms`] : []),
    ...(peakMb > mostMemoryMb ? [`memory reached ${peakMb.toFixed(0)} MB with ${what}`] : []),
  ];
}

/** The three with the highest values. */
function worst(tried: readonly Tried[], valueOf: (one: Tried) => number): Tried[] {
  return [...tried].sort((one, other) => valueOf(other) - valueOf(one)).slice(0, 3);
}

/** What becomes of a picture with these bytes, and in how many milliseconds. */
async function becomes(service: BenchService, content: Buffer): Promise<{ state: string; ms: number }> {
  const provider = service.simulator.providers['z-api'];
  const url = provider.publish(bytes('image/jpeg', content));
  const { path, headers, body } = provider.webhook({ kind: 'image', id: randomUUID(), url });
  const started = performance.now();
  const answer = await fetch(service.baseUrl + path, { method: 'POST', headers, body });
  const { media } = (await answer.json()) as { media: string[] };
  const found = await service.get(`/v1/media/${media[0] ?? ''}?wait=30`);
  const { state = String(found.status) } = (await found.json()) as { state?: string };
  return { state, ms: performance.now() - started };
}

export const pictures: Check = {
  id: 'pictures',
  title: 'no picture breaks or fills it',
  run: async (context) => tryPictures(context, await context.service()),
  mutations: [
    {
      title: 'pixels, and what they take to decode, are bounded five times as far',
      caughtBy: /^PNG of 20000x20000 .* is ready/,
      run: async (context) => {
        const service = await context.start({ MAX_IMAGE_PIXELS: '500000000' });
        try {
          return await tryPictures(context, service);
        } finally {
          await service.stop();
        }
      },
    },
  ],
};
