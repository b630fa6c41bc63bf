/**
 * Issues and verifies API tokens: JWTs signed with a key that is derived from AUTH_SECRET. Only HS256 is used
 * and accepted.
 */
import { createSecretKey, hkdfSync } from 'node:crypto';

import jwt from 'jsonwebtoken';
import { z } from 'zod';

import { scopes, type Access, type Rights } from '../../domain/access.js';
import { AppError } from '../../domain/errors.js';
import { newId } from '../../domain/id.js';

export interface Grant extends Rights {
  readonly name: string | null;
  readonly expiresInSeconds: number | null;
  /** See {@link Access}. */
  readonly user?: Access['user'];
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
  /** The id of the user. */
  sub: z.uuid().optional(),
  /** Whether it is a session of the user. */
  session: z.literal(true).optional(),
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
    issue: ({ name, scopes: granted, channels, expiresInSeconds, user }) => {
      const token = jwt.sign(
        {
          ...(user && { sub: user.id }),
          ...(user?.isSession && { session: true }),
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
        const { jti, sub, session, name, scope, channels, iat, exp } = claims.parse(decoded);
        return {
          tokenId: jti,
          ...(sub !== undefined && { user: { id: sub, isSession: session === true } }),
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
