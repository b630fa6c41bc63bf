/**
 * Finds the raw webhooks that speak of a person or of a message. Their bodies are bytes to the database: a condition in SQL leaves out
 * nearly all of those that do not, and for a person the rest is read as JSON, because only that tells an identifier from a key, a time
 * stamp or a word.
 */

import { exceeds, jsonExtentOf, parseLimits } from '../../../domain/json-extent.js';

export interface BodyCondition {
  /** A condition on the column `body`; its parameters begin at the number that was asked for. */
  readonly sql: string;
  readonly values: readonly string[];
}

/** Shorter runs of digits are not taken for telephone numbers: they are identifiers as a whole only. */
const shortestNumber = 7;

const isNumber = (contact: string): boolean => contact.length >= shortestNumber && /^\d+$/.test(contact);

/** What people write between the digits of a telephone number: blanks, brackets, dots and hyphens of all kinds. */
const between = String.raw`[\s().\-\u00a0\u2000-\u206f]`;
/** The same as PostgreSQL's `escape` shows the bytes of a body, also where the sender's JSON escapes the characters. */
const betweenEscaped = String.raw`(?:[\s().+-]|\\302\\240|\\342\\20[01]\\[0-7]{3}|\\\\u00[aA]0|\\\\u20[0-6][0-9a-fA-F])*`;

/** Bodies that may speak of the person: every one that does, and some that do not. */
export function mayHold(contact: string, firstParameter: number): BodyCondition {
  const parameter = (at: number): string => `$${String(firstParameter + at)}`;
  if (isNumber(contact)) {
    return {
      sql: `encode(body, 'escape') ~ ${parameter(0)}`,
      values: [Array.from(contact).join(betweenEscaped)],
    };
  }
  // A text begins with the identifier and ends there, or goes on with a domain or an instance.
  const texts = spellingsInJson(contact).flatMap((spelling) =>
    ['"', '@', '/', String.raw`\/`].map((end) => `"${spelling}${end}`),
  );
  const conditions = texts.map((_, at) => holds(firstParameter + at));
  if (!/^\d+$/.test(contact)) return { sql: any(conditions), values: texts };
  conditions.push(`encode(body, 'escape') ~ ${parameter(texts.length)}`);
  return { sql: any(conditions), values: [...texts, String.raw`[:,[]\s*${contact}\s*[],}]`] };
}

/** `named`: a field that names a person holds the identifier. `held`: it is there as a whole, in whatever place. */
export type Mention = 'named' | 'held';

/** How a body speaks of the person, if it does. */
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
  /** Without case and punctuation: `wa_id` and `waId` are the same. Empty for what has no name. */
  readonly name: string;
  /** Of the object that holds the field. */
  readonly holder: string;
  readonly value: string | number;
}

type Judge = (field: Field) => Mention | undefined;

/** Fields that name a person, a number or a conversation at the providers that we know, and at those like them. */
const personal = new Set(
  (
    'from to phone sender recipient participant chat user contact customer author owner originator identity number pp ' +
    'recipientid participantphone participantlid senderphone senderlid chatlid chatid groupid waid userid fromuserid touserid ' +
    'senderid participantid contactid customerid customernumber contactnumber phonenumber msisdn tunneloriginator wabsuid recipientuserid'
  ).split(' '),
);
/** Fields with times and measures: their digits are no identifiers. */
const measures =
  /time|date|momm?ent|expir|(?:sent|created|updated|received|read|delivered)at$|size$|length$|width$|height$|duration|seconds|^count$|version|latitude|longitude/;
/** Fields with words of the provider's, or of somebody who writes: a word in them is no identifier. */
const wordy =
  /type|kind|status|event|field|product|state|direction|mime|encoding|language|locale|^channel$|name|title|description|text|caption|^body$|^message$|reason|code/;

function isPersonal({ name, holder }: Field): boolean {
  return personal.has(name) || ((name === 'id' || name === '') && personal.has(holder));
}

/** The domains behind which providers write a person; elsewhere the part before an `@` is another identifier. */
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
    return isPersonal(field) ? 'named' : 'held';
  };
}

/** `tel:+55 (31) 98888-7777`, `5531988887777@c.us`, `5531988887777:12@s.whatsapp.net` */
const decorated = new RegExp(String.raw`^(?:[a-z]+:)?(?=[+(\d])((?:[+\d]|${between})+)(?=$|[@:/;])`, 'i');

/** A number with its country code has so many digits. Only a shorter one can be the end of another that is written with blanks. */
const shortestInternational = 11;

function numberJudge(contact: string): Judge {
  const digits = Array.from(contact).join(`${between}*`);
  const gap = contact.length < shortestInternational ? `${between}{0,3}` : '';
  // Within other text: neither a part of a longer number nor of another identifier. WhatsApp's old group ids begin with a number.
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
      return isPersonal(field) || !isOther ? 'named' : 'held';
    }
    if (typeof value === 'number') return undefined;
    return within.test(value) || group.test(value) ? 'held' : undefined;
  };
}

/** Of a value that is a telephone number as a whole, or the address of one. */
function digitsOf(value: string | number): string | undefined {
  if (typeof value === 'number') return String(value);
  return decorated.exec(value.trim())?.[1]?.replace(/\D/g, '');
}

/** All fields of a body, at whatever depth. */
function* fieldsIn(body: Uint8Array): Generator<Field> {
  const open: Inner[] = [{ name: '', holder: '', value: payloadOf(body) }];
  for (let next = open.pop(); next; next = open.pop()) {
    const { name, holder, value } = next;
    if (typeof value === 'string' || typeof value === 'number') yield { name, holder, value };
    else if (typeof value === 'object' && value !== null) open.push(...membersOf(next));
  }
}

interface Inner {
  readonly name: string;
  readonly holder: string;
  readonly value: unknown;
}

function membersOf({ name, holder, value }: Inner): Inner[] {
  // An element of a list is what the list is.
  if (Array.isArray(value)) return value.map((element: unknown) => ({ name, holder, value: element }));
  return Object.entries(value as object).map(([key, member]: [string, unknown]) => ({
    name: key.toLowerCase().replace(/[^a-z0-9]/g, ''),
    holder: name,
    value: member,
  }));
}

/** A body that is not JSON is a form. Of one that would take long to parse, and was not parsed when it came, all that is between quotes. */
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

/** Bodies that hold the id of a message as a whole: as a JSON text, or as a part of one that ends where an id does. */
export function holdsWhole(id: string, firstParameter: number): BodyCondition {
  const spellings = spellingsInJson(id);
  const conditions = spellings.map((_, at) => {
    const plain = firstParameter + 2 * at;
    const pattern = firstParameter + 2 * at + 1;
    return `(${holds(plain)} and encode(body, 'escape') ~ $${String(pattern)})`;
  });
  const values = spellings.flatMap((spelling) => {
    // The bytes as PostgreSQL's `escape` writes them: backslashes are doubled, what is not ASCII becomes octal.
    const escaped = [...Buffer.from(spelling)].map((byte) => {
      if (byte === 0x5c) return String.raw`\\`;
      return byte < 0x80 ? String.fromCharCode(byte) : `\\${byte.toString(8).padStart(3, '0')}`;
    });
    return [spelling, `["+:/]${escapePattern(escaped.join(''))}["@:/\\\\]`];
  });
  return { sql: any(conditions), values };
}

/**
 * Bodies that hold all parts of an id that was put together with colons from several members, which no body holds as a whole. Some of them
 * hold the parts by chance: only their parser knows.
 */
export function holdsParts(id: string, firstParameter: number): BodyCondition {
  const parts = id.split(':').map(spellingsInJson);
  if (parts.length === 1) return { sql: 'false', values: [] };
  let parameter = firstParameter;
  const conditions = parts.map((spellings) => any(spellings.map(() => holds(parameter++))));
  return { sql: `(${conditions.join(' and ')})`, values: parts.flat() };
}

const holds = (parameter: number): string =>
  `position(convert_to($${String(parameter)}, 'UTF8') in body) > 0`;

const any = (conditions: readonly string[]): string => `(${conditions.join(' or ')})`;

/** All the ways in which senders are known to write a text into JSON: any of these habits, and any of them together. */
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
