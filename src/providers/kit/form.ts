/**
 * Reads bodies in the format `application/x-www-form-urlencoded`, as signatures cover them: in their order,
 * with repetitions.
 */
import type { FormField } from '../../domain/provider.js';

/** A webhook of a provider has a few dozen fields. Express reads no more than this by default, either. */
const maxFields = 1_000;

const ampersand = 0x26;

/**
 * The decoded fields of a form: a plus is a blank, and percent signs escape bytes of UTF-8. Any bytes are a
 * form. Undefined if there are more than a thousand fields: they are counted before anything is decoded,
 * because a stranger can send millions of them.
 */
export function fieldsOfForm(body: Uint8Array): readonly FormField[] | undefined {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  if (hasTooManyFields(bytes)) return undefined;
  // Without the ampersand, which stands for an empty field, a question mark at the beginning would be left
  // out.
  const fields = new URLSearchParams(`&${bytes.toString('utf8')}`);
  return Array.from(fields, ([name, value]) => ({ name, value }));
}

function hasTooManyFields(bytes: Buffer): boolean {
  let fields = 1;
  for (let at = bytes.indexOf(ampersand); at >= 0; at = bytes.indexOf(ampersand, at + 1)) {
    fields += 1;
    if (fields > maxFields) return true;
  }
  return false;
}

/**
 * The fields as an object, like one from JSON. Of a repeated field, the first value counts. A field that is
 * not repeated by its provider is never a list, so that parsers need no second case.
 */
export function recordOfForm(fields: readonly FormField[]): Readonly<Record<string, string>> {
  const values = new Map<string, string>();
  for (const { name, value } of fields) if (!values.has(name)) values.set(name, value);
  return Object.fromEntries(values);
}
