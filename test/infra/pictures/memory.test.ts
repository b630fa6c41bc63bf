/** The memory that pictures may need to be decoded, and the number of passes that they may have. */
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import sharp, { type Metadata } from 'sharp';

import { photo } from '../../../src/demo/photos.js';
import type { AppError } from '../../../src/domain/errors.js';
import { createImageDecoder } from '../../../src/infra/pictures/decoder.js';
import { createMemoryBudget, decodedBytes, passesOf } from '../../../src/infra/pictures/memory.js';
import { jpegBombs } from '../../../src/prove/pictures/bombs/jpeg.js';
import { webpBombs } from '../../../src/prove/pictures/bombs/webp.js';

const decoder = createImageDecoder({ maxPixels: 100_000_000 });

function bomb(what: string): Buffer {
  const found = [...jpegBombs(), ...webpBombs()].find((one) => one.what === what);
  if (!found) throw new Error(`there is no ${what}`);
  return found.content;
}

describe('the memory of a decoder', () => {
  const facts = { width: 1_000, height: 1_000, channels: 3, depth: 'uchar', isProgressive: false };
  const held = (some: object): number => decodedBytes({ ...facts, ...some } as Metadata);

  test.each([
    ['a JPEG', { format: 'jpeg', chromaSubsampling: '4:2:0' }, 0],
    ['a PNG', { format: 'png' }, 0],
    ['a TIFF', { format: 'tiff', isProgressive: true }, 0],
    ['a progressive JPEG', { format: 'jpeg', isProgressive: true, chromaSubsampling: '4:2:0' }, 3_000_000],
    ['one with all colours', { format: 'jpeg', isProgressive: true, chromaSubsampling: '4:4:4' }, 6_000_000],
    ['a PNG in passes', { format: 'png', isProgressive: true }, 3_900_000],
    ['one of 16 bits', { format: 'png', isProgressive: true, channels: 4, depth: 'ushort' }, 10_400_000],
    ['a WebP', { format: 'webp' }, 4_000_000],
    ['a GIF', { format: 'gif' }, 5_000_000],
    ['an AVIF', { format: 'heif' }, 15_000_000],
  ])('of %s', (_, some, bytes) => {
    expect(held(some)).toBeCloseTo(bytes);
  });

  test('decides whether it is decoded', async () => {
    const code = (what: string): Promise<unknown> =>
      decoder.preview(bomb(what)).catch((error: unknown) => (error as AppError).code);
    expect(await code('WebP of 9900x9900 in 30 bytes')).toBe('media.too_many_pixels');
    expect(await code('JPEG of 9900x9900 in 10 passes')).toBe('media.too_many_pixels');
    expect(await code('JPEG of 9900x9900')).toMatchObject({ width: 9_900 });
  });

  test('is completely released, and never exceeds the total', async () => {
    const anyTasks = fc.array(fc.record({ bytes: fc.nat(100), fails: fc.boolean() }), { maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), anyTasks, async (scheduler, tasks) => {
        const inBudget = createMemoryBudget(100);
        let now = 0;
        let most = 0;
        let ended = 0;
        const all = tasks.map(({ bytes, fails }) =>
          inBudget(bytes, async () => {
            now += bytes;
            most = Math.max(most, now);
            await scheduler.schedule(Promise.resolve());
            now -= bytes;
            ended += 1;
            if (fails) throw new Error('no');
          }),
        );
        await scheduler.waitFor(Promise.allSettled(all));
        expect(most).toBeLessThanOrEqual(100);
        expect(ended).toBe(tasks.length);
      }),
    );
  });
});

describe('the passes of a JPEG', () => {
  test('are those that its encoder wrote', async () => {
    const whole = await photo({ seed: 1, width: 640, height: 480 });
    const progressive = await sharp(whole).jpeg({ progressive: true }).toBuffer();
    expect([await passesOf(whole), await passesOf(progressive)]).toEqual([1, 10]);
  });

  test('are not counted in its metadata', async () => {
    const whole = await photo({ seed: 1, width: 64, height: 48 });
    const words = Buffer.alloc(40_000, Buffer.from([0xff, 0xda]));
    const comment = Buffer.concat([Buffer.from([0xff, 0xfe, 0x9c, 0x42]), words]);
    expect(await passesOf(Buffer.concat([whole.subarray(0, 2), comment, whole.subarray(2)]))).toBe(1);
  });

  test('may be many, but not thousands', async () => {
    const failure = await decoder
      .preview(bomb('JPEG of 4000x4000 in 5 000 passes'))
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: 'media.undecodable', message: expect.stringContaining('passes') });
  });

  test('of arbitrary bytes can be counted', async () => {
    const anyBytes = fc.array(fc.constantFrom(0xff, 0xda, 0, 1, 0xd8), { maxLength: 300 });
    await fc.assert(
      fc.asyncProperty(anyBytes, async (bytes) => (await passesOf(Buffer.from(bytes))) <= bytes.length),
    );
  });
});
