/** What a company's own accounts may do here, by a claim that their identity provider makes about them. */
import type { Rights } from './access.js';
import { ownValue } from './own-value.js';
import type { Role } from './user.js';

/** The role of a user, and the channels that the user is limited to. */
export interface RoleGrant {
  readonly role: Role;
  /** Null means all channels. */
  readonly channels: Rights['channels'];
}

/** A value of the claim, and what people who have it may do. */
export interface RoleRule extends RoleGrant {
  readonly value: string;
}

export interface RoleRules {
  /** The name of the claim, or a path to it with dots. */
  readonly claim: string;
  /** In the order of the operator: the first rule that matches counts. */
  readonly rules: readonly RoleRule[];
  /** The role of people without a matching value; undefined: they are refused. */
  readonly otherwise: Role | undefined;
}

/** What a person with these claims may do; undefined: nothing. */
export function grantOf(
  claims: Readonly<Record<string, unknown>>,
  { claim, rules, otherwise }: RoleRules,
): RoleGrant | undefined {
  const values = textsOf(claimAt(claims, claim));
  const matching = rules.find(({ value }) => values.includes(value));
  if (matching) return { role: matching.role, channels: matching.channels };
  return otherwise && { role: otherwise, channels: null };
}

/** Names may contain dots themselves (`https://example.com/roles`), so the whole name is tried first. */
export function claimAt(claims: Readonly<Record<string, unknown>>, name: string): unknown {
  const whole = ownValue(claims, name);
  if (whole !== undefined) return whole;
  return name
    .split('.')
    .reduce<unknown>((inside, part) => (isRecord(inside) ? ownValue(inside, part) : undefined), claims);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function textsOf(value: unknown): readonly string[] {
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  return values.filter((one) => typeof one === 'string');
}
