/** Checks of a request's fields, as strict as a provider's documents: what they do not name is refused. */

export interface FieldFault {
  /** As the sender wrote it, with dots: `image.link`. */
  readonly name: string;
  readonly reason: string;
}

/** What is wrong with the value of the field of this name; empty when nothing is. */
export type FieldCheck = (value: unknown, name: string) => readonly FieldFault[];

export interface Fields {
  readonly required: Readonly<Record<string, FieldCheck>>;
  readonly optional?: Readonly<Record<string, FieldCheck>>;
}

export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An object with these fields, with all that are required and with no other. */
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
  /** In characters. */
  readonly max?: number;
  readonly pattern?: RegExp;
}

/** Text that says something, no longer than `max`, of the form `pattern`. */
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

/** A whole number within the limits, both of them allowed. */
export const whole =
  (least: number, most = Number.MAX_SAFE_INTEGER): FieldCheck =>
  (value, name) =>
    Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most
      ? []
      : [{ name, reason: `must be a whole number from ${String(least)} to ${String(most)}` }];

export const flag: FieldCheck = (value, name) =>
  typeof value === 'boolean' ? [] : [{ name, reason: 'must be true or false' }];

/** A link that anybody may follow. */
export const link: FieldCheck = (value, name) =>
  typeof value === 'string' && URL.canParse(value) && /^https?:$/.test(new URL(value).protocol)
    ? []
    : [{ name, reason: 'must be an http or https link' }];

/** All faults in one line, for providers that tell them so. */
export function inWords(faults: readonly FieldFault[]): string {
  return faults.map(({ name, reason }) => `${name} ${reason}`).join('; ');
}
