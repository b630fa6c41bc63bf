/** Media as the API reads them: each with its message and its file, by one statement. */
import { ownValue } from '../../../domain/own-value.js';
import type { MediaState, MediaWarning } from '../../../domain/media.js';
import type { Direction, MediaKind } from '../../../domain/provider.js';
import type { Blob, Media as MediaRow, Message } from '../../generated/client.js';

/** A row whose text columns hold one of a few words: only this service writes them. */
export type Narrowed<Row, Words> = Omit<Row, keyof Words> & Readonly<Words>;

/** Without the columns that only the worker or the conditions of lists read. */
type Media = Omit<MediaRow, 'decodings' | 'person' | 'conversation'>;

export type MediaRecord = Narrowed<Media, { direction: Direction; kind: MediaKind; state: MediaState }> & {
  readonly message: MessageRow | null;
  readonly blob: BlobRecord | null;
};
export type MessageRow = Narrowed<Message, { direction: Direction }>;
export type BlobRecord = Narrowed<Blob, { bytes: number; warnings: readonly MediaWarning[] }>;

const columns = {
  media: {
    id: 'id',
    channel: 'channel',
    provider: 'provider',
    messageRowId: 'message_row_id',
    position: 'position',
    direction: 'direction',
    kind: 'kind',
    state: 'state',
    filename: 'filename',
    sha256: 'sha256',
    sourceUrl: 'source_url',
    sourceExpiresAt: 'source_expires_at',
    sourceCredentials: 'source_credentials',
    sourceDeliveryId: 'source_delivery_id',
    declaredType: 'declared_type',
    declaredSha256: 'declared_sha256',
    attempts: 'attempts',
    nextAttemptAt: 'next_attempt_at',
    errorCode: 'error_code',
    errorMessage: 'error_message',
    receivedAt: 'received_at',
    readyAt: 'ready_at',
    erasedAt: 'erased_at',
    deletedBySenderAt: 'deleted_by_sender_at',
  } satisfies Record<keyof Media, string>,
  message: {
    id: 'id',
    channel: 'channel',
    provider: 'provider',
    messageId: 'message_id',
    direction: 'direction',
    sender: 'sender',
    recipient: 'recipient',
    chat: 'chat',
    senderName: 'sender_name',
    caption: 'caption',
    sentAt: 'sent_at',
    receivedAt: 'received_at',
    deliveryId: 'delivery_id',
    erasedAt: 'erased_at',
  } satisfies Record<keyof Message, string>,
  blob: {
    sha256: 'sha256',
    type: 'type',
    bytes: 'bytes::float8',
    width: 'width',
    height: 'height',
    thumbhash: 'thumbhash',
    previews: 'previews',
    createdAt: 'created_at',
    orphanedAt: 'orphaned_at',
    revision: 'revision',
    warnings: 'warnings',
  } satisfies Record<keyof Blob, string>,
} as const;

/** Three tables in one row: `media.id`, `message.id` and so on are the names in the answer. */
export const selectMedia = `
  select ${Object.entries(columns)
    .flatMap(([table, names]) =>
      Object.entries(names).map(([name, column]) => `${table}.${column} as "${table}.${name}"`),
    )
    .join(', ')}
  from media
  left join message on message.id = media.message_row_id
  left join blob on blob.sha256 = media.sha256`;

export function toMediaRecord(row: Readonly<Record<string, unknown>>): MediaRecord {
  const part = (table: keyof typeof columns): object =>
    Object.fromEntries(Object.keys(columns[table]).map((name) => [name, ownValue(row, `${table}.${name}`)]));
  return {
    ...(part('media') as MediaRecord),
    message: row['message.id'] === null ? null : (part('message') as MessageRow),
    blob: row['blob.sha256'] === null ? null : (part('blob') as BlobRecord),
  };
}
