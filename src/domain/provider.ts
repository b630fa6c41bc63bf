/**
 * The words between a messaging provider's file and the service.
 */
import type { MediaErrorCode } from './errors.js';

export type MaybePromise<T> = T | Promise<T>;

export const mediaKinds = ['image', 'video', 'audio', 'document', 'sticker'] as const;
export type MediaKind = (typeof mediaKinds)[number];

export const directions = ['inbound', 'outbound'] as const;
/** `inbound`: a person wrote to the business. `outbound`: somebody on the business's side wrote to the person. */
export type Direction = (typeof directions)[number];

export const messageStatuses = ['sent', 'delivered', 'read', 'failed'] as const;
export type MessageStatus = (typeof messageStatuses)[number];

/** A webhook call exactly as it arrived: bytes first, because signatures cover bytes. */
export interface WebhookRequest {
  readonly rawBody: Uint8Array;
  /** Lower-case names. A header that came several times is joined the way Node joins it. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Only parameters that came exactly once; a repeated one is absent, so that it proves nothing. */
  readonly query: Readonly<Record<string, string | undefined>>;
  readonly receivedAt: Date;
}

export type Verdict =
  | { readonly ok: true }
  /** `askToResend`: the provider sends the call again, properly signed, when it is answered 503. */
  | { readonly ok: false; readonly reason: string; readonly askToResend?: true };

/** Where the bytes of an attachment are to be had, or why they never will be. */
export type MediaSource =
  | {
      readonly type: 'link';
      /** As the provider gave it; it may be anything but empty. Checked when it is fetched, never before. */
      readonly url: string;
      /** When the provider stops answering for this link; null when not known. */
      readonly expiresAt: Date | null;
      /** Whether the link asks for this channel's credentials. They are sent to the channel's media hosts only. */
      readonly needsCredentials: boolean;
    }
  | {
      readonly type: 'unavailable';
      readonly code: Extract<MediaErrorCode, 'media.no_address' | 'media.provider_failed'>;
      readonly message: string;
    };

export interface InboundMedia {
  readonly kind: MediaKind;
  readonly source: MediaSource;
  /** MIME type as declared by the provider; a hint, the bytes decide. */
  readonly declaredType: string | null;
  readonly filename: string | null;
  /** Digest declared by the provider, 64 lower-case hex digits. */
  readonly sha256: string | null;
}

export interface InboundMessage {
  readonly type: 'message';
  /** The provider's own id; null where the provider gives none (the delivery's content hash then stands in). */
  readonly messageId: string | null;
  readonly direction: Direction;
  /** Digits only for phone numbers, otherwise the provider's identifier as given. */
  readonly from: string;
  readonly to: string | null;
  /** The group or conversation, when the message is not one to one. */
  readonly chat: string | null;
  readonly senderName: string | null;
  readonly caption: string | null;
  readonly sentAt: Date | null;
  /** Never empty: a message without media is `ignored`. */
  readonly media: readonly InboundMedia[];
}

export interface StatusEvent {
  readonly type: 'status';
  readonly messageId: string;
  readonly status: MessageStatus;
  readonly at: Date | null;
  readonly error: { readonly code: string; readonly message: string } | null;
}

/** Whoever sent a message has taken it back. What was kept of it stays, unless the operator wants it erased. */
export interface DeletionEvent {
  readonly type: 'deletion';
  /** Of the message that was taken back. */
  readonly messageId: string;
  readonly at: Date | null;
}

export type InboundEvent =
  | InboundMessage
  | StatusEvent
  | DeletionEvent
  /** Understood, and nothing to keep beyond the raw delivery. */
  | { readonly type: 'ignored'; readonly reason: string }
  /** It must carry media or a status, but its shape is not understood: kept, listed, can be replayed. */
  | { readonly type: 'malformed'; readonly reason: string };

export type HeaderRecord = Readonly<Record<string, string>>;

export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers?: HeaderRecord;
  /** Sent as `application/json`. */
  readonly json?: unknown;
  /** Sent as `multipart/form-data` in place of `json`. */
  readonly form?: readonly FormPart[];
}
/** A field of a form; with a file name it is a file. */
export interface FormPart {
  readonly name: string;
  readonly value: string | Uint8Array;
  readonly filename?: string;
  readonly type?: string;
}
export interface HttpResponse {
  readonly status: number;
  readonly headers: HeaderRecord;
  /** Parsed JSON, or the text when it is not JSON. */
  readonly body: unknown;
}
/**
 * The only way an adapter reaches the network. Rejects with a retryable AppError when there was no answer; its `requestLeft`
 * says whether the other side may have read the request.
 */
export type Http = (request: HttpRequest) => Promise<HttpResponse>;

/** An exact `host` or `host:port`, or a pattern matched against the whole host name. */
export type HostPattern = string | RegExp;

export interface FreshLink {
  readonly url: string;
  /** When it ends in its turn; null when not known. */
  readonly expiresAt: Date | null;
}

/** How this channel's attachments are downloaded. */
export interface Downloads {
  /** Who may see this channel's credentials. */
  readonly trustedHosts: readonly HostPattern[];
  /** Headers that authorise a download from a trusted host. */
  readonly authorize?: (url: URL) => MaybePromise<HeaderRecord>;
  /** A fresh link for one that has expired or is refused. Rejects with an AppError when there is none. */
  readonly refresh?: (url: string, http: Http) => Promise<FreshLink>;
}
