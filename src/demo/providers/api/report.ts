/** How a provider tells what became of a message. */
export type SimulatedStatus = 'sent' | 'delivered' | 'read' | 'failed';

export interface Failure {
  readonly code: string;
  readonly message: string;
}

/** A webhook call, ready to be posted to the service. */
export interface Webhook {
  /** Path and query, to be put behind the service's address. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** The status of a message that the business sent, in no provider's words. */
export interface StatusReport {
  readonly kind: 'status';
  readonly id: string;
  /** The person it went to, in the provider's own form. */
  readonly from: string;
  readonly status: SimulatedStatus;
  /** Why it failed, for those that did. */
  readonly failure: Failure | null;
}
