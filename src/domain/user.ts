/** The roles of users, and which passwords they may choose. */
import type { Rights, Scope } from './access.js';

export const roles = ['viewer', 'agent', 'operator', 'admin'] as const;
export type Role = (typeof roles)[number];

/** Sessions are tokens, so a role is a set of scopes. */
const scopesByRole = {
  viewer: ['media:read'],
  agent: ['media:read', 'messages:send'],
  operator: ['media:read', 'messages:send', 'media:manage'],
  admin: ['admin'],
} as const satisfies Record<Role, readonly Scope[]>;

export function rightsOf({ role, channels }: { readonly role: Role } & Pick<Rights, 'channels'>): Rights {
  return { scopes: scopesByRole[role], channels };
}

export const minPasswordLength = 12;
export const maxPasswordLength = 200;

/** A text in the spelling in which passwords are compared: keyboards differ in how they write one text. */
export function passwordSpelling(password: string): string {
  return password.normalize('NFKC');
}

/** The rules that a chosen password can break. */
export type PasswordFault = 'short' | 'long' | 'named';

/** The rule that a chosen password breaks; undefined if it breaks none. */
export function faultOfPassword(
  password: string,
  { email, name }: { readonly email: string; readonly name: string },
): PasswordFault | undefined {
  const text = passwordSpelling(password);
  const length = Array.from(text).length;
  if (length < minPasswordLength) return 'short';
  if (length > maxPasswordLength) return 'long';
  return [email, name].some((known) => folded(known) === folded(text)) ? 'named' : undefined;
}

const problems: Readonly<Record<PasswordFault, string>> = {
  short: `must have at least ${String(minPasswordLength)} characters`,
  long: `must have at most ${String(maxPasswordLength)} characters`,
  named: 'must not be the e-mail address or the name',
};

/** What is wrong with the password that a user chooses; undefined if nothing is. */
export function problemOfPassword(
  password: string,
  user: { readonly email: string; readonly name: string },
): string | undefined {
  const fault = faultOfPassword(password, user);
  return fault && problems[fault];
}

function folded(text: string): string {
  return passwordSpelling(text).toLowerCase().trim();
}
