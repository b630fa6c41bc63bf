/** API tokens. A token cannot create tokens with more rights than it has itself. */
import { z } from 'zod';

import { allows, scopes, seesChannels, type Access } from '../../domain/access.js';
import { AppError } from '../../domain/errors.js';
import type { CreatedByToken, TokenRecord } from '../../infra/tables/tokens.js';
import { byId, cursor, pageLimit, searchText, toPage } from '../input.js';
import { route } from '../routing/route.js';
import type { RouteServices } from '../services.js';
import {
  token,
  tokenDetails,
  tokenWithSecret,
  type TokenView,
  type TokenDetailsView,
} from '../shapes/administration.js';
import { pageOf } from '../shapes/page.js';

type Services = Pick<RouteServices, 'tokens'>;

const maxLifetimeSeconds = 10 * 366 * 86_400;

export const listTokens = route(
  {
    method: 'get',
    path: '/v1/tokens',
    scope: 'admin',
    operationId: 'listTokens',
    summary: 'List tokens that were created through the API or used, newest first',
    description: 'Sessions of users are not among them.',
    query: z.strictObject({ limit: pageLimit, cursor: cursor.optional() }),
    answers: { 200: { description: 'A page of tokens', schema: pageOf(token) } },
  },
  ({ tokens }: Services) =>
    async ({ query, access }) => {
      const { limit: size, cursor: after } = query;
      const listed = await tokens.list(access.channels ?? undefined, { limit: size + 1, after });
      return toPage(listed, size, tokenView);
    },
);

export const createToken = route(
  {
    method: 'post',
    path: '/v1/tokens',
    scope: 'admin',
    operationId: 'createToken',
    summary: 'Create a token',
    description:
      'It cannot have more rights than the caller, and belongs to the user who creates it. Only this answer shows it.',
    body: z.strictObject({
      name: searchText(100),
      scopes: z.array(z.enum(scopes)).min(1).max(scopes.length),
      channels: z
        .array(searchText(63))
        .min(1)
        .max(100)
        .nullish()
        .meta({ description: 'Limits the token to these channels; unlimited by default' }),
      expiresIn: z
        .int()
        .min(1)
        .max(maxLifetimeSeconds)
        .nullish()
        .meta({ description: 'Seconds; unlimited by default' }),
    }),
    answers: { 201: { description: 'The token', schema: tokenWithSecret, isSecret: true } },
  },
  ({ tokens }: Services) =>
    async ({ body, access }) => {
      const { name, scopes: wanted, channels = null, expiresIn = null } = body;
      const owner = access.user && { user: { id: access.user.id, isSession: false } };
      const grant = { name, scopes: [...new Set(wanted)], channels, expiresInSeconds: expiresIn, ...owner };
      refuseMoreThan(access, grant);
      const { record, token: secret } = await tokens.create(grant, access.tokenId);
      return { ...tokenView(record), token: secret };
    },
);

export const getToken = route(
  {
    method: 'get',
    path: '/v1/tokens/{id}',
    scope: 'admin',
    operationId: 'getToken',
    summary: 'Get a token and the objects that it has created',
    params: byId,
    notFound: noSuchToken,
    answers: { 200: { description: 'The token', schema: tokenDetails } },
    errors: ['token.not_found'],
  },
  ({ tokens }: Services) =>
    async ({ params, access }) => {
      const found = await tokens.find(params.id, access.channels ?? undefined);
      if (!found) throw noSuchToken();
      return detailsView(found, await tokens.created(found.id));
    },
);

export const revokeToken = route(
  {
    method: 'delete',
    path: '/v1/tokens/{id}',
    scope: 'admin',
    operationId: 'revokeToken',
    summary: 'Revoke a token immediately in all processes',
    description:
      'The objects that it has created stay and are listed. The id of an unused token of the command is enough for a token without limits to revoke it.',
    params: byId,
    notFound: noSuchToken,
    answers: { 200: { description: 'The revoked token', schema: tokenDetails } },
    errors: ['token.not_found'],
  },
  ({ tokens }: Services) =>
    async ({ params, access }) => {
      const { tokenId, channels } = access;
      const revoked = await tokens.revoke(params.id, { actor: tokenId, channels: channels ?? undefined });
      if (!revoked) throw noSuchToken();
      return detailsView(revoked, await tokens.created(revoked.id));
    },
);

function refuseMoreThan(access: Access, grant: Pick<Access, 'scopes' | 'channels'>): void {
  const more = grant.scopes.find((scope) => !allows(access, scope));
  if (more !== undefined)
    throw new AppError('auth.scope', `a token without the scope ${more} cannot grant it`);
  if (!seesChannels(access, grant.channels))
    throw new AppError('auth.scope', 'a token that is limited to channels can only create tokens for those');
}

function noSuchToken(): AppError {
  return new AppError('token.not_found', 'there is no such token');
}

function detailsView(record: TokenRecord, created: CreatedByToken): TokenDetailsView {
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
  const { id, name, scopes: granted, channels, owner, createdAt, expiresAt, lastUsedAt, revokedAt } = record;
  return {
    id,
    name,
    scopes: [...granted],
    channels: channels && [...channels],
    owner,
    createdAt: createdAt.toISOString(),
    expiresAt: expiresAt?.toISOString() ?? null,
    lastUsedAt: lastUsedAt?.toISOString() ?? null,
    revokedAt: revokedAt?.toISOString() ?? null,
  };
}
