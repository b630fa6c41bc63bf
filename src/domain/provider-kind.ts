/**
 * What is known about a provider without a channel. Code that creates channels at run time sees nothing else
 * of providers.
 */
import type { ProviderAdapter } from './provider-adapter.js';

export interface SettingDescription {
  readonly name: string;
  /** Whether a channel requires it. */
  readonly required: boolean;
  readonly secret: boolean;
  readonly description: string;
}

export interface ProviderKind<Id extends string = string> {
  readonly id: Id;
  readonly settings: readonly SettingDescription[];
  /** Any of these settings enables the channel; without them there is no route (fail closed). */
  readonly enabledBy: readonly string[];
  /**
   * The setting for a secret that the service may choose: it is generated if none is given, and can be
   * rotated.
   */
  readonly ownSecret: string | null;
  /**
   * The settings that sending requires: one complete group is enough. Empty if sending needs no settings
   * beyond those for receiving.
   */
  readonly sendingNeeds: readonly (readonly string[])[];
  /** JSON Schema (2020-12, an object) of the `options` that messages may have for this provider. */
  readonly sendOptions: Readonly<Record<string, unknown>>;
  /** The steps in the provider's console, one sentence each. `<…>` marks what the reader must insert. */
  readonly setup: (webhookUrl: string) => readonly string[];
  /** Validates settings by their own names and builds the adapter. Throws a ZodError without values. */
  readonly load: (settings: unknown, now: () => Date) => ProviderAdapter;
}
