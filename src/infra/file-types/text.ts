/**
 * Detects text by its beginning: above all what browsers would display as a page, and what a host sends
 * instead of a file.
 */
import { headBytes } from '../files/staging.js';

/**
 * How browsers distinguish pages from other text (WHATWG, MIME Sniffing, 7.1), and other common beginnings of
 * pages.
 */
const page =
  /^<(?:!doctype html|html|head|script|iframe|h1|div|font|table|a|style|title|b|body|br|p|meta|link|center|form)[\s>/]/i;
/** Its elements may have a prefix, as in files of Inkscape and others. */
const drawing = /^<(?:[a-z][\w.-]{0,31}:)?svg[\s>]/i;
/** Any other element. XML needs no declaration: hosts answer with `<Error>` or a SOAP envelope alone. */
const element = /^<([a-z_][\w.-]{0,63}(?::[\w.-]{1,63})?)(?:\s[^<>]{0,2000})?(?:\/>|>)/i;
/** What may precede the first element, and how it ends. */
const preambles: readonly (readonly [begins: RegExp, end: string])[] = [
  [/^<\?xml/, '>'],
  [/^<!--/, '-->'],
  [/^<!doctype svg[^>[]{0,500}\[/i, ']>'],
  [/^<!doctype svg/i, '>'],
];
/** A few bytes without control characters may be anything. */
const minTextLength = 8;
/** The beginning of a JSON object or array with valid content. */
const data = /^(?:\{\s*(?:"|\})|\[\s*(?:[{["\]\d-]|true|false|null))/;

/** The type of text in a file that begins with `head`; undefined if it is not text. */
export function textType(head: Buffer): string | undefined {
  const isComplete = head.length < headBytes;
  const wide = wideText(head);
  return typeOfText(wide === undefined ? head : Buffer.from(wide, 'utf8'), isComplete);
}

/**
 * Text in UTF-16 with a byte order mark; undefined for everything else. Some sound begins with the same
 * bytes.
 */
export function wideText(head: Buffer): string | undefined {
  const mark = head.toString('latin1', 0, 2);
  if (mark !== '\xff\xfe' && mark !== '\xfe\xff') return undefined;
  const units = Buffer.from(head.subarray(2, head.length - (head.length % 2)));
  const text = (mark === '\xff\xfe' ? units : units.swap16()).toString('utf16le');
  // The end of the head may have split a character.
  const isText =
    !hasControlCharacters(text) && !/[\uFFFE\uFFFF]/.test(text) && text.slice(0, -1).isWellFormed();
  return isText ? text : undefined;
}

function typeOfText(bytes: Buffer, isComplete: boolean): string | undefined {
  // Non-ASCII letters hide no page, and neither does anything after it.
  const text = bytes.toString('latin1');
  const start = afterPreambles(text);
  const markup = markupType(text, start);
  if (markup !== undefined) return markup;
  if (bytes.length === 0 || hasControlCharacters(text)) return undefined;
  if (isComplete && isBareXml(start)) return 'application/xml';
  if (isUtf8(bytes)) return isJson(start, isComplete) ? 'application/json' : 'text/plain';
  return looksLikeText(text) ? 'text/plain' : undefined;
}

/**
 * Whether bytes that are not UTF-8 may be letters of another encoding: longer text has spaces or line breaks.
 */
function looksLikeText(text: string): boolean {
  return text.length >= minTextLength && /[ \n\r]/.test(text);
}

/** Runs in one pass for any text: a single pattern for everything could be made to backtrack endlessly. */
function afterPreambles(text: string): string {
  let rest = text.replace(/^\u00ef\u00bb\u00bf/, '').trimStart();
  for (;;) {
    const [, end] = preambles.find(([begins]) => begins.test(rest)) ?? [];
    if (end === undefined) return rest;
    const at = rest.indexOf(end);
    // A preamble without an end hides what follows.
    if (at < 0) return rest;
    rest = rest.slice(at + end.length).trimStart();
  }
}

function markupType(text: string, start: string): string | undefined {
  if (drawing.test(start)) return 'image/svg+xml';
  if (page.test(start)) return 'text/html';
  return /^(?:\u00ef\u00bb\u00bf)?\s*<\?xml/.test(text) ? 'application/xml' : undefined;
}

/** XML that begins and ends with the same element, because other text may begin with `<` as well. */
function isBareXml(start: string): boolean {
  const [opening, name] = element.exec(start) ?? [];
  if (opening === undefined || name === undefined) return false;
  const text = start.trimEnd();
  return opening.endsWith('/>') ? text === opening : text.endsWith(`</${name}>`);
}

/** Control characters that do not occur in text. */
function hasControlCharacters(text: string): boolean {
  // eslint-disable-next-line no-control-regex -- this searches for control characters.
  return /[\u0000-\u0008\u000e-\u001a]/.test(text);
}

/** A character that the end of the head has split is not a sign of binary data. */
function isUtf8(head: Buffer): boolean {
  return !head.toString('utf8').slice(0, -4).includes('\uFFFD');
}

function isJson(start: string, isComplete: boolean): boolean {
  if (!data.test(start)) return false;
  // The rest of a longer file is not available.
  if (!isComplete) return true;
  try {
    JSON.parse(start);
    return true;
  } catch {
    return false;
  }
}
