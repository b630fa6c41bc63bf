import type { EventRecord } from '../../infra/tables/events/log.js';
import type { EventView } from '../shapes/event.js';
import type { MediaView } from '../shapes/media.js';
import { mediaView } from './media.js';

/** An event as streams and subscriptions receive it. */
export function eventView(event: EventRecord): EventView {
  const common = { id: String(event.seq), timestamp: event.at.toISOString(), channel: event.channel };
  if ('media' in event) return { ...common, type: event.type, data: mediaView(event.media) };
  if ('alert' in event)
    return { ...common, channel: event.channel || null, type: event.type, data: event.alert };
  const { channel, messageId, status, at, errorCode, errorMessage } = event.status;
  return {
    ...common,
    type: event.type,
    data: {
      id: event.outbound,
      channel,
      messageId,
      status,
      at: at?.toISOString() ?? null,
      error: errorCode === null ? null : { code: errorCode, message: errorMessage },
    },
  };
}

const nobody = '00000000-0000-0000-0000-000000000000';

/** The event of a test post, with a picture that does not exist. */
export function sampleEvent(now: Date): Extract<EventView, { readonly data: MediaView }> {
  const moment = now.toISOString();
  const message = { from: '15550100', to: '15550199', chat: null, senderName: 'Sample', caption: 'A sample' };
  return {
    id: '0',
    timestamp: moment,
    channel: 'sample',
    type: 'media.ready',
    data: {
      id: nobody,
      channel: 'sample',
      provider: 'sample',
      direction: 'inbound',
      kind: 'image',
      state: 'ready',
      message: { id: 'sample', ...message, sentAt: moment },
      receivedAt: moment,
      readyAt: moment,
      deletedBySenderAt: null,
      filename: null,
      type: 'image/jpeg',
      bytes: 1,
      width: 1,
      height: 1,
      sha256: '0'.repeat(64),
      thumbhash: null,
      previews: {},
      contentUrl: `/v1/media/${nobody}/content`,
      warnings: [],
      metadata: null,
      attempts: 1,
      nextAttemptAt: null,
      error: null,
      annotations: { tags: [], note: null, resolvedAt: null, revision: 0 },
      held: false,
    },
  };
}
