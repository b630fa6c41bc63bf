/** How a provider reports the status of a message. */
export type SimulatedStatus = 'sent' | 'delivered' | 'read' | 'failed';

export interface Failure {
  readonly code: string;
  readonly message: string;
}

/** A webhook request, ready to be posted to the service. */
export interface Webhook {
  /** Path and query, appended to the service's URL. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** The status of an outbound message, independent of any provider. */
export interface StatusReport {
  readonly kind: 'status';
  readonly id: string;
  /** The recipient, in the provider's own form. */
  readonly from: string;
  readonly status: SimulatedStatus;
  /** The reason of a failure. */
  readonly failure: Failure | null;
}
