import {
  mediaKinds,
  type InboundEvent,
  type InboundMedia,
  type InboundMessage,
  type MediaKind,
  type MediaSource,
  type MessageStatus,
  type StatusEvent,
} from '../../domain/provider.js';
import { address, sha256OrNull, textOrNull } from './lenient.js';

export const ignored = (reason: string): InboundEvent => ({ type: 'ignored', reason });
export const malformed = (reason: string): InboundEvent => ({ type: 'malformed', reason });

/**
 * Kinds of messages without media. Only these words become reasons, because a foreign text might contain
 * personal data.
 */
const mediaFreeKinds: ReadonlySet<unknown> = new Set(
  'text location contact contacts vcard reaction interactive button order system unsupported reply template custom random'.split(
    ' ',
  ),
);

export function ignoredKind(kind: string): InboundEvent {
  return ignored(isMediaFree(kind) ? kind : 'other');
}

/** Whether a word names a kind of message without media. */
export function isMediaFree(word: unknown): boolean {
  return mediaFreeKinds.has(word);
}

export function mediaKindOf(word: unknown): MediaKind | undefined {
  return mediaKinds.find((kind) => kind === word);
}

interface LinkTerms {
  readonly expiresAt?: Date | null;
  readonly needsCredentials?: boolean;
  /** The provider's own id of the file, which leads to a new link. */
  readonly reference?: string | undefined;
}

/** A link source, or undefined if there is no address. */
export function linkTo(url: unknown, terms: LinkTerms = {}): MediaSource | undefined {
  const link = address(url);
  if (link === undefined) return undefined;
  const { expiresAt = null, needsCredentials = false, reference } = terms;
  const source = { type: 'link', url: link, expiresAt, needsCredentials } as const;
  return reference === undefined ? source : { ...source, reference };
}

/** A source that is the provider's own id of the file; undefined if there is no usable id. */
export function referenceTo(id: string | undefined): MediaSource | undefined {
  return id === undefined ? undefined : { type: 'reference', reference: id };
}

/** Media for which the provider gives only its own id, without a way to use it. */
export const mediaIdOnly: MediaSource = {
  type: 'unavailable',
  code: 'media.no_address',
  message: 'the provider gave a media id but no address',
};

interface MediaFacts {
  readonly kind: MediaKind;
  readonly source: MediaSource | undefined;
  readonly declaredType?: unknown;
  readonly filename?: unknown;
  readonly sha256?: unknown;
  /** See {@link InboundMedia.key}. */
  readonly key?: string | undefined;
}

/** Builds one attachment; undefined, like its source, if its shape is not understood. */
export function mediaFrom(facts: MediaFacts): InboundMedia | undefined {
  const { kind, source, key } = facts;
  if (source === undefined) return undefined;
  const media: InboundMedia = {
    kind,
    source,
    declaredType: textOrNull(facts.declaredType),
    filename: textOrNull(facts.filename),
    sha256: sha256OrNull(facts.sha256),
  };
  return key === undefined ? media : { ...media, key };
}

/** The members of a message that have a value. Nearly all messages have none of them. */
export function furtherNames({
  chatName,
  personAlias,
}: {
  readonly chatName?: string | null | undefined;
  readonly personAlias?: string | null | undefined;
}): Pick<InboundMessage, 'chatName' | 'personAlias'> {
  return { ...(chatName != null && { chatName }), ...(personAlias != null && { personAlias }) };
}

/** Replaces a missing sender, so that the media are stored nevertheless. */
const unknownSender = 'unknown';

interface MessageFacts extends Omit<InboundMessage, 'type' | 'messageId' | 'from' | 'media'> {
  /** Undefined if there is no usable id although there must be one. */
  readonly messageId: string | null | undefined;
  readonly from: string | undefined;
  readonly media: readonly (InboundMedia | undefined)[];
}

/**
 * Returns the message with the media that are understood, and a `malformed` event for the rest, so that
 * nothing is lost silently. Media with an address are downloaded even if their sender is missing, because
 * their links would expire before anyone notices.
 */
export function messageEvents(facts: MessageFacts): InboundEvent[] {
  const { messageId = null, from = unknownSender } = facts;
  const media = facts.media.filter((item) => item !== undefined);
  const events: InboundEvent[] = [];
  if (media.length > 0) events.push({ ...facts, type: 'message', messageId, from, media });
  if (facts.messageId === undefined) events.push(malformed('message without a usable id'));
  else if (facts.from === undefined) events.push(malformed('message without a usable sender'));
  else if (media.length < facts.media.length) events.push(malformed('media without a usable address'));
  return events;
}

export const deletion = (messageId: string | undefined, at: Date | null): InboundEvent =>
  messageId === undefined ? ignored('deletion') : { type: 'deletion', messageId, at };

interface StatusFacts {
  readonly messageId: string | undefined;
  readonly status: MessageStatus | undefined;
  readonly at: Date | null;
  readonly error?: StatusEvent['error'];
}

export function statusEvent({ messageId, status, at, error = null }: StatusFacts): InboundEvent {
  if (messageId === undefined) return malformed('status without a usable message id');
  if (status === undefined) return malformed('status of an unknown kind');
  return { type: 'status', messageId, status, at, error };
}

/** A provider's error, whose code may be a number or missing. */
export function statusError(code: unknown, message: unknown): StatusEvent['error'] {
  const name = typeof code === 'number' ? String(code) : textOrNull(code);
  const text = textOrNull(message);
  return name === null && text === null ? null : { code: name ?? 'unknown', message: text ?? '' };
}
