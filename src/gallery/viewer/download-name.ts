import type { MediaView } from '../api.js';

/** The name under which a browser saves the file: the sender's, or one made of the id and the type. */
export function downloadName({ filename, id, type }: MediaView): string {
  return filename ?? `${id}.${extension(type)}`;
}

function extension(type: string | null): string {
  return type?.split(';')[0]?.split('/').at(-1)?.replace('jpeg', 'jpg') ?? 'bin';
}
