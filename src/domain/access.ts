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

export function seesChannel(access: Access, channel: string): boolean {
  return access.channels?.includes(channel) ?? true;
}
