/**
 * The provider port: what a messaging provider's file must offer.
 * Adapters are pure translators; the only I/O they get is the {@link Http} port handed in.
 */
import type { Downloads, InboundEvent, Verdict, WebhookRequest } from './provider.js';
import type { Sending } from './sending.js';

export interface ProviderAdapter {
  /** Whether the sender is who it says; over raw bytes, before anything is parsed. */
  readonly verify: (request: WebhookRequest) => Verdict;
  /** The answer to a GET challenge, or undefined when the challenge is not ours to answer. */
  readonly handshake?: (query: WebhookRequest['query']) => string | undefined;
  /** Translates one payload. `[]` means: not a payload of this provider at all. Never throws. */
  readonly parse: (payload: unknown, receivedAt: Date) => InboundEvent[];
  readonly downloads: Downloads;
  /** Absent while settings that sending needs are missing; {@link ProviderKind.sendingNeeds} names them. */
  readonly sending?: Sending;
}
