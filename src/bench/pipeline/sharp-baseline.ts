/** sharp alone, from bytes in memory, with as many pictures at once as there are cores. */
import { availableParallelism } from 'node:os';

import { makePreviews } from '../sharp-work.js';
import { photosOf, type PhotoKindName } from './photo-kinds.js';

interface BaselineTask {
  readonly kind: PhotoKindName;
  readonly seed: number;
  readonly count: number;
}

interface BaselineResult {
  readonly perSecond: number;
  /** Milliseconds of processor time for each picture. */
  readonly processorMs: number;
}

async function measure({ kind, seed, count }: BaselineTask): Promise<BaselineResult> {
  const photos = await photosOf(kind, count, seed);
  const pictures = Array.from({ length: count }, (_, index) => photos.at(index));
  const began = performance.now();
  const before = process.cpuUsage();
  await Promise.all(
    Array.from({ length: availableParallelism() }, async () => {
      for (let picture = pictures.pop(); picture; picture = pictures.pop()) await makePreviews(picture);
    }),
  );
  const { user, system } = process.cpuUsage(before);
  return {
    perSecond: count / ((performance.now() - began) / 1000),
    processorMs: (user + system) / 1000 / count,
  };
}

process.on('message', (task: BaselineTask) => {
  void measure(task).then((result) => process.send?.(result));
});
process.once('disconnect', () => process.exit(0));
await measure({ kind: 'messenger', seed: 0, count: 8 });
process.send?.({ ready: true });
