/** Parses the messages in payloads of Meta's format, see meta.ts. */
import {
  mediaKinds,
  type InboundEvent,
  type InboundMessage,
  type MediaSource,
} from '../../domain/provider.js';
import { metaContent, withContext } from './context.js';
import {
  deletion,
  furtherNames,
  ignoredKind,
  isMediaFree,
  malformed,
  mediaFrom,
  mediaKindOf,
  messageEvents,
} from './events.js';
import {
  asRecord,
  dateFromMillis,
  dateFromSeconds,
  fieldsOf,
  firstText,
  identifier,
  isAbsent,
  itemsOf,
  type JsonRecord,
  personId,
  textOrNull,
} from './lenient.js';

/** What the addresses in a payload mean for the provider that sends it. */
export interface MetaDialect {
  /** Where a file is; undefined if the provider gives neither a usable link nor a usable id. */
  readonly sourceOf: (file: MetaFile) => MediaSource | undefined;
  /** Whether errors that concern the account are named with their code in the reason. */
  readonly namesErrors?: boolean;
}

/** The unchecked address of a file: a link, Meta's own id, or both. */
export interface MetaFile {
  readonly url: unknown;
  readonly id: unknown;
}

/**
 * Documented in seconds; some systems were seen to write milliseconds (nyaruka/courier handlers/meta
 * @350e9350).
 */
export function dateOf(timestamp: unknown): Date | null {
  return dateFromSeconds(timestamp) ?? dateFromMillis(timestamp);
}

/** What the messages of one change have in common. */
export interface MetaContext {
  readonly dialect: MetaDialect;
  /** The number of the business. */
  readonly business: string | null;
  readonly names: ReadonlyMap<unknown, string | null>;
  /** The person, if the change mentions exactly one. */
  readonly person: string | undefined;
}

export function contextOf({ metadata, contacts }: JsonRecord, dialect: MetaDialect): MetaContext {
  const people = itemsOf(contacts) ?? [];
  return {
    dialect,
    business: personId(fieldsOf(metadata)['display_phone_number']) ?? null,
    names: namesOf(people),
    person: people.length === 1 ? personOf(people[0]) : undefined,
  };
}

type Parties = Pick<InboundMessage, 'direction' | 'to' | 'senderName' | 'chatName' | 'personAlias'> & {
  readonly from: string | undefined;
};

/**
 * A sender may have a business-scoped id instead of a phone number: nyaruka/courier hello_bsuid*.json. Of the
 * messages before the number was connected, some were written by the business.
 */
export function partiesOfReceived(message: unknown, context: MetaContext): Parties {
  const { business, names, person } = context;
  const { from: phone, from_user_id: userId } = fieldsOf(message);
  if (business !== null && personId(phone) === business) return partiesOfEcho(message, context);
  const from = personId(phone) ?? personId(userId) ?? person;
  return {
    direction: 'inbound',
    from,
    to: business,
    senderName: names.get(from) ?? names.get(personId(userId)) ?? null,
    ...furtherNames({ personAlias: otherThan(from, [phone, userId]) }),
  };
}

/** In an echo, `from` is the business, and the contacts are the recipients. */
export function partiesOfEcho(message: unknown, { business, names, person }: MetaContext): Parties {
  const { from, to: phone, to_user_id: userId } = fieldsOf(message);
  const to = personId(phone) ?? personId(userId) ?? person ?? null;
  return {
    direction: 'outbound',
    from: personId(from) ?? business ?? undefined,
    to,
    senderName: null,
    ...furtherNames({ chatName: names.get(to), personAlias: otherThan(to, [phone, userId]) }),
  };
}

/** Another id of the same person, if there is one. */
function otherThan(id: string | null | undefined, ids: readonly unknown[]): string | undefined {
  return ids.map(personId).find((one) => one !== undefined && one !== id);
}

export function eventsOfMessage(
  foreign: unknown,
  parties: Parties,
  { dialect }: MetaContext,
): InboundEvent[] {
  const message = fieldsOf(foreign);
  const type = typeIn(message);
  if (type === undefined) return [malformed('message without a type')];
  if (type === 'revoke') {
    const { original_message_id: original } = fieldsOf(message['revoke']);
    return [deletion(identifier(original), dateOf(message['timestamp']))];
  }
  if (type !== 'edit') return eventsOfContent(message, type, { parties, dialect });
  // An edited caption repeats the media and belongs to the same message.
  const { original_message_id: original, message: edited } = fieldsOf(message['edit']);
  const content = fieldsOf(edited);
  const { timestamp, group_id } = message;
  return eventsOfContent({ ...content, id: original, timestamp, group_id }, typeIn(content) ?? 'edit', {
    parties,
    dialect,
  });
}

/** If the type is missing or unknown, the existing block decides. */
function typeIn(message: JsonRecord): string | undefined {
  const { type } = message;
  if (typeof type === 'string' && (knownTypes.has(type) || isMediaFree(type))) return type;
  const word = blockWords.find((one) => asRecord(message[one]) && !isAbsent(message[one]));
  return word ?? (typeof type === 'string' && !isAbsent(type) ? type : undefined);
}

const blockWords = [...mediaKinds, 'edit'] as const;
const knownTypes: ReadonlySet<string> = new Set([...blockWords, 'revoke']);

interface Surroundings {
  readonly parties: Parties;
  readonly dialect: MetaDialect;
}

function eventsOfContent(
  message: JsonRecord,
  type: string,
  { parties, dialect }: Surroundings,
): InboundEvent[] {
  const kind = mediaKindOf(type);
  const facts = {
    messageId: identifier(message['id']),
    ...parties,
    chat: identifier(message['group_id']) ?? null,
    sentAt: dateOf(message['timestamp']),
  };
  if (kind === undefined) return [withContext(ignoredKind(type), metaContent(message, type), facts)];
  // In Sobot's sample, a video is under the key `image` (EffCode/sobot-api-doc _video-message.md @b690929),
  // so the type decides and not the key.
  const blocks = [message[kind], message['image']].map(fieldsOf);
  const media = blocks.find(({ url, id }) => !isAbsent(url) || !isAbsent(id)) ?? fieldsOf(message[kind]);
  return messageEvents({
    ...facts,
    caption: textOrNull(media['caption']),
    media: [
      mediaFrom({
        kind,
        source: dialect.sourceOf({ url: media['url'], id: media['id'] }),
        declaredType: media['mime_type'],
        filename: media['filename'],
        sha256: media['sha256'],
      }),
    ],
  });
}

function namesOf(contacts: readonly unknown[]): ReadonlyMap<unknown, string | null> {
  const names = new Map<unknown, string | null>();
  for (const contact of contacts) {
    const { wa_id: phone, user_id: userId, profile } = fieldsOf(contact);
    const { name, username } = fieldsOf(profile);
    const displayName = firstText([name, username]);
    for (const id of [personId(phone), personId(userId)]) if (id !== undefined) names.set(id, displayName);
  }
  return names;
}

function personOf(contact: unknown): string | undefined {
  const { wa_id: phone, user_id: userId } = fieldsOf(contact);
  return personId(phone) ?? personId(userId);
}
