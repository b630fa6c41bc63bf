/** The addresses of calls, and the links in answers. */

/** Parameters of a call. Undefined, null and empty values are omitted. */
export type Query = Readonly<Record<string, string | number | boolean | Date | null | undefined>>;

/**
 * Removes slashes at the end of the address. In a page with the origin of the service, it may be a path or
 * empty.
 */
export function baseOf(baseUrl: string): string {
  if (!/^(https?:\/\/[^/?#]+)?(\/[^?#]*)?$/.test(baseUrl))
    throw new TypeError('baseUrl must be the address of the service, such as https://inlet.example.com');
  return baseUrl.replace(/\/+$/, '');
}

/** A path whose parameters are encoded, each as one segment. */
export function path(parts: TemplateStringsArray, ...parameters: readonly string[]): string {
  return String.raw({ raw: parts.raw }, ...parameters.map(encodeURIComponent));
}

/** The query string with its question mark; empty without parameters. */
export function queryText(query: Query): string {
  const present = Object.entries(query).flatMap(([name, value]): [string, string][] =>
    value === undefined || value === null || value === ''
      ? []
      : [[name, value instanceof Date ? value.toISOString() : String(value)]],
  );
  return present.length === 0 ? '' : `?${new URLSearchParams(present).toString()}`;
}

/**
 * Parses JSON of the service and makes its links to files absolute; the service omits its own address there.
 */
export function parseAnswer(text: string, base: string): unknown {
  return JSON.parse(text, (name, value: unknown) =>
    (name === 'url' || name === 'contentUrl') && typeof value === 'string' && value.startsWith('/v1/media/')
      ? base + value
      : value,
  );
}
