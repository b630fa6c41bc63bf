/** Stores a file that a caller has uploaded, as a media item of its own. */
import type { Channel } from '../../domain/channel.js';
import { aboutCallersFile, AppError, erasedMeanwhile } from '../../domain/errors.js';
import { newId } from '../../domain/id.js';
import { kindOfType } from '../../domain/media.js';
import type { MediaKind } from '../../domain/provider.js';
import type { StagedFile } from '../../infra/files/staging.js';
import { storableName } from '../../infra/postgres/storable-text.js';
import type { MediaTable } from '../../infra/tables/media/media.js';
import type { Store } from './store.js';

export interface UploadedFile {
  readonly file: StagedFile;
  readonly channel: Channel;
  /** The kind that follows from the bytes by default. */
  readonly kind?: MediaKind | undefined;
  /** The name that the caller gives. */
  readonly filename: string | null;
}

/**
 * Returns the id of the media item, which is ready. Throws `upload.refused` for a file that is not kept, and
 * `service.unavailable` if the file could not be stored.
 */
export type AddUpload = (upload: UploadedFile) => Promise<string>;

export interface AddUploadOptions {
  readonly table: Pick<MediaTable, 'addUpload'>;
  readonly store: Store;
  readonly now: () => Date;
}

const maxNameLength = 255;

export function createAddUpload({ table, store, now }: AddUploadOptions): AddUpload {
  return async ({ file, channel, kind, filename }) => {
    // A page is only kept if the caller says that it is a document.
    const blob = await store(file, { kind: kind ?? 'image' }).catch((error: unknown) => {
      throw kind === undefined ? uploadOfNoKindRefused(error) : uploadRefused(error);
    });
    const id = newId();
    const upload = {
      id,
      channel: channel.id,
      provider: channel.provider,
      kind: kind ?? kindOfType(blob.type),
      filename: storableName(filename, maxNameLength),
    };
    if (!(await table.addUpload(upload, blob, now()))) throw erasedMeanwhile();
    return id;
  };
}

/** The error for a caller whose file is not kept. Throws faults of this service. */
export function uploadRefused(error: unknown): AppError {
  const { code, message } = aboutCallersFile(error);
  return refusal(error, code, message);
}

function uploadOfNoKindRefused(error: unknown): AppError {
  const { code } = aboutCallersFile(error);
  if (code !== 'media.type_mismatch') return uploadRefused(error);
  return refusal(error, code, 'the file is a page or data; to keep it, set `kind` to `document`');
}

function refusal(cause: unknown, code: string, message: string): AppError {
  return new AppError('upload.refused', `${code}: ${message}`, {
    cause,
    fields: [{ field: 'file', message }],
  });
}
