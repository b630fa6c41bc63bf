/** Links that give temporary access to one resource without a token. */
import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';

import { AppError } from './errors.js';

export interface LinkSigner {
  /** Query parameters that give access to `path` until the given time. */
  readonly sign: (path: string, expiresAt: Date) => URLSearchParams;
  /** Throws `link.invalid` or `link.expired` unless the parameters are valid for exactly this path now. */
  readonly check: (
    path: string,
    query: { readonly expires: string; readonly signature: string },
    now: Date,
  ) => void;
}

/** The path at which a provider downloads the media of an outbound message, once signed. */
export function publicMediaPath(messageId: string): string {
  return `/public/media/${messageId}`;
}

/** `path` is the complete resource: the path and, if relevant, the query that selects a variant. */
export function createLinkSigner(secret: string): LinkSigner {
  // The key is used for links only, so that nothing else signed with the same secret is valid as a link.
  const key = Buffer.from(hkdfSync('sha256', secret, '', 'inlet signed links', 32));
  const signatureOf = (path: string, expires: string): Buffer =>
    createHmac('sha256', key).update(`${expires}\n${path}`).digest();

  return {
    sign: (path, expiresAt) => {
      const expires = String(Math.ceil(expiresAt.getTime() / 1000));
      return new URLSearchParams({ expires, signature: signatureOf(path, expires).toString('base64url') });
    },
    check: (path, { expires, signature }, now) => {
      const actual = Buffer.from(signature, 'base64url');
      const expected = signatureOf(path, expires);
      // The text is compared as well, because base64url has several spellings of the same bytes.
      const same = actual.length === expected.length && timingSafeEqual(actual, expected);
      if (!same || signature !== expected.toString('base64url'))
        throw new AppError('link.invalid', 'the link is not valid');
      if (Number(expires) * 1000 < now.getTime()) throw new AppError('link.expired', 'the link has expired');
    },
  };
}
