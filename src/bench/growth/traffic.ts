/**
 * A thousand webhooks a second for a minute, beside twenty pictures and twenty lookups a second, with many
 * media in the database. The baseline gets the same webhooks and has nothing else to do.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';

import { bytes } from '../../demo/media-host.js';
import { uniquePhotos } from '../../demo/photos.js';
import { answeredWithin, sendAtRate } from '../fixed-rate.js';
import { httpRequest } from '../load.js';
import { inCode, type Measure } from '../measures.js';
import { startCompanion, type BenchService } from '../service.js';
import { startGrown, type Populated } from './databases.js';
import { lists } from './lookup.js';

const perSecond = 1_000;
const seconds = 60;
/** One webhook in fifty brings a picture. */
const picturesEvery = 50;
const lookupsPerSecond = 20;
const drainMs = 60_000;
const pollMs = 250;

export async function traffic(environment: NodeJS.ProcessEnv): Promise<Measure[]> {
  const { many, stop } = await startGrown(environment);
  const baseline = await startCompanion('./ack-baseline.js');
  try {
    const requests = await webhooks(many.service);
    const required = await sendAtRate({ port: Number(baseline.first['port']), perSecond, requests });
    const before = await readyCount(many);
    const lookups = startLookups(many);
    const ours = await sendAtRate({ port: many.service.port, perSecond, requests });
    const lookupMs = await lookups.stop();
    if (ours.statuses.some((status) => status !== 200)) throw new Error('some webhooks were refused');
    await readyOf(many, before + requests.length / picturesEvery);
    const common = { id: 'traffic', unit: 'ms', wanted: 'no bound' } as const;
    const beside = `${perSecond.toLocaleString('en')} webhooks/s, ${many.count.toLocaleString('en')} media`;
    const measure = (share: number, name: string): Measure => {
      const service = answeredWithin(ours, share);
      const expected = answeredWithin(required, share);
      return {
        ...common,
        what: `${name}, ${beside}`,
        service,
        baseline: expected,
        ratio: service / expected,
      };
    };
    const lookup = answeredWithin({ took: lookupMs }, 0.99);
    return [
      measure(0.5, 'half of the webhooks acknowledged within'),
      measure(0.99, '99 % of the webhooks acknowledged within'),
      { ...common, what: `99 % of the lookups meanwhile`, service: lookup, baseline: lookup, ratio: 1 },
    ];
  } finally {
    baseline.stop();
    await stop();
  }
}

/** Pictures, texts and statuses of the providers whose webhooks are read in code. */
async function webhooks({ simulator }: BenchService): Promise<Buffer[]> {
  const photos = await uniquePhotos((perSecond * seconds) / picturesEvery, { seed: 11 });
  return Array.from({ length: perSecond * seconds }, (_, index) => {
    const provider = simulator.providers[inCode[index % inCode.length] ?? 'blip'];
    const id = randomUUID();
    const place = index / picturesEvery;
    const { path, headers, body } = Number.isInteger(place)
      ? provider.webhook({
          kind: 'image',
          id,
          url: provider.publish(bytes('image/jpeg', () => photos.at(place))),
        })
      : provider.webhook(
          index % 2 === 0 ? { kind: 'text', id, text: 'as I said' } : { kind: 'status', id, status: 'read' },
        );
    return httpRequest(path, headers, body);
  });
}

/** Looks something up at fixed times. */
function startLookups(populated: Populated): { readonly stop: () => Promise<readonly number[]> } {
  const took: number[] = [];
  const running = new Set<Promise<void>>();
  let place = 0;
  const look = async (): Promise<void> => {
    const path = lists[place++ % lists.length]?.path(populated) ?? '/v1/media';
    const started = performance.now();
    const response = await populated.service.get(path);
    await response.arrayBuffer();
    if (response.status !== 200) throw new Error(`${path}: ${String(response.status)}`);
    took.push(performance.now() - started);
  };
  const clock = setInterval(() => {
    const one = look().finally(() => running.delete(one));
    running.add(one);
  }, 1_000 / lookupsPerSecond);
  return {
    stop: async () => {
      clearInterval(clock);
      await Promise.all(running);
      return took;
    },
  };
}

async function readyCount({ query }: Populated): Promise<number> {
  const [row] = await query<{ count: number }>(
    `select count(*)::int as count from media where state = 'ready'`,
    [],
  );
  return row?.count ?? 0;
}

async function readyOf(populated: Populated, wanted: number): Promise<void> {
  const until = performance.now() + drainMs;
  while ((await readyCount(populated)) < wanted) {
    if (performance.now() > until) throw new Error('some pictures did not become ready');
    await delay(pollMs);
  }
}
