/** Between file extensions and types, for providers that ask for the one where only the other is known. */
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

type Named = Pick<OutboundMessage, 'content' | 'filename' | 'type'>;

/**
 * The type, without parameters. Where a link says nothing of itself, or bytes only that they are an old Office file, how the
 * name ends decides. Undefined where nothing tells.
 */
export function typeOf(message: Named): string | undefined {
  const type = bareType(message);
  const isVague = type === undefined || type === 'application/x-cfb';
  return isVague ? (lookUp(typeOfExtension, givenExtension(message)) ?? type) : type;
}

const bareType = ({ type }: Named): string | undefined => type?.split(';')[0]?.trim();

/** As in `send-document/pdf`; letters and digits only. */
export function extensionOf(message: Named): string {
  const type = bareType(message);
  return givenExtension(message) ?? extensions.find(([, known]) => known === type)?.[0] ?? 'bin';
}

/** Of the file's name, or of the link's path. */
function givenExtension({ filename, content }: Named): string | undefined {
  const path = content.way === 'link' && URL.canParse(content.url) ? new URL(content.url).pathname : '';
  const named = [filename ?? '', path].map((name) => /\.([a-z0-9]{1,8})$/i.exec(name)?.[1]);
  return named.find((extension) => extension !== undefined)?.toLowerCase();
}
