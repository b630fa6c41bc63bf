/**
 * Checks a file that is to be sent against the limits, converts it on request if that helps, and stores it.
 */
import { newId } from '../../domain/id.js';
import { isDecodable } from '../../domain/media.js';
import { examinesPixels, mediaProblems, type MediaFacts } from '../../domain/outbound.js';
import type { MediaKind } from '../../domain/provider.js';
import type { MediaLimits } from '../../domain/sending.js';
import { typeOfFile } from '../../infra/file-types/detect.js';
import type { StagedFile } from '../../infra/files/staging.js';
import type { ImageDecoder } from '../../infra/pictures/decoder.js';
import type { MediaRecord } from '../../infra/tables/media/lookup.js';
import type { OutboundMedia } from '../../infra/tables/sending/outbound.js';
import type { Store } from '../media/store.js';
import { orErrorMessage, type Convert } from './convert.js';

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
  readonly images: Pick<ImageDecoder, 'colours'>;
  readonly convert: Convert;
  readonly store: Store;
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
  readonly facts: MediaFacts & { readonly type: string };
  readonly problems: readonly string[];
  /** A converted file that replaces the original. */
  readonly converted?: StagedFile;
}

export function createCheckFile(options: CheckFileOptions): (request: FileRequest) => Promise<CheckedFile> {
  return async (request) => {
    const { file, stored } = request;
    const checked = await checkOrConvert(options, request).catch(async (error: unknown) => {
      await file.discard();
      throw error;
    });
    const discard = async (): Promise<void> => {
      await Promise.all([file.discard(), checked.converted?.discard()]);
    };
    return {
      problems: checked.problems,
      filename: stored?.filename ?? null,
      store: async () => {
        try {
          return await storeChecked(options.store, request, checked);
        } finally {
          await discard();
        }
      },
      discard,
    };
  };
}

async function checkOrConvert(options: CheckFileOptions, request: FileRequest): Promise<Checked> {
  const { file, kind, limits, fit } = request;
  const checked = await check(options, file, request);
  if (!fit || checked.problems.length === 0) return checked;
  const converted = await options.convert({ file, kind, type: checked.facts.type }, limits);
  if (typeof converted === 'string') return { ...checked, problems: [...checked.problems, converted] };
  return { ...(await check(options, converted, request)), converted };
}

async function check(
  { images }: CheckFileOptions,
  file: StagedFile,
  { kind, limits }: FileRequest,
): Promise<Checked> {
  const type = await typeOfFile(file);
  const needsColours = examinesPixels(limits) && kind !== 'document' && isDecodable(type);
  const colours = needsColours ? await orErrorMessage(images.colours(file.path)) : undefined;
  const facts = { type, bytes: file.bytes, colours: typeof colours === 'string' ? undefined : colours };
  const unreadable =
    typeof colours === 'string' ? [`the pixels of the picture cannot be read: ${colours}`] : [];
  return { facts, problems: [...mediaProblems(facts, limits), ...unreadable] };
}

/** Uses the existing media item, unless its file was converted. */
async function storeChecked(
  store: Store,
  { file, kind, stored }: FileRequest,
  { facts, converted }: Checked,
): Promise<StoredMedia> {
  const media =
    stored && !converted
      ? { id: stored.id }
      : { id: newId(), blob: await store(converted ?? file, { kind }) };
  return { ...facts, media, link: null };
}
