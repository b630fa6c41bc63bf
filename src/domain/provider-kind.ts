/**
 * What is known about a provider without a channel. Code that creates channels at run time sees nothing else
 * of providers.
 */
import type { Connecting } from './connection.js';
import type { MessageStatus } from './provider.js';
import type { ProviderAdapter } from './provider-adapter.js';

export interface SettingDescription {
  readonly name: string;
  /** Whether a channel requires it. */
  readonly required: boolean;
  readonly secret: boolean;
  /** Whether values may have several lines. */
  readonly multiline: boolean;
  /** What the setting belongs to, for providers with many settings; otherwise null. */
  readonly group: string | null;
  readonly description: string;
}

/** Settings for one kind of sender, of a provider whose settings decide what it understands. */
export interface ProviderExample {
  readonly id: string;
  readonly title: string;
  /** The page that describes the payloads; null if there is none. */
  readonly source: string | null;
  /** What else a person has to do or to know, one sentence each. */
  readonly notes: readonly string[];
  /** All settings except secrets. Hosts and names are to be replaced. */
  readonly settings: Readonly<Record<string, string>>;
  /** A webhook with invented values. */
  readonly sample: { readonly contentType: string; readonly body: string };
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
  /**
   * The statuses that the provider reports after it has accepted a message. Empty: it reports none, and
   * `sent` is the end.
   */
  readonly reports: readonly MessageStatus[];
  /** What `ProviderAdapter.connection` requires. */
  readonly connecting: Connecting;
  /** Empty for providers whose payloads are known. */
  readonly examples: readonly ProviderExample[];
  /** The steps in the provider's console, one sentence each. `<…>` marks what the reader must insert. */
  readonly setup: (webhookUrl: string) => readonly string[];
  /** Validates settings by their own names and builds the adapter. Throws a ZodError without values. */
  readonly load: (settings: unknown, now: () => Date) => ProviderAdapter;
}
