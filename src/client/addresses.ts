/** Addresses of the service: of calls, and the links in its answers. */

/** Parameters of a call. What is undefined, null or empty is left out. */
export type Query = Readonly<Record<string, string | number | Date | null | undefined>>;

/** The address without a slash at its end. It may be a path, or empty, in a page that has the origin of the service. */
export function baseOf(baseUrl: string): string {
  if (!/^(https?:\/\/[^/?#]+)?(\/[^?#]*)?$/.test(baseUrl))
    throw new TypeError('baseUrl must be the address of the service, such as https://inlet.example.com');
  return baseUrl.replace(/\/+$/, '');
}

/** A path with its parameters, each in a segment of its own. */
export function path(parts: TemplateStringsArray, ...parameters: readonly string[]): string {
  return String.raw({ raw: parts.raw }, ...parameters.map(encodeURIComponent));
}

/** With its question mark; empty without parameters. */
export function queryText(query: Query): string {
  const given = Object.entries(query).flatMap(([name, value]): [string, string][] =>
    value === undefined || value === null || value === ''
      ? []
      : [[name, value instanceof Date ? value.toISOString() : String(value)]],
  );
  return given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`;
}

/** Parses JSON of the service. It writes links to its files without its own address, which is put in front of them here. */
export function parseAnswer(text: string, base: string): unknown {
  return JSON.parse(text, (name, value: unknown) =>
    (name === 'url' || name === 'contentUrl') && typeof value === 'string' && value.startsWith('/v1/media/')
      ? base + value
      : value,
  );
}
