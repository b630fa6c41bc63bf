/**
 * The knowledge of the other side: the records of webhooks that were sent, pictures that were served, and
 * messages that were accepted.
 */
export interface Claims {
  /** All webhooks with pictures that were sent. If given, no other message may have been received. */
  readonly webhooks?: readonly SentWebhook[];
  /** Messages that the service has promised to send. */
  readonly asked?: readonly AskedMessage[];
  /** Messages that providers have accepted, one entry for each time. */
  readonly taken?: readonly TakenMessage[];
  /** Status reports that were answered with 200. */
  readonly reports?: readonly ReportedStatus[];
  /** The events of a client that listened all the time, in order. */
  readonly heard?: readonly HeardEvent[];
}

/** One message with its pictures, as its provider sent it, once or several times. */
export interface SentWebhook {
  readonly channel: string;
  readonly body: Buffer | string;
  /** The provider's id of the message. */
  readonly messageId: string;
  /** The SHA-256 (hex) of each served picture; all of them are valid. */
  readonly pictures: readonly string[];
  /** Whether it was answered with 200. Others may be stored, but only completely and once. */
  readonly acknowledged: boolean;
  /** Whether its media were erased; `maybe`: the erasure was requested and not answered. */
  readonly erased: 'no' | 'maybe' | 'yes';
}

export interface AskedMessage {
  /** The service's id of the message. */
  readonly id: string;
  readonly channel: string;
  /** The recipient; only digits are compared, because providers write numbers differently. */
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
  /** The media item; null for messages. */
  readonly mediaId: string | null;
}
