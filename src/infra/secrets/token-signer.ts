/** API tokens: JWTs signed with a key derived from AUTH_SECRET. Only HS256 is made and only HS256 is believed. */
import { createSecretKey, hkdfSync } from 'node:crypto';

import jwt from 'jsonwebtoken';
import { z } from 'zod';

import { scopes, type Access, type Scope } from '../../domain/access.js';
import { AppError } from '../../domain/errors.js';
import { newId } from '../../domain/id.js';

export interface Grant {
  readonly name: string | null;
  readonly scopes: readonly Scope[];
  /** Null: all. */
  readonly channels: readonly string[] | null;
  readonly expiresInSeconds: number | null;
}

/** What a token says of itself. */
export interface Bearer extends Access {
  readonly name: string | null;
  readonly issuedAt: Date;
  readonly expiresAt: Date | null;
}

export interface TokenSigner {
  /** Throws `request.invalid` when the token would be longer than {@link longestToken}. */
  readonly issue: (grant: Grant) => string;
  /** Throws `auth.invalid` or `auth.expired`. Whether the token was revoked is not its business. */
  readonly check: (token: string) => Bearer;
}

/** Browsers keep cookies of up to 4 096 bytes, name and attributes included, and drop a longer one without a word. */
export const longestToken = 3_800;

const issuer = 'inlet';
const moment = z.number().transform((seconds) => new Date(seconds * 1000));
const claims = z.object({
  jti: z.string(),
  name: z.string().nullish(),
  scope: z
    .string()
    .transform((text) => text.split(' '))
    .pipe(z.array(z.enum(scopes)).min(1)),
  channels: z.array(z.string()).min(1).nullish(),
  iat: moment,
  exp: moment.optional(),
});

export function createTokenSigner(secret: string, now: () => Date): TokenSigner {
  // A key object, since jsonwebtoken tries anything else as a public key first, which takes a millisecond to fail.
  const key = createSecretKey(Buffer.from(hkdfSync('sha256', secret, '', 'inlet api tokens', 32)));
  const seconds = (): number => Math.floor(now().getTime() / 1000);
  return {
    issue: ({ name, scopes: granted, channels, expiresInSeconds }) => {
      const token = jwt.sign(
        {
          ...(name !== null && { name }),
          scope: granted.join(' '),
          ...(channels && { channels }),
          iat: seconds(),
          ...(expiresInSeconds !== null && { exp: seconds() + expiresInSeconds }),
        },
        key,
        { algorithm: 'HS256', issuer, jwtid: newId() },
      );
      if (token.length > longestToken) throw tooLong(token.length);
      return token;
    },
    check: (token) => {
      try {
        const decoded = jwt.verify(token, key, { algorithms: ['HS256'], issuer, clockTimestamp: seconds() });
        const { jti, name, scope, channels, iat, exp } = claims.parse(decoded);
        return {
          tokenId: jti,
          name: name ?? null,
          scopes: scope,
          channels: channels ?? null,
          issuedAt: iat,
          expiresAt: exp ?? null,
        };
      } catch (cause) {
        throw cause instanceof jwt.TokenExpiredError
          ? new AppError('auth.expired', 'the token has expired', { cause })
          : new AppError('auth.invalid', 'the token is not valid', { cause });
      }
    },
  };
}

function tooLong(length: number): AppError {
  const message =
    `the token would have ${String(length)} characters, and a browser can keep one of at most ${String(longestToken)}; ` +
    'name fewer channels, or leave them out for all';
  return new AppError('request.invalid', `channels: ${message}`, {
    fields: [{ field: 'channels', message }],
  });
}
