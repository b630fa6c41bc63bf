/** The types of events that streams and subscriptions receive. */
export const mediaEventTypes = [
  'media.ready',
  'media.failed',
  'media.rejected',
  'media.deleted_by_sender',
] as const;
export const eventTypes = [...mediaEventTypes, 'message.status'] as const;
export type EventType = (typeof eventTypes)[number];
