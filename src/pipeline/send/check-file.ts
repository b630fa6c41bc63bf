/**
 * Checks a file that is to be sent against the limits, converts it on request if that helps, and stores it.
 */
import { AppError } from '../../domain/errors.js';
import { newId } from '../../domain/id.js';
import { isDecodable, isHeic } from '../../domain/media.js';
import { mediaProblems, type MediaFacts } from '../../domain/outbound.js';
import type { MediaKind } from '../../domain/provider.js';
import type { MediaLimits } from '../../domain/sending.js';
import { readableType } from '../../domain/type-names.js';
import { typeOfFile } from '../../infra/file-types/detect.js';
import type { BlobStore } from '../../infra/files/blob-store.js';
import type { StagedFile, Staging } from '../../infra/files/staging.js';
import type { ImageDecoder } from '../../infra/pictures/decoder.js';
import { isEncodable, type FitTarget } from '../../infra/pictures/fit.js';
import type { HeicDecoder } from '../../infra/pictures/heic.js';
import type { MediaRecord } from '../../infra/tables/media/lookup.js';
import type { OutboundMedia } from '../../infra/tables/sending/outbound.js';
import { createLimit } from '../concurrency.js';
import type { Store } from '../media/store.js';

/**
 * A checked file. Nothing is stored before `store`. The caller must call exactly one of `store` and
 * `discard`.
 */
export interface CheckedFile {
  readonly problems: readonly string[];
  readonly filename: string | null;
  /** Stores the file. Rejects with a media error for a file that is not kept. */
  readonly store: () => Promise<StoredMedia>;
  readonly discard: () => Promise<void>;
}

export interface StoredMedia extends MediaFacts {
  readonly media: OutboundMedia;
  readonly link: string | null;
}

export interface CheckFileOptions {
  readonly staging: Staging;
  readonly blobs: BlobStore;
  readonly images: Pick<ImageDecoder, 'colours' | 'fit'>;
  readonly decodeHeic: HeicDecoder;
  readonly store: Store;
  /** The number of pictures that are converted at once. */
  readonly decoders: number;
}

interface FileRequest {
  readonly file: StagedFile;
  readonly kind: MediaKind;
  readonly limits: MediaLimits;
  readonly fit?: boolean | undefined;
  /** The media item that already has these bytes, if there is one. */
  readonly stored: MediaRecord | null;
}

/** The properties of the file and the reasons why it cannot be sent. */
interface Checked {
  readonly facts: MediaFacts;
  readonly problems: readonly string[];
  /** A converted file that replaces the original. */
  readonly converted?: StagedFile;
}

export function createCheckFile(options: CheckFileOptions): (request: FileRequest) => Promise<CheckedFile> {
  const { images, decodeHeic, staging } = options;
  const convert = createLimit(options.decoders);

  const check = async (file: StagedFile, { kind, limits }: FileRequest): Promise<Checked> => {
    const type = await typeOfFile(file);
    const needsColours = limits.eightBitRgb === true && kind !== 'document' && isDecodable(type);
    const colours = needsColours ? await orErrorMessage(images.colours(file.path)) : undefined;
    const facts = { type, bytes: file.bytes, colours: typeof colours === 'string' ? undefined : colours };
    const unreadable =
      typeof colours === 'string' ? [`pictures must be RGB or RGBA with 8 bits per channel: ${colours}`] : [];
    return { facts, problems: [...mediaProblems(facts, limits), ...unreadable] };
  };

  const fitted = async (path: string, type: string, target: FitTarget): Promise<Buffer | undefined> => {
    if (!isHeic(type)) return images.fit(path, target);
    const { tiff } = await decodeHeic(path);
    return images.fit(Buffer.from(tiff.buffer), target);
  };

  /** Returns a message if no suitable file can be made. */
  const convertToFit = async (
    { file, kind, limits }: FileRequest,
    type: string,
  ): Promise<StagedFile | string> => {
    if (kind !== 'image' && kind !== 'sticker') return `options.fit converts pictures only, not ${kind}`;
    const target = limits.types.find(isEncodable);
    if (!isConvertible(type) || target === undefined) return `${readableType(type)} cannot be converted`;
    const { maxBytes } = limits;
    const content = await convert(() => orErrorMessage(fitted(file.path, type, { type: target, maxBytes })));
    if (typeof content === 'string') return content;
    return content ? staging.receive(chunked(content)) : `cannot be reduced to ${String(maxBytes)} bytes`;
  };

  const checkOrFit = async (request: FileRequest): Promise<Checked> => {
    const checked = await check(request.file, request);
    if (!request.fit || checked.problems.length === 0) return checked;
    const converted = await convertToFit(request, checked.facts.type ?? '');
    if (typeof converted === 'string') return { ...checked, problems: [...checked.problems, converted] };
    return { ...(await check(converted, request)), converted };
  };

  return async (request) => {
    const { file, stored, kind } = request;
    const checked = await checkOrFit(request).catch(async (error: unknown) => {
      await file.discard();
      throw error;
    });
    const discard = async (): Promise<void> => {
      await Promise.all([file.discard(), checked.converted?.discard()]);
    };
    const store = async (): Promise<StoredMedia> => {
      const { facts, converted } = checked;
      try {
        if (stored && !converted) return { ...facts, media: { id: stored.id }, link: null };
        return {
          ...facts,
          media: { id: newId(), blob: await options.store(converted ?? file, { kind }) },
          link: null,
        };
      } finally {
        await discard();
      }
    };
    return { problems: checked.problems, filename: stored?.filename ?? null, store, discard };
  };
}

/**
 * Whether a picture can be converted. The HEIC decoder returns a picture of about the size of the large
 * preview.
 */
export function isConvertible(type: string): boolean {
  return isDecodable(type) || isHeic(type);
}

/**
 * Returns the result, or the message if the decoder refuses the picture, so that the message can name the
 * limit as well.
 */
async function orErrorMessage<T>(work: Promise<T>): Promise<T | string> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof AppError) return error.message;
    throw error;
  }
}

// eslint-disable-next-line @typescript-eslint/require-await -- the receiver reads asynchronous streams.
export async function* chunked(content: Buffer): AsyncGenerator<Buffer> {
  yield content;
}
