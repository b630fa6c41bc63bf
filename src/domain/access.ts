/** Who may do what. */
export const scopes = ['media:read', 'messages:send', 'admin'] as const;
export type Scope = (typeof scopes)[number];

export interface Access {
  /** Of the token, for rate limits and logs. */
  readonly tokenId: string;
  readonly scopes: readonly Scope[];
  /** The only channels this token knows of; null: all. */
  readonly channels: readonly string[] | null;
}

/** `admin` may do everything. */
export function allows(access: Access, scope: Scope): boolean {
  return access.scopes.includes(scope) || access.scopes.includes('admin');
}

/** The channels to look into: those of the token, narrowed to the one asked for; undefined: all. */
export function visibleChannels(access: Access, asked: string | undefined): readonly string[] | undefined {
  if (asked === undefined) return access.channels ?? undefined;
  return seesChannel(access, asked) ? [asked] : [];
}

export function seesChannel(access: Access, channel: string): boolean {
  return access.channels?.includes(channel) ?? true;
}
