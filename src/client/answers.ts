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
  /** What the camera or a program has written into the picture. Null if the file contains nothing of it: most messengers remove it from pictures, and keep it in pictures that are sent as documents */
  readonly metadata: {
    /** ISO 8601: the local time of the camera, such as `2026-11-20T16:42:07`, with the offset from UTC if the file contains it */
    readonly takenAt: string | null;
    readonly camera: string | null;
    /** Degrees; south is negative */
    readonly latitude: number | null;
    /** Degrees; west is negative */
    readonly longitude: number | null;
    readonly software: string | null;
  } | null;
  readonly attempts: number;
  readonly nextAttemptAt: string | null;
  readonly error: {
    readonly code: string;
    readonly message: string | null;
  } | null;
  readonly annotations: {
    readonly tags: readonly string[];
    readonly note: string | null;
    /** When somebody said that it needs no attention any more */
    readonly resolvedAt: string | null;
    /** For `If-Match` of a change */
    readonly revision: number;
  };
  /** Whether a legal hold keeps it: it is not erased then */
  readonly held: boolean;
}

/** What people note about a media item. */
export interface Annotations {
  readonly tags: readonly string[];
  readonly note: string | null;
  /** When somebody said that it needs no attention any more */
  readonly resolvedAt: string | null;
  /** For `If-Match` of a change */
  readonly revision: number;
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

/** What a program has found out about a media item. */
export type Fact =
  | {
      /** The program that has found it out */
      readonly source: string;
      readonly language: string | null;
      readonly confidence: number | null;
      readonly type: 'text';
      /** The text in a picture or a document */
      readonly value: string;
      /** ISO 8601 in UTC */
      readonly recordedAt: string;
    }
  | {
      /** The program that has found it out */
      readonly source: string;
      readonly language: string | null;
      readonly confidence: number | null;
      readonly type: 'transcript';
      /** The words of a sound or a video */
      readonly value: string;
      /** ISO 8601 in UTC */
      readonly recordedAt: string;
    }
  | {
      /** The program that has found it out */
      readonly source: string;
      readonly language: string | null;
      readonly confidence: number | null;
      readonly type: 'description';
      /** What a picture shows */
      readonly value: string;
      /** ISO 8601 in UTC */
      readonly recordedAt: string;
    }
  | {
      /** The program that has found it out */
      readonly source: string;
      readonly language: string | null;
      readonly confidence: number | null;
      readonly type: 'labels';
      /** What a picture shows, in single words */
      readonly value: readonly {
        readonly name: string;
        readonly confidence?: number | undefined;
      }[];
      /** ISO 8601 in UTC */
      readonly recordedAt: string;
    }
  | {
      /** The program that has found it out */
      readonly source: string;
      readonly language: string | null;
      readonly confidence: number | null;
      readonly type: 'blur';
      /** 0 is sharp; of a picture with 1 nothing can be recognised */
      readonly value: number;
      /** ISO 8601 in UTC */
      readonly recordedAt: string;
    };

/** Filters of the list of media under a name. */
export interface SavedView {
  readonly id: string;
  readonly name: string;
  /** Parameters of `GET /v1/media`, as texts; times are ISO 8601 in UTC */
  readonly filters: Readonly<Record<string, string>>;
  /** Whether everybody sees it */
  readonly shared: boolean;
  /** Whether it belongs to the caller */
  readonly own: boolean;
  /** ISO 8601 in UTC */
  readonly createdAt: string;
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

/** A report about a media item, for disputes. */
export interface Evidence {
  /** ISO 8601 in UTC */
  readonly reportedAt: string;
  /** Of the service */
  readonly version: string;
  readonly media: Media;
  /** Null if no file is stored */
  readonly hash: {
    readonly sha256: string;
    /** The hash was computed while the file arrived, and stored at this time */
    readonly computedAt: string | null;
    /** Whether the stored file had the same hash when the report was made */
    readonly check: 'same' | 'different' | 'missing';
  } | null;
  readonly attempts: readonly {
    /** ISO 8601 in UTC */
    readonly at: string;
    readonly error: {
      readonly code: string;
      readonly message: string | null;
    } | null;
  }[];
  /** The webhooks that brought the message and its link, as long as they are kept */
  readonly deliveries: readonly {
    readonly id: string;
    /** Of the body of the webhook, as it was received */
    readonly sha256: string;
    readonly outcome: string;
    /** ISO 8601 in UTC */
    readonly receivedAt: string;
    readonly erasedAt: string | null;
  }[];
  readonly statuses: readonly {
    readonly status: 'sent' | 'delivered' | 'read' | 'failed' | 'unknown';
    readonly at: string | null;
    /** ISO 8601 in UTC */
    readonly receivedAt: string;
  }[];
  /** In the channels that the token has access to */
  readonly copies: {
    /** Other media with the same bytes, ten thousand at most */
    readonly count: number;
    readonly first: {
      readonly id: string;
      readonly channel: string;
      /** ISO 8601 in UTC */
      readonly receivedAt: string;
    } | null;
  };
  readonly holds: readonly {
    readonly id: string;
    readonly type: 'person' | 'chat' | 'tag' | 'media';
    /** ISO 8601 in UTC */
    readonly createdAt: string;
    readonly createdByName: string | null;
  }[];
  /** What was done to the media item, newest first, 200 entries at most */
  readonly audit: readonly AuditEntry[];
  /** What the hashes prove, and what they do not */
  readonly meaning: string;
}

/** What must not be erased, and why. */
export interface Hold {
  readonly id: string;
  readonly type: 'person' | 'chat' | 'tag' | 'media';
  /** Null: a tag in all channels */
  readonly channel: string | null;
  /** The id of the person or the chat, the tag, or the media item */
  readonly subject: string;
  /** What the subject is compared with. Of a person the ids that were known when the hold began; later ones are followed as well */
  readonly ids: readonly string[];
  readonly reason: string;
  /** ISO 8601 in UTC */
  readonly createdAt: string;
  /** The id of the token */
  readonly createdBy: string;
  readonly createdByName: string | null;
}

/** A media item that looks like another one. */
export interface SimilarMedia {
  /** How many of the 64 bits of the hashes differ; 0 for the same bytes */
  readonly distance: number;
  readonly media: Media;
}

/** The pages of a PDF. */
export interface DocumentPages {
  /** How many pages there are */
  readonly count: number;
  readonly items: readonly {
    /** The first page is 1 */
    readonly number: number;
    /** Of the picture, in pixels */
    readonly width: number;
    readonly height: number;
    /** The path of the picture, which is a JPEG */
    readonly url: string;
  }[];
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

/** A person or a group, with what was exchanged. */
export interface Person {
  readonly channel: string;
  /** The id that the provider used last, as in `message.from` */
  readonly id: string;
  readonly kind: 'person' | 'group';
  /** The latest name */
  readonly name: string | null;
  /** The latest first */
  readonly names: readonly string[];
  /** Digits, if the person is known by a phone number */
  readonly number: string | null;
  /** All ids under which the provider has named the person: numbers with and without a ninth digit, and ids that replace a number */
  readonly ids: readonly string[];
  /** ISO 8601 in UTC */
  readonly firstSeenAt: string;
  /** ISO 8601 in UTC */
  readonly lastSeenAt: string;
  /** Media from the person, or into the group */
  readonly received: number;
  /** Media that were sent to the person, or into the group */
  readonly sent: number;
  /** Texts, locations and contact cards that are kept, in both directions */
  readonly texts: number;
  /** Media that wait to be downloaded; 1000 at most */
  readonly pending: number;
  /** Media that could not be downloaded; 1000 at most */
  readonly failed: number;
}

/** A person or a group, and other channels with the same number. */
export interface PersonDetails {
  readonly channel: string;
  /** The id that the provider used last, as in `message.from` */
  readonly id: string;
  readonly kind: 'person' | 'group';
  /** The latest name */
  readonly name: string | null;
  /** The latest first */
  readonly names: readonly string[];
  /** Digits, if the person is known by a phone number */
  readonly number: string | null;
  /** All ids under which the provider has named the person: numbers with and without a ninth digit, and ids that replace a number */
  readonly ids: readonly string[];
  /** ISO 8601 in UTC */
  readonly firstSeenAt: string;
  /** ISO 8601 in UTC */
  readonly lastSeenAt: string;
  /** Media from the person, or into the group */
  readonly received: number;
  /** Media that were sent to the person, or into the group */
  readonly sent: number;
  /** Texts, locations and contact cards that are kept, in both directions */
  readonly texts: number;
  /** Media that wait to be downloaded; 1000 at most */
  readonly pending: number;
  /** Media that could not be downloaded; 1000 at most */
  readonly failed: number;
  /** The same number in other channels, 50 at most */
  readonly elsewhere: readonly {
    readonly channel: string;
    /** The id that the provider used last, as in `message.from` */
    readonly id: string;
    /** The latest name */
    readonly name: string | null;
    /** ISO 8601 in UTC */
    readonly lastSeenAt: string;
  }[];
}

/** Something that was exchanged with a person or in a group. */
export type TimelineItem =
  | {
      readonly type: 'media';
      /** When it was sent, or received if that is unknown */
      readonly at: string;
      readonly direction: 'inbound' | 'outbound';
      readonly media: Media;
    }
  | {
      readonly type: 'text';
      /** When it was sent, or received if that is unknown */
      readonly at: string;
      readonly direction: 'inbound' | 'outbound';
      readonly id: string;
      /** The provider's own id */
      readonly messageId: string;
      readonly from: string | null;
      readonly senderName: string | null;
      readonly chat: string | null;
      readonly text: string | null;
    }
  | {
      readonly type: 'location';
      /** When it was sent, or received if that is unknown */
      readonly at: string;
      readonly direction: 'inbound' | 'outbound';
      readonly id: string;
      /** The provider's own id */
      readonly messageId: string;
      readonly from: string | null;
      readonly senderName: string | null;
      readonly chat: string | null;
      /** The name and the address of the place */
      readonly text: string | null;
      readonly latitude: number | null;
      readonly longitude: number | null;
    }
  | {
      readonly type: 'contact';
      /** When it was sent, or received if that is unknown */
      readonly at: string;
      readonly direction: 'inbound' | 'outbound';
      readonly id: string;
      /** The provider's own id */
      readonly messageId: string;
      readonly from: string | null;
      readonly senderName: string | null;
      readonly chat: string | null;
      /** The name and the numbers, a line for each */
      readonly text: string | null;
    };

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
                /** Width and height together, in pixels */
                readonly maxEdges?: number | undefined;
                /** Of the longer to the shorter edge */
                readonly maxRatio?: number | undefined;
              }
            >
          >
        >;
        /** Of links that the provider downloads itself, for kinds where they differ */
        readonly linkedMedia?:
          | Readonly<
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
                    /** Width and height together, in pixels */
                    readonly maxEdges?: number | undefined;
                    /** Of the longer to the shorter edge */
                    readonly maxRatio?: number | undefined;
                  }
                >
              >
            >
          | undefined;
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
  /** Whether the provider can be told the address: `POST /v1/channels/{id}/connect` */
  readonly canConnect: boolean;
  readonly settings: readonly string[];
  /** For how many days media and raw webhooks of this channel are kept; null leaves it to the settings of the service */
  readonly retention: {
    readonly mediaDays: number | null;
    readonly deliveryDays: number | null;
  };
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
  /** Whether the provider can be told the address: `POST /v1/channels/{id}/connect` */
  readonly canConnect: boolean;
  readonly settings: readonly string[];
  /** For how many days media and raw webhooks of this channel are kept; null leaves it to the settings of the service */
  readonly retention: {
    readonly mediaDays: number | null;
    readonly deliveryDays: number | null;
  };
  readonly createdAt: string | null;
  readonly updatedAt: string | null;
  readonly lastWebhookAt: string | null;
  /** The last webhook whose signature or secret was missing or wrong */
  readonly lastRefusedAt: string | null;
  /** Why the channel cannot work; it then accepts no webhooks */
  readonly problem: string | null;
  readonly webhookSecret: string | null;
}

/** What a provider knows about the webhook of a channel. */
export interface Connection {
  /** Whether the API of the provider can be asked, and told the address */
  readonly supported: boolean;
  /** Why not; null if it is supported */
  readonly reason: string | null;
  /** The address that the provider calls, without its query; null if there is none */
  readonly url: string | null;
  /** Whether that is the address of this channel, with everything that the channel needs; null if it is unknown */
  readonly isConnected: boolean | null;
  /** Events that wait at the provider; null if the provider does not tell */
  readonly pending: number | null;
  /** What the provider reports as failing, such as its last call of the webhook */
  readonly lastError: {
    readonly message: string;
    readonly at: string | null;
  } | null;
  /** What else an administrator should know, one sentence each */
  readonly notes: readonly string[];
}

/** What was fetched of messages whose webhooks did not arrive. */
export interface Backfill {
  /** Messages with media that the provider has listed */
  readonly found: number;
  /** Those whose webhooks had not arrived; their media are downloaded now */
  readonly stored: number;
  /** Those whose media the provider refuses to list, for instance because they were deleted meanwhile; another call asks again */
  readonly failed: number;
  /** False if there was no time for everything: call again with `until` of this answer, and the rest is fetched */
  readonly complete: boolean;
  /** The end of the period that is left; null if nothing is left, or if the provider gives no times */
  readonly until: string | null;
}

/** A messaging company, and the settings of its channels. */
export interface Provider {
  readonly id: string;
  readonly settings: readonly {
    readonly name: string;
    readonly required: boolean;
    readonly secret: boolean;
    /** Whether values may have several lines */
    readonly multiline: boolean;
    /** What the setting belongs to, where a provider has many settings */
    readonly group: string | null;
    readonly description: string;
  }[];
  /** The statuses that the provider reports about sent messages; empty if it reports none */
  readonly reports: readonly ('sent' | 'delivered' | 'read' | 'failed')[];
  readonly setup: readonly string[];
  /** Settings for kinds of senders, each with a webhook of invented values */
  readonly examples: readonly {
    readonly id: string;
    readonly title: string;
    /** The page that describes the payloads */
    readonly source: string | null;
    readonly notes: readonly string[];
    /** Values by name, without secrets */
    readonly settings: Readonly<Record<string, string>>;
    readonly sample: {
      readonly contentType: string;
      readonly body: string;
    };
  }[];
}

/** What a channel would make of a webhook. */
export interface Preview {
  /** What is wrong with the settings or the payload, so that nothing was tried */
  readonly problems: readonly {
    readonly field: string;
    readonly message: string;
  }[];
  /** Null if there are problems */
  readonly outcome: 'accepted' | 'status' | 'ignored' | 'malformed' | null;
  /** Why it would be `ignored` or `malformed` */
  readonly reason: string | null;
  readonly events: readonly (
    | {
        readonly type: 'message';
        readonly id: string | null;
        readonly direction: 'inbound' | 'outbound';
        readonly from: string;
        readonly to: string | null;
        readonly chat: string | null;
        readonly name: string | null;
        readonly caption: string | null;
        readonly sentAt: string | null;
        readonly media: readonly {
          readonly kind: 'image' | 'video' | 'audio' | 'document' | 'sticker';
          /** Where the file would be downloaded */
          readonly url: string | null;
          /** The provider's id of the file */
          readonly reference: string | null;
          /** The place of the file in the payload, and its size */
          readonly embedded: {
            readonly pointer: string;
            readonly bytes: number | null;
          } | null;
          readonly type: string | null;
          readonly filename: string | null;
          readonly sha256: string | null;
          /** Why there would be no file */
          readonly problem: string | null;
        }[];
      }
    | {
        readonly type: 'status';
        readonly id: string;
        readonly status: 'sent' | 'delivered' | 'read' | 'failed';
        readonly at: string | null;
        readonly error: {
          readonly code: string;
          readonly message: string;
        } | null;
      }
    | {
        readonly type: 'deletion';
        readonly id: string;
        readonly at: string | null;
      }
    | {
        readonly type: 'ignored';
        readonly reason: string;
      }
    | {
        readonly type: 'malformed';
        readonly reason: string;
      }
  )[];
  /** The number of further events, which are left out */
  readonly omitted: number;
}

/** An API token, without the token itself. */
export interface Token {
  readonly id: string;
  readonly name: string | null;
  readonly scopes: readonly ('media:read' | 'facts:write' | 'messages:send' | 'media:manage' | 'admin')[];
  /** Null for all channels */
  readonly channels: readonly string[] | null;
  /** The user who has created it; null for a token of nobody in particular */
  readonly owner: {
    readonly id: string;
    readonly name: string;
  } | null;
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
  readonly scopes: readonly ('media:read' | 'facts:write' | 'messages:send' | 'media:manage' | 'admin')[];
  /** Null for all channels */
  readonly channels: readonly string[] | null;
  /** The user who has created it; null for a token of nobody in particular */
  readonly owner: {
    readonly id: string;
    readonly name: string;
  } | null;
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
  readonly scopes: readonly ('media:read' | 'facts:write' | 'messages:send' | 'media:manage' | 'admin')[];
  /** Null for all channels */
  readonly channels: readonly string[] | null;
  /** The user who has created it; null for a token of nobody in particular */
  readonly owner: {
    readonly id: string;
    readonly name: string;
  } | null;
  /** ISO 8601 in UTC */
  readonly createdAt: string;
  readonly expiresAt: string | null;
  readonly lastUsedAt: string | null;
  readonly revokedAt: string | null;
  readonly token: string;
}

/** A page with files behind a link. */
export interface Share {
  readonly id: string;
  readonly title: string | null;
  readonly state: 'active' | 'expired' | 'revoked';
  /** The media in the order of the page; null for one that was erased */
  readonly media: readonly (string | null)[];
  readonly hasPassword: boolean;
  /** ISO 8601 in UTC */
  readonly createdAt: string;
  /** The id of the token */
  readonly createdBy: string;
  /** ISO 8601 in UTC */
  readonly expiresAt: string;
  readonly revokedAt: string | null;
  /** How often a browser has opened the page */
  readonly views: number;
  readonly lastViewedAt: string | null;
}

/** A new share with its link, which is shown once. */
export interface ShareWithLink {
  readonly id: string;
  readonly title: string | null;
  readonly state: 'active' | 'expired' | 'revoked';
  /** The media in the order of the page; null for one that was erased */
  readonly media: readonly (string | null)[];
  readonly hasPassword: boolean;
  /** ISO 8601 in UTC */
  readonly createdAt: string;
  /** The id of the token */
  readonly createdBy: string;
  /** ISO 8601 in UTC */
  readonly expiresAt: string;
  readonly revokedAt: string | null;
  /** How often a browser has opened the page */
  readonly views: number;
  readonly lastViewedAt: string | null;
  /** The link; only this answer contains it */
  readonly url: string;
}

/** A person who signs in to the gallery. */
export interface User {
  readonly id: string;
  readonly email: string;
  readonly name: string;
  readonly role: 'viewer' | 'agent' | 'operator' | 'admin';
  /** Null for all channels */
  readonly channels: readonly string[] | null;
  /** `invited`: the user has not signed in yet, and has nothing but the link to do so */
  readonly state: 'invited' | 'active' | 'disabled';
  /** Whether the user signs in with the identity provider, which then decides about the role */
  readonly oidc: boolean;
  /** ISO 8601 in UTC */
  readonly createdAt: string;
  readonly lastSignInAt: string | null;
  /** The end of the link, if there is a link */
  readonly invitationExpiresAt: string | null;
}

/** A user with the link that is shown once. */
export interface UserWithInvitation {
  readonly id: string;
  readonly email: string;
  readonly name: string;
  readonly role: 'viewer' | 'agent' | 'operator' | 'admin';
  /** Null for all channels */
  readonly channels: readonly string[] | null;
  /** `invited`: the user has not signed in yet, and has nothing but the link to do so */
  readonly state: 'invited' | 'active' | 'disabled';
  /** Whether the user signs in with the identity provider, which then decides about the role */
  readonly oidc: boolean;
  /** ISO 8601 in UTC */
  readonly createdAt: string;
  readonly lastSignInAt: string | null;
  /** The end of the link, if there is a link */
  readonly invitationExpiresAt: string | null;
  readonly invitation: {
    /** The link by which the user sets a password */
    readonly url: string;
    /** ISO 8601 in UTC */
    readonly expiresAt: string;
  };
}

/** Whom the link of an invitation is for. */
export interface Invitation {
  readonly email: string;
  readonly name: string;
  /** `reset`: the user has a password, which the link replaces */
  readonly purpose: 'invite' | 'reset';
  /** ISO 8601 in UTC */
  readonly expiresAt: string;
}

/** The ways of signing in. */
export interface WaysOfSignIn {
  /** Whether there are users with a password */
  readonly passwords: boolean;
  /** Null without an identity provider */
  readonly oidc: {
    /** What people call the identity provider */
    readonly name: string;
  } | null;
}

/** Who is signed in. */
export interface Session {
  readonly tokenId: string;
  readonly scopes: readonly ('media:read' | 'facts:write' | 'messages:send' | 'media:manage' | 'admin')[];
  readonly channels: readonly string[] | null;
  readonly publicUrl: string;
  /** Null if the session is one of an API token */
  readonly user: {
    readonly id: string;
    readonly name: string;
    readonly email: string;
    readonly role: 'viewer' | 'agent' | 'operator' | 'admin';
    /** False for users who sign in with the identity provider only */
    readonly hasPassword: boolean;
  } | null;
}

/** A session of a user, on one device. */
export interface UserSession {
  readonly id: string;
  /** ISO 8601 in UTC */
  readonly createdAt: string;
  readonly expiresAt: string | null;
  /** Accurate to a minute */
  readonly lastUsedAt: string | null;
  /** Whether it is the session of this request */
  readonly current: boolean;
}

/** Something that was done, and by which user or token. */
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

/** Something that is wrong now. */
export interface Alert {
  readonly id: string;
  readonly type:
    | 'alert.channel_silent'
    | 'alert.channel_refused'
    | 'alert.subscription_disabled'
    | 'alert.media_late'
    | 'alert.spool_in_use'
    | 'alert.disk_filling';
  /** The channel, the id of the subscription, or a part of the service */
  readonly subject: string;
  /** Null for an alert about the service as a whole */
  readonly channel: string | null;
  /** ISO 8601 in UTC */
  readonly since: string;
  /** A sentence for the operator */
  readonly message: string;
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
    }
  | {
      /** Increases; the value for Last-Event-ID */
      readonly id: string;
      /** ISO 8601 in UTC */
      readonly timestamp: string;
      /** Null for an alert about the service as a whole */
      readonly channel: string | null;
      readonly type:
        | 'alert.channel_silent'
        | 'alert.channel_refused'
        | 'alert.subscription_disabled'
        | 'alert.media_late'
        | 'alert.spool_in_use'
        | 'alert.disk_filling';
      readonly data: {
        readonly state: 'began' | 'ended';
        /** The channel, the id of the subscription, or a part of the service */
        readonly subject: string;
        /** ISO 8601 in UTC */
        readonly since: string;
        readonly until: string | null;
        /** A sentence for the operator */
        readonly message: string;
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
    | 'media.ready'
    | 'media.failed'
    | 'media.rejected'
    | 'media.deleted_by_sender'
    | 'message.status'
    | 'alert.channel_silent'
    | 'alert.channel_refused'
    | 'alert.subscription_disabled'
    | 'alert.media_late'
    | 'alert.spool_in_use'
    | 'alert.disk_filling'
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
    | 'media.ready'
    | 'media.failed'
    | 'media.rejected'
    | 'media.deleted_by_sender'
    | 'message.status'
    | 'alert.channel_silent'
    | 'alert.channel_refused'
    | 'alert.subscription_disabled'
    | 'alert.media_late'
    | 'alert.spool_in_use'
    | 'alert.disk_filling'
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
    | 'media.ready'
    | 'media.failed'
    | 'media.rejected'
    | 'media.deleted_by_sender'
    | 'message.status'
    | 'alert.channel_silent'
    | 'alert.channel_refused'
    | 'alert.subscription_disabled'
    | 'alert.media_late'
    | 'alert.spool_in_use'
    | 'alert.disk_filling'
    | null;
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
