import { allows, type Access } from '../../domain/access.js';
import { furthestOf, type OutboundState, type OutboundStatus } from '../../domain/outbound.js';
import type { MediaRecord } from '../../infra/tables/media/lookup.js';
import type { OutboundRecord } from '../../infra/tables/sending/outbound.js';
import type { MediaFactsView, MediaView } from '../shapes/media.js';
import type { OutboundView, QueuedView } from '../shapes/outbound.js';
import { mediaView } from './media.js';

/** The status before the provider has reported one. */
const statusOfState: Readonly<Record<OutboundState, OutboundStatus | null>> = {
  queued: 'queued',
  sending: 'queued',
  sent: 'sent',
  failed: 'failed',
  unknown: 'unknown',
  erased: null,
};

export function outboundView(record: OutboundRecord, media: MediaRecord | null): OutboundView {
  const { id, channel, provider, kind, state, messageId, link, type, bytes, caption, filename, replyTo } =
    record;
  return {
    id,
    channel,
    provider,
    to: record.recipient,
    kind,
    state,
    messageId,
    ...wayFacts(record),
    link,
    media: media && mediaView(media),
    type,
    bytes,
    caption,
    filename,
    replyTo,
    options: { ...record.options },
    attempts: record.attempts,
    nextAttemptAt: state === 'queued' ? record.notBefore.toISOString() : null,
    createdAt: record.createdAt.toISOString(),
    sentAt: record.sentAt?.toISOString() ?? null,
  };
}

/** The message for the caller that sent it, whose request may have contained a file name. */
export function queuedView(
  view: OutboundView,
  { access, filename = null }: { readonly access: Access; readonly filename?: string | null | undefined },
): QueuedView {
  if (allows(access, 'media:read')) return view;
  // Only readers may see the sender, the caption, the name and the digest of the media item. Without a name
  // in the request, the message has the name of the media item.
  return { ...view, filename, media: view.media && factsOf(view.media) };
}

function factsOf({ id, state, type, bytes, width, height }: MediaView): MediaFactsView {
  return { id, state, type, bytes, width, height };
}

/** The status and the error, as the provider has reported them, or else as this service knows them. */
function wayFacts(record: OutboundRecord): Pick<OutboundView, 'status' | 'statusAt' | 'error'> {
  const reported = record.state === 'erased' ? undefined : furthestOf(record.statuses);
  if (!reported) return { status: statusOfState[record.state], statusAt: null, error: errorOf(record) };
  const { status, at, receivedAt } = reported;
  return { status, statusAt: (at ?? receivedAt).toISOString(), error: errorOf(reported) ?? errorOf(record) };
}

function errorOf({
  errorCode,
  errorMessage,
}: Pick<OutboundRecord, 'errorCode' | 'errorMessage'>): OutboundView['error'] {
  return errorCode === null ? null : { code: errorCode, message: errorMessage };
}
