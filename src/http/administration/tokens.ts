/** API tokens: made, listed and revoked by those who may do as much themselves. */
import { Router, type Request, type RequestHandler, type Response } from 'express';
import { z } from 'zod';

import { allows, scopes, type Access } from '../../domain/access.js';
import { AppError } from '../../domain/errors.js';
import type { CreatedByToken, TokenRecord } from '../../infra/tables/tokens.js';
import type { Tokens } from '../../pipeline/tokens.js';
import type { ApiRoute } from '../api-route.js';
import { cursor, pageLimit, parseInput, queryOf, searchText, toPage, uuidParameter } from '../input.js';
import { accessOf, authenticate } from '../middleware/authenticate.js';
import { allowOnly } from '../middleware/errors.js';
import {
  token,
  tokenWithCreated,
  tokenWithSecret,
  type TokenView,
  type TokenWithCreatedView,
} from '../shapes/administration.js';
import { pageOf } from '../shapes/page.js';

const mostSeconds = 10 * 366 * 86_400;

export const tokenQuery = z.strictObject({ limit: pageLimit, cursor: cursor.optional() });
export const tokenParams = z.object({ id: z.uuid() });
export const newToken = z.strictObject({
  name: searchText(100),
  scopes: z.array(z.enum(scopes)).min(1).max(scopes.length),
  channels: z
    .array(searchText(63))
    .min(1)
    .max(100)
    .nullish()
    .meta({ description: 'The only channels that it sees; all when not given' }),
  expiresIn: z
    .int()
    .min(1)
    .max(mostSeconds)
    .nullish()
    .meta({ description: 'Seconds; no end when not given' }),
});

export const tokenApi: readonly ApiRoute[] = [
  {
    method: 'get',
    path: '/v1/tokens',
    scope: 'admin',
    summary: 'List tokens that were created here or used, newest first',
    query: tokenQuery,
    answers: { 200: { description: 'A page of tokens', schema: pageOf(token) } },
  },
  {
    method: 'post',
    path: '/v1/tokens',
    scope: 'admin',
    summary: 'Create a token',
    description: 'It may do no more than the one that makes it. The answer is the only one that shows it.',
    body: newToken,
    answers: { 201: { description: 'The token', schema: tokenWithSecret } },
  },
  {
    method: 'get',
    path: '/v1/tokens/{id}',
    scope: 'admin',
    summary: 'Get a token, and the objects that it has created',
    params: tokenParams,
    answers: { 200: { description: 'The token', schema: tokenWithCreated } },
    errors: ['token.not_found'],
  },
  {
    method: 'delete',
    path: '/v1/tokens/{id}',
    scope: 'admin',
    summary: 'Revoke a token, at once and in all processes',
    description:
      'What it has made goes on and is listed. A token of the command that was never used is known by its id only: a token that sees all channels can revoke it all the same.',
    params: tokenParams,
    answers: { 200: { description: 'The token, revoked', schema: tokenWithCreated } },
    errors: ['token.not_found'],
  },
];

export function tokenRoutes({ tokens }: { readonly tokens: Tokens }, limit: RequestHandler): Router {
  const router = Router();
  const admin = [authenticate(tokens, 'admin'), limit];

  router.get('/v1/tokens', admin, async (request: Request, response: Response) => {
    const { limit: size, cursor: after } = parseInput(tokenQuery, queryOf(request));
    const channels = accessOf(response).channels ?? undefined;
    response.json(toPage(await tokens.list(channels, { limit: size + 1, after }), size, tokenView));
  });

  router.post('/v1/tokens', admin, async (request: Request, response: Response) => {
    const { name, scopes: wanted, channels = null, expiresIn = null } = parseInput(newToken, request.body);
    const access = accessOf(response);
    const grant = { name, scopes: [...new Set(wanted)], channels, expiresInSeconds: expiresIn };
    refuseMoreThan(access, grant);
    const { record, token: secret } = await tokens.create(grant, access.tokenId);
    const view: z.infer<typeof tokenWithSecret> = { ...tokenView(record), token: secret };
    response.status(201).set('Cache-Control', 'no-store').json(view);
  });

  router.get('/v1/tokens/:id', admin, async (request: Request, response: Response) => {
    const id = uuidParameter(request, 'id');
    const found = id === undefined ? null : await tokens.find(id, accessOf(response).channels ?? undefined);
    if (!found) throw notFound();
    response.json(viewWithCreated(found, await tokens.created(found.id)));
  });

  router.delete('/v1/tokens/:id', admin, async (request: Request, response: Response) => {
    const { tokenId, channels } = accessOf(response);
    const id = uuidParameter(request, 'id');
    const by = { actor: tokenId, channels: channels ?? undefined };
    const revoked = id === undefined ? null : await tokens.revoke(id, by);
    if (!revoked) throw notFound();
    response.json(viewWithCreated(revoked, await tokens.created(revoked.id)));
  });

  router.all('/v1/tokens', allowOnly('GET, HEAD, POST'));
  router.all('/v1/tokens/:id', allowOnly('GET, HEAD, DELETE'));
  return router;
}

function refuseMoreThan(access: Access, grant: Pick<Access, 'scopes' | 'channels'>): void {
  const more = grant.scopes.find((scope) => !allows(access, scope));
  if (more !== undefined) throw new AppError('auth.scope', `a token without ${more} cannot give it`);
  const own = access.channels;
  if (own && !grant.channels?.every((channel) => own.includes(channel)))
    throw new AppError('auth.scope', 'a token that is limited to channels makes only tokens for these');
}

function notFound(): AppError {
  return new AppError('token.not_found', 'there is no such token');
}

function viewWithCreated(record: TokenRecord, created: CreatedByToken): TokenWithCreatedView {
  const tokens = created.tokens.map(({ id, name, revokedAt }) => ({
    id,
    name,
    revokedAt: revokedAt?.toISOString() ?? null,
  }));
  return {
    ...tokenView(record),
    created: { tokens, subscriptions: [...created.subscriptions], channels: [...created.channels] },
  };
}

function tokenView(record: TokenRecord): TokenView {
  const { id, name, scopes: granted, channels, createdAt, expiresAt, lastUsedAt, revokedAt } = record;
  return {
    id,
    name,
    scopes: [...granted],
    channels: channels && [...channels],
    createdAt: createdAt.toISOString(),
    expiresAt: expiresAt?.toISOString() ?? null,
    lastUsedAt: lastUsedAt?.toISOString() ?? null,
    revokedAt: revokedAt?.toISOString() ?? null,
  };
}
