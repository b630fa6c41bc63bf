/** Bytes that are to be sent: checked against the limits, converted where that is asked for and helps, and then kept. */
import { AppError } from '../domain/errors.js';
import { newId } from '../domain/id.js';
import { isDecodable, typeFitsKind } from '../domain/media.js';
import { refusedMedia, type MediaFacts } from '../domain/outbound.js';
import type { MediaKind } from '../domain/provider.js';
import type { MediaLimits } from '../domain/sending.js';
import type { BlobStore } from '../infra/blob-store.js';
import { sniffType } from '../infra/file-types.js';
import type { ImageDecoder } from '../infra/images.js';
import { isMakeable } from '../infra/images-fit.js';
import type { MediaRecord } from '../infra/lookup.js';
import type { OutboundMedia } from '../infra/outbound-table.js';
import type { StagedFile, Staging } from '../infra/staging.js';
import { createLimit } from './concurrency.js';
import { isStored, type Store } from './store.js';

/** Media that were looked at. Nothing is kept before `keep`; either of both functions is to be called once. */
export interface Found {
  readonly problems: readonly string[];
  readonly filename: string | null;
  /** Stores what is to be stored. Rejects with a media error when it cannot be decoded. */
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
  const { images, staging } = options;
  const convert = createLimit(options.decoders);

  const check = async (file: StagedFile, { kind, limits }: WantedFile): Promise<Checked> => {
    const type = await sniffType(file.head);
    const matters = limits.eightBitRgb === true && kind !== 'document' && isDecodable(type);
    const colours = matters ? await images.colours(file.path) : undefined;
    const facts = { type, bytes: file.bytes, colours };
    return { facts, problems: [...wrongKind(type, kind), ...refusedMedia(facts, limits)] };
  };

  /** The words say why there is nothing that fits. */
  const makeFitting = async (
    { file, kind, limits }: WantedFile,
    type: string,
  ): Promise<StagedFile | string> => {
    if (kind !== 'image' && kind !== 'sticker') return `options.fit is for pictures, not for ${kind}`;
    const target = limits.types.find(isMakeable);
    if (!isDecodable(type) || target === undefined) return `${type} cannot be converted`;
    const { maxBytes } = limits;
    const content = await convert(() => images.fit(file.path, { type: target, maxBytes }));
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
        return { ...facts, media: await store(options, made ?? file, kind), link: null };
      } finally {
        await discard();
      }
    };
    return { problems: checked.problems, filename: held?.filename ?? null, keep, discard };
  };
}

async function store({ store, blobs }: OutboundFileOptions, file: StagedFile, kind: MediaKind) {
  const blob = await store(file, { kind, sha256: null });
  if (await isStored(blobs, blob)) return { id: newId(), blob };
  throw new AppError('service.unavailable', 'the same bytes were being erased; send them again');
}

export function wrongKind(type: string, kind: MediaKind): string[] {
  return typeFitsKind(type, kind) ? [] : [`announced as ${kind}, but the bytes are ${type}`];
}

// eslint-disable-next-line @typescript-eslint/require-await -- what receives it reads streams, which are asynchronous.
export async function* chunked(content: Buffer): AsyncGenerator<Buffer> {
  yield content;
}
