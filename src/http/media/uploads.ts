/** `POST /v1/media`: receives uploads as a stream. They are stored and checked like downloads. */
import type { Request, Response } from 'express';
import multer, { MulterError, type StorageEngine } from 'multer';
import { z } from 'zod';

import { seesChannel, type Access } from '../../domain/access.js';
import { AppError } from '../../domain/errors.js';
import { mediaKinds } from '../../domain/provider.js';
import type { StagedFile, Staging } from '../../infra/files/staging.js';
import { uploadRefused } from '../../pipeline/media/add-upload.js';
import { parseInput } from '../input.js';
import { rawRoute } from '../routing/route.js';
import type { RouteServices } from '../services.js';
import { media as mediaShape, type MediaView } from '../shapes/media.js';
import { mediaView } from '../views/media.js';

type UploadServices = Pick<RouteServices, 'addUpload' | 'channels' | 'lookup'>;

const path = '/v1/media';
const uploadFields = z.strictObject({
  channel: z.string().min(1).max(255),
  kind: z
    .enum(mediaKinds)
    .optional()
    .meta({ description: 'By default, the kind that follows from the bytes of the file' }),
});

export const uploadMedia = rawRoute(
  {
    method: 'post',
    path,
    scope: 'messages:send',
    limit: 'upload',
    operationId: 'uploadMedia',
    summary: 'Upload a file for sending',
    description:
      'Stored and checked like a download: every file except a page in place of a picture is kept, and `warnings` lists its irregularities.',
    bodyType: 'multipart/form-data',
    body: uploadFields.extend({ file: z.string().meta({ format: 'binary' }) }),
    answers: {
      201: { description: 'The media item, which is ready', schema: mediaShape, hasLocation: true },
    },
    errors: ['request.too_large', 'upload.refused'],
  },
  (services: UploadServices & Pick<RouteServices, 'maxUploadBytes' | 'staging'>) => {
    const receiveFile = fileReceiver(services.staging, services.maxUploadBytes);
    return async ({ access, request, response }) => {
      const file = await receiveFile(request, response);
      try {
        const media = await addUpload(services, { file, access, request });
        response.status(201).location(`${path}/${media.id}`).json(media);
      } finally {
        await file?.discard();
      }
    };
  },
);

interface ReceivedForm {
  readonly file: StagedFile | undefined;
  readonly access: Access;
  readonly request: Request;
}

async function addUpload(
  services: UploadServices,
  { file, access, request }: ReceivedForm,
): Promise<MediaView> {
  if (!file) throw missingFile();
  const { channel: channelId, kind } = parseInput(uploadFields, request.body ?? {});
  const channel = seesChannel(access, channelId) ? services.channels.active(channelId) : undefined;
  if (!channel) throw invalid('channel', 'there is no such channel');
  const filename = lastSegment(request.file?.originalname ?? '');
  const id = await services.addUpload({ file, channel, kind, filename });
  const media = await services.lookup.media(id);
  if (!media) throw new Error('an upload was deleted right after it was stored');
  return mediaView(media);
}

/** Some clients send a path. */
function lastSegment(path: string): string {
  return path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1);
}

/** Reads the form and resolves to its file; undefined if there is none. */
function fileReceiver(
  staging: Staging,
  maxBytes: number,
): (request: Request, response: Response) => Promise<StagedFile | undefined> {
  const upload = multer({
    storage: stagingEngine(staging),
    limits: { fileSize: maxBytes, files: 1, fields: 10, fieldSize: 1_024, parts: 12 },
    defParamCharset: 'utf8',
    // Otherwise a file that is called `..` would be taken for an empty field.
    preservePath: true,
  }).single('file');
  return async (request, response) => {
    const error = await new Promise<unknown>((resolve) => {
      void upload(request, response, (failure?: unknown) => {
        resolve(failure);
      });
    });
    if (error !== undefined && error !== null) throw translateUploadError(error as Error, maxBytes);
    return stagedOf(request);
  };
}

const staged = Symbol('staged');
type WithStaged = Express.Multer.File & { [staged]?: StagedFile };

/** Multer writes files to the staging folder, so that uploads are hashed and limited like downloads. */
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

function translateUploadError(error: Error, maxBytes: number): Error {
  if (error instanceof AppError) return uploadRefused(error);
  // A system error is a fault of this service; any other error means that the form is incomplete or invalid.
  if ('syscall' in error) return error;
  if (!(error instanceof MulterError)) return invalid('body', 'is not a valid multipart form');
  if (error.code === 'LIMIT_FILE_SIZE')
    return new AppError('request.too_large', `a file may have at most ${String(maxBytes)} bytes`, {
      cause: error,
    });
  // The parser takes a part without a file name for a text, whose length is limited.
  if (error.field === 'file' && error.code === 'LIMIT_FIELD_VALUE') return missingFile();
  return invalid(error.field ?? 'file', error.message);
}

function missingFile(): AppError {
  return invalid('file', 'send multipart/form-data with the file, which has a name, in the field `file`');
}

function invalid(field: string, message: string): AppError {
  return AppError.ofFields('request.invalid', [{ field, message }]);
}
