import type { IncomingMessage } from 'node:http';

import type { RequestHandler, Response } from 'express';

import { allows, type Access, type Scope } from '../../domain/access.js';
import { AppError } from '../../domain/errors.js';
import type { Tokens } from '../../pipeline/tokens.js';
import { cookieToken, requireOwnPage } from './session-cookie.js';

/**
 * Lets nobody pass without a token that allows the scope (null: any token); the handlers behind it find it
 * with {@link accessOf}. It comes in the Authorization header or, from people who have signed in, in the
 * session's cookie.
 */
export function authenticate(tokens: Pick<Tokens, 'check'>, scope: Scope | null): RequestHandler {
  return async (request, response, next) => {
    const token = tokenOf(request);
    const access = await tokens.check(token);
    requireScope(access, scope);
    setAccess(response, access);
    response.locals['check'] = () => tokens.check(token);
    next();
  };
}

/** Throws `auth.scope` if the token does not allow the scope (null: any token). */
export function requireScope(access: Access, scope: Scope | null): void {
  if (scope !== null && !allows(access, scope))
    throw new AppError('auth.scope', `this needs a token with the scope ${scope}`);
}

const tokenPattern = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/** The token of a request. Throws `auth.missing`, `auth.invalid` or `auth.csrf`. */
export function tokenOf(request: Pick<IncomingMessage, 'headers' | 'method'>): string {
  const { authorization } = request.headers;
  if (authorization !== undefined) return bearerToken(authorization);
  const token = cookieToken(request);
  if (token === undefined) throw new AppError('auth.missing', 'send a token as `Authorization: Bearer …`');
  if (!['GET', 'HEAD'].includes(request.method ?? '')) requireOwnPage(request);
  if (!tokenPattern.test(token)) throw new AppError('auth.invalid', 'the session holds no token');
  return token;
}

function bearerToken(authorization: string): string {
  const [, token] = /^Bearer(?: +(.*))?$/i.exec(authorization) ?? [];
  if (token !== undefined && tokenPattern.test(token)) return token;
  throw new AppError('auth.invalid', whatIsWrong(authorization, token));
}

function whatIsWrong(authorization: string, token: string | undefined): string {
  if (!/^Bearer\b/i.test(authorization)) return 'the Authorization header is not of the form `Bearer …`';
  if (token === undefined || token === '') return 'there is no token after `Bearer`';
  return 'what follows `Bearer` is no token: a token has three parts with dots between them';
}

export function setAccess(response: Pick<Response, 'locals'>, access: Access): void {
  response.locals['access'] = access;
}

/** Who asks. Only behind {@link authenticate}. */
export function accessOf(response: Pick<Response, 'locals'>): Access {
  const access: unknown = response.locals['access'];
  if (!isAccess(access)) throw new Error('this handler is not behind authenticate()');
  return access;
}

/**
 * Rejects once the token of the request has ended or is revoked, for answers that take long. Only behind
 * {@link authenticate}.
 */
export async function checkAgain(response: Response): Promise<void> {
  const check: unknown = response.locals['check'];
  if (typeof check !== 'function') throw new Error('this handler is not behind authenticate()');
  await (check as () => Promise<unknown>)();
}

function isAccess(value: unknown): value is Access {
  return typeof value === 'object' && value !== null && 'tokenId' in value;
}
