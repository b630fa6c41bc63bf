/**
 * What tests know about a provider: how it is configured, how it proves a webhook, and how it is told to
 * send.
 */
import type { SendOptions } from '../../src/domain/sending.js';

export interface Proof {
  readonly headers: Record<string, string>;
  readonly query: Record<string, string>;
}

/** A webhook that is to be proven. */
export interface SignedRequest {
  readonly rawBody: Uint8Array;
  /** The address as the provider calls it. */
  readonly url: string;
  readonly secret: string;
  readonly at: Date;
}

export type Settings = Readonly<Record<string, string>>;

export interface ProviderSample {
  /** The settings that enable it, by the names of the provider's own file. */
  readonly settings: Settings;
  /** The settings with which it sends, in addition. */
  readonly credentials: Settings;
  readonly sign: (request: SignedRequest) => Proof;
  /** The token of a GET challenge, if it is not a secret of the webhooks. */
  readonly verifyToken?: string;
  /** The type of its bodies; by default JSON. */
  readonly contentType?: string;
  /** What its signature covers of a body, as a text; by default every byte. */
  readonly coveredBy?: (rawBody: Uint8Array) => string;
  /** The options that choose each entry of its limits, by the name of the entry. */
  readonly choices: Readonly<Record<string, SendOptions>>;
}

/** Every channel has two secrets, as during a rotation. */
export const secrets = ['first-secret-0123456789abcdef', 'second-secret-0123456789abcdef'] as const;
export const secretList = secrets.join(',');

/** The secret in the query. */
export const inQuery: ProviderSample['sign'] = ({ secret }) => ({ headers: {}, query: { token: secret } });
