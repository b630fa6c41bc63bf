/** The form of an upload (RFC 7578), also for streams. */
import type { Request } from './transport.js';

/**
 * The fields of the form in order. The file is last, because the service needs the other fields before it
 * reads the file.
 */
export interface Form {
  readonly fields: Readonly<Record<string, string | undefined>>;
  readonly file: Blob | ReadableStream<Uint8Array>;
  readonly filename: string;
}

/** The body and the headers of a request that sends the form. A stream is sent while it is read. */
export function formOf({ fields, file, filename }: Form): Pick<Request, 'body' | 'headers'> {
  const present = Object.entries(fields).flatMap(([name, value]) =>
    value === undefined ? [] : [{ name, value }],
  );
  if (file instanceof Blob) {
    const form = new FormData();
    for (const { name, value } of present) form.set(name, value);
    form.set('file', file, filename);
    return { body: form };
  }
  const boundary = `inlet-${crypto.randomUUID()}`;
  const part = (disposition: string) =>
    `--${boundary}\r\ncontent-disposition: form-data; ${disposition}\r\n\r\n`;
  const before = present.map(({ name, value }) => `${part(`name="${name}"`)}${value}\r\n`).join('');
  const framed = file.pipeThrough(
    frame({
      before: before + part(`name="file"; filename="${quoted(filename)}"`),
      behind: `\r\n--${boundary}--\r\n`,
    }),
  );
  return { body: framed, headers: { 'content-type': `multipart/form-data; boundary=${boundary}` } };
}

function frame({ before, behind }: { readonly before: string; readonly behind: string }) {
  const encoder = new TextEncoder();
  return new TransformStream<Uint8Array, Uint8Array>({
    start: (stream) => {
      stream.enqueue(encoder.encode(before));
    },
    flush: (stream) => {
      stream.enqueue(encoder.encode(behind));
    },
  });
}

/** Escapes a file name like browsers (WHATWG HTML, multipart/form-data encoding algorithm). */
function quoted(name: string): string {
  return name.replaceAll('\n', '%0A').replaceAll('\r', '%0D').replaceAll('"', '%22');
}
