/** Links that open one resource without a token. */
import type { RequestHandler } from 'express';
import { z } from 'zod';

import type { Access } from '../../domain/access.js';
import type { LinkSigner } from '../../domain/signed-link.js';
import { queryOf } from '../input.js';
import { setAccess } from './authenticate.js';

/** What a signed link has in its query. */
export const linkQuery = z.object({
  expires: z.string().regex(/^\d{1,12}$/),
  signature: z.string().max(100),
});

export interface LinkServices {
  readonly links: LinkSigner;
  readonly now: () => Date;
}

/** What stands for a token where a signed link was used. */
const linkCaller: Access = { tokenId: 'link', scopes: ['media:read'], channels: null };

export function isByLink({ tokenId }: Access): boolean {
  return tokenId === linkCaller.tokenId;
}

/**
 * A signed link stands for reading exactly the resource it names. Requests without one go on to the route
 * with a token.
 */
export function openedByLink({ links, now }: LinkServices): RequestHandler {
  return (request, response, next) => {
    const query: Readonly<Record<string, unknown>> =
      request.headers.authorization === undefined ? queryOf(request) : {};
    const link = linkQuery.safeParse(query);
    if (!link.success) {
      next('route');
      return;
    }
    const size = query['size'];
    links.check(typeof size === 'string' ? `${request.path}?size=${size}` : request.path, link.data, now());
    setAccess(response, linkCaller);
    next();
  };
}
