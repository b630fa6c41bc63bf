/** Links that open one resource for a while, without a token. */
import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';

import { AppError } from './errors.js';

export interface LinkSigner {
  /** Query parameters that open `path` until the moment given. */
  readonly sign: (path: string, expiresAt: Date) => URLSearchParams;
  /** Throws `link.invalid` or `link.expired` unless the parameters open exactly this path now. */
  readonly check: (
    path: string,
    query: { readonly expires: string; readonly signature: string },
    now: Date,
  ) => void;
}

/** Where a provider gets the media of a message of ours, once signed. */
export function publicMediaPath(messageId: string): string {
  return `/public/media/${messageId}`;
}

/** `path` is the whole resource: path and, where it matters, the query that selects a variant. */
export function createLinkSigner(secret: string): LinkSigner {
  // A key of its own, so that nothing signed elsewhere with the same secret can pass for a link.
  const key = Buffer.from(hkdfSync('sha256', secret, '', 'inlet signed links', 32));
  const signatureOf = (path: string, expires: string): Buffer =>
    createHmac('sha256', key).update(`${expires}\n${path}`).digest();

  return {
    sign: (path, expiresAt) => {
      const expires = String(Math.ceil(expiresAt.getTime() / 1000));
      return new URLSearchParams({ expires, signature: signatureOf(path, expires).toString('base64url') });
    },
    check: (path, { expires, signature }, now) => {
      const given = Buffer.from(signature, 'base64url');
      const wanted = signatureOf(path, expires);
      // Compared as text too: base64url has several spellings of the same bytes.
      const same = given.length === wanted.length && timingSafeEqual(given, wanted);
      if (!same || signature !== wanted.toString('base64url'))
        throw new AppError('link.invalid', 'the link is not valid');
      if (Number(expires) * 1000 < now.getTime()) throw new AppError('link.expired', 'the link has expired');
    },
  };
}
