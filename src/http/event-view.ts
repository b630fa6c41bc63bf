import type { EventRecord } from '../infra/event-log.js';
import type { EventView } from './shapes/event.js';
import { mediaView } from './views.js';

/** An event as it is told, to whoever listens and to whoever subscribes. */
export function eventView(event: EventRecord): EventView {
  const common = { id: String(event.seq), timestamp: event.at.toISOString(), channel: event.channel };
  if (event.type !== 'message.status') return { ...common, type: event.type, data: mediaView(event.media) };
  const { channel, messageId, status, at, errorCode, errorMessage } = event.status;
  return {
    ...common,
    type: event.type,
    data: {
      ...{ channel, messageId, status },
      at: at?.toISOString() ?? null,
      error: errorCode === null ? null : { code: errorCode, message: errorMessage },
    },
  };
}
