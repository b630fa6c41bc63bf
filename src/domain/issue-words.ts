/** Describes what a validator has found in plain words, without quoting values. */
import { ownValue } from './own-value.js';

/** What the validator (zod) has found. The members depend on the code. */
export interface ValidatorIssue {
  readonly code: string;
  readonly message: string;
  /** The type that a value must have. */
  readonly expected?: string;
  /** The values of which one is valid. */
  readonly values?: readonly unknown[];
  /** The values of the member that decides between the shapes of an object. */
  readonly options?: readonly unknown[];
  /** What is too small or too big. */
  readonly origin?: string;
  readonly minimum?: number | bigint;
  readonly maximum?: number | bigint;
  /** Unknown members. */
  readonly keys?: readonly string[];
  readonly format?: string;
  readonly includes?: string;
}

/** The messages of the validator are for programmers. The messages of our own schemas stay. */
export function wordsOf(issue: ValidatorIssue): string {
  const { code, message, values = [] } = issue;
  if (!/^(?:Invalid|Too|Unrecognized)\b/.test(message)) return message;
  switch (code) {
    case 'invalid_type':
      return typeWords(issue);
    case 'invalid_value':
      return `must be ${choiceOf(values.map(String))}`;
    case 'invalid_union':
      return shapeWords(issue);
    case 'too_small':
      return leastWords(issue);
    case 'too_big':
      return mostWords(issue);
    case 'unrecognized_keys':
      return unknownWords(issue);
    case 'invalid_format':
      return formatWords(issue);
    default:
      return message;
  }
}

const typeNames: Readonly<Record<string, string>> = {
  int: 'must be a whole number',
  number: 'must be a number',
  string: 'must be a text',
  boolean: 'must be true or false',
  array: 'must be a list',
  object: 'must be an object',
  record: 'must be an object',
};

function typeWords({ expected = '', message }: ValidatorIssue): string {
  return message.endsWith('received undefined') ? 'is required' : (ownValue(typeNames, expected) ?? message);
}

function shapeWords({ options, message }: ValidatorIssue): string {
  return options ? `must be ${choiceOf(options.map(String))}` : message;
}

function unknownWords({ keys = [] }: ValidatorIssue): string {
  return `has unknown members: ${keys.slice(0, 10).join(', ').slice(0, 200)}`;
}

const units: Readonly<Record<string, string>> = { string: ' characters', array: ' items', set: ' items' };

function leastWords({ origin = '', minimum }: ValidatorIssue): string {
  if (origin === 'date') return `must not be before ${timeOf(minimum)}`;
  const unit = ownValue(units, origin);
  if (unit === undefined) return `must be at least ${String(minimum)}`;
  return Number(minimum) === 1 ? 'is empty' : `must have at least ${String(minimum)}${unit}`;
}

function mostWords({ origin = '', maximum }: ValidatorIssue): string {
  if (origin === 'date') return `must not be after ${timeOf(maximum)}`;
  const unit = ownValue(units, origin);
  return unit === undefined
    ? `must be at most ${String(maximum)}`
    : `must have at most ${String(maximum)}${unit}`;
}

/** The validator counts milliseconds. */
function timeOf(limit: number | bigint = 0): string {
  return new Date(Number(limit)).toISOString();
}

const formats: Readonly<Record<string, string>> = {
  url: 'is not a URL that begins with https:// or http://',
  uuid: 'is not a UUID',
  datetime: 'is not a time such as 2026-11-21T10:00:00Z',
};

function formatWords({ format = '', includes, message }: ValidatorIssue): string {
  if (includes !== undefined) return `must contain ${includes}`;
  return ownValue(formats, format) ?? message;
}

function choiceOf(values: readonly string[]): string {
  const last = values.at(-1) ?? '';
  return values.length < 2 ? last : `${values.slice(0, -1).join(', ')} or ${last}`;
}
