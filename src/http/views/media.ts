/** Converts media, messages and deliveries from database records to answers of the API. */
import { previewSizes, warningsOf, type Preview } from '../../domain/media.js';
import { furthestOf } from '../../domain/outbound.js';
import { messageStatuses } from '../../domain/provider.js';
import type {
  DeliveryRecord,
  DeliverySummary,
  MediaRecord,
  MessageRecord,
} from '../../infra/tables/media/lookup.js';
import type { Annotations } from '../../infra/tables/media/annotations.js';
import type { AnnotationsView, MediaView } from '../shapes/media.js';
import type { DeliverySummaryView, DeliveryView, MessageView } from '../shapes/message.js';

type PreviewView = NonNullable<MediaView['previews']['small']>;
const iso = (date: Date | null): string | null => date?.toISOString() ?? null;

export function mediaView(media: MediaRecord): MediaView {
  const { id, channel, provider, direction, kind, state, filename, attempts } = media;
  return {
    id,
    channel,
    provider,
    direction,
    kind,
    state,
    message: media.message && messageFacts(media.message),
    receivedAt: media.receivedAt.toISOString(),
    readyAt: iso(media.readyAt),
    deletedBySenderAt: iso(media.deletedBySenderAt),
    filename,
    ...(media.state === 'ready' && media.blob ? storedFacts(media, media.blob) : nothingStored),
    attempts,
    nextAttemptAt: iso(media.nextAttemptAt),
    error: media.errorCode === null ? null : { code: media.errorCode, message: media.errorMessage },
    annotations: annotationsView({
      tags: media.tags ?? [],
      note: media.note,
      resolvedAt: media.resolvedAt,
      revision: media.annotationRevision,
    }),
    held: media.held,
  };
}

export function annotationsView({ tags, note, resolvedAt, revision }: Annotations): AnnotationsView {
  return { tags: [...tags], note, resolvedAt: iso(resolvedAt), revision };
}

type StoredMember = keyof typeof nothingStored;
type StoredBlob = NonNullable<MediaRecord['blob']>;

function storedFacts(media: MediaRecord, blob: StoredBlob): Pick<MediaView, StoredMember> {
  const { id } = media;
  const { type, bytes, width, height, sha256, thumbhash, metadata } = blob;
  const previews = storedPreviews(blob).map((preview) => [preview.size, previewView(id, preview)]);
  return {
    type,
    bytes,
    width,
    height,
    sha256,
    thumbhash,
    previews: Object.fromEntries(previews) as MediaView['previews'],
    contentUrl: contentPath(id),
    warnings: [...warningsOf(media, blob)],
    metadata,
  };
}

/** The same members, so that every media item has the same shape. */
const nothingStored = {
  type: null,
  bytes: null,
  width: null,
  height: null,
  sha256: null,
  thumbhash: null,
  previews: {},
  contentUrl: null,
  warnings: [],
  metadata: null,
};

function messageFacts(message: NonNullable<MediaRecord['message']>): NonNullable<MediaView['message']> {
  return {
    id: message.messageId,
    from: message.sender,
    to: message.recipient,
    chat: message.chat,
    senderName: message.senderName,
    caption: message.caption,
    sentAt: message.sentAt?.toISOString() ?? null,
  };
}

function previewView(id: string, { size, type, width, height }: Preview): PreviewView {
  return { url: previewPath(id, size), type, width, height };
}

export function contentPath(id: string): string {
  return `/v1/media/${id}/content`;
}

export function previewPath(id: string, size: string): string {
  return `/v1/media/${id}/preview?size=${size}`;
}

/** The address of a page of a document; the first one is 1. */
export function pagePath(id: string, number: number): string {
  return `/v1/media/${id}/pages/${String(number)}`;
}

/** The previews of a blob: the column is JSON that only this service writes. */
export function storedPreviews(blob: MediaRecord['blob']): readonly Preview[] {
  const previews = (blob?.previews ?? []) as unknown as readonly Preview[];
  return previewSizes.flatMap((size) => previews.filter((preview) => preview.size === size));
}

export function messageView(message: MessageRecord): MessageView {
  return {
    channel: message.channel,
    provider: message.provider,
    direction: message.direction,
    ...messageFacts(message),
    receivedAt: message.receivedAt.toISOString(),
    ...statusFacts(message.statuses),
    media: message.media.map(mediaView),
  };
}

function statusFacts(
  statuses: MessageRecord['statuses'],
): Pick<MessageView, 'status' | 'statusAt' | 'error'> {
  const known = messageStatuses.flatMap((name) => statuses.filter(({ status }) => status === name));
  const furthest = furthestOf(known);
  return {
    status: messageStatuses.find((name) => name === furthest?.status) ?? null,
    statusAt: (furthest?.at ?? furthest?.receivedAt)?.toISOString() ?? null,
    error: furthest?.errorCode == null ? null : { code: furthest.errorCode, message: furthest.errorMessage },
  };
}

export function deliverySummaryView(delivery: DeliverySummary): DeliverySummaryView {
  const { id, channel, provider, outcome, reason, receivedAt, erasedAt } = delivery;
  return {
    id,
    channel,
    provider,
    outcome,
    reason,
    receivedAt: receivedAt.toISOString(),
    erasedAt: erasedAt?.toISOString() ?? null,
  };
}

export function deliveryView(delivery: DeliveryRecord): DeliveryView {
  return {
    ...deliverySummaryView(delivery),
    headers: delivery.headers,
    body: Buffer.from(delivery.body).toString('utf8'),
  };
}
