/**
 * Texts with placeholders, in a part of ICU MessageFormat: `{name}` stands for a value, and
 * `{count, plural, one {# file} other {# files}}` chooses by a number, which `#` shows.
 */
export type Part =
  | string
  | { readonly type: 'value'; readonly name: string }
  | { readonly type: 'count' }
  | { readonly type: 'plural'; readonly name: string; readonly forms: ReadonlyMap<string, readonly Part[]> };

/** A piece of a finished text: words of the text itself, or the value of a placeholder. */
export type Piece<Value> = { readonly words: string } | { readonly value: Value };

const parsed = new Map<string, readonly Part[]>();

/** Reads a text. Throws a `SyntaxError` if it is malformed. */
export function parseMessage(text: string): readonly Part[] {
  const known = parsed.get(text);
  if (known) return known;
  const reader: Reader = { text, at: 0 };
  const parts = readParts(reader, false);
  if (reader.at < text.length) throw new SyntaxError(`unexpected } in: ${text}`);
  parsed.set(text, parts);
  return parts;
}

interface Reader {
  readonly text: string;
  at: number;
}

/** Reads until the end of the text, or until the brace that ends a form of a plural. */
function readParts(reader: Reader, isForm: boolean): Part[] {
  const parts: Part[] = [];
  for (;;) {
    const words = take(reader, isForm ? /[^{}#]*/y : /[^{}]*/y);
    if (words !== '') parts.push(words);
    if (take(reader, /#/y) !== '') parts.push({ type: 'count' });
    else if (take(reader, /\{/y) !== '') parts.push(readPlaceholder(reader));
    else return parts;
  }
}

function readPlaceholder(reader: Reader): Part {
  const name = expectToken(reader, /[a-z]\w*/iy);
  if (take(reader, /\s*\}/y) !== '') return { type: 'value', name };
  expectToken(reader, /\s*,\s*plural\s*,\s*/y);
  const forms = new Map<string, readonly Part[]>();
  while (take(reader, /\s*\}/y) === '') {
    const form = expectToken(reader, /\s*(?:=\d+|zero|one|two|few|many|other)/y).trim();
    expectToken(reader, /\s*\{/y);
    forms.set(form, readParts(reader, true));
    expectToken(reader, /\}/y);
  }
  if (!forms.has('other')) throw new SyntaxError(`a plural needs the form "other": ${reader.text}`);
  return { type: 'plural', name, forms };
}

function take(reader: Reader, token: RegExp): string {
  token.lastIndex = reader.at;
  const [found = ''] = token.exec(reader.text) ?? [];
  reader.at += found.length;
  return found;
}

function expectToken(reader: Reader, token: RegExp): string {
  const found = take(reader, token);
  if (found === '') throw new SyntaxError(`malformed at ${String(reader.at)}: ${reader.text}`);
  return found;
}

/** The names of all placeholders in a text. */
export function namesIn(parts: readonly Part[]): Set<string> {
  const names = new Set<string>();
  for (const part of parts) {
    if (typeof part === 'string' || part.type === 'count') continue;
    names.add(part.name);
    if (part.type === 'plural')
      for (const form of part.forms.values()) namesIn(form).forEach((name) => names.add(name));
  }
  return names;
}

interface Filling<Value> {
  readonly values: ReadonlyMap<string, Value>;
  readonly locale: string;
  /** The number that `#` shows. */
  readonly count?: Value | undefined;
}

/** Fills a text in: chooses the forms of plurals, and puts the values in their places. */
export function fillIn<Value>(parts: readonly Part[], filling: Filling<Value>): Piece<Value>[] {
  const { values, locale, count } = filling;
  return parts.flatMap((part): Piece<Value>[] => {
    if (typeof part === 'string') return [{ words: part }];
    const value = part.type === 'count' ? count : values.get(part.name);
    if (value === undefined) return [];
    if (part.type !== 'plural') return [{ value }];
    const number = Number(value);
    const form =
      part.forms.get(`=${String(number)}`) ??
      part.forms.get(pluralForm(number, locale)) ??
      part.forms.get('other');
    return fillIn(form ?? [], { values, locale, count: value });
  });
}

const rules = new Map<string, Intl.PluralRules>();

function pluralForm(number: number, locale: string): string {
  const known = rules.get(locale) ?? new Intl.PluralRules(locale);
  rules.set(locale, known);
  return known.select(number);
}
