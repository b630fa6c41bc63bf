import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import sharp from 'sharp';

import { AppError } from '../../../src/domain/errors.js';
import type { MediaLimits } from '../../../src/domain/sending.js';
import { createStaging } from '../../../src/infra/files/staging.js';
import { createImageDecoder } from '../../../src/infra/pictures/decoder.js';
import { createHeicDecoder } from '../../../src/infra/pictures/heic.js';
import { createIsolatedDecoder } from '../../../src/infra/pictures/isolated-decoder.js';
import { createMakePreviews, type PreviewOptions } from '../../../src/pipeline/media/previews.js';
import { chunked, createConvert, type ConvertiblePicture } from '../../../src/pipeline/send/convert.js';
import { heic } from '../../support/heic.js';

const maxPixels = 1_000_000;
const limits: MediaLimits = { types: ['image/jpeg'], maxBytes: 1_000_000, maxCaption: null };
const images = createImageDecoder({ maxPixels });
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'inlet-convert-'));
});
afterAll(() => rm(folder, { recursive: true }));

const staging = () => createStaging(folder);

const apart = createIsolatedDecoder({ maxPixels });
afterAll(() => {
  apart.close();
});

async function convert(
  content: Buffer,
  type: string,
  { decodeHeic = createHeicDecoder({ maxPixels }), isolated = apart }: Partial<PreviewOptions> = {},
) {
  const file = await staging().receive(chunked(content));
  const picture: ConvertiblePicture = { file, kind: 'image', type };
  const makePreviews = createMakePreviews({
    images,
    isolated,
    decodeHeic,
    grabFrame: undefined,
    decoders: 1,
  });
  const convertPicture = createConvert({ staging: staging(), images, decodeHeic, makePreviews, decoders: 1 });
  return convertPicture(picture, limits).finally(file.discard);
}

test('a HEIC picture becomes a JPEG', async () => {
  const converted = await convert(await heic('photo'), 'image/heic');
  if (typeof converted === 'string') throw new Error(converted);
  expect((await sharp(converted.path).metadata()).format).toBe('jpeg');
  await converted.discard();
});

test('what is no picture is refused with the reason', async () => {
  expect(await convert(Buffer.from('no picture'), 'image/heic')).toBe('the picture cannot be decoded');
  expect(await convert(Buffer.from('no picture'), 'image/jpeg')).toBe('the picture cannot be decoded');
});

test('a decoder without time says nothing about the picture: the caller may try again', async () => {
  const hasty = { decodeHeic: createHeicDecoder({ maxPixels, timeoutMs: 1 }) };
  await expect(convert(await heic('photo'), 'image/heic', hasty)).rejects.toMatchObject({
    code: 'service.unavailable',
  });
});

test('neither does the isolated process, which decodes what this process cannot', async () => {
  const isolated = { preview: () => Promise.reject(new AppError('media.busy', 'the machine had no time')) };
  await expect(convert(Buffer.from('BM'), 'image/bmp', { isolated })).rejects.toMatchObject({
    code: 'service.unavailable',
  });
});

test('no attempt leaves a file behind', async () => {
  expect(await readdir(folder)).toEqual([]);
});
