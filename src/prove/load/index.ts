/**
 * A thousand webhooks a second for a minute, at fixed times, while pictures are downloaded and previewed. The
 * sender, PostgreSQL and the media hosts are on the same machine: on two cores, a fiftieth of the webhooks
 * contains a picture, which means twenty previews a second of the 120 or so that these cores can make when
 * they do nothing else.
 */
import { randomUUID } from 'node:crypto';

import { answeredWithin, sendAtRate } from '../../bench/fixed-rate.js';
import { httpRequest } from '../../bench/load.js';
import type { Sent } from '../../bench/sender.js';
import type { BenchService } from '../../bench/service.js';
import { bytes } from '../../demo/media-host.js';
import { uniquePhotos } from '../../demo/photos.js';
import { providerIds } from '../../demo/providers/registry.js';
import { askingForReceipt, type SimulatedMessage } from '../../demo/providers/simulated-provider.js';
import { seededRandom } from '../../demo/random.js';
import type { Check, Context, Outcome } from '../check.js';
import { countDeliveries, countKept, countReady } from '../rows.js';
import { forgetful, refusing, stalling } from './weak-services.js';

export interface Load {
  readonly perSecond: number;
  readonly seconds: number;
  /** The share of webhooks with a picture. */
  readonly pictures: number;
  /** The limit for 99 of 100 responses. */
  readonly p99Ms: number;
  /** How long acknowledged webhooks may be on disk before they count as lost. */
  readonly storeTimeoutMs?: number;
}

const full: Load = { perSecond: 1_000, seconds: 60, pictures: 0.02, p99Ms: 50 };
const short: Load = { perSecond: 200, seconds: 5, pictures: 0.02, p99Ms: Infinity };

/** How long pictures may take that were not processed while webhooks arrived. */
const drainMs = 120_000;

/** Sends to `port`, which is the service or a proxy in front of it. */
export async function tryLoad(context: Context, load: Load, port?: number): Promise<Outcome> {
  const service = await context.service();
  const before = await countDeliveries(service);
  const sent = await sendAtRate({
    port: port ?? service.port,
    perSecond: load.perSecond,
    requests: await webhooks(context, service, load),
    begins: service.forgetPeak,
  });
  return judge(service, { sent, load, before });
}

/** Pictures, texts and statuses of all providers in random order. */
async function webhooks(
  { seed }: Context,
  { simulator }: BenchService,
  { perSecond, seconds, pictures }: Load,
): Promise<Buffer[]> {
  const random = seededRandom(seed);
  const count = perSecond * seconds;
  const photos = await uniquePhotos(count, { seed: seed % 1000 });
  return Array.from({ length: count }, (_, index) => {
    const provider = simulator.providers[providerIds[index % providerIds.length] ?? 'blip'];
    const id = randomUUID();
    const anything = (): SimulatedMessage => {
      if (random() < pictures)
        return { kind: 'image', id, url: provider.publish(bytes('image/jpeg', () => photos.at(index))) };
      return random() < 0.5
        ? { kind: 'text', id, text: 'as I said' }
        : { kind: 'status', id, status: 'read' };
    };
    const { path, headers, body } = provider.webhook(anything());
    return httpRequest(path, { ...headers, ...askingForReceipt }, body);
  });
}

interface Run {
  readonly sent: Sent;
  readonly load: Load;
  /** The number of deliveries. */
  readonly before: number;
}

async function judge(service: BenchService, { sent, load, before }: Run): Promise<Outcome> {
  const peak = service.memory()?.peak ?? 0;
  const refused = sent.statuses.filter((status) => status !== 200).length;
  const receipts = sent.bodies.flatMap((body, index) =>
    sent.statuses[index] === 200 ? [JSON.parse(body) as { delivery: string; media: string[] }] : [],
  );
  const deliveries = receipts.map(({ delivery }) => delivery);
  const media = receipts.flatMap((receipt) => receipt.media);
  const drained = performance.now();
  const ready = await countReady(service, media, drainMs);
  const drainedMs = performance.now() - drained;
  const kept = await countKept(service, deliveries, load.storeTimeoutMs);
  const lost = deliveries.length - kept;
  const doubled = Math.max(0, (await countDeliveries(service)) - before - sent.statuses.length);
  const at = (share: number): number => answeredWithin(sent, share);
  const worst = at(1);
  const failures = [
    ...(at(0.99) > load.p99Ms ? [`99 in 100 answers took up to ${at(0.99).toFixed(0)} ms`] : []),
    ...(refused > 0 ? [`${String(refused)} were not taken`] : []),
    ...(lost > 0 ? [`${String(lost)} were acknowledged and not kept`] : []),
    ...(doubled > 0 ? [`${String(doubled)} more are kept than were sent`] : []),
    ...(ready < media.length ? [`${String(media.length - ready)} pictures did not become ready`] : []),
  ];
  const times = [0.5, 0.99, 0.999].map((part) => `p${String(part * 100)} ${at(part).toFixed(1)} ms`);
  return {
    tried: sent.statuses.length,
    lost,
    doubled,
    failures,
    worstMemoryMb: peak,
    worstMs: Number.isNaN(worst) ? null : worst,
    notes: [
      `${String(load.perSecond)}/s for ${String(load.seconds)} s, ${String(media.length)} of them pictures; ` +
        `${times.join(', ')}; at most ${String(sent.connections)} connections; ` +
        `the last picture was ready ${(drainedMs / 1000).toFixed(1)} s after the last answer`,
    ],
  };
}

export const load: Check = {
  id: 'load',
  title: 'answers a thousand webhooks per second in time',
  run: (context) => tryLoad(context, context.short ? short : full),
  mutations: [stalling, refusing, forgetful].map(({ title, caughtBy, spoil }) => ({
    title,
    caughtBy,
    run: async (context) => {
      const double = await spoil((await context.service()).port);
      try {
        return await tryLoad(context, { ...short, p99Ms: full.p99Ms, storeTimeoutMs: 2_000 }, double.port);
      } finally {
        double.close();
      }
    },
  })),
};
