/**
 * Checks the fields of a request as strictly as a provider's documentation: undocumented fields are refused.
 */

export interface FieldFault {
  /** The name that the sender wrote, with dots: `image.link`. */
  readonly name: string;
  readonly reason: string;
}

/** Checks the value of a field; returns an empty list if it is valid. */
export type FieldCheck = (value: unknown, name: string) => readonly FieldFault[];

export interface Fields {
  readonly required: Readonly<Record<string, FieldCheck>>;
  readonly optional?: Readonly<Record<string, FieldCheck>>;
}

export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An object with these fields: all required ones, and no others. */
export const object =
  ({ required, optional = {} }: Fields): FieldCheck =>
  (value, name) => {
    if (!isObject(value)) return [{ name: name === '' ? 'body' : name, reason: 'must be an object' }];
    const checks = new Map(Object.entries({ ...required, ...optional }));
    const path = (field: string) => (name === '' ? field : `${name}.${field}`);
    return [
      ...Object.keys(required)
        .filter((field) => value[field] === undefined)
        .map((field) => ({ name: path(field), reason: 'is missing' })),
      ...Object.entries(value).flatMap(
        ([field, content]) =>
          checks.get(field)?.(content, path(field)) ?? [{ name: path(field), reason: 'is not known' }],
      ),
    ];
  };

interface TextRule {
  /** The number of characters. */
  readonly max?: number;
  readonly pattern?: RegExp;
}

/** Non-blank text of at most `max` characters that matches `pattern`. */
export const text =
  ({ max = Infinity, pattern }: TextRule = {}): FieldCheck =>
  (value, name) => {
    if (typeof value !== 'string') return [{ name, reason: 'must be a string' }];
    if (value === '') return [{ name, reason: 'is empty' }];
    if (Array.from(value).length > max) return [{ name, reason: `is longer than ${String(max)} characters` }];
    return pattern === undefined || pattern.test(value) ? [] : [{ name, reason: 'is not of the right form' }];
  };

export const oneOf =
  (...values: readonly string[]): FieldCheck =>
  (value, name) =>
    values.includes(value as string) ? [] : [{ name, reason: `must be one of ${values.join(', ')}` }];

/** An integer within the inclusive limits. */
export const whole =
  (least: number, most = Number.MAX_SAFE_INTEGER): FieldCheck =>
  (value, name) =>
    Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most
      ? []
      : [{ name, reason: `must be a whole number from ${String(least)} to ${String(most)}` }];

export const flag: FieldCheck = (value, name) =>
  typeof value === 'boolean' ? [] : [{ name, reason: 'must be true or false' }];

/** A public link. */
export const link: FieldCheck = (value, name) =>
  typeof value === 'string' && URL.canParse(value) && /^https?:$/.test(new URL(value).protocol)
    ? []
    : [{ name, reason: 'must be an http or https link' }];

/** All errors in one line, for providers that report them so. */
export function inWords(faults: readonly FieldFault[]): string {
  return faults.map(({ name, reason }) => `${name} ${reason}`).join('; ');
}
