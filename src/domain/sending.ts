/** The terms of sending: what a provider accepts, what its adapter receives, and the outcome. */
import type { Evaluate } from './evaluation.js';
import type { Http, MediaKind } from './provider.js';

/** What a provider accepts for one kind of media. Shown to people and checked before anything is sent. */
export interface MediaLimits {
  /** MIME types of the bytes; a conversion produces the first one that it can. */
  readonly types: readonly string[];
  readonly maxBytes: number;
  /** The number of characters; 0 if captions are not supported, null if no limit is known. */
  readonly maxCaption: number | null;
  readonly needsFilename?: true;
  /** Whether pictures must be RGB or RGBA with 8 bits per channel, which excludes CMYK and 16 bits. */
  readonly eightBitRgb?: true;
  /** The largest sum of width and height in pixels. */
  readonly maxEdges?: number;
  /** The largest ratio of the longer to the shorter edge. */
  readonly maxRatio?: number;
}

/** The average number of messages in a time span, and how many may be sent at once. */
export interface SendRate {
  readonly messages: number;
  readonly perMs: number;
  readonly burst: number;
}

export interface SendLimits {
  readonly media: Readonly<Partial<Record<MediaKind, MediaLimits>>>;
  /** The limits of foreign links that the provider downloads itself, for kinds where they differ. */
  readonly linkedMedia?: Readonly<Partial<Record<MediaKind, MediaLimits>>>;
  readonly rate: SendRate;
  /**
   * The format of a recipient, as a description and as the source of a regular expression for the whole text.
   */
  readonly recipient: { readonly description: string; readonly pattern: string };
  /**
   * How the provider can receive the bytes, preferred way first. `upload`: the adapter transfers the bytes
   * itself.
   */
  readonly ways: readonly MediaWay[];
}

export type MediaWay = 'link' | 'inline' | 'upload';

/** The media of a message in a form that the provider accepts. */
export type OutboundContent =
  | { readonly way: 'link'; readonly url: string }
  /** `data` reads all bytes, because only media within the limits get here. */
  | { readonly way: 'inline' | 'upload'; readonly data: () => Promise<Uint8Array> };

export interface OutboundMessage {
  /** A UUID of the service, for providers that accept an id or a reference of the sender. */
  readonly id: string;
  /** The recipient, in the format of {@link SendLimits.recipient}. */
  readonly to: string;
  readonly kind: MediaKind;
  readonly content: OutboundContent;
  /** The MIME type; null only for a foreign link without one. */
  readonly type: string | null;
  /** Null if unknown. */
  readonly bytes: number | null;
  readonly filename: string | null;
  readonly caption: string | null;
  /** The provider's id of the message that this one replies to. */
  readonly replyTo: string | null;
  /** Validated by {@link Sending.checkOptions}. */
  readonly options: SendOptions;
  /** The address of this channel's webhooks, for providers that are told where to report on the message. */
  readonly webhookUrl: string;
}

export type SendOptions = Readonly<Record<string, unknown>>;

/**
 * The meaning of a provider's response. A message is only sent again if the provider certainly has not
 * accepted it.
 */
export type SendOutcome =
  /** The provider has accepted the message under this id. */
  | { readonly type: 'accepted'; readonly messageId: string }
  /** The provider will never accept it; `code` and `message` come from the provider. */
  | { readonly type: 'refused'; readonly code: string; readonly message: string }
  /**
   * The provider certainly has not accepted it but may do so later. `retryAfterMs` null: it names no time.
   */
  | {
      readonly type: 'busy';
      readonly retryAfterMs: number | null;
      readonly code: string;
      readonly message: string;
      /** Only messages to the same recipient have to wait. By default, the time holds for the channel. */
      readonly concerns?: 'recipient';
    }
  /**
   * It is unknown whether the provider has accepted it: there was no response, or one that is not understood.
   */
  | { readonly type: 'unknown'; readonly message: string };

/**
 * The sending half of an adapter. Like the other half, its only I/O is the {@link Http} port, beside
 * expressions of its settings.
 */
export interface Sending {
  /**
   * Validates the options for this provider and returns them with their defaults, without `fit` and `fetch`,
   * which belong to the service. Fields are named as in the request: `options.ttl`.
   */
  readonly checkOptions: (options: SendOptions) => CheckedOptions;
  /** The limits for a message with these validated options. */
  readonly limitsFor: (options: SendOptions) => SendLimits;
  /**
   * All limits for people to read: by value of the option that selects them, or one entry named `default`.
   */
  readonly limits: Readonly<Record<string, SendLimits>>;
  /**
   * The name of this recipient in webhooks, if it differs. Messages are stored under that name, so that a
   * person is one person and can be erased as one.
   */
  readonly personOf?: (to: string) => string;
  /** The time that must pass between two messages to this recipient, in milliseconds; 0 by default. */
  readonly recipientIntervalMs?: (to: string) => number;
  /** Whether a message with these options can be a reply. */
  readonly takesReply: (options: SendOptions) => boolean;
  /**
   * What is wrong with this reply, for providers whose message ids name a chat. Undefined if nothing is
   * wrong.
   */
  readonly replyProblem?: (
    message: Pick<OutboundMessage, 'to' | 'options'> & { readonly replyTo: string },
  ) => string | undefined;
  /**
   * The address of the API, for providers that accept links only. An address that is not public is that of a
   * simulator or a gateway in the same network, which may reach this service.
   */
  readonly apiUrl?: string;
  /** Always resolves: if an error leaves the outcome open, it is `unknown`. */
  readonly send: (message: OutboundMessage, http: Http, evaluate: Evaluate) => Promise<SendOutcome>;
}

export type CheckedOptions =
  | { readonly ok: true; readonly options: SendOptions }
  | {
      readonly ok: false;
      readonly problems: readonly { readonly field: string; readonly message: string }[];
    };
