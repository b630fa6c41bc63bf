/** Shapes of answers about users, invitations and sessions. */
import { z } from 'zod';

import { scopes } from '../../domain/access.js';
import { roles } from '../../domain/user.js';
import { moment } from './media.js';
import { named } from './named.js';

const userShape = z.object({
  id: z.uuid(),
  email: z.string(),
  name: z.string(),
  role: z.enum(roles),
  channels: z.array(z.string()).nullable().meta({ description: 'Null for all channels' }),
  state: z.enum(['invited', 'active', 'disabled']).meta({
    description: '`invited`: the user has not signed in yet, and has nothing but the link to do so',
  }),
  oidc: z.boolean().meta({
    description: 'Whether the user signs in with the identity provider, which then decides about the role',
  }),
  createdAt: moment,
  lastSignInAt: moment.nullable(),
  invitationExpiresAt: moment.nullable().meta({ description: 'The end of the link, if there is a link' }),
});
export type UserView = z.infer<typeof userShape>;

const exampleUser: UserView = {
  id: '019aa5e0-1f22-7d10-9c41-5a0b7d3e6f21',
  email: 'fernanda@example.com',
  name: 'Fernanda Souza',
  role: 'agent',
  channels: ['z-api'],
  state: 'active',
  oidc: false,
  createdAt: '2026-11-21T09:58:31.120Z',
  lastSignInAt: '2026-11-24T08:02:11.502Z',
  invitationExpiresAt: null,
};

export const user = named('User', userShape, exampleUser);

/** The link is only shown once. */
export const userWithInvitation = named(
  'UserWithInvitation',
  userShape.extend({
    invitation: z.object({
      url: z.string().meta({ description: 'The link by which the user sets a password' }),
      expiresAt: moment,
    }),
  }),
  {
    ...exampleUser,
    state: 'invited',
    lastSignInAt: null,
    invitationExpiresAt: '2026-11-28T09:58:31.120Z',
    invitation: {
      url: 'https://inlet.example.com/admin/#invitation=Zm9yLXRoZS1leGFtcGxlLW9ubHktLS0t',
      expiresAt: '2026-11-28T09:58:31.120Z',
    },
  },
);
export type UserWithInvitationView = z.infer<typeof userWithInvitation>;

/** Whom a link of an invitation is for. */
export const invitation = named(
  'Invitation',
  z.object({
    email: z.string(),
    name: z.string(),
    purpose: z
      .enum(['invite', 'reset'])
      .meta({ description: '`reset`: the user has a password, which the link replaces' }),
    expiresAt: moment,
  }),
  {
    email: exampleUser.email,
    name: exampleUser.name,
    purpose: 'invite',
    expiresAt: '2026-11-28T09:58:31.120Z',
  },
);

/** The ways of signing in. */
export const waysOfSignIn = named(
  'WaysOfSignIn',
  z.object({
    passwords: z.boolean().meta({ description: 'Whether there are users with a password' }),
    oidc: z
      .object({ name: z.string().meta({ description: 'What people call the identity provider' }) })
      .nullable()
      .meta({ description: 'Null without an identity provider' }),
  }),
  { passwords: true, oidc: { name: 'Example Login' } },
);

const exampleTokenId = '019aa5e0-52f0-7cc3-b5d2-64d21f0a5e10';

/** `GET /v1/session`: the token of the session. */
export const session = named(
  'Session',
  z.object({
    tokenId: z.string(),
    scopes: z.array(z.enum(scopes)),
    channels: z.array(z.string()).nullable(),
    publicUrl: z.string(),
    user: userShape
      .pick({ id: true, name: true, email: true, role: true })
      .extend({
        hasPassword: z
          .boolean()
          .meta({ description: 'False for users who sign in with the identity provider only' }),
      })
      .nullable()
      .meta({ description: 'Null if the session is one of an API token' }),
  }),
  {
    tokenId: exampleTokenId,
    scopes: ['media:read', 'messages:send'],
    channels: ['z-api'],
    publicUrl: 'https://inlet.example.com',
    user: {
      id: exampleUser.id,
      name: exampleUser.name,
      email: exampleUser.email,
      role: exampleUser.role,
      hasPassword: true,
    },
  },
);
export type SessionView = z.infer<typeof session>;

/** One of the sessions of a user. */
export const userSession = named(
  'UserSession',
  z.object({
    id: z.uuid(),
    createdAt: moment,
    expiresAt: moment.nullable(),
    lastUsedAt: moment.nullable().meta({ description: 'Accurate to a minute' }),
    current: z.boolean().meta({ description: 'Whether it is the session of this request' }),
  }),
  {
    id: exampleTokenId,
    createdAt: '2026-11-24T08:02:11.502Z',
    expiresAt: '2026-11-24T20:02:11.000Z',
    lastUsedAt: '2026-11-24T11:40:00.318Z',
    current: true,
  },
);
export type UserSessionView = z.infer<typeof userSession>;
