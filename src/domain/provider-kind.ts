/** What is known of a provider before there is a channel of it. Who makes channels at run time sees no more of providers. */
import type { ProviderAdapter } from './provider-adapter.js';

export interface SettingDescription {
  readonly name: string;
  /** Whether there is no channel without it. */
  readonly required: boolean;
  readonly secret: boolean;
  readonly description: string;
}

export interface ProviderKind<Id extends string = string> {
  readonly id: Id;
  readonly settings: readonly SettingDescription[];
  /** At least one of these settings makes the channel exist; without any there is no route (fail closed). */
  readonly enabledBy: readonly string[];
  /** The setting that holds a secret which we may choose: it is made where none is given, and can be rotated. */
  readonly ownSecret: string | null;
  /** The settings without which nothing can be sent: any one group of them is enough. Empty: it sends with what receiving needs. */
  readonly sendingNeeds: readonly (readonly string[])[];
  /** JSON Schema (2020-12, an object) of what `options` of a message may say for this provider. */
  readonly sendOptions: Readonly<Record<string, unknown>>;
  /** What to do in the provider's console, one sentence each. `<…>` stands for what the reader has to put in. */
  readonly setup: (webhookUrl: string) => readonly string[];
  /** Checks settings (by their own names) and builds the adapter. Throws a ZodError that never holds values. */
  readonly load: (settings: unknown, now: () => Date) => ProviderAdapter;
}
