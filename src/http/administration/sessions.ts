/** The sessions of users. Users see and end their own; administrators those of users whom they may change. */
import { z } from 'zod';

import { allows, signedInUser, type Access } from '../../domain/access.js';
import { AppError } from '../../domain/errors.js';
import type { SessionRecord } from '../../infra/tables/tokens-of-user.js';
import { noSuchUser } from '../../pipeline/users/user-dependencies.js';
import { byId, cursor, pageLimit, toPage } from '../input.js';
import { requireScope } from '../middleware/authenticate.js';
import { route } from '../routing/route.js';
import type { RouteServices } from '../services.js';
import { pageOf } from '../shapes/page.js';
import { userSession, type UserSessionView } from '../shapes/user.js';

type Services = Pick<RouteServices, 'now' | 'sessions' | 'users'>;

export const listSessions = route(
  {
    method: 'get',
    path: '/v1/sessions',
    scope: 'token',
    operationId: 'listSessions',
    summary: 'List the sessions of a user that have not ended, newest first',
    query: z.strictObject({
      user: byId.shape.id.optional().meta({
        description: 'Another user, for the scope `admin`; by default the user who is signed in',
      }),
      limit: pageLimit,
      cursor: cursor.optional(),
    }),
    answers: { 200: { description: 'A page of sessions', schema: pageOf(userSession) } },
    errors: ['auth.scope', 'user.not_found'],
  },
  (services: Services) =>
    async ({ query, access }) => {
      const { limit: size, cursor: after } = query;
      const user = query.user ?? signedInUser(access);
      if (user !== undefined && user !== signedInUser(access)) await requireManaged(services, access, user);
      const page = { limit: size + 1, after };
      const listed = user === undefined ? [] : await services.sessions.list(user, services.now(), page);
      return toPage(listed, size, (record) => sessionOf(record, access));
    },
);

export const endSession = route(
  {
    method: 'delete',
    path: '/v1/sessions/{id}',
    scope: 'token',
    operationId: 'endSession',
    summary: 'End a session immediately in all processes',
    params: byId,
    notFound: noSuchSession,
    answers: { 204: { description: 'It has ended, or had ended before' } },
    errors: ['session.not_found'],
  },
  (services: Services) =>
    async ({ params, access }) => {
      const user = await services.sessions.userOf(params.id);
      if (user === null || !(await mayEnd(services, access, user))) throw noSuchSession();
      await services.sessions.end(params.id, access.tokenId);
      return undefined;
    },
);

async function requireManaged({ users }: Services, access: Access, user: string): Promise<void> {
  requireScope(access, 'admin');
  if (!(await users.find(user, access.channels ?? undefined))) throw noSuchUser();
}

async function mayEnd({ users }: Services, access: Access, user: string): Promise<boolean> {
  if (user === signedInUser(access)) return true;
  return allows(access, 'admin') && (await users.find(user, access.channels ?? undefined)) !== null;
}

function noSuchSession(): AppError {
  return new AppError('session.not_found', 'there is no such session');
}

function sessionOf(record: SessionRecord, { tokenId }: Access): UserSessionView {
  const { id, createdAt, expiresAt, lastUsedAt } = record;
  return {
    id,
    createdAt: createdAt.toISOString(),
    expiresAt: expiresAt?.toISOString() ?? null,
    lastUsedAt: lastUsedAt?.toISOString() ?? null,
    current: id === tokenId,
  };
}
