/** The pages of shares and their files, for people who have the link. */
import express, { type Request, type Response } from 'express';
import { z } from 'zod';

import { AppError } from '../../domain/errors.js';
import { previewSizes } from '../../domain/media.js';
import type { MediaRecord } from '../../infra/tables/media/lookup.js';
import type { ShareRecord } from '../../infra/tables/shares.js';
import { noSuchShare } from '../../pipeline/shares.js';
import { parseInput } from '../input.js';
import { bytesOf, storedContent, storedPreview } from '../media/bytes.js';
import { sendStored, type BytesServices } from '../media/stored-bytes.js';
import { noSuchMedia } from '../media/visible.js';
import { letPass, limitAttempts } from '../middleware/rate-limits.js';
import { rawRoute } from '../routing/route.js';
import type { RouteServices } from '../services.js';
import { storedPreviews } from '../views/media.js';
import {
  byFile,
  bySecret,
  isOpened,
  markOpened,
  openedByShare,
  pathOf,
  shareKeyOf,
  shareOf,
  type AccessServices,
} from './access.js';
import { filesPage, passwordPage, sendPage, type SharedFile } from './page.js';
import { sendSharedProblem, wantsPage } from './problem.js';
import { isView } from './view-count.js';
import { wordsFor } from './words.js';

const path = '/shared/{secret}';
const htmlPage = { contentType: 'text/html' } as const;

export const getSharedPage = rawRoute(
  {
    method: 'get',
    path,
    scope: 'public',
    limit: 'query',
    openedBy: openedByShare,
    operationId: 'getSharedPage',
    summary: 'Open the page of a share, for people who have its link',
    description:
      'HTML in the language of the browser: the files, or a form for the password. It is counted as a view if a browser loads the files to show them; not for `HEAD`, prefetching, or the previews that messengers make. Browsers get a page for errors, too.',
    params: bySecret,
    notFound: noSuchShare,
    answers: { 200: { description: 'The page', ...htmlPage } },
    errors: ['share.not_found', 'share.ended', 'request.rate_limited'],
  },
  (services: AccessServices & Pick<RouteServices, 'lookup'>) =>
    async ({ request, response }) => {
      const share = shareOf(response);
      const words = wordsFor(request);
      if (!isOpened(services, share, request)) {
        sendPage(response, passwordPage(words));
        return;
      }
      const files = await filesOf(services.lookup, share, pathOf(services.publicUrl, request));
      if (isView(request)) await services.shares.countView(share);
      sendPage(response, filesPage(words, share, files));
    },
);

const password = z.strictObject({ password: z.string().min(1).max(128) });

/** Guessing a password of eight letters takes far longer than any share lasts. */
const attempts = { windowMs: 15 * 60_000, message: 'too many attempts at a password' } as const;
const attemptsOfAddress = 10;
const attemptsOfShare = 50;

export const openSharedPage = rawRoute(
  {
    method: 'post',
    path,
    scope: 'public',
    limit: 'query',
    openedBy: openedByShare,
    operationId: 'openSharedPage',
    summary: 'Give the password of a share',
    description: `Sets a cookie for the page. In a quarter of an hour, ${String(attemptsOfAddress)} wrong passwords are accepted from an address and ${String(attemptsOfShare)} for a share.`,
    params: bySecret,
    notFound: noSuchShare,
    body: password,
    bodyType: 'application/x-www-form-urlencoded',
    answers: {
      204: { description: 'For programs: the password is correct' },
      303: {
        description: 'For browsers: the password is correct, and the page is at the address in `Location`',
      },
    },
    errors: ['share.not_found', 'share.ended', 'share.locked', 'request.rate_limited'],
  },
  (services: AccessServices) => {
    const ofAddress = limitAttempts({ ...attempts, limit: attemptsOfAddress });
    const ofShare = limitAttempts({ ...attempts, limit: attemptsOfShare, keyOf: shareKeyOf });
    return async ({ request, response }) => {
      const share = shareOf(response);
      try {
        await letPass(ofAddress, request, response);
        await letPass(ofShare, request, response);
        await letPass(form, request, response);
        const given = parseInput(password, request.body ?? {});
        if (!(await services.shares.isPassword(share, given.password))) throw locked();
      } catch (error) {
        sendSharedProblem(error, request, response);
        return;
      }
      markOpened(services, share, { request, response });
      if (wantsPage(request)) response.status(303).location(pathOf(services.publicUrl, request)).end();
      else response.status(204).end();
    };
  },
);

const form = express.urlencoded({ extended: false, limit: 4_096, parameterLimit: 4 });

const fileErrors = [
  'share.not_found',
  'share.ended',
  'share.locked',
  'media.not_found',
  'media.no_bytes',
  'request.rate_limited',
] as const;

type FileServices = AccessServices & BytesServices & Pick<RouteServices, 'lookup'>;

export const getSharedFile = rawRoute(
  {
    method: 'get',
    path: `${path}/{number}`,
    scope: 'public',
    limit: 'download',
    openedBy: openedByShare,
    operationId: 'getSharedFile',
    summary: 'Download a file of a share',
    description: 'Knows `Range`; what is not known to be harmless in a browser is an attachment.',
    params: byFile,
    notFound: noSuchMedia,
    answers: bytesOf('*/*'),
    errors: fileErrors,
  },
  (services: FileServices) =>
    async ({ params, request, response }) => {
      const media = await sharedMedia(services, params.number, { request, response });
      await sendStored(services, { ...storedContent(media), ...kept }, { request, response });
    },
);

export const getSharedPreview = rawRoute(
  {
    method: 'get',
    path: `${path}/{number}/preview`,
    scope: 'public',
    limit: 'download',
    openedBy: openedByShare,
    operationId: 'getSharedPreview',
    summary: 'Download the preview of a file of a share: upright, without metadata',
    params: byFile,
    notFound: noSuchMedia,
    query: z.object({ size: z.enum(previewSizes).default('large') }),
    answers: bytesOf('image/*'),
    errors: [...fileErrors, 'media.no_preview'],
  },
  (services: FileServices) =>
    async ({ params, query, request, response }) => {
      const media = await sharedMedia(services, params.number, { request, response });
      await sendStored(services, { ...storedPreview(media, query.size), ...kept }, { request, response });
    },
);

/** An address of the store would be valid for longer than the share, and a browser must not keep the bytes. */
const kept = { isShared: false, mayRedirect: false, mayBeKept: false } as const;

/** Throws `share.locked` without the password, and `media.not_found` for a file that is gone. */
async function sharedMedia(
  services: FileServices,
  number: number,
  { request, response }: { readonly request: Request; readonly response: Response },
): Promise<MediaRecord> {
  const share = shareOf(response);
  if (!isOpened(services, share, request)) throw locked();
  const id = share.mediaIds[number - 1];
  const media = id == null ? null : await services.lookup.media(id);
  if (media?.state !== 'ready' || !media.blob) throw noSuchMedia();
  return media;
}

function locked(): AppError {
  return new AppError('share.locked', 'the share has a password, which was not given or is wrong');
}

/** The files in their order; undefined for each file that is gone. */
async function filesOf(
  lookup: Pick<RouteServices['lookup'], 'mediaByIds'>,
  share: ShareRecord,
  address: string,
): Promise<(SharedFile | undefined)[]> {
  const ids = share.mediaIds.filter((id) => id !== null);
  const found = new Map((await lookup.mediaByIds(ids)).map((media) => [media.id, media]));
  return share.mediaIds.map((id, index) => {
    const media = id === null ? undefined : found.get(id);
    if (media?.state !== 'ready' || !media.blob) return undefined;
    const { type, bytes } = media.blob;
    const preview = storedPreviews(media.blob).find(({ size }) => size === 'large');
    return { address: `${address}/${String(index + 1)}`, filename: media.filename, type, bytes, preview };
  });
}
