import { furthestOf, type OutboundState, type OutboundStatus } from '../domain/outbound.js';
import type { MediaRecord } from '../infra/lookup.js';
import type { OutboundRecord } from '../infra/outbound-table.js';
import type { OutboundView } from './shapes/outbound.js';
import { mediaView } from './views.js';

/** Before there is word from the provider. */
const statusOfState: Readonly<Record<OutboundState, OutboundStatus | null>> = {
  ...{ queued: 'queued', sending: 'queued', sent: 'sent', failed: 'failed', unknown: 'unknown' },
  erased: null,
};

export function outboundView(record: OutboundRecord, media: MediaRecord | null): OutboundView {
  const { id, channel, provider, kind, state, messageId, link, type, bytes, caption, filename, replyTo } =
    record;
  return {
    ...{ id, channel, provider, to: record.recipient, kind, state, messageId },
    ...wayFacts(record),
    ...{ link, media: media && mediaView(media), type, bytes, caption, filename, replyTo },
    ...{ options: { ...record.options }, attempts: record.attempts },
    nextAttemptAt: state === 'queued' ? record.notBefore.toISOString() : null,
    createdAt: record.createdAt.toISOString(),
    sentAt: record.sentAt?.toISOString() ?? null,
  };
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
