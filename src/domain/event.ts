/** What Inlet tells others about. */
export const eventTypes = ['media.ready', 'media.failed', 'media.rejected', 'message.status'] as const;
export type EventType = (typeof eventTypes)[number];
