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
  const told = state === 'erased' ? undefined : furthestOf(record.statuses);
  const error =
    told?.errorCode == null
      ? { code: record.errorCode, message: record.errorMessage }
      : { code: told.errorCode, message: told.errorMessage };
  return {
    ...{ id, channel, provider, to: record.recipient, kind, state, messageId },
    status: told?.status ?? statusOfState[state],
    statusAt: (told?.at ?? told?.receivedAt)?.toISOString() ?? null,
    ...{ link, media: media && mediaView(media), type, bytes, caption, filename, replyTo },
    ...{ options: { ...record.options }, attempts: record.attempts },
    nextAttemptAt: state === 'queued' ? record.notBefore.toISOString() : null,
    error: error.code === null ? null : { code: error.code, message: error.message },
    createdAt: record.createdAt.toISOString(),
    sentAt: record.sentAt?.toISOString() ?? null,
  };
}
