/**
 * Pictures per second with one process for the API and several workers, on one database and one folder of
 * files.
 */
import { median, series, type Measure } from '../measures.js';
import { startBenchService } from '../service.js';
import { run } from './pipeline.js';

const rounds = 3;
const photo = { kind: 'messenger', count: 200 } as const;
const mostWorkers = 3;

/** Compared with one worker. Each further worker starts while the others run. */
export async function workers(environment: NodeJS.ProcessEnv): Promise<Measure[]> {
  const service = await startBenchService(environment, { PROCESS_MODE: 'api' });
  const measured: Measure[] = [];
  let alone: number | undefined;
  try {
    for (let count = 1; count <= mostWorkers; count += 1) {
      await service.beside({ PROCESS_MODE: 'worker' });
      await run(service, { ...photo, seed: count * 100 });
      const results = await series(rounds, async (round) => {
        const { perSecond } = await run(service, { ...photo, seed: count * 100 + round + 1 });
        alone ??= perSecond;
        return { service: perSecond, baseline: alone };
      });
      const what = `pictures from webhook to ready, ${String(count)} worker${count === 1 ? '' : 's'}`;
      measured.push({ id: 'workers', what, unit: '/s', wanted: 'more', ...median(results) });
    }
    return measured;
  } finally {
    await service.stop();
  }
}
