/** Text by its beginning: above all what browsers would take for a page, and what a host answers in place of a file. */
import { headBytes } from '../files/staging.js';

/** As browsers tell pages from other text (WHATWG, MIME Sniffing, 7.1), and what else such pages begin with. */
const page =
  /^<(?:!doctype html|html|head|script|iframe|h1|div|font|table|a|style|title|b|body|br|p|meta|link|center|form)[\s>/]/i;
/** Its elements may have a prefix, as Inkscape and others write them. */
const drawing = /^<(?:[a-z][\w.-]{0,31}:)?svg[\s>]/i;
/** An element with other letters than a page has. XML needs no declaration: hosts answer with `<Error>` or a SOAP envelope alone. */
const element = /^<([a-z_][\w.-]{0,63}(?::[\w.-]{1,63})?)(?:\s[^<>]{0,2000})?(?:\/>|>)/i;
/** What may stand before the first element, and how it ends. */
const preambles: readonly (readonly [begins: RegExp, end: string])[] = [
  [/^<\?xml/, '>'],
  [/^<!--/, '-->'],
  [/^<!doctype svg[^>[]{0,500}\[/i, ']>'],
  [/^<!doctype svg/i, '>'],
];
/** A few bytes without control characters may be anything. */
const fewestLetters = 8;
/** The beginning of an object or an array with something in it that JSON allows there. */
const data = /^(?:\{\s*(?:"|\})|\[\s*(?:[{["\]\d-]|true|false|null))/;

/** The type of text in a file that begins with `head`; undefined for what is no text. */
export function textType(head: Buffer): string | undefined {
  const isWhole = head.length < headBytes;
  const wide = wideText(head);
  return typeOfText(wide === undefined ? head : Buffer.from(wide, 'utf8'), isWhole);
}

/** Text in UTF-16 with the mark that it begins with; undefined for everything else. Some sound begins with the same bytes. */
export function wideText(head: Buffer): string | undefined {
  const mark = head.toString('latin1', 0, 2);
  if (mark !== '\xff\xfe' && mark !== '\xfe\xff') return undefined;
  const units = Buffer.from(head.subarray(2, head.length - (head.length % 2)));
  const text = (mark === '\xff\xfe' ? units : units.swap16()).toString('utf16le');
  // The end of the head may have cut a character in two.
  const isText = !isControlled(text) && !/[\uFFFE\uFFFF]/.test(text) && text.slice(0, -1).isWellFormed();
  return isText ? text : undefined;
}

function typeOfText(bytes: Buffer, isWhole: boolean): string | undefined {
  // Other letters than those of ASCII hide no page, and neither does what comes behind it.
  const text = bytes.toString('latin1');
  const start = afterPreambles(text);
  const markup = markupType(text, start);
  if (markup !== undefined) return markup;
  if (bytes.length === 0 || isControlled(text)) return undefined;
  if (isWhole && isBareXml(start)) return 'application/xml';
  if (isUtf8(bytes)) return isJson(start, isWhole) ? 'application/json' : 'text/plain';
  return looksWritten(text) ? 'text/plain' : undefined;
}

/** Whether bytes that are no UTF-8 may be letters of another encoding: text of some length has spaces or ends of lines. */
function looksWritten(text: string): boolean {
  return text.length >= fewestLetters && /[ \n\r]/.test(text);
}

/** In one pass, whatever the text: a pattern for all of it could be made to try for ever. */
function afterPreambles(text: string): string {
  let rest = text.replace(/^\u00ef\u00bb\u00bf/, '').trimStart();
  for (;;) {
    const [, end] = preambles.find(([begins]) => begins.test(rest)) ?? [];
    if (end === undefined) return rest;
    const at = rest.indexOf(end);
    // One that has no end hides whatever comes.
    if (at < 0) return rest;
    rest = rest.slice(at + end.length).trimStart();
  }
}

function markupType(text: string, start: string): string | undefined {
  if (drawing.test(start)) return 'image/svg+xml';
  if (page.test(start)) return 'text/html';
  return /^(?:\u00ef\u00bb\u00bf)?\s*<\?xml/.test(text) ? 'application/xml' : undefined;
}

/** XML that begins and ends with the same element: other text may begin with a `<` as well. */
function isBareXml(start: string): boolean {
  const [opening, name] = element.exec(start) ?? [];
  if (opening === undefined || name === undefined) return false;
  const text = start.trimEnd();
  return opening.endsWith('/>') ? text === opening : text.endsWith(`</${name}>`);
}

/** Other control characters than those of text. */
function isControlled(text: string): boolean {
  // eslint-disable-next-line no-control-regex -- they are what is looked for.
  return /[\u0000-\u0008\u000e-\u001a]/.test(text);
}

/** A character that the end of the head has cut in two is no sign of binary data. */
function isUtf8(head: Buffer): boolean {
  return !head.toString('utf8').slice(0, -4).includes('\uFFFD');
}

function isJson(start: string, isWhole: boolean): boolean {
  if (!data.test(start)) return false;
  // The rest of a longer file is not here.
  if (!isWhole) return true;
  try {
    JSON.parse(start);
    return true;
  } catch {
    return false;
  }
}
