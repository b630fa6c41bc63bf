/** Users. A caller who is limited to channels manages only users who are limited to some of these. */
import { z } from 'zod';

import { seesChannels, type Access } from '../../domain/access.js';
import { AppError } from '../../domain/errors.js';
import { roles } from '../../domain/user.js';
import type { NewInvitation } from '../../pipeline/users/invitations.js';
import { noSuchUser, type UserManager } from '../../pipeline/users/user-dependencies.js';
import { byId, cursor, pageLimit, searchText, toPage } from '../input.js';
import { route } from '../routing/route.js';
import type { RouteServices } from '../services.js';
import { pageOf } from '../shapes/page.js';
import { user, userWithInvitation, type UserWithInvitationView } from '../shapes/user.js';
import { userView } from '../views/user.js';

const userName = z.string().trim().min(1).max(100);
const userChannels = z.array(searchText(63)).min(1).max(100).nullish();

export const listUsers = route(
  {
    method: 'get',
    path: '/v1/users',
    scope: 'admin',
    operationId: 'listUsers',
    summary: 'List users, newest first',
    query: z.strictObject({ limit: pageLimit, cursor: cursor.optional() }),
    answers: { 200: { description: 'A page of users', schema: pageOf(user) } },
  },
  ({ users }: Pick<RouteServices, 'users'>) =>
    async ({ query, access }) => {
      const { limit: size, cursor: after } = query;
      const listed = await users.list(access.channels ?? undefined, { limit: size + 1, after });
      return toPage(listed, size, userView);
    },
);

export const createUser = route(
  {
    method: 'post',
    path: '/v1/users',
    scope: 'admin',
    operationId: 'createUser',
    summary: 'Create a user',
    description:
      'Only this answer contains the link by which the user sets a password. It is valid for seven days, and Inlet sends it to nobody.',
    body: z.strictObject({
      email: z.string().trim().toLowerCase().max(254).pipe(z.email()),
      name: userName,
      role: z.enum(roles),
      channels: userChannels.meta({ description: 'Limits the user to these channels; unlimited by default' }),
    }),
    answers: {
      201: { description: 'The user', schema: userWithInvitation, isSecret: true, hasLocation: true },
    },
    errors: ['user.exists'],
  },
  ({ users, publicUrl }: Pick<RouteServices, 'users' | 'publicUrl'>) =>
    async ({ body, access }) => {
      const { channels = null, ...request } = body;
      refuseOtherChannels(access, channels);
      const invited = await users.create({ ...request, channels: unique(channels) }, access.tokenId);
      return invitedView(invited, publicUrl);
    },
);

export const getUser = route(
  {
    method: 'get',
    path: '/v1/users/{id}',
    scope: 'admin',
    operationId: 'getUser',
    summary: 'Get a user',
    params: byId,
    notFound: noSuchUser,
    answers: { 200: { description: 'The user', schema: user } },
    errors: ['user.not_found'],
  },
  ({ users }: Pick<RouteServices, 'users'>) =>
    async ({ params, access }) => {
      const found = await users.find(params.id, access.channels ?? undefined);
      if (!found) throw noSuchUser();
      return userView(found);
    },
);

export const changeUser = route(
  {
    method: 'patch',
    path: '/v1/users/{id}',
    scope: 'admin',
    operationId: 'changeUser',
    summary: 'Change a user',
    description:
      'Another role, other channels or `disabled` end all sessions of the user in all processes, and revoke the API tokens of the user that allow more than the user may do afterwards.',
    params: byId,
    notFound: noSuchUser,
    body: z.strictObject({
      name: userName.optional(),
      role: z.enum(roles).optional(),
      channels: userChannels.meta({ description: 'Null removes the limit' }),
      disabled: z.boolean().optional(),
    }),
    answers: { 200: { description: 'The user', schema: user } },
    errors: ['user.not_found', 'user.last_admin'],
  },
  ({ users }: Pick<RouteServices, 'users'>) =>
    async ({ params, body, access }) => {
      const { channels, ...change } = body;
      if (channels !== undefined) refuseOtherChannels(access, channels);
      const wanted = channels === undefined ? change : { ...change, channels: unique(channels) };
      return userView(await users.change(params.id, wanted, managerOf(access)));
    },
);

export const deleteUser = route(
  {
    method: 'delete',
    path: '/v1/users/{id}',
    scope: 'admin',
    operationId: 'deleteUser',
    summary: 'Delete a user',
    description:
      'Ends all sessions of the user in all processes and revokes all API tokens of the user. The audit trail keeps what the user has done.',
    params: byId,
    notFound: noSuchUser,
    answers: { 204: { description: 'The user is deleted' } },
    errors: ['user.not_found', 'user.last_admin'],
  },
  ({ users }: Pick<RouteServices, 'users'>) =>
    async ({ params, access }) => {
      await users.remove(params.id, managerOf(access));
      return undefined;
    },
);

export const inviteUser = route(
  {
    method: 'post',
    path: '/v1/users/{id}/invitation',
    scope: 'admin',
    operationId: 'inviteUser',
    summary: 'Make a new link by which a user sets a password',
    description:
      'For users who have lost their link or forgotten their password. It replaces the link before; a password stays valid until the link is used.',
    params: byId,
    notFound: noSuchUser,
    answers: {
      201: { description: 'The user with the link', schema: userWithInvitation, isSecret: true },
    },
    errors: ['user.not_found'],
  },
  ({ invitations, publicUrl }: Pick<RouteServices, 'invitations' | 'publicUrl'>) =>
    async ({ params, access }) =>
      invitedView(await invitations.invite(params.id, managerOf(access)), publicUrl),
);

function managerOf({ tokenId, channels }: Access): UserManager {
  return { actor: tokenId, channels: channels ?? undefined };
}

function refuseOtherChannels(access: Access, channels: readonly string[] | null): void {
  if (!seesChannels(access, channels))
    throw new AppError(
      'auth.scope',
      'a caller who is limited to channels can only manage users who are limited to some of those',
    );
}

function unique(channels: readonly string[] | null): readonly string[] | null {
  return channels && [...new Set(channels)];
}

/** The secret is behind `#`, so that no server and no log sees it when the link is opened. */
function invitedView(
  { user: invited, secret, expiresAt }: NewInvitation,
  publicUrl: string,
): UserWithInvitationView {
  const url = `${publicUrl}/admin/#invitation=${secret}`;
  return { ...userView(invited), invitation: { url, expiresAt: expiresAt.toISOString() } };
}
