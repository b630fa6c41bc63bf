import type { Request, RequestHandler, Response } from 'express';

import { allows, type Access, type Scope } from '../../domain/access.js';
import { AppError } from '../../domain/errors.js';
import type { Tokens } from '../../infra/tokens.js';

/** Lets nobody pass without a token that allows the scope; the handlers behind it find it with {@link accessOf}. */
export function authenticate(tokens: Tokens, scope: Scope): RequestHandler {
  return (request, response, next) => {
    const access = tokens.check(bearerToken(request));
    if (!allows(access, scope))
      throw new AppError('auth.scope', `this needs a token with the scope ${scope}`);
    setAccess(response, access);
    next();
  };
}

export function bearerToken(request: Request): string {
  const [, token] = /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(request.headers.authorization ?? '') ?? [];
  if (token !== undefined) return token;
  throw request.headers.authorization === undefined
    ? new AppError('auth.missing', 'send a token as `Authorization: Bearer …`')
    : new AppError('auth.invalid', 'the Authorization header holds no Bearer token');
}

export function setAccess(response: Response, access: Access): void {
  response.locals['access'] = access;
}

/** Who asks. Only behind {@link authenticate}. */
export function accessOf(response: Response): Access {
  const access: unknown = response.locals['access'];
  if (!isAccess(access)) throw new Error('this handler is not behind authenticate()');
  return access;
}

function isAccess(value: unknown): value is Access {
  return typeof value === 'object' && value !== null && 'tokenId' in value;
}
