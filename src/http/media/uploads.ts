/** `POST /v1/media`: an upload, streamed into the same store and checked like what is fetched. */
import type { Request, Response } from 'express';
import multer, { MulterError, type StorageEngine } from 'multer';
import { z } from 'zod';

import { seesChannel, type Access } from '../../domain/access.js';
import { AppError, isMediaError, isServiceFault } from '../../domain/errors.js';
import { newId } from '../../domain/id.js';
import { mediaKinds } from '../../domain/provider.js';
import type { StagedFile, Staging } from '../../infra/files/staging.js';
import { storableName } from '../../infra/postgres/storable-text.js';
import { parseInput } from '../input.js';
import { rawRoute } from '../routing/route.js';
import type { RouteServices } from '../services.js';
import { media as mediaShape, type MediaView } from '../shapes/media.js';
import { mediaView } from '../views/media.js';

type UploadServices = Pick<RouteServices, 'channels' | 'lookup' | 'now' | 'store' | 'table'>;

const path = '/v1/media';
const uploadFields = z.strictObject({
  channel: z.string().min(1).max(255),
  kind: z.enum(mediaKinds).default('image'),
});

export const uploadMedia = rawRoute(
  {
    method: 'post',
    path,
    scope: 'messages:send',
    limit: 'upload',
    operationId: 'uploadMedia',
    summary: 'Upload a file, for sending',
    description:
      'Stored like what is fetched: whatever is no page in place of a picture is kept, with `warnings` where it is odd.',
    bodyType: 'multipart/form-data',
    body: uploadFields.extend({ file: z.string().meta({ format: 'binary' }) }),
    answers: { 201: { description: 'The media, ready', schema: mediaShape, hasLocation: true } },
    errors: ['request.too_large', 'upload.refused'],
  },
  (services: UploadServices & Pick<RouteServices, 'maxUploadBytes' | 'staging'>) => {
    const receiveFile = fileReceiver(services.staging, services.maxUploadBytes);
    return async ({ access, request, response }) => {
      const file = await receiveFile(request, response);
      try {
        const media = await keep(services, { file, access, request });
        response.status(201).location(`${path}/${media.id}`).json(media);
      } finally {
        await file?.discard();
      }
    };
  },
);

interface Upload {
  readonly file: StagedFile | undefined;
  readonly access: Access;
  readonly request: Request;
}

async function keep(services: UploadServices, { file, access, request }: Upload): Promise<MediaView> {
  const { channel: channelId, kind } = parseInput(uploadFields, request.body ?? {});
  if (!file) throw missingFile();
  const channel = seesChannel(access, channelId) ? services.channels.active(channelId) : undefined;
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
  if (!isKept) throw new AppError('service.unavailable', 'the same bytes were being erased; send them again');
  const media = await services.lookup.media(id);
  if (!media) throw new Error('an upload is gone right after it was stored');
  return mediaView(media);
}

/** Reads the form. Undefined: there is no file in it. */
function fileReceiver(
  staging: Staging,
  maxBytes: number,
): (request: Request, response: Response) => Promise<StagedFile | undefined> {
  const upload = multer({
    storage: stagingEngine(staging),
    limits: { fileSize: maxBytes, files: 1, fields: 10, fieldSize: 1_024, parts: 12 },
    defParamCharset: 'utf8',
  }).single('file');
  return (request, response) =>
    new Promise((resolve, reject) => {
      void upload(request, response, (error?: unknown) => {
        if (error === undefined || error === null) resolve(stagedOf(request));
        else reject(translateUploadError(error as Error, maxBytes));
      });
    });
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

function translateUploadError(error: Error, maxBytes: number): Error {
  if (error instanceof AppError) return refusal(error);
  // A system error is ours; any other says that the form is cut short or none at all.
  if ('syscall' in error) return error;
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
function refusal<Fault>(error: Fault): Fault | AppError {
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
