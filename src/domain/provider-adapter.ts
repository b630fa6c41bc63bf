/**
 * The provider port: what the code of a messaging provider must offer. Adapters only translate; the {@link
 * Http} port that they receive is their only I/O.
 */
import type { Downloads, InboundEvent, Verdict, WebhookRequest } from './provider.js';
import type { Sending } from './sending.js';

export interface ProviderAdapter {
  /** Verifies the sender over the raw bytes, before anything is parsed. */
  readonly verify: (request: WebhookRequest) => Verdict;
  /** The answer to a GET challenge, or undefined if the challenge is not for this channel. */
  readonly handshake?: (query: WebhookRequest['query']) => string | undefined;
  /** Translates one payload. `[]` means that it is not a payload of this provider. Never throws. */
  readonly parse: (payload: unknown, receivedAt: Date) => InboundEvent[];
  readonly downloads: Downloads;
  /** Absent while settings for sending are missing; {@link ProviderKind.sendingNeeds} names them. */
  readonly sending?: Sending;
}
