/** Hostile pictures neither break the process nor fill it, and the next good one is served as ever. */
import { randomUUID } from 'node:crypto';

import type { BenchService } from '../../bench/service.js';
import { bytes } from '../../demo/media-host.js';
import { uniquePhotos } from '../../demo/photos.js';
import type { Check, Context, Outcome } from '../check.js';
import { hostilePictures } from './hostile.js';

/** What is promised of the process; a picture of MAX_IMAGE_PIXELS decoded at once would be over it. */
const mostMemoryMb = 400;
const mostMs = 15_000;
/** How often a good picture follows in a short run; in a full one it does after each. */
const goodEvery = 8;

async function tryPictures(context: Context, service: BenchService): Promise<Outcome> {
  const pictures = await hostilePictures(context.short);
  const photos = await uniquePhotos(pictures.length, { seed: context.seed % 1000, width: 320, height: 240 });
  const failures: string[] = [];
  const [every, patience] = context.short ? [goodEvery, Infinity] : [1, mostMs];
  let worstMs = 0;
  for (const [index, { what, content, wanted }] of pictures.entries()) {
    const { state, took } = await becomes(service, content);
    worstMs = Math.max(worstMs, took);
    if (!wanted.includes(state)) failures.push(`${what} is ${state}`);
    if (took > patience) failures.push(`${what} took ${took.toFixed(0)} ms`);
    if (index % every !== 0) continue;
    const next = await becomes(service, photos.at(index));
    if (next.state !== 'ready') failures.push(`the good picture after ${what} is ${next.state}`);
  }
  const peak = service.memory()?.peak ?? 0;
  if (peak > mostMemoryMb) failures.push(`memory reached ${peak.toFixed(0)} MB`);
  return {
    ...{ tried: pictures.length, failures, lost: 0, doubled: 0, worstMs, worstMemoryMb: peak },
    notes: [
      `${String(pictures.length)} bombs, lies, cut off and double-faced pictures; at most ${peak.toFixed(0)} MB`,
    ],
  };
}

/** What becomes of a picture with these bytes, and in how many milliseconds. */
async function becomes(service: BenchService, content: Buffer): Promise<{ state: string; took: number }> {
  const provider = service.simulator.providers['z-api'];
  const url = provider.publish(bytes('image/jpeg', content));
  const { path, headers, body } = provider.webhook({ kind: 'image', id: randomUUID(), url });
  const started = performance.now();
  const answer = await fetch(service.baseUrl + path, { method: 'POST', headers, body });
  const { media } = (await answer.json()) as { media: string[] };
  const found = await service.get(`/v1/media/${media[0] ?? ''}?wait=30`);
  const { state = String(found.status) } = (await found.json()) as { state?: string };
  return { state, took: performance.now() - started };
}

export const pictures: Check = {
  id: 'pictures',
  title: 'no picture breaks or fills it',
  run: async (context) => tryPictures(context, await context.service()),
  mutations: [
    {
      title: 'pixels are not bounded',
      caughtBy: /^PNG of 20000x20000 .* is ready/,
      run: async (context) => {
        const service = await context.start({ MAX_IMAGE_PIXELS: '1000000000' });
        try {
          return await tryPictures(context, service);
        } finally {
          await service.stop();
        }
      },
    },
  ],
};
