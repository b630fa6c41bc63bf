/**
 * Reads the result of an expression as events. What is wrong is named by its place. The rest is used, so that
 * a mistake beside a picture does not cost the picture.
 */
import {
  contextKinds,
  directions,
  mediaKinds,
  messageStatuses,
  type ContextKind,
  type InboundEvent,
  type InboundMedia,
  type MediaKind,
  type MediaSource,
} from '../../domain/provider.js';
import {
  contactContent,
  type ContextContent,
  locationContent,
  textContent,
  withContext,
} from '../kit/context.js';
import {
  deletion,
  ignored,
  linkTo,
  malformed,
  mediaFrom,
  mediaKindOf,
  messageEvents,
  referenceTo,
  statusError,
  statusEvent,
} from '../kit/events.js';
import {
  asRecord,
  dateFromIso,
  dateFromMillis,
  dateFromSeconds,
  fieldsOf,
  firstPresent,
  identifier,
  isAbsent,
  type JsonRecord,
  personId,
  sha256OrNull,
  textOrNull,
} from '../kit/lenient.js';

/** The problems of one result. Only the first one is shown, with the number of the others. */
interface Problems {
  first: string | undefined;
  count: number;
}

function note(problems: Problems, problem: string): void {
  problems.first ??= problem;
  problems.count += 1;
}

/** The value. Where there is none, the problem is noted. */
function orNote<Value>(value: Value | undefined, problems: Problems, problem: string): Value | undefined {
  if (value === undefined) note(problems, problem);
  return value;
}

/**
 * The events of a result: a list of events, a single one, or nothing. JSONata writes a list of one item as
 * the item itself. Anything else, such as an object without members, comes from an expression that does not
 * fit the payload, and is a mistake. Never throws.
 */
export function eventsOfResult(result: unknown): InboundEvent[] {
  const items = isAbsent(result) && !isMistake(result) ? [] : [result].flat();
  if (items.length === 0) return [ignored('the expression has found nothing')];
  const problems: Problems = { first: undefined, count: 0 };
  const events: InboundEvent[] = [];
  for (const [index, item] of items.entries())
    for (const event of eventsOfItem(item, `events[${String(index)}]`, problems)) events.push(event);
  if (problems.first === undefined) return events;
  const others = problems.count === 1 ? '' : ` (and ${String(problems.count - 1)} more)`;
  return [...events, malformed(`${problems.first}${others}`)];
}

/** A blank text, false or an object without members: what an expression gives that misses the payload. */
function isMistake(blank: unknown): boolean {
  return ['string', 'boolean'].includes(typeof blank) || asRecord(blank) !== undefined;
}

function listOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value as unknown[];
  return isAbsent(value) ? [] : [value];
}

const parties = ['type', 'id', 'direction', 'from', 'to', 'chat', 'name', 'sentAt'] as const;
/** The members of each type of event, and of its parts. */
const members = {
  message: [...parties, 'caption', 'media'],
  text: [...parties, 'text'],
  location: [...parties, 'location'],
  contact: [...parties, 'contact'],
  status: ['type', 'id', 'status', 'at', 'error'],
  deletion: ['type', 'id', 'at'],
  ignored: ['type', 'reason'],
  media: ['kind', 'url', 'base64', 'id', 'type', 'filename', 'sha256'],
  place: ['latitude', 'longitude', 'name', 'address'],
  card: ['name', 'numbers'],
} as const;
const types = ['message', ...contextKinds, 'status', 'deletion', 'ignored'] as const;

/** An object of the result, read with its place. */
interface Reader {
  readonly record: JsonRecord;
  readonly at: string;
  readonly problems: Problems;
}

function eventsOfItem(item: unknown, at: string, problems: Problems): InboundEvent[] {
  const record = asRecord(item);
  if (record === undefined) {
    note(problems, `${at} must be an object`);
    return [];
  }
  const reader: Reader = { record, at, problems };
  const { type } = record;
  switch (type) {
    case 'message':
      return messageOf(reader);
    case 'text':
    case 'location':
    case 'contact':
      return [contextOf(reader, type)];
    case 'status':
      return statusOf(reader);
    case 'deletion':
      return deletionOf(reader);
    case 'ignored':
      return [ignoredOf(reader)];
    default:
      note(problems, `${at}.type must be one of ${types.join(', ')}`);
      return [];
  }
}

function messageOf(reader: Reader): InboundEvent[] {
  checkMembers(reader, members.message);
  const media = mediaOf(reader);
  if (media.length === 0) return [];
  const { from = 'unknown', ...facts } = factsOf(reader);
  return messageEvents({
    ...facts,
    messageId: idOf(reader, { mayBeNull: true }) ?? null,
    from,
    caption: optional(reader, 'caption', someText),
    media,
  });
}

/** Who has written to whom, and when. */
function factsOf(reader: Reader) {
  const { direction } = reader.record;
  return {
    direction: isAbsent(direction) ? 'inbound' : (oneOf(reader, 'direction', directions) ?? 'inbound'),
    from: required(reader, 'from', someone),
    to: optional(reader, 'to', someone),
    chat: optional(reader, 'chat', someone),
    senderName: optional(reader, 'name', someText),
    sentAt: optional(reader, 'sentAt', someDate),
  } as const;
}

/** A message without a file, which has a member named like its type. */
function contextOf(reader: Reader, kind: ContextKind): InboundEvent {
  checkMembers(reader, members[kind]);
  const { problem, read } = contents[kind];
  const content = orNote(read(reader), reader.problems, `${reader.at}.${kind} ${problem}`);
  const messageId = idOf(reader, { mayBeNull: false });
  return withContext(ignored(kind), content, { ...factsOf(reader), messageId });
}

interface Content {
  /** What is wrong if there is none. */
  readonly problem: string;
  readonly read: (reader: Reader) => ContextContent | undefined;
}

const contents: Readonly<Record<ContextKind, Content>> = {
  text: {
    problem: 'is missing or has no usable value',
    read: ({ record }) => textContent(someText(record['text'])),
  },
  location: {
    problem: 'needs latitude and longitude in degrees',
    read: (reader) => locationContent(partOf(reader, 'location', members.place)),
  },
  contact: {
    problem: 'needs a name or numbers',
    read: (reader) => {
      const { name, numbers } = partOf(reader, 'contact', members.card);
      return contactContent(someText(name), listOf(numbers).slice(0, maxNumbers).map(someText));
    },
  },
};

const maxNumbers = 100;

/** A member that is an object itself; one without members if it is anything else. */
function partOf(
  { record, at, problems }: Reader,
  name: 'location' | 'contact',
  known: readonly string[],
): JsonRecord {
  const part = fieldsOf(record[name]);
  checkMembers({ record: part, at: `${at}.${name}`, problems }, known);
  return part;
}

/** The attachments that are understood. */
function mediaOf({ record, at, problems }: Reader): InboundMedia[] {
  const items = listOf(record['media']);
  if (items.length === 0)
    note(problems, `${at}.media is missing: such a message has the type text, location, contact or ignored`);
  return items.flatMap((item, index) => {
    const place = `${at}.media[${String(index)}]`;
    const attachment = asRecord(item);
    if (attachment !== undefined) return attachmentOf({ record: attachment, at: place, problems }) ?? [];
    note(problems, `${place} must be an object`);
    return [];
  });
}

function attachmentOf(reader: Reader): InboundMedia | undefined {
  checkMembers(reader, members.media);
  const declaredType = optional(reader, 'type', someText);
  return mediaFrom({
    kind: kindOf(reader, declaredType),
    source: sourceOf(reader),
    declaredType,
    filename: optional(reader, 'filename', someText),
    sha256: optional(reader, 'sha256', (value) => sha256OrNull(value) ?? undefined),
  });
}

/** An unknown kind is no reason to lose the file. */
function kindOf({ record, at, problems }: Reader, declaredType: string | null): MediaKind {
  const kind = mediaKindOf(record['kind']);
  if (kind !== undefined) return kind;
  note(problems, `${at}.kind must be one of ${mediaKinds.join(', ')}`);
  return mediaKindOf(declaredType?.split('/', 1)[0]) ?? 'document';
}

function sourceOf({ record, at, problems }: Reader): MediaSource | undefined {
  const { url, base64, id } = record;
  const given = [url, base64, id].filter((one) => !isAbsent(one)).length;
  if (given !== 1) {
    note(problems, `${at} needs exactly one of url, base64 and id`);
    return undefined;
  }
  if (!isAbsent(base64)) return orNote(embeddedIn(base64), problems, `${at}.base64 ${notFromPayload}`);
  if (!isAbsent(id)) return orNote(referenceTo(idText(id)), problems, `${at}.id has no usable value`);
  // The header of the channel reaches its media hosts only.
  return orNote(linkTo(url, { needsCredentials: true }), problems, `${at}.url must be a text`);
}

const notFromPayload = 'must be a text of the payload, unchanged: Inlet itself skips the head of a data URL';

/** The evaluator replaces the text by its place in the payload. */
function embeddedIn(place: unknown): MediaSource | undefined {
  const { pointer } = fieldsOf(place);
  return typeof pointer === 'string' ? { type: 'embedded', pointer } : undefined;
}

/** Ids are often numbers. */
function idText(value: unknown): string | undefined {
  return identifier(typeof value === 'number' ? String(value) : value);
}

function statusOf(reader: Reader): InboundEvent[] {
  checkMembers(reader, members.status);
  const messageId = idOf(reader, { mayBeNull: false });
  const status = oneOf(reader, 'status', messageStatuses);
  if (typeof messageId !== 'string' || status === undefined) return [];
  const { error } = reader.record;
  const { code, message } = fieldsOf(error);
  return [
    statusEvent({
      messageId,
      status,
      at: optional(reader, 'at', someDate),
      error: status === 'failed' ? statusError(code, firstPresent([message, error])) : null,
    }),
  ];
}

function deletionOf(reader: Reader): InboundEvent[] {
  checkMembers(reader, members.deletion);
  const messageId = idOf(reader, { mayBeNull: false });
  return typeof messageId === 'string' ? [deletion(messageId, optional(reader, 'at', someDate))] : [];
}

/** The reason is a word of the expression. Anything longer might be a text of a person. */
function ignoredOf(reader: Reader): InboundEvent {
  checkMembers(reader, members.ignored);
  const { reason } = reader.record;
  const isWord = typeof reason === 'string' && /^[a-z][a-z _-]{0,39}$/i.test(reason);
  return ignored(isWord ? reason : 'other');
}

/** An unknown member is a misspelt one. Names of the data, which may be personal, are not repeated. */
function checkMembers({ record, at, problems }: Reader, known: readonly string[]): void {
  for (const name of Object.keys(record)) {
    if (known.includes(name)) continue;
    const shown = /^[A-Za-z_]{1,30}$/.test(name) ? ` ${name}` : '';
    note(problems, `${at} has an unknown member${shown}; known: ${known.join(', ')}`);
  }
}

/** Null stands for messages whose sender gives no id: the content of the webhook then identifies them. */
function idOf(reader: Reader, { mayBeNull }: { readonly mayBeNull: boolean }): string | null | undefined {
  const { record, at, problems } = reader;
  const { id } = record;
  if (mayBeNull && Object.hasOwn(record, 'id') && isAbsent(id)) return null;
  const hint = mayBeNull ? ', or null if the sender gives none' : '';
  return orNote(idText(id), problems, `${at}.id must be a text of at most 255 characters${hint}`);
}

type Read<Value> = (value: unknown) => Value | undefined;

function required<Value>(reader: Reader, name: 'from', read: Read<Value>): Value | undefined {
  const { record, at, problems } = reader;
  return orNote(read(record[name]), problems, `${at}.${name} is missing or has no usable value`);
}

type OptionalName = 'to' | 'chat' | 'name' | 'caption' | 'sentAt' | 'at' | 'type' | 'filename' | 'sha256';

/** Null if the member is absent, or if it has no usable value. */
function optional<Value>(
  { record, at, problems }: Reader,
  name: OptionalName,
  read: Read<Value>,
): Value | null {
  const value = record[name];
  if (isAbsent(value)) return null;
  return orNote(read(value), problems, `${at}.${name} has no usable value`) ?? null;
}

/** Undefined if the member is missing, or another word. */
function oneOf<Word extends string>(
  { record, at, problems }: Reader,
  name: 'direction' | 'status',
  words: readonly Word[],
): Word | undefined {
  const known = words.find((word) => word === record[name]);
  return orNote(known, problems, `${at}.${name} must be one of ${words.join(', ')}`);
}

/**
 * A person or a group. Only what certainly is a phone number loses its decoration: other identifiers that
 * differ in a hyphen are different people.
 */
function someone(value: unknown): string | undefined {
  if (typeof value === 'string' && !value.trim().startsWith('+')) return identifier(value)?.trim();
  return personId(value);
}

function someText(value: unknown): string | undefined {
  return textOrNull(typeof value === 'number' ? String(value) : value) ?? undefined;
}

/** ISO 8601, or the seconds or milliseconds since 1970. */
function someDate(value: unknown): Date | undefined {
  return dateFromIso(value) ?? dateFromSeconds(value) ?? dateFromMillis(value) ?? undefined;
}
