/** The scopes of tokens. */
export const scopes = ['media:read', 'messages:send', 'admin'] as const;
export type Scope = (typeof scopes)[number];

export interface Access {
  /** The id of the token, for rate limits and logs. */
  readonly tokenId: string;
  readonly scopes: readonly Scope[];
  /** The only channels that exist for this token; null means all. */
  readonly channels: readonly string[] | null;
}

/** `admin` includes every other scope. */
export function allows(access: Access, scope: Scope): boolean {
  return access.scopes.includes(scope) || access.scopes.includes('admin');
}

/** The channels to search: those of the token, restricted to the requested one; undefined means all. */
export function visibleChannels(
  access: Access,
  requested: string | undefined,
): readonly string[] | undefined {
  if (requested === undefined) return access.channels ?? undefined;
  return seesChannel(access, requested) ? [requested] : [];
}

export function seesChannel(access: Access, channel: string): boolean {
  return access.channels?.includes(channel) ?? true;
}
