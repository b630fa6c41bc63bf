/**
 * The provider port: what the code of a messaging provider must offer. Adapters only translate; the {@link
 * Http} port that they receive is their only I/O, and {@link Evaluate} evaluates expressions of their
 * settings.
 */
import type { Connection } from './connection.js';
import type { Evaluate } from './evaluation.js';
import type { Downloads, InboundEvent, Verdict, WebhookRequest } from './provider.js';
import type { Receipt } from './receipt.js';
import type { Sending } from './sending.js';

export interface ProviderAdapter {
  /** Verifies the sender over the raw bytes, before anything is parsed. */
  readonly verify: (request: WebhookRequest) => Verdict;
  /** The answer to a GET challenge, or undefined if the challenge is not for this channel. */
  readonly handshake?: (query: WebhookRequest['query']) => string | undefined;
  /**
   * Reads the payload from the bytes of a verified webhook. Undefined, and by default: the bytes are JSON.
   * Throws an AppError with the code `webhook.not_json` if they cannot be read.
   */
  readonly decode?: (rawBody: Uint8Array, contentType: string | undefined) => unknown;
  /**
   * Turns a payload into what {@link parse} reads, for adapters whose settings contain an expression. By
   * default, the payload itself. Never rejects: what `parse` makes of a failure is `malformed`.
   */
  readonly translate?: (payload: unknown, evaluate: Evaluate) => Promise<unknown>;
  /** The answer that the provider expects to an accepted webhook. By default, the receipt as JSON. */
  readonly acknowledge?: (receipt: Receipt) => Acknowledgement;
  /** Translates one payload. `[]` means that it is not a payload of this provider. Never throws. */
  readonly parse: (payload: unknown, receivedAt: Date) => InboundEvent[];
  /** For providers that send the webhooks of several accounts to one address. */
  readonly accounts?: Accounts;
  readonly downloads: Downloads;
  /** Absent while settings for sending are missing; {@link ProviderKind.sendingNeeds} names them. */
  readonly sending?: Sending;
  /** Absent if the provider has no API for its webhooks, or if settings for it are missing. */
  readonly connection?: Connection;
}

export interface Acknowledgement {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

/** The accounts to which the parts of a payload belong, by the provider's ids. The payload is JSON. */
export interface Accounts {
  /** The account of this channel; null if it is not known. */
  readonly own: string | null;
  /** Digests of the secrets of this channel. Channels that share a secret have the same owner. */
  readonly secrets: readonly string[];
  /** The accounts that a payload names, and null if a part of it names none. */
  readonly namedIn: (payload: unknown) => ReadonlySet<string | null>;
  /** The payload with the parts of these accounts only. An account is null for what belongs to none. */
  readonly select: (payload: unknown, isWanted: (account: string | null) => boolean) => unknown;
}
