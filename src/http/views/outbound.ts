import { allows, type Access } from '../../domain/access.js';
import { furthestOf, type OutboundState, type OutboundStatus } from '../../domain/outbound.js';
import type { MediaRecord } from '../../infra/tables/media/lookup.js';
import type { OutboundRecord } from '../../infra/tables/sending/outbound.js';
import type { MediaFactsView, MediaView } from '../shapes/media.js';
import type { OutboundView, QueuedView } from '../shapes/outbound.js';
import { mediaView } from './media.js';

/** Before there is word from the provider. */
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

/** The message as it is answered to the caller that asked for it, whose request may have named the file. */
export function queuedView(
  view: OutboundView,
  { access, filename = null }: { readonly access: Access; readonly filename?: string | null | undefined },
): QueuedView {
  if (allows(access, 'media:read')) return view;
  // From whom the media came, what was said with it, its name and its digest are for readers. Without a name in the request, the
  // message has the name of the media.
  return { ...view, filename, media: view.media && factsOf(view.media) };
}

function factsOf({ id, state, type, bytes, width, height }: MediaView): MediaFactsView {
  return { id, state, type, bytes, width, height };
}

/** How far it got, and what it failed for: what the provider has told of it, or what we know ourselves. */
function wayFacts(record: OutboundRecord): Pick<OutboundView, 'status' | 'statusAt' | 'error'> {
  const told = record.state === 'erased' ? undefined : furthestOf(record.statuses);
  if (!told) return { status: statusOfState[record.state], statusAt: null, error: errorOf(record) };
  const { status, at, receivedAt } = told;
  return { status, statusAt: (at ?? receivedAt).toISOString(), error: errorOf(told) ?? errorOf(record) };
}

function errorOf({
  errorCode,
  errorMessage,
}: Pick<OutboundRecord, 'errorCode' | 'errorMessage'>): OutboundView['error'] {
  return errorCode === null ? null : { code: errorCode, message: errorMessage };
}
