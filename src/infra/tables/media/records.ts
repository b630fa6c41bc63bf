/** Media as the API reads them: each with its message and its file, by one statement. */
import type { FileMetadata } from '../../../domain/file-metadata.js';
import { ownValue } from '../../../domain/own-value.js';
import type { MediaState, MediaWarning } from '../../../domain/media.js';
import type { Direction, MediaKind } from '../../../domain/provider.js';
import type { Blob, Media as MediaRow, Message } from '../../generated/client.js';

/** A row whose text columns hold one of a few words: only this service writes them. */
export type Narrowed<Row, Words> = Omit<Row, keyof Words> & Readonly<Words>;

/** Without the columns that only the worker or the conditions of lists read. */
type Media = Omit<
  MediaRow,
  'decodings' | 'person' | 'conversation' | 'sourceReference' | 'fileKey' | 'tags' | 'parkedBy'
> & {
  readonly tags: readonly string[] | null;
  /** Whether a legal hold keeps it. */
  readonly held: boolean;
};

export type MediaRecord = Narrowed<Media, { direction: Direction; kind: MediaKind; state: MediaState }> & {
  readonly message: MessageRow | null;
  readonly blob: BlobRecord | null;
};
export type MessageRow = Narrowed<Message, { direction: Direction }>;
export type BlobRecord = Narrowed<
  Omit<Blob, 'perceptualHash'>,
  { bytes: number; warnings: readonly MediaWarning[]; metadata: FileMetadata | null }
>;

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
    tags: 'tags',
    note: 'note',
    resolvedAt: 'resolved_at',
    annotationRevision: 'annotation_revision',
  } satisfies Record<Exclude<keyof Media, 'held'>, string>,
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
    chatName: 'chat_name',
    personAlias: 'person_alias',
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
    metadata: 'metadata',
  } satisfies Record<keyof Omit<Blob, 'perceptualHash'>, string>,
} as const;

const isHeld = '(exists (select from legal_hold) and is_held(media.id))';

/** Three tables in one row: `media.id`, `message.id` and so on are the names in the answer. */
export const mediaColumns = `${Object.entries(columns)
  .flatMap(([table, names]) =>
    Object.entries(names).map(([name, column]) => `${table}.${column} as "${table}.${name}"`),
  )
  .join(', ')}, ${isHeld} as "media.held"`;

export const mediaTables = `
  from media
  left join message on message.id = media.message_row_id
  left join blob on blob.sha256 = media.sha256`;

export const selectMedia = `select ${mediaColumns} ${mediaTables}`;

/**
 * A text that is another one after every change of a record. PostgreSQL writes each version of a row to another
 * place (`ctid`), and a place that is used again belongs to another transaction (`xmin`). After a failover, a
 * transaction that was lost may have had the same number and place, so the server belongs to the version.
 */
export const mediaVersion = `concat_ws(' ', ${Object.keys(columns)
  .map((table) => `${table}.xmin, ${table}.ctid`)
  .join(', ')}, ${isHeld}, pg_postmaster_start_time()) as "version"`;

export function toMediaRecord(row: Readonly<Record<string, unknown>>): MediaRecord {
  const part = (places: Places): object =>
    Object.fromEntries(places.map(({ member, column }) => [member, ownValue(row, column)]));
  return {
    ...(part(mediaPlaces) as MediaRecord),
    held: row['media.held'] === true,
    message: row['message.id'] === null ? null : (part(messagePlaces) as MessageRow),
    blob: row['blob.sha256'] === null ? null : (part(blobPlaces) as BlobRecord),
  };
}

/** The name of each member, and of its column in the answer to {@link selectMedia}. */
type Places = readonly { readonly member: string; readonly column: string }[];

const mediaPlaces = placesOf('media');
const messagePlaces = placesOf('message');
const blobPlaces = placesOf('blob');

function placesOf(table: keyof typeof columns): Places {
  return Object.keys(columns[table]).map((member) => ({ member, column: `${table}.${member}` }));
}
