/** Converts a picture on request (`options.fit`) so that it meets the limits of a provider. */
import { AppError, type ErrorCode } from '../../domain/errors.js';
import { awaitsPreviews, isDecodable, isHeic } from '../../domain/media.js';
import type { MediaKind } from '../../domain/provider.js';
import type { MediaLimits } from '../../domain/sending.js';
import { readableType } from '../../domain/type-names.js';
import type { StagedFile, Staging } from '../../infra/files/staging.js';
import type { ImageDecoder } from '../../infra/pictures/decoder.js';
import { isEncodable, type FitTarget } from '../../infra/pictures/fit.js';
import type { HeicDecoder } from '../../infra/pictures/heic.js';
import { createLimit } from '../concurrency.js';
import type { MakePreviews } from '../media/previews.js';

export interface ConvertOptions {
  readonly staging: Pick<Staging, 'receive'>;
  readonly images: Pick<ImageDecoder, 'fit'>;
  readonly decodeHeic: HeicDecoder;
  readonly makePreviews: MakePreviews;
  /** The number of pictures that are converted at once. */
  readonly decoders: number;
}

export interface ConvertiblePicture {
  readonly file: Pick<StagedFile, 'path' | 'head'>;
  readonly kind: MediaKind;
  /** The type detected from the bytes. */
  readonly type: string;
}

/** Returns a message if no suitable file can be made. */
export type Convert = (picture: ConvertiblePicture, limits: MediaLimits) => Promise<StagedFile | string>;

export function createConvert(options: ConvertOptions): Convert {
  const limit = createLimit(options.decoders);
  return async (picture, limits) => {
    const { maxBytes } = limits;
    const obstacle = obstacleToConversion(picture, limits);
    const type = limits.types.find(isEncodable);
    if (obstacle !== undefined || type === undefined) return obstacle ?? noFormat;
    const content = await limit(() => orErrorMessage(fitted(options, picture, { type, maxBytes })));
    if (typeof content === 'string') return content;
    return content
      ? options.staging.receive(chunked(content))
      : `cannot be reduced to ${String(maxBytes)} bytes`;
  };
}

const noFormat = 'cannot be converted to a format that the provider accepts';

/** Why a file of this kind and type cannot be converted, as far as that is known without its bytes. */
export function obstacleToConversion(
  { kind, type }: Pick<ConvertiblePicture, 'kind' | 'type'>,
  { types }: MediaLimits,
): string | undefined {
  if (kind !== 'image' && kind !== 'sticker') return `options.fit converts pictures only, not ${kind}`;
  if (!type.startsWith('image/')) return `${readableType(type)} cannot be converted`;
  return types.some(isEncodable) ? undefined : noFormat;
}

/**
 * Converts the picture in full size if this process can decode it. Otherwise converts the large preview,
 * which the isolated process also makes of other formats and of damaged files.
 */
async function fitted(
  { images, decodeHeic, makePreviews }: ConvertOptions,
  { file: { path, head }, type }: ConvertiblePicture,
  target: FitTarget,
): Promise<Buffer | undefined> {
  const fitWhole = async (): Promise<Buffer | undefined> => {
    if (!isHeic(type)) return images.fit(path, target);
    const { tiff } = await decodeHeic(path);
    return images.fit(Buffer.from(tiff.buffer), target);
  };
  if (isDecodable(type) || isHeic(type)) {
    const whole = await orErrorMessage(fitWhole());
    if (typeof whole !== 'string') return whole;
  }
  const { pictures, warnings } = await makePreviews({ path, head, type });
  const large = pictures?.previews.find(({ size }) => size === 'large');
  // A preview without data is the picture itself, which was tried before.
  if (large && 'data' in large) return images.fit(large.data, target);
  if (awaitsPreviews({ warnings })) throw new AppError('media.busy', 'no decoder was free for the picture');
  throw new AppError('media.undecodable', warnings[0]?.message ?? 'the picture cannot be decoded');
}

/** Errors that say nothing about the picture. */
const temporaryErrors: readonly ErrorCode[] = ['media.busy', 'media.storage_failed', 'service.unavailable'];

/**
 * Returns the result, or the message if the decoder refuses the picture, so that the message can name the
 * limit as well. Rejects with `service.unavailable` if the decoder had no time or could not read the file: the
 * caller may try again.
 */
export async function orErrorMessage<T>(work: Promise<T>): Promise<T | string> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    if (temporaryErrors.includes(error.code))
      throw new AppError('service.unavailable', 'the picture cannot be decoded now', { cause: error });
    return error.message;
  }
}

// eslint-disable-next-line @typescript-eslint/require-await -- the receiver reads asynchronous streams.
export async function* chunked(content: Buffer): AsyncGenerator<Buffer> {
  yield content;
}
