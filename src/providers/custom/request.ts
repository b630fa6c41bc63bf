/** Checks the request that an expression has made. */
import { z } from 'zod';

import { wordsOf } from '../../domain/issue-words.js';
import type { FormField, HeaderRecord, HttpRequest } from '../../domain/provider.js';
import { isReservedHeader } from './header.js';

const formValue = z.union([z.string(), z.number(), z.boolean()]);
const requestShape = z
  .strictObject({
    path: z.string().max(8_192).regex(/^\//, 'must begin with a slash'),
    method: z.enum(['POST', 'PUT', 'PATCH']).default('POST'),
    json: z.unknown().optional(),
    form: z.record(z.string(), z.union([formValue, z.array(formValue)])).optional(),
    headers: z
      .record(
        z.string().regex(/^[\w!#$%&'*+.^`|~-]{1,100}$/, 'is not the name of a header'),
        z.string().regex(/^[\x20-\x7e]{1,2000}$/, 'is not the value of a header'),
      )
      .default({}),
  })
  .refine(
    (request) => Object.hasOwn(request, 'json') !== Object.hasOwn(request, 'form'),
    'needs either json or form',
  );

interface RequestContext {
  /** The beginning of all addresses: the credentials are for these only. */
  readonly apiUrl: string;
  /** Puts the bytes of the file into a text. */
  readonly fill: (text: string) => string;
}

/** The request, or the reason why it cannot be sent, without its content. */
export function requestFrom(result: unknown, { apiUrl, fill }: RequestContext): HttpRequest | string {
  const checked = requestShape.safeParse(result);
  if (!checked.success) {
    const [issue] = checked.error.issues;
    const place = issue?.path.map(String).join('.') ?? '';
    return `the expression has not made a request: ${place === '' ? '' : `${place} `}${issue ? wordsOf(issue) : ''}`;
  }
  const { path, method, json, form, headers } = checked.data;
  const url = urlWithin(apiUrl, path);
  if (url === undefined) return 'the expression has made a request to an address beyond apiUrl';
  const reserved = Object.keys(headers).find(isReservedHeader);
  if (reserved !== undefined) return `the expression has set the header ${reserved}, which Inlet sets itself`;
  const lowerCase = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
  const request = { method, url, headers: Object.fromEntries(lowerCase) as HeaderRecord };
  return form === undefined
    ? { ...request, json: filled(json, fill) }
    : { ...request, urlencoded: fieldsOf(form, fill) };
}

/** A segment that leads upwards, as URLs may spell it (WHATWG URL, "double-dot URL path segment"). */
const upwards = /[/\\](?:\.|%2e){1,2}(?:[/\\]|$)/i;

/**
 * Undefined if the path leads to another host, or to another place of the API than it says: texts of people,
 * which a careless expression puts there unencoded, may contain `..` or `#`.
 */
function urlWithin(apiUrl: string, path: string): string | undefined {
  const [place = ''] = path.replace(/[\t\n\r]/g, '').split('?', 1);
  if (upwards.test(place) || path.includes('#') || !URL.canParse(apiUrl + path)) return undefined;
  const base = new URL(apiUrl);
  const url = new URL(apiUrl + path);
  const isWithin =
    url.origin === base.origin && url.pathname.startsWith(`${base.pathname.replace(/\/$/, '')}/`);
  return isWithin ? url.href : undefined;
}

type FormResult = NonNullable<z.infer<typeof requestShape>['form']>;

function fieldsOf(form: FormResult, fill: RequestContext['fill']): FormField[] {
  return Object.entries(form).flatMap(([name, value]) =>
    [value].flat().map((one) => ({ name, value: fill(String(one)) })),
  );
}

/** A copy of JSON in which all texts are filled. */
function filled(value: unknown, fill: RequestContext['fill']): unknown {
  if (typeof value === 'string') return fill(value);
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item: unknown) => filled(item, fill));
  return Object.fromEntries(
    Object.entries(value).map(([name, member]: [string, unknown]) => [name, filled(member, fill)]),
  );
}
