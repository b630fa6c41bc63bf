/** Bytes that are to be sent: checked against the limits, converted where that is asked for and helps, and then kept. */
import { AppError } from '../../domain/errors.js';
import { newId } from '../../domain/id.js';
import { isDecodable, isHeic } from '../../domain/media.js';
import { refusedMedia, type MediaFacts } from '../../domain/outbound.js';
import type { MediaKind } from '../../domain/provider.js';
import type { MediaLimits } from '../../domain/sending.js';
import { readableType } from '../../domain/type-names.js';
import { typeOfFile } from '../../infra/file-types/detect.js';
import type { BlobStore } from '../../infra/files/blob-store.js';
import type { StagedFile, Staging } from '../../infra/files/staging.js';
import type { ImageDecoder } from '../../infra/pictures/decoder.js';
import { isMakeable, type FitTarget } from '../../infra/pictures/fit.js';
import type { HeicDecoder } from '../../infra/pictures/heic.js';
import type { MediaRecord } from '../../infra/tables/media/lookup.js';
import type { OutboundMedia } from '../../infra/tables/sending/outbound.js';
import { createLimit } from '../concurrency.js';
import type { Store } from '../media/store.js';

/** Media that were looked at. Nothing is kept before `keep`; either of both functions is to be called once. */
export interface Found {
  readonly problems: readonly string[];
  readonly filename: string | null;
  /** Stores what is to be stored. Rejects with a media error for what is not kept. */
  readonly keep: () => Promise<KeptMedia>;
  readonly discard: () => Promise<void>;
}

export interface KeptMedia extends MediaFacts {
  readonly media: OutboundMedia;
  readonly link: string | null;
}

export interface OutboundFileOptions {
  readonly staging: Staging;
  readonly blobs: BlobStore;
  readonly images: Pick<ImageDecoder, 'colours' | 'fit'>;
  readonly decodeHeic: HeicDecoder;
  readonly store: Store;
  /** How many pictures are converted at once. */
  readonly decoders: number;
}

interface WantedFile {
  readonly file: StagedFile;
  readonly kind: MediaKind;
  readonly limits: MediaLimits;
  readonly fit?: boolean | undefined;
  /** The media whose bytes these are, where they are kept already. */
  readonly held: MediaRecord | null;
}

/** What can be sent of a file, or why it cannot. */
interface Checked {
  readonly facts: MediaFacts;
  readonly problems: readonly string[];
  /** A second file, in place of the first. */
  readonly made?: StagedFile;
}

export function createOutboundFile(options: OutboundFileOptions): (wanted: WantedFile) => Promise<Found> {
  const { images, decodeHeic, staging } = options;
  const convert = createLimit(options.decoders);

  const check = async (file: StagedFile, { kind, limits }: WantedFile): Promise<Checked> => {
    const type = await typeOfFile(file);
    const matters = limits.eightBitRgb === true && kind !== 'document' && isDecodable(type);
    const colours = matters ? await understood(images.colours(file.path)) : undefined;
    const facts = { type, bytes: file.bytes, colours: typeof colours === 'string' ? undefined : colours };
    const unknown =
      typeof colours === 'string' ? [`pictures need 8 bits a channel, RGB or RGBA: ${colours}`] : [];
    return { facts, problems: [...refusedMedia(facts, limits), ...unknown] };
  };

  const fitted = async (path: string, type: string, target: FitTarget): Promise<Buffer | undefined> => {
    if (!isHeic(type)) return images.fit(path, target);
    const { tiff } = await decodeHeic(path);
    return images.fit(Buffer.from(tiff.buffer), target);
  };

  /** The words say why there is nothing that fits. */
  const makeFitting = async (
    { file, kind, limits }: WantedFile,
    type: string,
  ): Promise<StagedFile | string> => {
    if (kind !== 'image' && kind !== 'sticker') return `options.fit is for pictures, not for ${kind}`;
    const target = limits.types.find(isMakeable);
    if (!isConvertible(type) || target === undefined) return `${readableType(type)} cannot be converted`;
    const { maxBytes } = limits;
    const content = await convert(() => understood(fitted(file.path, type, { type: target, maxBytes })));
    if (typeof content === 'string') return content;
    return content
      ? staging.receive(chunked(content))
      : `cannot be made smaller than ${String(maxBytes)} bytes`;
  };

  const checkOrFit = async (wanted: WantedFile): Promise<Checked> => {
    const checked = await check(wanted.file, wanted);
    if (!wanted.fit || checked.problems.length === 0) return checked;
    const made = await makeFitting(wanted, checked.facts.type ?? '');
    if (typeof made === 'string') return { ...checked, problems: [...checked.problems, made] };
    return { ...(await check(made, wanted)), made };
  };

  return async (wanted) => {
    const { file, held, kind } = wanted;
    const checked = await checkOrFit(wanted).catch(async (error: unknown) => {
      await file.discard();
      throw error;
    });
    const discard = async (): Promise<void> => {
      await Promise.all([file.discard(), checked.made?.discard()]);
    };
    const keep = async (): Promise<KeptMedia> => {
      const { facts, made } = checked;
      try {
        if (held && !made) return { ...facts, media: { id: held.id }, link: null };
        return {
          ...facts,
          media: { id: newId(), blob: await options.store(made ?? file, { kind }) },
          link: null,
        };
      } finally {
        await discard();
      }
    };
    return { problems: checked.problems, filename: held?.filename ?? null, keep, discard };
  };
}

/** Of HEIC, a picture of about the size of the large preview is made, which is what its decoder gives away. */
export function isConvertible(type: string): boolean {
  return isDecodable(type) || isHeic(type);
}

/** What a decoder says of a picture, or in words why it says nothing: then the limit that was asked about is named all the same. */
async function understood<T>(work: Promise<T>): Promise<T | string> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof AppError) return error.message;
    throw error;
  }
}

// eslint-disable-next-line @typescript-eslint/require-await -- what receives it reads streams, which are asynchronous.
export async function* chunked(content: Buffer): AsyncGenerator<Buffer> {
  yield content;
}
