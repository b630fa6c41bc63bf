/** `POST /v1/media`: an upload, streamed into the same store and checked like what is fetched. */
import { Router, type Request, type RequestHandler, type Response } from 'express';
import multer, { MulterError, type StorageEngine } from 'multer';
import { newId } from '../../domain/id.js';
import { z } from 'zod';

import { seesChannel } from '../../domain/access.js';
import type { Channels } from '../../domain/channel.js';
import { AppError, isMediaError, isServiceFault } from '../../domain/errors.js';
import { mediaKinds } from '../../domain/provider.js';
import type { BlobStore } from '../../infra/files/blob-store.js';
import type { StagedFile, Staging } from '../../infra/files/staging.js';
import { storableName } from '../../infra/postgres/storable-text.js';
import type { Lookup } from '../../infra/tables/media/lookup.js';
import type { MediaTable } from '../../infra/tables/media/media.js';
import type { Store } from '../../pipeline/media/store.js';
import type { Tokens } from '../../pipeline/tokens.js';
import type { ApiRoute } from '../api-route.js';
import { parseInput } from '../input.js';
import { accessOf, authenticate } from '../middleware/authenticate.js';
import { media as mediaShape } from '../shapes/media.js';
import { mediaView } from '../views/media.js';

export interface UploadServices {
  readonly tokens: Tokens;
  readonly channels: Channels;
  readonly lookup: Lookup;
  readonly table: MediaTable;
  readonly staging: Staging;
  readonly store: Store;
  readonly blobs: BlobStore;
  readonly now: () => Date;
}

export const uploadFields = z.strictObject({
  channel: z.string().min(1).max(255),
  kind: z.enum(mediaKinds).default('image'),
});

export const uploadApi: readonly ApiRoute[] = [
  {
    method: 'post',
    path: '/v1/media',
    scope: 'messages:send',
    summary: 'Upload a file, for sending',
    description:
      'Stored like what is fetched: whatever is no page in place of a picture is kept, with `warnings` where it is odd.',
    bodyType: 'multipart/form-data',
    body: uploadFields.extend({ file: z.string().meta({ format: 'binary' }) }),
    answers: { 201: { description: 'The media, ready', schema: mediaShape } },
    errors: ['request.too_large', 'upload.refused'],
  },
];

export function uploadRoutes(
  services: UploadServices,
  options: { maxBytes: number; limit: RequestHandler },
): Router {
  const router = Router();
  const upload = multer({
    storage: stagingEngine(services.staging),
    limits: { fileSize: options.maxBytes, files: 1, fields: 10, fieldSize: 1_024, parts: 12 },
    defParamCharset: 'utf8',
  }).single('file');

  const receiveFile: RequestHandler = (request, response, next) => {
    void upload(request, response, (error: unknown) => {
      next(error === undefined || error === null ? undefined : translateUploadError(error, options.maxBytes));
    });
  };

  router.post(
    '/v1/media',
    authenticate(services.tokens, 'messages:send'),
    options.limit,
    receiveFile,
    async (request: Request, response: Response) => {
      const file = stagedOf(request);
      try {
        const { channel: channelId, kind } = parseInput(uploadFields, request.body ?? {});
        if (!file) throw missingFile();
        const channel = seesChannel(accessOf(response), channelId)
          ? services.channels.active(channelId)
          : undefined;
        if (!channel) throw invalid('channel', 'there is no such channel');
        const blob = await services.store(file, { kind }).catch((error: unknown) => {
          throw refusal(error);
        });
        const id = newId();
        const filename = request.file ? storableName(request.file.originalname, 255) : null;
        const isKept = await services.table.addUpload(
          { id, channel: channel.id, provider: channel.provider, kind, filename },
          blob,
          services.now(),
        );
        if (!isKept)
          throw new AppError('service.unavailable', 'the same bytes were being erased; send them again');
        const media = await services.lookup.media(id);
        if (!media) throw new Error('an upload is gone right after it was stored');
        response.status(201).location(`/v1/media/${id}`).json(mediaView(media));
      } finally {
        await file?.discard();
      }
    },
  );
  return router;
}

const staged = Symbol('staged');
type WithStaged = Express.Multer.File & { [staged]?: StagedFile };

/** Where multer puts a file: our staging, so that uploads are hashed and bounded like downloads. */
function stagingEngine(staging: Staging): StorageEngine {
  return {
    _handleFile: (_, file, done) => {
      staging.receive(file.stream).then(
        (received) => {
          done(null, { [staged]: received, size: received.bytes } as Partial<WithStaged>);
        },
        (error: unknown) => {
          done(error);
        },
      );
    },
    _removeFile: (_, file: WithStaged, done) => {
      const discarded = file[staged]?.discard() ?? Promise.resolve();
      discarded.then(() => {
        done(null);
      }, done);
    },
  };
}

function stagedOf(request: Request): StagedFile | undefined {
  return (request.file as WithStaged | undefined)?.[staged];
}

function translateUploadError(error: unknown, maxBytes: number): unknown {
  if (error instanceof AppError) return refusal(error);
  // A system error is ours; any other says that the form is cut short or none at all.
  if (error instanceof Error && 'syscall' in error) return error;
  if (!(error instanceof MulterError)) return invalid('body', 'the form is not understood');
  if (error.code === 'LIMIT_FILE_SIZE') {
    return new AppError('request.too_large', `a file may have ${String(maxBytes)} bytes`, { cause: error });
  }
  return invalid(error.field ?? 'file', error.message);
}

function missingFile(): AppError {
  return invalid('file', 'send multipart/form-data with the file in the field `file`');
}

function invalid(field: string, message: string): AppError {
  return new AppError('request.invalid', `${field}: ${message}`, { fields: [{ field, message }] });
}

/** What is wrong with the bytes follows from the input; what is wrong with our disk does not. */
function refusal(error: unknown): unknown {
  if (!(error instanceof AppError) || !isMediaError(error.code)) return error;
  if (isServiceFault(error.code))
    return new AppError('service.unavailable', 'the file could not be stored; send it again', {
      cause: error,
    });
  return new AppError('upload.refused', `${error.code}: ${error.message}`, {
    cause: error,
    fields: [{ field: 'file', message: error.message }],
  });
}
