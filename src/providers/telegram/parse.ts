/**
 * Parses updates of the Bot API: grammyjs/types update.ts, message.ts and manage.ts @340a667, which contain
 * the official texts. An update is one message or something else.
 */
import type { InboundEvent, InboundMessage } from '../../domain/provider.js';
import {
  contactContent,
  type ContextContent,
  locationContent,
  textContent,
  withContext,
} from '../kit/context.js';
import { furtherNames, ignored, malformed, messageEvents } from '../kit/events.js';
import {
  asRecord,
  dateFromSeconds,
  fieldsOf,
  firstPresent,
  isAbsent,
  type JsonRecord,
  textOrNull,
} from '../kit/lenient.js';
import { filesOfMessage, hasEmptyFile } from './media.js';
import { messageKey, peerId } from './message-key.js';

/**
 * The updates that contain a message; Telegram is asked for these. An edited message comes as a whole again.
 */
export const messageUpdates = [
  'message',
  'edited_message',
  'channel_post',
  'edited_channel_post',
  'business_message',
  'edited_business_message',
  'guest_message',
] as const;

/**
 * The other updates, by names that may be shown as reasons. `callback_query` contains a message of the bot
 * itself.
 */
const otherUpdates = [
  'callback_query',
  'inline_query',
  'chosen_inline_result',
  'shipping_query',
  'pre_checkout_query',
  'purchased_paid_media',
  'poll',
  'poll_answer',
  'my_chat_member',
  'chat_member',
  'chat_join_request',
  'message_reaction',
  'message_reaction_count',
  'chat_boost',
  'removed_chat_boost',
  'business_connection',
  'deleted_business_messages',
  'managed_bot',
  'subscription',
] as const;

/**
 * Contents without a file, by names that may be shown as reasons. Quoted messages and stories have none of
 * their own.
 */
const contents = [
  'text',
  'location',
  'venue',
  'contact',
  'dice',
  'poll',
  'story',
  'game',
  'paid_media',
  'rich_message',
] as const;

export function parse(payload: unknown): InboundEvent[] {
  const update = fieldsOf(payload);
  if (!isUpdate(update)) return [];
  const kinds = messageUpdates.filter((kind) => !isAbsent(update[kind]));
  return kinds.length === 0 ? [eventWithoutMessage(update)] : kinds.flatMap((kind) => eventsOf(update[kind]));
}

/** Even without its number, an update is recognised by its message. */
function isUpdate(update: JsonRecord): boolean {
  return (
    !isAbsent(update['update_id']) ||
    messageUpdates.some((kind) => {
      const { message_id: id, chat } = fieldsOf(update[kind]);
      return !isAbsent(id) || !isAbsent(chat);
    })
  );
}

function eventWithoutMessage(update: JsonRecord): InboundEvent {
  const isEmpty = messageUpdates.some((kind) => asRecord(update[kind]) !== undefined);
  if (isEmpty) return malformed('message without a chat');
  return ignored(otherUpdates.find((name) => !isAbsent(update[name])) ?? 'other');
}

function eventsOf(value: unknown): InboundEvent[] {
  const message = asRecord(value);
  if (message === undefined) return [malformed('update without a message')];
  const media = filesOfMessage(message);
  if (media.length === 0) return [eventWithoutMedia(message)];
  return messageEvents({ ...factsOf(message), caption: textOrNull(message['caption']), media });
}

/** What all messages have in common. */
function factsOf(message: JsonRecord) {
  return {
    messageId: messageKey(message),
    ...partiesOf(message),
    ...furtherNames({ chatName: chatNameOf(message) }),
    sentAt: dateFromSeconds(message['date']),
  };
}

function contentOf(message: JsonRecord, name: (typeof contents)[number]): ContextContent | undefined {
  const { text, location, venue, contact } = message;
  const { phone_number: number, ...person } = fieldsOf(contact);
  if (name === 'text') return textContent(text);
  if (name === 'contact') return contactContent(nameOf(person), [number]);
  if (name !== 'location' && name !== 'venue') return undefined;
  const { title, address, location: ofVenue } = fieldsOf(venue);
  return locationContent({ ...fieldsOf(firstPresent([location, ofVenue])), title, address });
}

function eventWithoutMedia(message: JsonRecord): InboundEvent {
  if (peerId(message['chat']) === undefined) return malformed('message without a chat');
  const content = contents.find((name) => !isAbsent(message[name]));
  if (content !== undefined)
    return withContext(ignored(content), contentOf(message, content), factsOf(message));
  return hasEmptyFile(message) ? malformed('media without a usable address') : ignored('other');
}

type Parties = Pick<InboundMessage, 'direction' | 'to' | 'chat' | 'senderName'> & {
  readonly from: string | undefined;
};

function partiesOf(message: JsonRecord): Parties {
  const chat = peerId(message['chat']);
  const writer = writerOf(message);
  const from = peerId(writer);
  const isOutbound = isOfBusiness(message, chat);
  return {
    direction: isOutbound ? 'outbound' : 'inbound',
    from,
    to: isOutbound ? (chat ?? null) : null,
    chat: isPrivate(message) ? null : (chat ?? null),
    senderName: nameOf(fieldsOf(writer)),
  };
}

/** The title of a group, or the name of the person to whom the business wrote. */
function chatNameOf(message: JsonRecord): string | null {
  const isNamed = !isPrivate(message) || isOfBusiness(message, peerId(message['chat']));
  return isNamed ? nameOf(fieldsOf(message['chat'])) : null;
}

/**
 * In the chats of a connected business account, the person is the chat, and anybody else writes for the
 * business. Whether messages that the bot itself sends there come back is UNVERIFIED; their ids are the same.
 */
function isOfBusiness(message: JsonRecord, chat: string | undefined): boolean {
  const writer = peerId(message['from']);
  return !isAbsent(message['business_connection_id']) && writer !== undefined && writer !== chat;
}

/** Beside `sender_chat`, `from` is a stand-in, and the posts of a channel have neither. */
function writerOf(message: JsonRecord): unknown {
  const { sender_chat: senderChat, from, chat } = message;
  const isByChat = isPrivate(message) || fieldsOf(chat)['type'] === 'channel';
  return [senderChat, from, isByChat ? chat : undefined].find((peer) => peerId(peer) !== undefined);
}

/** A private chat has the id of the person, and other chats have negative ids. */
function isPrivate({ chat }: JsonRecord): boolean {
  const { type } = fieldsOf(chat);
  return type === 'private' || (typeof type !== 'string' && peerId(chat)?.startsWith('-') === false);
}

function nameOf({ first_name: first, last_name: last, title }: JsonRecord): string | null {
  const names = [first, last].map(textOrNull).filter((name) => name !== null);
  return names.length > 0 ? names.join(' ') : textOrNull(title);
}
