/** The scopes of tokens. */
export const scopes = ['media:read', 'facts:write', 'messages:send', 'media:manage', 'admin'] as const;
export type Scope = (typeof scopes)[number];

/** What a token, or a user, may do. */
export interface Rights {
  readonly scopes: readonly Scope[];
  /** The only channels that exist for the caller; null means all. */
  readonly channels: readonly string[] | null;
}

export interface Access extends Rights {
  /** The id of the token, for rate limits and logs. */
  readonly tokenId: string;
  /** The user who is signed in with the token or owns it; absent for a token of nobody in particular. */
  readonly user?: {
    readonly id: string;
    /** Whether signing in has made the token. */
    readonly isSession: boolean;
  };
}

/** The id of the user who is signed in; undefined for an API token. */
export function signedInUser({ user }: Access): string | undefined {
  return user?.isSession ? user.id : undefined;
}

/** To whom personal things such as favourites belong. */
export interface Owner {
  readonly id: string;
  /** Whether it is the id of a user; otherwise that of a token. */
  readonly isUser: boolean;
}

/** The user who is signed in or owns the token; without one, the token itself. */
export function ownerOf({ user, tokenId }: Access): Owner {
  return { id: user?.id ?? tokenId, isUser: user !== undefined };
}

/** `admin` includes every other scope. */
export function allows(rights: Pick<Rights, 'scopes'>, scope: Scope): boolean {
  return rights.scopes.includes(scope) || rights.scopes.includes('admin');
}

/** The channels to search: those of the token, restricted to the requested one; undefined means all. */
export function visibleChannels(
  access: Access,
  requested: string | undefined,
): readonly string[] | undefined {
  if (requested === undefined) return access.channels ?? undefined;
  return seesChannel(access, requested) ? [requested] : [];
}

export function seesChannel(access: Pick<Rights, 'channels'>, channel: string): boolean {
  return access.channels?.includes(channel) ?? true;
}

/** Whether all of these channels (null: all that exist) exist for the caller. */
export function seesChannels(access: Pick<Rights, 'channels'>, channels: Rights['channels']): boolean {
  if (access.channels === null) return true;
  return channels?.every((channel) => seesChannel(access, channel)) ?? false;
}

/** Whether the rights include all of the others. */
export function includesRights(rights: Rights, others: Rights): boolean {
  return others.scopes.every((scope) => allows(rights, scope)) && seesChannels(rights, others.channels);
}
