/** Webhooks acknowledged with many media in the database, compared with few. */
import { connections, median, series, webhooks, type Measure } from '../measures.js';
import { runLoad } from '../load.js';
import type { BenchService } from '../service.js';
import { startGrowth } from './databases.js';

const rounds = 5;
const perRound = 6_000;

export async function grow(environment: NodeJS.ProcessEnv): Promise<Measure> {
  const { few, many, stop } = await startGrowth(environment);
  const acknowledged = async (service: BenchService): Promise<number> => {
    const requests = webhooks(service, perRound);
    const { perSecond, statuses } = await runLoad({ port: service.port, requests, connections });
    if (statuses.get(200) !== requests.length) throw new Error('some webhooks were refused');
    return perSecond;
  };
  try {
    await acknowledged(few.service);
    await acknowledged(many.service);
    const results = await series(rounds, async () => ({
      baseline: await acknowledged(few.service),
      service: await acknowledged(many.service),
    }));
    const what = `webhooks acknowledged with ${many.count.toLocaleString('en')} media, not ${few.count.toLocaleString('en')}`;
    return { id: 'grow', what, unit: '/s', wanted: '>= 0.90', ...median(results) };
  } finally {
    await stop();
  }
}
