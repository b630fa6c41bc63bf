/** Verified webhooks as the inbox accepts them: everything that was parsed from each, as rows. */
import type { ContextKind, Direction, MediaKind, MessageStatus } from '../../../domain/provider.js';
import type { Outcome } from '../../../domain/receipt.js';

/** A verified webhook with everything that was parsed from it. Times are ISO 8601, digests hex. */
export interface InboxEntry {
  readonly id: string;
  readonly channel: string;
  readonly provider: string;
  readonly contentHash: string;
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string>>;
  readonly outcome: Outcome;
  readonly reason: string | null;
  readonly receivedAt: string;
  /** Each message has at least one of the media. */
  readonly messages: readonly MessageRow[];
  readonly media: readonly MediaRow[];
  readonly statuses: readonly StatusRow[];
  readonly deletions: readonly DeletionRow[];
  /** Messages without files, which are kept as the context of files. */
  readonly contexts: readonly ContextRow[];
  /** Set if it is one of several parts of the same delivery, which are written one after another. */
  readonly isPart?: true;
}

export interface MessageRow {
  readonly delivery_id: string;
  readonly id: string;
  readonly message_id: string;
  readonly direction: Direction;
  readonly sender: string;
  readonly recipient: string | null;
  readonly chat: string | null;
  readonly sender_name: string | null;
  readonly chat_name: string | null;
  readonly person_alias: string | null;
  readonly caption: string | null;
  readonly sent_at: string | null;
}

export interface MediaRow {
  readonly delivery_id: string;
  readonly id: string;
  /** The provider's id of its message. */
  readonly message_id: string;
  /** The position among the attachments of this kind in the message, from 0. */
  readonly position: number;
  readonly direction: Direction;
  readonly kind: MediaKind;
  readonly state: 'pending' | 'rejected' | 'failed';
  readonly source_url: string | null;
  /** The provider's own id of the file, which is resolved to a link for each attempt. */
  readonly source_reference: string | null;
  readonly source_expires_at: string | null;
  readonly source_credentials: boolean;
  readonly declared_type: string | null;
  readonly declared_sha256: string | null;
  readonly filename: string | null;
  /** The identity of the file within its message; null if the position identifies it. */
  readonly file_key: string | null;
  readonly error_code: string | null;
  readonly error_message: string | null;
}

export interface StatusRow {
  readonly delivery_id: string;
  readonly message_id: string;
  readonly status: MessageStatus;
  readonly at: string | null;
  readonly error_code: string | null;
  readonly error_message: string | null;
}

/** A message that its sender deleted; it may not have arrived yet. */
export interface DeletionRow {
  readonly delivery_id: string;
  readonly message_id: string;
  readonly at: string;
}

export interface ContextRow {
  readonly delivery_id: string;
  readonly id: string;
  readonly message_id: string;
  readonly kind: ContextKind;
  readonly direction: Direction;
  /** With whom it was exchanged: the sender, or the recipient of one that was sent. */
  readonly person: string | null;
  readonly chat: string | null;
  readonly sender: string;
  /** The name of the sender. */
  readonly name: string | null;
  readonly text: string | null;
  readonly latitude: number | null;
  readonly longitude: number | null;
  readonly sent_at: string | null;
  /** It is kept only if a file arrives within minutes of it. */
  readonly is_provisional: boolean;
  /** The name of the person, for the sums of people. */
  readonly person_name: string | null;
  readonly chat_name: string | null;
  readonly person_alias: string | null;
}

/**
 * The maximum number of rows of one webhook in a statement, which limits the duration of the statement and
 * the size of its parameters. A webhook with more rows is written in parts.
 */
const maxRows = 500;

export function rowsOf({ messages, media, statuses, deletions, contexts }: InboxEntry): number {
  return messages.length + media.length + statuses.length + deletions.length + contexts.length;
}

/** Whether the webhook needs more than one statement. */
export function isLarge(entry: InboxEntry): boolean {
  return rowsOf(entry) > maxRows;
}

/**
 * Divides a webhook into parts of one statement each, all with the id of its delivery. Each part contains the
 * messages of its media, so that the parts can be written in any order and repeatedly.
 */
export function partsOf(entry: InboxEntry): readonly InboxEntry[] {
  if (!isLarge(entry)) return [entry];
  const messages = new Map(entry.messages.map((row) => [row.message_id, row]));
  const nothing: InboxEntry = {
    ...entry,
    messages: [],
    media: [],
    statuses: [],
    deletions: [],
    contexts: [],
    isPart: true,
  };
  return [
    // Each media row comes with the row of its message, so half as many fit.
    ...slicesOf(entry.media, maxRows / 2).map((media) => {
      const owners = new Set(media.map((row) => row.message_id));
      return { ...nothing, media, messages: [...owners].flatMap((id) => messages.get(id) ?? []) };
    }),
    ...slicesOf(entry.statuses, maxRows).map((statuses) => ({ ...nothing, statuses })),
    ...slicesOf(entry.deletions, maxRows).map((deletions) => ({ ...nothing, deletions })),
    ...slicesOf(entry.contexts, maxRows).map((contexts) => ({ ...nothing, contexts })),
  ];
}

function slicesOf<Row>(rows: readonly Row[], length: number): (readonly Row[])[] {
  const slices: (readonly Row[])[] = [];
  for (let at = 0; at < rows.length; at += length) slices.push(rows.slice(at, at + length));
  return slices;
}
