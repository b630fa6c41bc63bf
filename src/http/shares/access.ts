/** Decides who may see a share: a visitor needs its link and, if there is one, its password. */
import { hash } from 'node:crypto';

import type { CookieOptions, Request, RequestHandler, Response } from 'express';
import { z } from 'zod';

import { AppError } from '../../domain/errors.js';
import type { ShareRecord } from '../../infra/tables/shares.js';
import { noSuchShare } from '../../pipeline/shares.js';
import { setAccess } from '../middleware/authenticate.js';
import { basePathOf } from '../middleware/base-path.js';
import { letPass } from '../middleware/rate-limits.js';
import { linkQuery } from '../middleware/signed-link.js';
import type { RouteServices } from '../services.js';
import { sendSharedProblem } from './problem.js';

/** The most files of a share: a page with more of them is too long for a phone. */
export const mostFiles = 100;

export const bySecret = z.object({ secret: z.string().regex(/^[\w-]{32}$/) });
export const byFile = bySecret.extend({
  number: z
    .string()
    .regex(/^[1-9]\d{0,2}$/)
    .transform(Number)
    .meta({ description: 'The position of the file on the page, from 1' }),
});

export type AccessServices = Pick<
  RouteServices,
  'failedShareLimit' | 'links' | 'now' | 'publicUrl' | 'shares'
>;

/**
 * Finds the share. Every link that does not exist is answered in the same way, and too many of them from one
 * address are refused.
 */
export function openedByShare({ shares, failedShareLimit }: AccessServices): RequestHandler {
  const open = async (request: Request, response: Response): Promise<ShareRecord> => {
    const params = bySecret.safeParse({ secret: request.params['secret'] });
    try {
      if (!params.success) throw noSuchShare();
      return await shares.open(params.data.secret);
    } catch (error) {
      if (error instanceof AppError && error.code === 'share.not_found')
        await letPass(failedShareLimit, request, response);
      throw error;
    }
  };
  return async (request, response, next) => {
    response.set({ 'Cache-Control': 'no-store', 'X-Robots-Tag': 'noindex, nofollow, noarchive' });
    const share = await open(request, response).catch((error: unknown) => {
      sendSharedProblem(error, request, response);
    });
    if (!share) return;
    // Each share is a caller of its own, so that one that many people open leaves room for the others.
    setAccess(response, { tokenId: `share ${share.id}`, scopes: [], channels: null });
    response.locals['share'] = share;
    next();
  };
}

/** Only behind {@link openedByShare}. */
export function shareOf(response: Pick<Response, 'locals'>): ShareRecord {
  const share: unknown = response.locals['share'];
  if (typeof share !== 'object' || share === null)
    throw new Error('this handler is not behind openedByShare()');
  return share as ShareRecord;
}

const cookieName = 'inlet_share';
/** How long a browser that has given the password need not give it again. */
const openMs = 12 * 3_600_000;

/** What the cookie signs. It is the path of no route, so the signature is a link to nothing. */
function signedName({ id }: ShareRecord): string {
  return `/shared/${id}/opened`;
}

/** Whether the caller has given the password, or needs none. */
export function isOpened(
  { links, now }: Pick<AccessServices, 'links' | 'now'>,
  share: ShareRecord,
  request: Request,
): boolean {
  if (share.passwordHash === null) return true;
  const values = (request.headers.cookie ?? '')
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${cookieName}=`))
    .map((pair) => pair.slice(cookieName.length + 1).split('.'));
  return values.some(([expires, signature]) => {
    const query = linkQuery.safeParse({ expires, signature });
    if (!query.success) return false;
    try {
      links.check(signedName(share), query.data, now());
      return true;
    } catch {
      return false;
    }
  });
}

/** Notes in a cookie that the caller has given the password. */
export function markOpened(
  { links, now, publicUrl }: AccessServices,
  share: ShareRecord,
  { request, response }: { readonly request: Request; readonly response: Response },
): void {
  const until = new Date(Math.min(share.expiresAt.getTime(), now().getTime() + openMs));
  const query = links.sign(signedName(share), until);
  const value = `${query.get('expires') ?? ''}.${query.get('signature') ?? ''}`;
  const options: CookieOptions = {
    httpOnly: true,
    // A browser also sends it when the page is opened from a message in another site.
    sameSite: 'lax',
    path: pathOf(publicUrl, request),
    secure: publicUrl.startsWith('https:'),
    maxAge: until.getTime() - now().getTime(),
  };
  response.cookie(cookieName, value, options);
}

/** The path of the page, as browsers see it. */
export function pathOf(publicUrl: string, request: Request): string {
  return `${basePathOf(publicUrl)}/shared/${String(request.params['secret'])}`;
}

/** Attempts at passwords are counted for each share by a digest, so that no secret of a link is kept. */
export function shareKeyOf(request: Request): string {
  return hash('sha256', String(request.params['secret']), 'base64');
}
