/** Validates the input of callers and names each invalid field. */
import type { Request } from 'express';
import { z } from 'zod';

import { AppError } from '../domain/errors.js';
import { wordsOf } from '../domain/issue-words.js';
import { isStorable } from '../domain/text.js';

/**
 * Returns the value as the schema parses it. Throws `request.invalid` with all invalid fields. Text that the
 * database can neither store nor search for (NUL characters and lone surrogates) is refused here, for all
 * fields of all schemas.
 */
export function parseInput<Schema extends z.ZodType>(schema: Schema, value: unknown): z.infer<Schema> {
  refuseBadText(value);
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const fields = parsed.error.issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => ({ field: key, message: 'is an unknown field' }))
      : [{ field: issue.path.join('.') || 'body', message: wordsOf(issue) }],
  );
  throw AppError.ofFields('request.invalid', fields);
}

/** Checks every text and every name in the value, without recursion, because the caller chooses the depth. */
function refuseBadText(input: unknown): void {
  const left: { readonly value: unknown; readonly field: string }[] = [{ value: input, field: '' }];
  for (let one = left.pop(); one; one = left.pop()) {
    const { value, field } = one;
    if (typeof value === 'string' && !isStorable(value)) throw badText(field || 'body');
    for (const [name, member] of membersOf(value)) {
      if (!isStorable(name)) throw badText(field || 'body');
      left.push({ value: member, field: field === '' ? name : `${field}.${name}` });
    }
  }
}

function membersOf(value: unknown): [name: string, member: unknown][] {
  return typeof value === 'object' && value !== null ? Object.entries(value) : [];
}

function badText(field: string): AppError {
  return AppError.ofFields('request.invalid', [
    { field, message: 'contains a NUL character or a lone surrogate' },
  ]);
}

/** Query parameters as an object. A repeated parameter is a list, which no schema accepts by accident. */
export function queryOf(request: Request): Record<string, unknown> {
  return { ...request.query };
}

const uuid = z.uuid();

/** The parameters of a path with one id, in the spelling of the database. */
export const byId = z.object({ id: uuid.toLowerCase() });

/** A text that is not empty. */
export const searchText = (maxLength: number) => z.string().min(1).max(maxLength);

/** Ids with commas between them. */
export const idList = (most: number) =>
  z
    .string()
    .transform((text) => text.toLowerCase().split(','))
    .pipe(z.array(uuid).min(1).max(most));

/**
 * A time with an offset or `Z`, or a date, which means its beginning in UTC. A time without an offset would
 * depend on the time zone of the machine.
 */
export const moment = z
  .union([z.iso.datetime({ offset: true }), z.iso.date()], {
    error: 'must be a date, or a time with an offset or Z',
  })
  // PostgreSQL has no year 0, and with an offset, the last hours of the year 9999 have no ISO date in UTC.
  .transform((text) => new Date(text))
  .pipe(z.date().min(new Date('0001-01-01')).max(new Date('9999-12-31T23:59:59.999Z')));

/** The end of a page, opaque to callers. */
export function encodeCursor(id: string): string {
  return Buffer.from(`1:${id}`).toString('base64url');
}

export const cursor = z
  .string()
  .meta({ description: '`nextCursor` of the previous page' })
  .transform((text, context) => {
    const [, id] =
      /^1:([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/.exec(
        Buffer.from(text, 'base64url').toString('utf8'),
      ) ?? [];
    // The decoder skips other characters, so only the exact spelling of this service is accepted.
    if (id !== undefined && encodeCursor(id) === text) return id;
    context.addIssue('is not a cursor of this service; use `nextCursor` of the previous page');
    return z.NEVER;
  });

export const pageLimit = z.coerce.number().int().min(1).max(200).default(50);

/**
 * One page of a list and the cursor of the next page. More items than `limit` show that there is a next page.
 */
export function toPage<Item extends { readonly id: string }, View>(
  items: readonly Item[],
  limit: number,
  view: (item: Item) => View,
): { items: View[]; nextCursor: string | null } {
  const shown = items.slice(0, limit);
  const last = items.length > limit ? shown.at(-1) : undefined;
  return { items: shown.map(view), nextCursor: last ? encodeCursor(last.id) : null };
}
