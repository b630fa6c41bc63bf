/** The words of sending: what a provider takes, what is handed to its adapter, and what became of it. */
import type { Http, MediaKind } from './provider.js';

/** What a provider takes of one kind of media. Shown to people and checked before anything leaves. */
export interface MediaLimits {
  /** MIME types as the bytes say; the first one that can be made is what a conversion makes. */
  readonly types: readonly string[];
  readonly maxBytes: number;
  /** In characters; 0: no caption at all; null: no limit is known. */
  readonly maxCaption: number | null;
  readonly needsFilename?: true;
  /** Pictures need 8 bits a channel, RGB or RGBA: no CMYK, no 16 bits. */
  readonly eightBitRgb?: true;
}

/** Messages in a time, on average, and how many of them may go at once. */
export interface SendRate {
  readonly messages: number;
  readonly perMs: number;
  readonly burst: number;
}

export interface SendLimits {
  readonly media: Readonly<Partial<Record<MediaKind, MediaLimits>>>;
  readonly rate: SendRate;
  /** What a recipient looks like, in words, and as the source of a regular expression for the whole text. */
  readonly recipient: { readonly description: string; readonly pattern: string };
  /** How the provider is given the bytes, the preferred way first. `upload`: the adapter hands the bytes over itself. */
  readonly ways: readonly MediaWay[];
}

export type MediaWay = 'link' | 'inline' | 'upload';

/** The media of a message, in a way that the provider takes. */
export type OutboundContent =
  | { readonly way: 'link'; readonly url: string }
  /** `data` reads them all: only media within the limits get here. */
  | { readonly way: 'inline' | 'upload'; readonly data: () => Promise<Uint8Array> };

export interface OutboundMessage {
  /** Ours, a UUID; for providers that take an id or a reference of the sender. */
  readonly id: string;
  /** As {@link SendLimits.recipient} says. */
  readonly to: string;
  readonly kind: MediaKind;
  readonly content: OutboundContent;
  /** MIME type; null only for a foreign link that says nothing about itself. */
  readonly type: string | null;
  /** null where it is not known. */
  readonly bytes: number | null;
  readonly filename: string | null;
  readonly caption: string | null;
  /** The provider's id of the message that is answered. */
  readonly replyTo: string | null;
  /** Checked by {@link Sending.checkOptions}. */
  readonly options: SendOptions;
}

export type SendOptions = Readonly<Record<string, unknown>>;

/** What the provider's answer means. Nothing is sent a second time unless it says that nothing was taken. */
export type SendOutcome =
  /** The provider has it, under this id. */
  | { readonly type: 'accepted'; readonly messageId: string }
  /** It will never take it: `code` and `message` are the provider's own words. */
  | { readonly type: 'refused'; readonly code: string; readonly message: string }
  /** It has surely not taken it, and may later. `retryAfterMs` null: it does not say when. */
  | {
      readonly type: 'busy';
      readonly retryAfterMs: number | null;
      readonly code: string;
      readonly message: string;
    }
  /** It may have taken it, or not: no answer, or one that nobody understands. */
  | { readonly type: 'unknown'; readonly message: string };

/** The other half of an adapter. Pure as the first: the only I/O is the {@link Http} port. */
export interface Sending {
  /**
   * Whether the options are those of this provider; answers them with their defaults, without `fit` and `fetch`, which are
   * the service's own. Fields are named as in the request: `options.ttl`.
   */
  readonly checkOptions: (options: SendOptions) => CheckedOptions;
  /** The limits that hold for a message with these (checked) options. */
  readonly limitsFor: (options: SendOptions) => SendLimits;
  /** All of them for people to read: by the value of the option that chooses, or one entry named `default`. */
  readonly limits: Readonly<Record<string, SendLimits>>;
  /**
   * How webhooks name this recipient, where that is another name. Messages are kept under that one, so that a person is one
   * person and erased as one; sending to it is the same.
   */
  readonly personOf?: (to: string) => string;
  /** Whether the message may be said to be a reply, and with options like these. */
  readonly takesReply: (options: SendOptions) => boolean;
  /** Resolves always: what cannot be told from an error is `unknown`. */
  readonly send: (message: OutboundMessage, http: Http) => Promise<SendOutcome>;
}

export type CheckedOptions =
  | { readonly ok: true; readonly options: SendOptions }
  | {
      readonly ok: false;
      readonly problems: readonly { readonly field: string; readonly message: string }[];
    };
