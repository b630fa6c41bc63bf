// Generated from src/http/shapes by test/docs/answer-types.ts.
// Change the schemas and run: UPDATE_DOCUMENTS=1 npm test -- test/docs/generated.test.ts

/** A received, sent or uploaded file. */
export interface Media {
  readonly id: string;
  readonly channel: string;
  readonly provider: string;
  readonly direction: 'inbound' | 'outbound';
  readonly kind: 'image' | 'video' | 'audio' | 'document' | 'sticker';
  readonly state: 'pending' | 'ready' | 'rejected' | 'failed' | 'erased';
  /** Null for an upload that was not sent */
  readonly message: {
    /** The provider's own id */
    readonly id: string;
    /** The person as the provider names them; digits for phones; empty after erasure */
    readonly from: string;
    readonly to: string | null;
    /** The group or conversation */
    readonly chat: string | null;
    readonly senderName: string | null;
    readonly caption: string | null;
    readonly sentAt: string | null;
  } | null;
  /** ISO 8601 in UTC */
  readonly receivedAt: string;
  readonly readyAt: string | null;
  /** When the sender deleted the message; null if no deletion was reported */
  readonly deletedBySenderAt: string | null;
  readonly filename: string | null;
  /** MIME type, detected from the bytes */
  readonly type: string | null;
  readonly bytes: number | null;
  /** In pixels, as displayed */
  readonly width: number | null;
  readonly height: number | null;
  readonly sha256: string | null;
  /** Base64 */
  readonly thumbhash: string | null;
  readonly previews: {
    readonly small?:
      | {
          readonly url: string;
          readonly type: string;
          readonly width: number;
          readonly height: number;
        }
      | undefined;
    readonly large?:
      | {
          readonly url: string;
          readonly type: string;
          readonly width: number;
          readonly height: number;
        }
      | undefined;
  };
  readonly contentUrl: string | null;
  /** The irregularities of a stored file; usually empty */
  readonly warnings: readonly {
    readonly code:
      | 'media.damaged'
      | 'media.no_decoder'
      | 'media.too_many_pixels'
      | 'media.not_previewed'
      | 'media.kind_differs'
      | 'media.hash_mismatch';
    readonly message: string;
  }[];
  readonly attempts: number;
  readonly nextAttemptAt: string | null;
  readonly error: {
    readonly code: string;
    readonly message: string | null;
  } | null;
}

/** A media item for a token that may not read media. */
export interface MediaFacts {
  readonly id: string;
  readonly state: 'pending' | 'ready' | 'rejected' | 'failed' | 'erased';
  /** MIME type, detected from the bytes */
  readonly type: string | null;
  readonly bytes: number | null;
  /** In pixels, as displayed */
  readonly width: number | null;
  readonly height: number | null;
}

/** How a media item got where it is. */
export interface MediaHistory {
  /** ISO 8601 in UTC */
  readonly receivedAt: string;
  readonly delivery: string | null;
  readonly attempts: readonly {
    /** ISO 8601 in UTC */
    readonly at: string;
    readonly error: {
      readonly code: string;
      readonly message: string | null;
    } | null;
  }[];
  readonly readyAt: string | null;
  readonly deletedBySenderAt: string | null;
  readonly erasedAt: string | null;
  readonly nextAttemptAt: string | null;
}

/** A link that needs no token. */
export interface SignedLink {
  readonly url: string;
  /** ISO 8601 in UTC */
  readonly expiresAt: string;
}

/** What was erased, or would be. */
export interface Erased {
  readonly erased: {
    readonly messages: number;
    readonly media: number;
    readonly blobs: number;
    readonly bytes: number;
    readonly deliveries: number;
  };
}

/** A message, received or sent, with its media. */
export interface Message {
  /** The provider's own id */
  readonly id: string;
  /** The person as the provider names them; digits for phones; empty after erasure */
  readonly from: string;
  readonly to: string | null;
  /** The group or conversation */
  readonly chat: string | null;
  readonly senderName: string | null;
  readonly caption: string | null;
  readonly sentAt: string | null;
  readonly channel: string;
  readonly provider: string;
  readonly direction: 'inbound' | 'outbound';
  /** ISO 8601 in UTC */
  readonly receivedAt: string;
  readonly status: 'sent' | 'delivered' | 'read' | 'failed' | null;
  readonly statusAt: string | null;
  readonly error: {
    readonly code: string;
    readonly message: string | null;
  } | null;
  readonly media: readonly Media[];
}

/** A webhook of a provider. */
export interface DeliverySummary {
  readonly id: string;
  readonly channel: string;
  readonly provider: string;
  readonly outcome: 'accepted' | 'status' | 'ignored' | 'malformed';
  readonly reason: string | null;
  /** ISO 8601 in UTC */
  readonly receivedAt: string;
  readonly erasedAt: string | null;
}

/** A webhook of a provider with its headers and its body. */
export interface Delivery {
  readonly id: string;
  readonly channel: string;
  readonly provider: string;
  readonly outcome: 'accepted' | 'status' | 'ignored' | 'malformed';
  readonly reason: string | null;
  /** ISO 8601 in UTC */
  readonly receivedAt: string;
  readonly erasedAt: string | null;
  readonly headers: Readonly<Record<string, string>>;
  /** Unchanged; empty after erasure */
  readonly body: string;
}

/** What a webhook was. */
export interface Receipt {
  readonly delivery: string;
  readonly outcome: 'accepted' | 'status' | 'ignored' | 'malformed';
  readonly duplicate: boolean;
  readonly media: readonly string[];
}

/** A message that is sent through the API. */
export interface OutboundMessage {
  /** The id of this service */
  readonly id: string;
  readonly channel: string;
  readonly provider: string;
  /** Empty after erasure */
  readonly to: string;
  readonly kind: 'image' | 'video' | 'audio' | 'document' | 'sticker';
  /** The progress of sending. `unknown`: it is unknown whether the provider received it, and it is not sent again automatically */
  readonly state: 'queued' | 'sending' | 'sent' | 'failed' | 'unknown' | 'erased';
  /** The provider's own id, once it has accepted the message */
  readonly messageId: string | null;
  /** The furthest known status; null after erasure */
  readonly status: 'queued' | 'sent' | 'delivered' | 'read' | 'failed' | 'unknown' | null;
  readonly statusAt: string | null;
  /** A foreign link, which is sent unchanged */
  readonly link: string | null;
  /** Null for a foreign link until it was sent */
  readonly media: Media | null;
  /** MIME type; null if it is unknown for a foreign link */
  readonly type: string | null;
  readonly bytes: number | null;
  readonly caption: string | null;
  readonly filename: string | null;
  readonly replyTo: string | null;
  readonly options: Readonly<Record<string, unknown>>;
  readonly attempts: number;
  readonly nextAttemptAt: string | null;
  /** The last failure, with the provider's own code and message, or `send.…` */
  readonly error: {
    readonly code: string;
    readonly message: string | null;
  } | null;
  /** ISO 8601 in UTC */
  readonly createdAt: string;
  readonly sentAt: string | null;
}

/** The answer to a message that is to be sent. */
export interface QueuedMessage {
  /** The id of this service */
  readonly id: string;
  readonly channel: string;
  readonly provider: string;
  /** Empty after erasure */
  readonly to: string;
  readonly kind: 'image' | 'video' | 'audio' | 'document' | 'sticker';
  /** The progress of sending. `unknown`: it is unknown whether the provider received it, and it is not sent again automatically */
  readonly state: 'queued' | 'sending' | 'sent' | 'failed' | 'unknown' | 'erased';
  /** The provider's own id, once it has accepted the message */
  readonly messageId: string | null;
  /** The furthest known status; null after erasure */
  readonly status: 'queued' | 'sent' | 'delivered' | 'read' | 'failed' | 'unknown' | null;
  readonly statusAt: string | null;
  /** A foreign link, which is sent unchanged */
  readonly link: string | null;
  /** Only `id`, `state`, `type`, `bytes`, `width` and `height` for a token without `media:read` */
  readonly media: Media | MediaFacts | null;
  /** MIME type; null if it is unknown for a foreign link */
  readonly type: string | null;
  readonly bytes: number | null;
  readonly caption: string | null;
  readonly filename: string | null;
  readonly replyTo: string | null;
  readonly options: Readonly<Record<string, unknown>>;
  readonly attempts: number;
  readonly nextAttemptAt: string | null;
  /** The last failure, with the provider's own code and message, or `send.…` */
  readonly error: {
    readonly code: string;
    readonly message: string | null;
  } | null;
  /** ISO 8601 in UTC */
  readonly createdAt: string;
  readonly sentAt: string | null;
}

/** What may be sent in a channel. */
export interface ChannelLimits {
  readonly channel: string;
  readonly provider: string;
  /** False while required settings are missing */
  readonly sends: boolean;
  /** The settings that sending requires; one of the groups is sufficient */
  readonly needs: readonly (readonly string[])[];
  /** By value of the option that selects them, or one entry named `default` */
  readonly limits: Readonly<
    Record<
      string,
      {
        readonly media: Readonly<
          Partial<
            Record<
              'image' | 'video' | 'audio' | 'document' | 'sticker',
              {
                readonly types: readonly string[];
                readonly maxBytes: number;
                /** In characters; 0 if captions are not supported; null if no limit is known */
                readonly maxCaption: number | null;
                readonly needsFilename?: true | undefined;
                readonly eightBitRgb?: true | undefined;
              }
            >
          >
        >;
        readonly rate: {
          readonly messages: number;
          readonly perMs: number;
          readonly burst: number;
        };
        readonly recipient: {
          readonly description: string;
          readonly pattern: string;
        };
        readonly ways: readonly ('link' | 'inline' | 'upload')[];
      }
    >
  >;
  /** The JSON Schema of `options`, without `fit` and `fetch` */
  readonly options: Readonly<Record<string, unknown>>;
}

/** An account at a provider. */
export interface Channel {
  readonly id: string;
  readonly provider: string;
  readonly name: string | null;
  readonly enabled: boolean;
  /** Channels from the environment are read-only */
  readonly source: 'environment' | 'database';
  /** For the console of the provider; without the secret */
  readonly webhookUrl: string;
  readonly setup: readonly string[];
  readonly settings: readonly string[];
  readonly createdAt: string | null;
  readonly updatedAt: string | null;
  readonly lastWebhookAt: string | null;
  /** The last webhook whose signature or secret was missing or wrong */
  readonly lastRefusedAt: string | null;
  /** Why the channel cannot work; it then accepts no webhooks */
  readonly problem: string | null;
}

/** A channel with the secret that is shown once. */
export interface ChannelWithSecret {
  readonly id: string;
  readonly provider: string;
  readonly name: string | null;
  readonly enabled: boolean;
  /** Channels from the environment are read-only */
  readonly source: 'environment' | 'database';
  /** For the console of the provider; without the secret */
  readonly webhookUrl: string;
  readonly setup: readonly string[];
  readonly settings: readonly string[];
  readonly createdAt: string | null;
  readonly updatedAt: string | null;
  readonly lastWebhookAt: string | null;
  /** The last webhook whose signature or secret was missing or wrong */
  readonly lastRefusedAt: string | null;
  /** Why the channel cannot work; it then accepts no webhooks */
  readonly problem: string | null;
  readonly webhookSecret: string | null;
}

/** A messaging company, and the settings of its channels. */
export interface Provider {
  readonly id: string;
  readonly settings: readonly {
    readonly name: string;
    readonly required: boolean;
    readonly secret: boolean;
    readonly description: string;
  }[];
  readonly setup: readonly string[];
}

/** An API token, without the token itself. */
export interface Token {
  readonly id: string;
  readonly name: string | null;
  readonly scopes: readonly ('media:read' | 'messages:send' | 'admin')[];
  /** Null for all channels */
  readonly channels: readonly string[] | null;
  /** ISO 8601 in UTC */
  readonly createdAt: string;
  readonly expiresAt: string | null;
  readonly lastUsedAt: string | null;
  readonly revokedAt: string | null;
}

/** An API token with the objects that it has created. */
export interface TokenDetails {
  readonly id: string;
  readonly name: string | null;
  readonly scopes: readonly ('media:read' | 'messages:send' | 'admin')[];
  /** Null for all channels */
  readonly channels: readonly string[] | null;
  /** ISO 8601 in UTC */
  readonly createdAt: string;
  readonly expiresAt: string | null;
  readonly lastUsedAt: string | null;
  readonly revokedAt: string | null;
  readonly created: {
    readonly tokens: readonly {
      readonly id: string;
      readonly name: string | null;
      readonly revokedAt: string | null;
    }[];
    readonly subscriptions: readonly {
      readonly id: string;
      readonly url: string;
    }[];
    readonly channels: readonly {
      readonly id: string;
      readonly name: string | null;
    }[];
  };
}

/** A new API token; it is shown once. */
export interface TokenWithSecret {
  readonly id: string;
  readonly name: string | null;
  readonly scopes: readonly ('media:read' | 'messages:send' | 'admin')[];
  /** Null for all channels */
  readonly channels: readonly string[] | null;
  /** ISO 8601 in UTC */
  readonly createdAt: string;
  readonly expiresAt: string | null;
  readonly lastUsedAt: string | null;
  readonly revokedAt: string | null;
  readonly token: string;
}

/** Who is signed in. */
export interface Session {
  readonly tokenId: string;
  readonly scopes: readonly ('media:read' | 'messages:send' | 'admin')[];
  readonly channels: readonly string[] | null;
  readonly publicUrl: string;
}

/** Something that was done, and by which token. */
export interface AuditEntry {
  readonly id: string;
  /** ISO 8601 in UTC */
  readonly at: string;
  readonly actor: string;
  readonly actorName: string | null;
  readonly action: string;
  readonly channel: string | null;
  readonly target: string | null;
  readonly details: Readonly<Record<string, unknown>>;
}

/** Counts of media; days are those of UTC. */
export interface Stats {
  /** ISO 8601 in UTC */
  readonly since: string;
  readonly total: {
    readonly media: number;
    readonly bytes: number;
  };
  readonly byChannel: readonly {
    readonly channel: string;
    readonly media: number;
    readonly bytes: number;
  }[];
  readonly byState: readonly {
    readonly state: 'pending' | 'ready' | 'rejected' | 'failed' | 'erased';
    readonly media: number;
    readonly bytes: number;
  }[];
  readonly byKind: readonly {
    readonly kind: 'image' | 'video' | 'audio' | 'document' | 'sticker';
    readonly media: number;
    readonly bytes: number;
  }[];
  readonly byDirection: readonly {
    readonly direction: 'inbound' | 'outbound';
    readonly media: number;
    readonly bytes: number;
  }[];
  readonly byDay: readonly {
    readonly day: string;
    readonly channel: string;
    readonly media: number;
    readonly bytes: number;
    readonly ready: number;
    /** failed and rejected */
    readonly failed: number;
    /** With two significant digits */
    readonly medianSecondsToReady: number | null;
  }[];
  readonly oldestPending: {
    readonly id: string;
    /** ISO 8601 in UTC */
    readonly receivedAt: string;
  } | null;
  readonly needsAttention: {
    /** Pending for longer than ten minutes, to the full minute */
    readonly late: number;
    readonly failed: number;
    readonly rejected: number;
    readonly malformed: number;
  };
  /** Webhooks of all channels that wait on the disk until their rows are in the database; `aside` counts the webhooks that the database refuses */
  readonly spool: {
    readonly webhooks: number;
    readonly bytes: number;
    readonly oldestAt: string | null;
    readonly aside: number;
  };
}

/** Something that has happened. */
export type InletEvent =
  | {
      /** Increases; the value for Last-Event-ID */
      readonly id: string;
      /** ISO 8601 in UTC */
      readonly timestamp: string;
      readonly channel: string;
      readonly type: 'media.ready' | 'media.failed' | 'media.rejected' | 'media.deleted_by_sender';
      readonly data: Media;
    }
  | {
      /** Increases; the value for Last-Event-ID */
      readonly id: string;
      /** ISO 8601 in UTC */
      readonly timestamp: string;
      readonly channel: string;
      readonly type: 'message.status';
      readonly data: {
        readonly channel: string;
        /** The id of the message if it was sent through the API */
        readonly id: string | null;
        /** The provider's own id, or `id` if the provider never gave one */
        readonly messageId: string;
        readonly status: 'sent' | 'delivered' | 'read' | 'failed' | 'unknown';
        readonly at: string | null;
        readonly error: {
          readonly code: string;
          readonly message: string | null;
        } | null;
      };
    };

/** What a stream of events tells about itself. */
export type StreamEvent =
  | {
      /** Increases; the value for Last-Event-ID */
      readonly id: string;
      /** ISO 8601 in UTC */
      readonly timestamp: string;
      readonly type: 'stream.open';
      /** Whether some events after the given id are no longer kept */
      readonly missed: boolean;
    }
  | {
      /** Increases; the value for Last-Event-ID */
      readonly id: string;
      /** ISO 8601 in UTC */
      readonly timestamp: string;
      readonly type: 'stream.position';
    };

/** A URL that events are posted to. */
export interface Subscription {
  readonly id: string;
  readonly url: string;
  readonly description: string | null;
  /** All types if empty */
  readonly types: readonly (
    'media.ready' | 'media.failed' | 'media.rejected' | 'media.deleted_by_sender' | 'message.status'
  )[];
  /** All channels if empty */
  readonly channels: readonly string[];
  /** ISO 8601 in UTC */
  readonly createdAt: string;
  readonly state: 'active' | 'failing' | 'unreadable' | 'disabled';
  /** Why nothing can be posted (`unreadable`); the events wait until the problem is solved */
  readonly problem: string | null;
  readonly lastDeliveredAt: string | null;
  readonly failingSince: string | null;
  readonly lastError: string | null;
  readonly disabledAt: string | null;
  readonly disabledReason: string | null;
  /** The end of the time after a rotation in which the previous secret also signs */
  readonly previousSecretUntil: string | null;
}

/** A subscription with the secret that is shown once. */
export interface SubscriptionWithSecret {
  readonly id: string;
  readonly url: string;
  readonly description: string | null;
  /** All types if empty */
  readonly types: readonly (
    'media.ready' | 'media.failed' | 'media.rejected' | 'media.deleted_by_sender' | 'message.status'
  )[];
  /** All channels if empty */
  readonly channels: readonly string[];
  /** ISO 8601 in UTC */
  readonly createdAt: string;
  readonly state: 'active' | 'failing' | 'unreadable' | 'disabled';
  /** Why nothing can be posted (`unreadable`); the events wait until the problem is solved */
  readonly problem: string | null;
  readonly lastDeliveredAt: string | null;
  readonly failingSince: string | null;
  readonly lastError: string | null;
  readonly disabledAt: string | null;
  readonly disabledReason: string | null;
  /** The end of the time after a rotation in which the previous secret also signs */
  readonly previousSecretUntil: string | null;
  /** `whsec_...`, see standardwebhooks.com */
  readonly secret: string;
}

/** What came of a sample event. */
export interface SampleResult {
  readonly delivered: boolean;
  readonly status: number | null;
  readonly error: string | null;
}

/** An event on its way to a subscription. */
export interface NotificationDelivery {
  readonly id: string;
  /** `evt_...`, the `webhook-id` of each post */
  readonly event: string;
  /** Null for some events that older versions have posted */
  readonly type:
    'media.ready' | 'media.failed' | 'media.rejected' | 'media.deleted_by_sender' | 'message.status' | null;
  /** ISO 8601 in UTC */
  readonly createdAt: string;
  readonly state: 'waiting' | 'delivered' | 'given up';
  readonly attempts: number;
  /** May be later while the receiver is down */
  readonly nextAttemptAt: string | null;
  readonly settledAt: string | null;
  readonly lastStatus: number | null;
  readonly lastError: string | null;
  /** The last 20 attempts, oldest first */
  readonly history: readonly {
    /** ISO 8601 in UTC */
    readonly at: string;
    /** Null if there was no response */
    readonly status: number | null;
    readonly error: string | null;
    readonly durationMs: number;
    /** The beginning of the response body */
    readonly answer: string | null;
  }[];
  /** The body as it would be posted now; null if it was erased or is no longer kept */
  readonly payload: InletEvent | null;
}

/** How many events are posted again. */
export interface ResendResult {
  /** The number of events that are posted again */
  readonly count: number;
  /** The `from` of the next call, if there are more events */
  readonly next: string | null;
}
