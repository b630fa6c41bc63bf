/** A field of a form: text, or a file with its bytes. */
export type FormValue = string | { readonly filename: string; readonly type: string; readonly bytes: Buffer };

/** The parts of a `multipart/form-data` body (RFC 7578) by name; undefined if it is invalid or incomplete. */
export function readForm(contentType: string, body: Buffer): ReadonlyMap<string, FormValue> | undefined {
  const boundary = /^multipart\/form-data;.*\bboundary="?([\w'()+,./:=? -]{1,70})"?/i.exec(contentType)?.[1];
  if (boundary === undefined) return undefined;
  // Latin-1 keeps every byte as one character.
  const [, ...parts] = `\r\n${body.toString('latin1')}`.split(`\r\n--${boundary}`);
  if (parts.pop()?.startsWith('--') !== true) return undefined;
  const fields = parts.map(readPart);
  return fields.every((field) => field !== undefined) ? new Map(fields) : undefined;
}

function readPart(part: string): [name: string, value: FormValue] | undefined {
  const [head = '', ...rest] = part.split('\r\n\r\n');
  const name = /^content-disposition: form-data;.*\bname="([^"]*)"/im.exec(head)?.[1];
  if (name === undefined || rest.length === 0) return undefined;
  const bytes = Buffer.from(rest.join('\r\n\r\n'), 'latin1');
  const filename = /^content-disposition:.*\bfilename="([^"]*)"/im.exec(head)?.[1];
  const type = /^content-type: (\S+)/im.exec(head)?.[1] ?? 'text/plain';
  return [name, filename === undefined ? bytes.toString('utf8') : { filename, type, bytes }];
}
