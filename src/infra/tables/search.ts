/** What a search finds in the database, and whether an index can answer it. */
import { digitsOf } from '../../domain/person.js';

/** The part of a name or a number that a text names: the digits of a number as people write it. */
export function nameOrNumber(q: string): string {
  return digitsOf(q) ?? q;
}

/** The indexes of texts know groups of three letters or digits. */
export function hasTrigram(text: string): boolean {
  return /[\p{L}\p{N}]{3}/u.test(text);
}
