/**
 * The ids of messages. A `message_id` counts within its chat, so an id names the chat, too:
 * `<chat>:<message_id>`. The chats of a connected business account are independent of the chats of the bot
 * with the same ids, and so are the chats into which a guest query has called the bot: their ids begin with
 * `<connection>/` or `<query>/`.
 */
import { fieldsOf, identifier, isAbsent, type JsonRecord } from '../kit/lenient.js';

/** A whole number as text, exactly as given; undefined for anything else. Ids of chats have up to 52 bits. */
export function wholeNumber(value: unknown): string | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : undefined;
}

/** The id of a person or a chat, which is never 0. Groups and channels have negative ids. */
export function peerId(peer: unknown): string | undefined {
  const id = wholeNumber(fieldsOf(peer)['id']);
  return id === '0' ? undefined : id;
}

/** The id of a message; undefined if it lacks a usable chat or number. */
export function messageKey(message: JsonRecord): string | undefined {
  const space = spaceOf(message);
  const chat = peerId(message['chat']);
  const number = numberOf(message);
  if (space === undefined || chat === undefined || number === undefined) return undefined;
  return identifier(`${space}${chat}:${number}`);
}

/** The beginning of the id; undefined if there is one that is not usable. */
function spaceOf({
  business_connection_id: connection,
  guest_query_id: query,
}: JsonRecord): string | undefined {
  const space = isAbsent(connection) ? query : connection;
  if (isAbsent(space)) return '';
  const id = identifier(space);
  return id === undefined ? undefined : `${id}/`;
}

/** Ephemeral messages have the number 0 and ids of their own, which are used again later. */
function numberOf({ message_id: id, ephemeral_message_id: ephemeral, date }: JsonRecord): string | undefined {
  const number = wholeNumber(id);
  const own = wholeNumber(ephemeral);
  const sentAt = wholeNumber(date);
  return number === '0' && own !== undefined && sentAt !== undefined ? `e${own}:${sentAt}` : number;
}

export interface NamedMessage {
  /** The business connection or guest query; null for the bot's own chats. */
  readonly space: string | null;
  readonly chat: string;
  readonly messageId: number;
}

/**
 * The parts of an id; undefined for an ephemeral message, which cannot be replied to, and for other texts.
 */
export function parseMessageKey(key: string): NamedMessage | undefined {
  const [, space = null, chat, number] = /^(?:([^]+)\/)?(-?\d{1,16}):(\d{1,16})$/.exec(key) ?? [];
  return chat === undefined ? undefined : { space, chat, messageId: Number(number) };
}
