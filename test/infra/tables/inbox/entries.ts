/** Verified webhooks, read, as the inbox takes them. */
import { createHash } from 'node:crypto';

import { newId } from '../../../../src/domain/id.js';
import { createPseudonym } from '../../../../src/domain/pseudonym.js';
import type {
  InboxEntry,
  MediaRow,
  MessageRow,
  StatusRow,
} from '../../../../src/infra/tables/inbox/entry.js';

/** How the audit trail of the tests names persons. */
export const pseudonym = createPseudonym('a secret that only tests have, of 32 characters');

/** What belongs to a change of a test: nothing. */
export const nothingElse = (): Promise<void> => Promise.resolve();

/** Rows belong to the entry that they are put into. */
const unowned = '';

export function messageRow(messageId: string, changed: Partial<MessageRow> = {}): MessageRow {
  return {
    id: newId(),
    delivery_id: unowned,
    message_id: messageId,
    direction: 'inbound',
    sender: '5511999990000',
    recipient: null,
    chat: null,
    sender_name: 'Ana',
    chat_name: null,
    person_alias: null,
    caption: 'look',
    sent_at: '2026-11-21T10:00:00.000Z',
    ...changed,
  };
}

export function mediaRow(messageId: string, changed: Partial<MediaRow> = {}): MediaRow {
  return {
    id: newId(),
    delivery_id: unowned,
    message_id: messageId,
    position: 0,
    direction: 'inbound',
    kind: 'image',
    state: 'pending',
    source_url: `http://127.0.0.1:1/${messageId}`,
    source_reference: null,
    source_expires_at: null,
    source_credentials: false,
    declared_type: null,
    declared_sha256: null,
    filename: null,
    file_key: null,
    error_code: null,
    error_message: null,
    ...changed,
  };
}

export function statusRow(messageId: string, changed: Partial<StatusRow> = {}): StatusRow {
  return {
    delivery_id: unowned,
    message_id: messageId,
    status: 'delivered',
    at: null,
    error_code: null,
    error_message: null,
    ...changed,
  };
}

/** A webhook with one picture; the same name is the same content. */
export function entry(name: string, changed: Partial<InboxEntry> = {}): InboxEntry {
  const body = Buffer.from(JSON.stringify({ name }));
  const made: InboxEntry = {
    id: newId(),
    channel: 'z-api',
    provider: 'z-api',
    outcome: 'accepted',
    reason: null,
    body,
    contentHash: createHash('sha256').update(body).digest('hex'),
    headers: {},
    receivedAt: '2026-11-21T10:00:01.000Z',
    messages: [messageRow(name)],
    media: [mediaRow(name)],
    statuses: [],
    deletions: [],
    contexts: [],
    ...changed,
  };
  const owned = <Row extends object>(rows: readonly Row[]) =>
    rows.map((row) => ({ ...row, delivery_id: made.id }));
  return {
    ...made,
    messages: owned(made.messages),
    media: owned(made.media),
    statuses: owned(made.statuses),
    deletions: owned(made.deletions),
    contexts: owned(made.contexts),
  };
}
