/**
 * Messages that Twilio still has, for webhooks that did not arrive
 * (twilio.com/docs/messaging/api/message-resource and media-resource). Each is stored as Twilio lists it:
 * `{"message": {…}, "media_list": [{…}]}`.
 */
import type { MissedMessage, MissedPage, Period } from '../../domain/connection.js';
import type { InboundEvent, InboundMedia } from '../../domain/provider.js';
import { notUnderstood } from '../kit/connection.js';
import { ignored, malformed, messageEvents } from '../kit/events.js';
import {
  asRecord,
  dateFromRfc2822,
  fieldsOf,
  firstPresent,
  identifier,
  isAbsent,
  itemsOf,
  type JsonRecord,
  textOrNull,
} from '../kit/lenient.js';
import { accountPath, type Sender, senderKind } from './account.js';
import type { TwilioApi } from './api.js';
import { mediaAt, personOf, withKeys } from './parse.js';

/** An answer may have a megabyte, and a message several kilobytes. */
const pageSize = 100;

/**
 * Pages of the messages with media that the sender received in a period, the newest first. A list that leads
 * elsewhere or round in a circle is not one of Twilio: nobody is to believe that everything was listed.
 */
export async function* missedMessages(
  sender: Sender,
  period: Period,
  api: TwilioApi,
): AsyncGenerator<MissedPage> {
  const missed = (message: JsonRecord): MissedMessage[] => {
    const messageId = identifier(message['sid']);
    if (messageId === undefined || !isWanted(message, sender, period)) return [];
    const path = `${accountPath(sender)}/Messages/${encodeURIComponent(messageId)}/Media.json`;
    const payload = async () => ({ message, media_list: (await api.get('api', path))['media_list'] });
    return [{ messageId, sentAt: sentAtOf(message), payload }];
  };
  const listed = new Set<string>();
  let path: string | undefined = firstPath(sender, period);
  while (path !== undefined) {
    if (listed.has(path)) throw notUnderstood('Twilio');
    listed.add(path);
    const page: JsonRecord = await api.get('api', path);
    const messages = page['messages'];
    if (!Array.isArray(messages)) throw notUnderstood('Twilio');
    const all = (messages as readonly unknown[]).map(fieldsOf);
    yield { messages: all.flatMap(missed), oldest: oldestOf(all) };
    path = nextPath(page, sender);
  }
}

/**
 * Days, because that is what Twilio filters by. The messages of a service have the addresses of its senders.
 */
function firstPath(sender: Sender, { since, until }: Period): string {
  const query = new URLSearchParams({
    ...(senderKind(sender.from) !== 'service' && { To: sender.from }),
    'DateSent>': dayOf(since),
    ...(until && { 'DateSent<': dayOf(new Date(until.getTime() + dayMs)) }),
    PageSize: String(pageSize),
  });
  return `${accountPath(sender)}/Messages.json?${query.toString()}`;
}

const dayMs = 86_400_000;

function dayOf(time: Date): string {
  return time.toISOString().slice(0, 10);
}

function nextPath({ next_page_uri: path }: JsonRecord, sender: Sender): string | undefined {
  if (isAbsent(path)) return undefined;
  if (typeof path === 'string' && path.startsWith(`${accountPath(sender)}/Messages.json?`)) return path;
  throw notUnderstood('Twilio');
}

function oldestOf(messages: readonly JsonRecord[]): Date | null {
  const times = messages.flatMap((message) => sentAtOf(message)?.getTime() ?? []);
  return times.length === 0 ? null : new Date(Math.min(...times));
}

function isWanted(message: JsonRecord, sender: Sender, { since, until }: Period): boolean {
  const { direction, num_media: count } = message;
  const sentAt = sentAtOf(message);
  return (
    direction === 'inbound' &&
    Number(count) > 0 &&
    isFor(sender, message) &&
    (sentAt === null || (sentAt >= since && (until === undefined || sentAt <= until)))
  );
}

/** Whether a message was sent to the sender of this channel, and not to another one or another account. */
function isFor({ from, accountSid }: Sender, message: JsonRecord): boolean {
  const { account_sid: account, messaging_service_sid: service, to } = message;
  if (!isAbsent(account) && account !== accountSid) return false;
  if (senderKind(from) === 'service') return service === from;
  return isAbsent(to) || (typeof to === 'string' && to.toLowerCase() === from.toLowerCase());
}

function sentAtOf({ date_sent: sent, date_created: created }: JsonRecord): Date | null {
  return dateFromRfc2822(firstPresent([sent, created]));
}

/**
 * The events of a missed message, with the same ids as in its webhook; undefined if the payload is something
 * else. A sticker is an image here, because the kind of a WhatsApp message is not listed.
 */
export function eventsOfMissed(payload: unknown, apiUrl: string): InboundEvent[] | undefined {
  const { message, media_list: list } = fieldsOf(payload);
  const fields = asRecord(message);
  if (fields === undefined || isAbsent(fields['sid'])) return undefined;
  const media = itemsOf(list);
  if (media === undefined) return [malformed('media that are not a list')];
  // The customer can delete media at Twilio.
  if (media.length === 0) return [ignored('media were deleted')];
  return messageEvents({
    messageId: identifier(fields['sid']),
    direction: 'inbound',
    from: personOf(fields['from']),
    to: personOf(fields['to']) ?? null,
    chat: null,
    senderName: null,
    caption: textOrNull(fields['body']),
    sentAt: sentAtOf(fields),
    media: withKeys(media.map((item) => listedMedia(item, apiUrl))),
  });
}

/** The path of a file's description ends with `.json`, and that of the file does not. */
function listedMedia(item: unknown, apiUrl: string): InboundMedia | undefined {
  const { uri, content_type: type } = fieldsOf(item);
  const path = typeof uri === 'string' ? /^(\/[\w/-]+)\.json$/.exec(uri)?.[1] : undefined;
  return mediaAt({ url: path === undefined ? undefined : apiUrl + path, type, messageType: undefined });
}
