/**
 * Recognises raw webhooks that mention a person or a message. Their bodies are bytes to the database: a
 * condition in SQL excludes nearly all webhooks that do not mention them. For a person, the remaining bodies
 * are parsed as JSON, because only that distinguishes an identifier from a key, a timestamp or a word.
 */
import { exceeds, jsonExtentOf, parseLimits } from '../../../domain/json-extent.js';

export interface BodyCondition {
  /** A condition on the column `body`, whose parameters begin at the requested number. */
  readonly sql: string;
  readonly values: readonly string[];
}

/** Fewer digits are not a telephone number, and identify somebody only if they are the whole value. */
const minNumberDigits = 7;

const isNumber = (contact: string): boolean => contact.length >= minNumberDigits && /^\d+$/.test(contact);

/**
 * The characters between the digits of a telephone number: spaces, brackets, dots and hyphens of all kinds.
 */
const separator = String.raw`[\s().\-\u00a0\u2000-\u206f]`;
/** The same in the output of PostgreSQL's `escape`, including characters that the sender's JSON escapes. */
const escapedSeparators = String.raw`(?:[\s().+-]|\\302\\240|\\342\\20[01]\\[0-7]{3}|\\\\u00[aA]0|\\\\u20[0-6][0-9a-fA-F])*`;

/** A condition for bodies that may mention the person: all that do, and some that do not. */
export function mayMention(contact: string, firstParameter: number): BodyCondition {
  const parameter = (at: number): string => `$${String(firstParameter + at)}`;
  if (isNumber(contact)) {
    return {
      sql: `encode(body, 'escape') ~ ${parameter(0)}`,
      values: [Array.from(contact).join(escapedSeparators)],
    };
  }
  // A text begins with the identifier and ends there, or continues with a domain or an instance.
  const texts = spellingsInJson(contact).flatMap((spelling) =>
    ['"', '@', '/', String.raw`\/`].map((end) => `"${spelling}${end}`),
  );
  const conditions = texts.map((_, at) => contains(firstParameter + at));
  if (!/^\d+$/.test(contact)) return { sql: anyOf(conditions), values: texts };
  conditions.push(`encode(body, 'escape') ~ ${parameter(texts.length)}`);
  return { sql: anyOf(conditions), values: [...texts, String.raw`[:,[]\s*${contact}\s*[],}]`] };
}

/**
 * `named`: a field that names a person contains the identifier. `contained`: any other field contains all of
 * it.
 */
export type Mention = 'named' | 'contained';

/** How a body mentions the person, or undefined if it does not. */
export function mentionIn(body: Uint8Array, contact: string): Mention | undefined {
  const judge = isNumber(contact) ? numberJudge(contact) : identifierJudge(contact);
  let mention: Mention | undefined;
  for (const field of fieldsIn(body)) {
    const found = judge(field);
    if (found === 'named') return found;
    mention ??= found;
  }
  return mention;
}

interface Field {
  /**
   * The name in lower case and without punctuation: `wa_id` and `waId` are the same. Empty if there is no
   * name.
   */
  readonly name: string;
  /** The name of the object that contains the field. */
  readonly parent: string;
  readonly value: string | number;
}

type Judge = (field: Field) => Mention | undefined;

/** Fields that name a person, a number or a conversation at the known providers and at similar ones. */
const personal = new Set(
  (
    'from to phone sender recipient participant chat user contact customer author owner originator identity number pp ' +
    'recipientid participantphone participantlid senderphone senderlid chatlid chatid groupid waid userid fromuserid touserid ' +
    'senderid participantid contactid customerid customernumber contactnumber phonenumber msisdn tunneloriginator wabsuid recipientuserid'
  ).split(' '),
);
/** Fields with times and measures, whose digits are not identifiers. */
const measures =
  /time|date|momm?ent|expir|(?:sent|created|updated|received|read|delivered)at$|size$|length$|width$|height$|duration|seconds|^count$|version|latitude|longitude/;
/** Fields with words of the provider or of a person, which are not identifiers. */
const wordy =
  /type|kind|status|event|field|product|state|direction|mime|encoding|language|locale|^channel$|name|title|description|text|caption|^body$|^message$|reason|code/;

function isPersonal({ name, parent }: Field): boolean {
  return personal.has(name) || ((name === 'id' || name === '') && personal.has(parent));
}

/**
 * The domains that follow the identifier of a person; before other domains, the part before the `@` is
 * another identifier.
 */
const domain =
  /^@(?:c\.us|s\.whatsapp\.net|g\.us|lid|newsletter|broadcast|(?:[\w-]+\.)*msging\.net)(?:\/|$)/i;

function identifierJudge(contact: string): Judge {
  return (field) => {
    if (measures.test(field.name) || wordy.test(field.name)) return undefined;
    const value = String(field.value).trim();
    if (!value.startsWith(contact)) return undefined;
    const rest = value.slice(contact.length);
    const isWhole = rest === '' || domain.test(rest) || (contact.includes('@') && rest.startsWith('/'));
    if (!isWhole) return undefined;
    return isPersonal(field) ? 'named' : 'contained';
  };
}

/** `tel:+55 (31) 98888-7777`, `5531988887777@c.us`, `5531988887777:12@s.whatsapp.net` */
const decorated = new RegExp(String.raw`^(?:[a-z]+:)?(?=[+(\d])((?:[+\d]|${separator})+)(?=$|[@:/;])`, 'i');

/**
 * The digits of a number with its country code. Only a shorter one can be the end of another number written
 * with spaces.
 */
const minInternationalDigits = 11;

function numberJudge(contact: string): Judge {
  const digits = Array.from(contact).join(`${separator}*`);
  const gap = contact.length < minInternationalDigits ? `${separator}{0,3}` : '';
  // In other text, it must not be part of a longer number or of another identifier. WhatsApp's old group ids
  // begin with a number.
  const within = new RegExp(
    String.raw`(?<![\p{L}\p{N}_]|[\p{L}\p{N}][-.]|\d${gap})${digits}(?!${gap}\d|[\p{L}\p{N}_]|[-.][\p{L}\p{N}])`,
    'u',
  );
  const group = new RegExp(String.raw`^${contact}-\d{10}(?!\d)`);
  return (field) => {
    const { name, value } = field;
    if (measures.test(name)) return undefined;
    if (digitsOf(value) === contact) {
      const isOther = /ids?$/.test(name) || wordy.test(name);
      return isPersonal(field) || !isOther ? 'named' : 'contained';
    }
    if (typeof value === 'number') return undefined;
    return within.test(value) || group.test(value) ? 'contained' : undefined;
  };
}

/** The digits of a value that is a telephone number or the address of one; otherwise undefined. */
function digitsOf(value: string | number): string | undefined {
  if (typeof value === 'number') return String(value);
  return decorated.exec(value.trim())?.[1]?.replace(/\D/g, '');
}

/** All fields of a body at any depth. */
function* fieldsIn(body: Uint8Array): Generator<Field> {
  const open: Inner[] = [{ name: '', parent: '', value: payloadOf(body) }];
  for (let next = open.pop(); next; next = open.pop()) {
    const { name, parent, value } = next;
    if (typeof value === 'string' || typeof value === 'number') yield { name, parent, value };
    else if (typeof value === 'object' && value !== null) open.push(...membersOf(next));
  }
}

interface Inner {
  readonly name: string;
  readonly parent: string;
  readonly value: unknown;
}

function membersOf({ name, parent, value }: Inner): Inner[] {
  // An element of a list has the name of the list.
  if (Array.isArray(value)) return value.map((element: unknown) => ({ name, parent, value: element }));
  return Object.entries(value as object).map(([key, member]: [string, unknown]) => ({
    name: key.toLowerCase().replace(/[^a-z0-9]/g, ''),
    parent: name,
    value: member,
  }));
}

/**
 * A body that is not JSON is a form. A body that takes too long to parse was not parsed on receipt either; of
 * it, all texts between quotes are used.
 */
function payloadOf(bytes: Uint8Array): unknown {
  const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = body.toString('utf8');
  if (exceeds(jsonExtentOf(body, parseLimits), parseLimits)) return text.split('"');
  try {
    return JSON.parse(text.charCodeAt(0) === 0xfeff ? text.slice(1) : text);
  } catch {
    return Object.fromEntries(new URLSearchParams(text));
  }
}

/**
 * A condition for bodies that contain the whole id of a message: as a JSON text, or as a part of one that
 * ends like an id.
 */
export function containsWhole(id: string, firstParameter: number): BodyCondition {
  const spellings = spellingsInJson(id);
  const conditions = spellings.map((_, at) => {
    const plain = firstParameter + 2 * at;
    const pattern = firstParameter + 2 * at + 1;
    return `(${contains(plain)} and encode(body, 'escape') ~ $${String(pattern)})`;
  });
  const values = spellings.flatMap((spelling) => {
    // PostgreSQL's `escape` doubles backslashes, and writes bytes beyond ASCII in octal.
    const escaped = [...Buffer.from(spelling)].map((byte) => {
      if (byte === 0x5c) return String.raw`\\`;
      return byte < 0x80 ? String.fromCharCode(byte) : `\\${byte.toString(8).padStart(3, '0')}`;
    });
    return [spelling, `["+:/]${escapePattern(escaped.join(''))}["@:/\\\\]`];
  });
  return { sql: anyOf(conditions), values };
}

/**
 * A condition for bodies that contain all parts of an id that was joined with colons from several members,
 * which no body contains as a whole. Some bodies contain the parts by chance, which only their parser can
 * tell.
 */
export function containsParts(id: string, firstParameter: number): BodyCondition {
  const parts = id.split(':').map(spellingsInJson);
  if (parts.length === 1) return { sql: 'false', values: [] };
  let parameter = firstParameter;
  const conditions = parts.map((spellings) => anyOf(spellings.map(() => contains(parameter++))));
  return { sql: `(${conditions.join(' and ')})`, values: parts.flat() };
}

const contains = (parameter: number): string =>
  `position(convert_to($${String(parameter)}, 'UTF8') in body) > 0`;

const anyOf = (conditions: readonly string[]): string => `(${conditions.join(' or ')})`;

/** All known ways in which senders write a text in JSON: any combination of these habits. */
function spellingsInJson(text: string): string[] {
  const lower = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  const upper = (character: string): string => `\\u${lower(character).slice(2).toUpperCase()}`;
  const habits: ((spelling: string) => string)[] = [
    (spelling) => spelling.replaceAll('/', String.raw`\/`), // PHP
    (spelling) => spelling.replace(/[\u0080-\uffff]/g, lower), // PHP, Python
    (spelling) => spelling.replace(/[\u0080-\uffff]/g, upper), // .NET
    (spelling) => spelling.replace(/[<>&]/g, lower), // Go
    (spelling) => spelling.replace(/[<>&'+]/g, upper), // .NET
  ];
  let spellings = [JSON.stringify(text).slice(1, -1)];
  for (const habit of habits)
    spellings = [...new Set(spellings.flatMap((spelling) => [spelling, habit(spelling)]))];
  return spellings;
}

function escapePattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`);
}
