/**
 * Issues and verifies API tokens: JWTs signed with a key that is derived from AUTH_SECRET. Only HS256 is used
 * and accepted.
 */
import { createSecretKey, hkdfSync } from 'node:crypto';

import jwt from 'jsonwebtoken';
import { z } from 'zod';

import { scopes, type Access, type Scope } from '../../domain/access.js';
import { AppError } from '../../domain/errors.js';
import { newId } from '../../domain/id.js';

export interface Grant {
  readonly name: string | null;
  readonly scopes: readonly Scope[];
  /** Null: all channels. */
  readonly channels: readonly string[] | null;
  readonly expiresInSeconds: number | null;
}

/** The claims of a token. */
export interface Bearer extends Access {
  readonly name: string | null;
  readonly issuedAt: Date;
  readonly expiresAt: Date | null;
}

export interface TokenSigner {
  /** Throws `request.invalid` if the token would be longer than {@link maxTokenLength}. */
  readonly issue: (grant: Grant) => string;
  /** Throws `auth.invalid` or `auth.expired`. Does not check for revocation. */
  readonly check: (token: string) => Bearer;
}

/**
 * Browsers keep cookies of up to 4 096 bytes, including name and attributes, and silently drop longer ones.
 */
export const maxTokenLength = 3_800;

const issuer = 'inlet';
const dateClaim = z.number().transform((seconds) => new Date(seconds * 1000));
const claims = z.object({
  jti: z.string(),
  name: z.string().nullish(),
  scope: z
    .string()
    .transform((text) => text.split(' '))
    .pipe(z.array(z.enum(scopes)).min(1)),
  channels: z.array(z.string()).min(1).nullish(),
  iat: dateClaim,
  exp: dateClaim.optional(),
});

export function createTokenSigner(secret: string, now: () => Date): TokenSigner {
  // A key object is used because jsonwebtoken tries anything else as a public key first, which takes a
  // millisecond to fail.
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
      if (token.length > maxTokenLength) throw tooLong(token.length);
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
    `the token would have ${String(length)} characters, but browsers store at most ${String(maxTokenLength)}; ` +
    'list fewer channels, or omit them to allow all';
  return new AppError('request.invalid', `channels: ${message}`, {
    fields: [{ field: 'channels', message }],
  });
}
