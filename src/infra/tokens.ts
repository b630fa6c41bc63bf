/** API tokens: JWTs signed with a key derived from AUTH_SECRET. Only HS256 is made and only HS256 is believed. */
import { createSecretKey, hkdfSync } from 'node:crypto';

import jwt from 'jsonwebtoken';
import { newId } from '../domain/id.js';
import { z } from 'zod';

import { scopes, type Access, type Scope } from '../domain/access.js';
import { AppError } from '../domain/errors.js';

export interface Tokens {
  readonly issue: (grant: {
    readonly scopes: readonly Scope[];
    readonly channels: readonly string[] | null;
    readonly expiresInSeconds: number | null;
  }) => string;
  /** Throws `auth.invalid` or `auth.expired`. */
  readonly check: (token: string) => Access;
}

const issuer = 'inlet';
const claims = z.object({
  jti: z.string(),
  scope: z
    .string()
    .transform((text) => text.split(' '))
    .pipe(z.array(z.enum(scopes)).min(1)),
  channels: z.array(z.string()).min(1).nullish(),
});

export function createTokens(secret: string, now: () => Date): Tokens {
  // A key object, since jsonwebtoken tries anything else as a public key first, which takes a millisecond to fail.
  const key = createSecretKey(Buffer.from(hkdfSync('sha256', secret, '', 'inlet api tokens', 32)));
  const seconds = (): number => Math.floor(now().getTime() / 1000);
  return {
    issue: ({ scopes: granted, channels, expiresInSeconds }) =>
      jwt.sign(
        {
          scope: granted.join(' '),
          ...(channels && { channels }),
          iat: seconds(),
          ...(expiresInSeconds !== null && { exp: seconds() + expiresInSeconds }),
        },
        key,
        { algorithm: 'HS256', issuer, jwtid: newId() },
      ),
    check: (token) => {
      try {
        const decoded = jwt.verify(token, key, { algorithms: ['HS256'], issuer, clockTimestamp: seconds() });
        const { jti, scope, channels } = claims.parse(decoded);
        return { tokenId: jti, scopes: scope, channels: channels ?? null };
      } catch (cause) {
        throw cause instanceof jwt.TokenExpiredError
          ? new AppError('auth.expired', 'the token has expired', { cause })
          : new AppError('auth.invalid', 'the token is not valid', { cause });
      }
    },
  };
}
