/** What a search finds in the database, and whether an index can answer it. */
import { digitsOf } from '../../domain/person.js';
import type { Parameters } from '../postgres/pages.js';

/** The part of a name or a number that a text names: the digits of a number as people write it. */
export function nameOrNumber(q: string): string {
  return digitsOf(q) ?? q;
}

/** The indexes of texts know groups of three letters or digits. */
export function hasTrigram(text: string): boolean {
  return /[\p{L}\p{N}]{3}/u.test(text);
}

/** Digits at the end of a number that hardly any other number has. */
const distinctDigits = 8;

/**
 * The condition that a name or a number of a person has this part, in a form that the trigram index answers. For
 * a long number, the index is asked for the end only: many numbers begin with the same country and area, and the
 * index would read all of these, which took 13 ms instead of 2 with 250 000 people.
 */
export function peopleWith(part: string, parameters: Parameters): string {
  const whole = `search_pattern(${parameters.add(part)})`;
  if (!isLongNumber(part)) return `search like ${whole}`;
  const end = `search_pattern(${parameters.add(part.slice(-distinctDigits))})`;
  // The empty text keeps the planner from asking the index for the whole number as well.
  return `search like ${end} and search || '' like ${whole}`;
}

function isLongNumber(part: string): boolean {
  return /^\d+$/.test(part) && part.length > distinctDigits;
}
