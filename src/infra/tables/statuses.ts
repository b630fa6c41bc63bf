/** Statuses that providers have reported, and the ids under which they are stored. */
import type { StatusRecord } from './media/lookup.js';

const members: Readonly<Record<keyof StatusRecord, string>> = {
  channel: 'channel',
  messageId: 'message_id',
  status: 'status',
  at: 'at',
  errorCode: 'error_code',
  errorMessage: 'error_message',
  receivedAt: 'received_at',
};

/** The status in the row `table` of `message_status` (SQL) as JSON. */
export function statusJson(table: string): string {
  const pairs = Object.entries(members).map(([name, column]) => `'${name}', ${table}.${column}`);
  return `json_build_object(${pairs.join(', ')})`;
}

/** Restores the dates of a status that was read as JSON, which has no dates. */
export function withDates(status: StatusRecord): StatusRecord {
  const { at, receivedAt } = status;
  return { ...status, at: at && new Date(at), receivedAt: new Date(receivedAt) };
}

/**
 * The id of an outbound message in `messageId` (SQL), or null. Statuses and events of a message use that id
 * until the provider has assigned its own.
 */
export function ownIdIn(messageId: string): string {
  return `case when ${messageId} ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then ${messageId}::uuid end`;
}
