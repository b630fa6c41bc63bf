/** Maps file extensions to types and back, for providers that require the one if only the other is known. */
import type { OutboundMessage } from '../../domain/sending.js';
import { lookUp } from './lenient.js';

const typeOfExtension: Readonly<Record<string, string>> = {
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  png: 'image/png',
  gif: 'image/gif',
  webp: 'image/webp',
  mp4: 'video/mp4',
  '3gp': 'video/3gpp',
  mp3: 'audio/mpeg',
  aac: 'audio/aac',
  amr: 'audio/amr',
  m4a: 'audio/mp4',
  ogg: 'audio/ogg',
  pdf: 'application/pdf',
  doc: 'application/msword',
  xls: 'application/vnd.ms-excel',
  ppt: 'application/vnd.ms-powerpoint',
  docx: 'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  pptx: 'application/vnd.openxmlformats-officedocument.presentationml.presentation',
  zip: 'application/zip',
  txt: 'text/plain',
};
const extensions = Object.entries(typeOfExtension);

type NamedFile = Pick<OutboundMessage, 'content' | 'filename' | 'type'>;

/**
 * The type without parameters. If a link has no type, or the bytes only reveal an old Office file, the
 * extension decides. Undefined if nothing is known.
 */
export function typeOf(message: NamedFile): string | undefined {
  const type = typeWithoutParameters(message);
  const isVague = type === undefined || type === 'application/x-cfb';
  return isVague ? (lookUp(typeOfExtension, extensionFromName(message)) ?? type) : type;
}

const typeWithoutParameters = ({ type }: NamedFile): string | undefined => type?.split(';')[0]?.trim();

/** Letters and digits only, for paths such as `send-document/pdf`. */
export function extensionOf(message: NamedFile): string {
  const type = typeWithoutParameters(message);
  return extensionFromName(message) ?? extensions.find(([, known]) => known === type)?.[0] ?? 'bin';
}

/** The extension of the file name or of the link's path. */
function extensionFromName({ filename, content }: NamedFile): string | undefined {
  const path = content.way === 'link' && URL.canParse(content.url) ? new URL(content.url).pathname : '';
  const extensions = [filename ?? '', path].map((name) => /\.([a-z0-9]{1,8})$/i.exec(name)?.[1]);
  return extensions.find((extension) => extension !== undefined)?.toLowerCase();
}
