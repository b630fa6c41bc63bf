/** Checks what callers send, and says which field is at fault. */
import type { Request } from 'express';
import { z } from 'zod';

import { AppError, type FieldError } from '../domain/errors.js';

/**
 * The value as the schema makes it. Throws `request.invalid` with every field that is wrong. Text is refused here, for all fields of all
 * schemas, when the database could not store it or look for it: NUL, and half of a surrogate pair.
 */
export function parseInput<Schema extends z.ZodType>(schema: Schema, value: unknown): z.infer<Schema> {
  refuseBadText(value);
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const fields = parsed.error.issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => ({ field: key, message: 'is not known' }))
      : [{ field: issue.path.join('.') || 'body', message: issue.message }],
  );
  throw invalidFields(fields);
}

function invalidFields(fields: readonly FieldError[]): AppError {
  const detail = fields.map(({ field, message }) => `${field}: ${message}`).join('; ');
  return new AppError('request.invalid', detail, { fields });
}

/** Looks at every text and every name in the value, however deep, without recursion: the depth is up to the caller. */
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

function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0');
}

function badText(field: string): AppError {
  return invalidFields([{ field, message: 'is no text: it has NUL or half of a surrogate pair' }]);
}

/** Query parameters as an object; one that is repeated stays a list, which no schema accepts by accident. */
export function queryOf(request: Request): Record<string, unknown> {
  return { ...request.query };
}

const uuid = z.uuid();

/** The parameters of a path that names one thing by its id. Ids are compared as the database writes them. */
export const byId = z.object({ id: uuid.toLowerCase() });

/** A text with something in it. */
export const searchText = (maxLength: number) => z.string().min(1).max(maxLength);

/** With an offset or `Z`; a date alone is its beginning in UTC. A time without an offset would mean another one on each machine. */
export const moment = z
  .union([z.iso.datetime({ offset: true }), z.iso.date()], {
    error: 'is neither a date nor a time with an offset or Z',
  })
  // The database knows no year 0.
  .transform((text) => new Date(text))
  .pipe(z.date().min(new Date('0001-01-01')));

/** Where a page ends, opaque to callers. */
export function encodeCursor(id: string): string {
  return Buffer.from(`1:${id}`).toString('base64url');
}

export const cursor = z
  .string()
  .meta({ description: '`nextCursor` of the page before' })
  .transform((text, context) => {
    const [, id] =
      /^1:([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/.exec(
        Buffer.from(text, 'base64url').toString('utf8'),
      ) ?? [];
    // The decoder skips what is not Base64: only what we write ourselves is one of ours.
    if (id !== undefined && encodeCursor(id) === text) return id;
    context.addIssue('is not a cursor of this service');
    return z.NEVER;
  });

export const pageLimit = z.coerce.number().int().min(1).max(200).default(50);

/** One page of an answer, and the cursor of the next one when there may be more. */
export function toPage<Item extends { readonly id: string }, View>(
  items: readonly Item[],
  limit: number,
  view: (item: Item) => View,
): { items: View[]; nextCursor: string | null } {
  const shown = items.slice(0, limit);
  const last = items.length > limit ? shown.at(-1) : undefined;
  return { items: shown.map(view), nextCursor: last ? encodeCursor(last.id) : null };
}
