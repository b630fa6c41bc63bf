/** The terms shared by the code of a messaging provider and the service. */
import type { MediaErrorCode } from './errors.js';

export type MaybePromise<T> = T | Promise<T>;

export const mediaKinds = ['image', 'video', 'audio', 'document', 'sticker'] as const;
export type MediaKind = (typeof mediaKinds)[number];

export const directions = ['inbound', 'outbound'] as const;
/** `inbound`: a person wrote to the business. `outbound`: the business wrote to the person. */
export type Direction = (typeof directions)[number];

export const messageStatuses = ['sent', 'delivered', 'read', 'failed'] as const;
export type MessageStatus = (typeof messageStatuses)[number];

/** A webhook request exactly as it arrived: raw bytes, because signatures cover bytes. */
export interface WebhookRequest {
  readonly method: 'GET' | 'POST';
  /**
   * The address as the provider has it: `PUBLIC_URL` and the raw path and query of the request. Never made
   * from headers, which a stranger chooses.
   */
  readonly url: string;
  readonly rawBody: Uint8Array;
  /** Names in lower case. Repeated headers are joined as Node does. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Parameters that occur exactly once; repeated ones are omitted, so that they prove nothing. */
  readonly query: Readonly<Record<string, string | undefined>>;
  readonly receivedAt: Date;
}

export type Verdict =
  | { readonly ok: true }
  /** `askToResend`: the provider sends the request again, properly signed, if the answer is 503. */
  | { readonly ok: false; readonly reason: string; readonly askToResend?: true };

/** Where an attachment can be had, or why it cannot. */
export type MediaSource =
  | {
      readonly type: 'link';
      /** The text of the provider, which may be invalid but is never empty. Checked at the download. */
      readonly url: string;
      /** When the provider stops serving the link; null if unknown. */
      readonly expiresAt: Date | null;
      /**
       * Whether the link requires this channel's credentials. They are sent to the channel's media hosts
       * only.
       */
      readonly needsCredentials: boolean;
      /** The provider's own id of the file, which leads to a new link once this one has expired. */
      readonly reference?: string;
    }
  | {
      readonly type: 'reference';
      /** The provider's own id of the file. {@link Downloads.resolve} makes a link of it for each attempt. */
      readonly reference: string;
    }
  | {
      readonly type: 'embedded';
      /**
       * The JSON Pointer (RFC 6901) to a text of the payload that is the file in Base64, or a data URL with
       * it. The bytes are read from the stored webhook.
       */
      readonly pointer: string;
    }
  | {
      readonly type: 'unavailable';
      readonly code: Extract<
        MediaErrorCode,
        'media.no_address' | 'media.provider_failed' | 'media.too_large'
      >;
      readonly message: string;
    };

export interface InboundMedia {
  readonly kind: MediaKind;
  readonly source: MediaSource;
  /** The MIME type that the provider declares; only a hint, the bytes decide. */
  readonly declaredType: string | null;
  readonly filename: string | null;
  /** The digest that the provider declares, as 64 lower-case hex digits. */
  readonly sha256: string | null;
  /**
   * The identity of the file within its message, for providers whose messages can get another file later.
   * If absent, the position among the attachments of its kind identifies it.
   */
  readonly key?: string;
}

export interface InboundMessage {
  readonly type: 'message';
  /** The provider's id; null if it gives none (the content hash of the delivery then replaces it). */
  readonly messageId: string | null;
  readonly direction: Direction;
  /** Digits only for phone numbers, otherwise the provider's identifier unchanged. */
  readonly from: string;
  readonly to: string | null;
  /** The group or conversation, if the message was not sent one to one. */
  readonly chat: string | null;
  readonly senderName: string | null;
  /** The name of the group, or of the recipient of a message that was sent one to one. */
  readonly chatName?: string | null;
  /**
   * Another id under which the provider names the same person: the sender, or the recipient of a message that
   * was sent one to one.
   */
  readonly personAlias?: string | null;
  readonly caption: string | null;
  readonly sentAt: Date | null;
  /** Never empty: a message without media is `ignored`. */
  readonly media: readonly InboundMedia[];
}

export const contextKinds = ['text', 'location', 'contact'] as const;
export type ContextKind = (typeof contextKinds)[number];

/** A message without a file, which is kept as the context of files. */
export interface InboundContext extends Pick<
  InboundMessage,
  'direction' | 'from' | 'to' | 'chat' | 'senderName' | 'chatName' | 'personAlias' | 'sentAt'
> {
  readonly kind: ContextKind;
  readonly messageId: string;
  /** The text, the name and address of a place, or the name and numbers of a contact. */
  readonly text: string | null;
  /** In degrees. */
  readonly place?: { readonly latitude: number; readonly longitude: number };
}

export interface StatusEvent {
  readonly type: 'status';
  readonly messageId: string;
  readonly status: MessageStatus;
  readonly at: Date | null;
  readonly error: { readonly code: string; readonly message: string } | null;
}

/**
 * The sender of a message has deleted it. The stored copy stays, unless the operator has configured
 * otherwise.
 */
export interface DeletionEvent {
  readonly type: 'deletion';
  /** The id of the deleted message. */
  readonly messageId: string;
  readonly at: Date | null;
}

export type InboundEvent =
  | InboundMessage
  | StatusEvent
  | DeletionEvent
  /** Understood, with nothing to store beyond the raw delivery, except perhaps the context of files. */
  | { readonly type: 'ignored'; readonly reason: string; readonly context?: InboundContext }
  /** Must contain media or a status, but is not understood: it is stored and listed, and can be replayed. */
  | { readonly type: 'malformed'; readonly reason: string };

export type HeaderRecord = Readonly<Record<string, string>>;

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** May contain a secret, so that errors, logs and traces name the host only. */
  readonly url: string;
  readonly headers?: HeaderRecord;
  /** Sent as `application/json`. */
  readonly json?: unknown;
  /** Sent as `multipart/form-data` instead of `json`. */
  readonly form?: readonly FormPart[];
  /** Sent as `application/x-www-form-urlencoded` instead of `json`: names and values, in this order. */
  readonly urlencoded?: readonly FormField[];
}
export interface FormField {
  readonly name: string;
  readonly value: string;
}
/** A field of a form; a field with a file name is a file. */
export interface FormPart {
  readonly name: string;
  readonly value: string | Uint8Array;
  readonly filename?: string;
  readonly type?: string;
}
export interface HttpResponse {
  readonly status: number;
  readonly headers: HeaderRecord;
  /** Parsed JSON, or the text if it is not JSON. */
  readonly body: unknown;
}
/**
 * An adapter's only access to the network. Rejects with a retryable AppError if there was no response; its
 * `requestLeft` says whether the other side may have read the request.
 */
export type Http = (request: HttpRequest) => Promise<HttpResponse>;

/** An exact `host` or `host:port`, or a pattern for the whole host name. */
export type HostPattern = string | RegExp;

export interface FreshLink {
  readonly url: string;
  /** When this link expires; null if unknown. */
  readonly expiresAt: Date | null;
}

/**
 * Where the file of a reference is now. Used for one attempt and never stored, because it may hold a secret.
 */
export interface ResolvedLink {
  readonly url: string;
  readonly needsCredentials: boolean;
}

/** How this channel's attachments are downloaded. */
export interface Downloads {
  /** The hosts that may receive this channel's credentials. */
  readonly trustedHosts: readonly HostPattern[];
  /** Headers that authorise a download from a trusted host. */
  readonly authorize?: (url: URL) => MaybePromise<HeaderRecord>;
  /**
   * Returns a new link for one that has expired or was refused. Rejects with an AppError if there is none.
   */
  readonly refresh?: (url: string, http: Http) => Promise<FreshLink>;
  /**
   * Returns the link of a reference for one attempt. Rejects with an AppError: `media.gone` if the provider
   * no longer has the file, and a code that allows another attempt for everything that may pass.
   */
  readonly resolve?: (reference: string, http: Http) => Promise<ResolvedLink>;
  /**
   * For how many milliseconds after the webhook a missing file may not be there yet. 0 by default: a missing
   * file is gone.
   */
  readonly notYetMs?: number;
}
