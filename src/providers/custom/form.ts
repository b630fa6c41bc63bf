/** Reads the body of a form as an object, which the expression sees like JSON. */
import { AppError } from '../../domain/errors.js';
import { fieldsOfForm } from '../kit/form.js';

type FormValue = string | readonly string[];

/**
 * The fields by name. Of a repeated field, the first value counts, unless it is declared as a list: then it
 * is always a list, even with one value. Throws `webhook.not_json` if there are too many fields.
 */
export function objectOfForm(
  body: Uint8Array,
  lists: readonly string[],
): Readonly<Record<string, FormValue>> {
  const fields = fieldsOfForm(body);
  if (fields === undefined) throw new AppError('webhook.not_json', 'the form has too many fields');
  const values = new Map<string, string[]>();
  for (const { name, value } of fields) {
    const known = values.get(name);
    if (known) known.push(value);
    else values.set(name, [value]);
  }
  const listed = new Set(lists);
  // Unlike an assignment, this makes a field named `__proto__` a field like any other.
  return Object.fromEntries(
    [...values].map(([name, all]): [string, FormValue] => [name, listed.has(name) ? all : (all[0] ?? '')]),
  );
}
