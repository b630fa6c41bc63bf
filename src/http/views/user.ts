import { signedInUser, type Access } from '../../domain/access.js';
import type { UserRecord } from '../../infra/tables/users.js';
import type { RouteServices } from '../services.js';
import type { SessionView, UserView } from '../shapes/user.js';

export function userView(record: UserRecord): UserView {
  const { id, email, name, role, channels, createdAt, lastSignInAt, invitationExpiresAt } = record;
  return {
    id,
    email,
    name,
    role,
    channels: channels && [...channels],
    state: stateOf(record),
    oidc: record.oidcSubject !== null,
    createdAt: createdAt.toISOString(),
    lastSignInAt: lastSignInAt?.toISOString() ?? null,
    invitationExpiresAt: invitationExpiresAt?.toISOString() ?? null,
  };
}

function stateOf({ disabledAt, passwordHash, oidcSubject }: UserRecord): UserView['state'] {
  if (disabledAt) return 'disabled';
  return passwordHash === null && oidcSubject === null ? 'invited' : 'active';
}

export async function sessionView(
  access: Access,
  { users, publicUrl }: Pick<RouteServices, 'users' | 'publicUrl'>,
): Promise<SessionView> {
  const { tokenId, scopes, channels } = access;
  const id = signedInUser(access);
  const user = id === undefined ? null : await users.find(id, undefined);
  return {
    tokenId,
    scopes: [...scopes],
    channels: channels && [...channels],
    publicUrl,
    user: user && {
      id: user.id,
      name: user.name,
      email: user.email,
      role: user.role,
      hasPassword: user.passwordHash !== null,
    },
  };
}
