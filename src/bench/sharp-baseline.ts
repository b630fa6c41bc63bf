/** Sharp alone: the same previews from the same bytes in memory, as many at once as there are cores. */
import { availableParallelism } from 'node:os';

import { uniquePhotos } from '../demo/photos.js';
import { createImageDecoder } from '../infra/pictures/decoder.js';

const photos = await uniquePhotos(1_000);
const decoder = createImageDecoder({ maxPixels: 100_000_000 });

async function measure(count: number): Promise<number> {
  const pictures = Array.from({ length: count }, (_, index) => photos.at(index));
  const started = performance.now();
  await Promise.all(
    Array.from({ length: availableParallelism() }, async () => {
      for (let picture = pictures.pop(); picture; picture = pictures.pop()) await decoder.preview(picture);
    }),
  );
  return count / ((performance.now() - started) / 1000);
}

process.on('message', (message: { count: number }) => {
  void measure(message.count).then((perSecond) => process.send?.({ perSecond }));
});
process.once('disconnect', () => process.exit(0));
await measure(8);
process.send?.({ ready: true });
