/** What the other side knows: the ledgers of those who sent webhooks, served pictures and took messages. */
export interface Claims {
  /** All webhooks with pictures that were sent. Then no message may have come in that is none of them. */
  readonly webhooks?: readonly SentWebhook[];
  /** Messages that the service has said it will send. */
  readonly asked?: readonly AskedMessage[];
  /** Messages that providers have taken, one entry each time. */
  readonly taken?: readonly TakenMessage[];
  /** Reports on messages that were answered with 200. */
  readonly reports?: readonly ReportedStatus[];
  /** What somebody who listened all the time was told, in this order. */
  readonly heard?: readonly HeardEvent[];
}

/** One message with its pictures, as its provider sent it, once or several times. */
export interface SentWebhook {
  readonly channel: string;
  readonly body: Buffer | string;
  /** The provider's id of the message. */
  readonly messageId: string;
  /** SHA-256 (hex) of each picture as it was served; all of them good. */
  readonly pictures: readonly string[];
  /** Answered with 200. Others may be there, though not in part and not twice. */
  readonly acknowledged: boolean;
  /** Whether its media were erased; `maybe`: it was asked for, and nobody was answered. */
  readonly erased: 'no' | 'maybe' | 'yes';
}

export interface AskedMessage {
  /** The service's id of it. */
  readonly id: string;
  readonly channel: string;
  /** Whom it goes to, however the provider writes that: digits are compared. */
  readonly to: string;
}

export interface TakenMessage {
  readonly channel: string;
  /** The provider's id. */
  readonly id: string;
  readonly to: string;
}

export interface ReportedStatus {
  readonly channel: string;
  readonly messageId: string;
  readonly status: string;
}

export interface HeardEvent {
  readonly seq: number;
  readonly type: string;
  /** Of the media it is about; null for messages. */
  readonly mediaId: string | null;
}
