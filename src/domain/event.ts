/** The types of events that streams and subscriptions receive. */
export const mediaEventTypes = [
  'media.ready',
  'media.failed',
  'media.rejected',
  'media.deleted_by_sender',
] as const;
/** Each alert is an event when it begins and another one when it ends. */
export const alertTypes = [
  'alert.channel_silent',
  'alert.channel_refused',
  'alert.subscription_disabled',
  'alert.media_late',
  'alert.spool_in_use',
  'alert.disk_filling',
] as const;
export const eventTypes = [...mediaEventTypes, 'message.status', ...alertTypes] as const;
export type EventType = (typeof eventTypes)[number];
export type MediaEventType = (typeof mediaEventTypes)[number];
export type AlertType = (typeof alertTypes)[number];

export function isAlertType(type: EventType): type is AlertType {
  return (alertTypes as readonly string[]).includes(type);
}
