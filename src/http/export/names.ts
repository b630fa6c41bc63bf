/**
 * Names of files in an archive: readable, unique, and harmless on every system, whatever strangers have
 * written. The date comes first, so that a name is never one of the reserved names of Windows, and no part
 * of a path.
 */
import type { MediaView } from '../shapes/media.js';

/** The longest parts of a name, in bytes of UTF-8: a name has at most 255 on most systems. */
const maxPersonBytes = 60;
const maxOriginalBytes = 120;

/**
 * The path of a file in its archive, for example `files/2026-11/2026-11-21 10.00.00 Ana - invoice (17).pdf`.
 * The number, which is unique within the archive, makes the path unique on systems of every kind: some
 * ignore case, others the form of accents.
 */
export function archivePath(media: MediaView, number: number): string {
  const moment = media.message?.sentAt ?? media.receivedAt;
  const month = moment.slice(0, 7);
  const time = moment.slice(0, 19).replace('T', ' ').replaceAll(':', '.');
  const person = shortened(harmless(personOf(media)), maxPersonBytes);
  const original = shortened(harmless(stemOf(media.filename) ?? media.kind), maxOriginalBytes);
  const label = [person, original].filter((part) => part !== '').join(' - ');
  return `files/${month}/${time} ${label} (${String(number)}).${extensionOf(media)}`;
}

/** The person on the other side: who sent the message, or to whom it was sent. */
function personOf({ message, direction }: MediaView): string {
  if (message === null) return '';
  if (direction === 'outbound') return message.to ?? message.chat ?? '';
  const { senderName, from } = message;
  return senderName !== null && harmless(senderName) !== '' ? senderName : from;
}

function stemOf(filename: string | null): string | undefined {
  const stem = filename?.replace(/\.[\p{L}\p{N}]{1,10}$/u, '') ?? '';
  return harmless(stem) === '' ? undefined : stem;
}

/** Controls, lone surrogates, separators of lines and paragraphs, and letters that are not assigned. */
const unprintable = /[\p{Cc}\p{Cs}\p{Cn}\p{Zl}\p{Zp}\ufeff]/gu;
/** With one of them, `gpj.exe` is read as `exe.jpg`. */
const turning = /\p{Bidi_Control}/gu;
/** Not allowed in names on Windows; the slashes nowhere. */
const forbidden = /[<>:"/\\|?*]/g;

/** Letters of all scripts and emoji stay. */
function harmless(text: string): string {
  return text
    .normalize('NFC')
    .replace(turning, '')
    .replace(unprintable, ' ')
    .replace(forbidden, '_')
    .replace(/\s+/g, ' ')
    .replace(/^[. ]+|[. ]+$/g, '');
}

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** Cuts between whole letters and emoji. */
function shortened(text: string, maxBytes: number): string {
  if (Buffer.byteLength(text) <= maxBytes) return text;
  let cut = '';
  for (const { segment } of graphemes.segment(text)) {
    if (Buffer.byteLength(cut + segment) > maxBytes) break;
    cut += segment;
  }
  return cut.replace(/[. ]+$/, '');
}

/** What the bytes are decides, so that a program named `photo.jpg` does not look like a picture. */
const extensions: ReadonlyMap<string, string> = new Map([
  ['image/jpeg', 'jpg'],
  ['image/png', 'png'],
  ['image/gif', 'gif'],
  ['image/webp', 'webp'],
  ['image/avif', 'avif'],
  ['image/tiff', 'tif'],
  ['image/bmp', 'bmp'],
  ['image/heic', 'heic'],
  ['image/heif', 'heif'],
  ['image/jxl', 'jxl'],
  ['image/svg+xml', 'svg'],
  ['image/x-icon', 'ico'],
  ['video/mp4', 'mp4'],
  ['video/quicktime', 'mov'],
  ['video/webm', 'webm'],
  ['video/3gpp', '3gp'],
  ['video/3gpp2', '3g2'],
  ['video/matroska', 'mkv'],
  ['video/x-matroska', 'mkv'],
  ['audio/mpeg', 'mp3'],
  ['audio/mp4', 'm4a'],
  ['audio/x-m4a', 'm4a'],
  ['audio/aac', 'aac'],
  ['audio/ogg', 'ogg'],
  ['audio/opus', 'opus'],
  ['audio/amr', 'amr'],
  ['audio/wav', 'wav'],
  ['application/pdf', 'pdf'],
  ['application/rtf', 'rtf'],
  ['application/msword', 'doc'],
  ['application/vnd.ms-excel', 'xls'],
  ['application/vnd.ms-powerpoint', 'ppt'],
  ['application/vnd.openxmlformats-officedocument.wordprocessingml.document', 'docx'],
  ['application/vnd.openxmlformats-officedocument.spreadsheetml.sheet', 'xlsx'],
  ['application/vnd.openxmlformats-officedocument.presentationml.presentation', 'pptx'],
  ['application/vnd.oasis.opendocument.text', 'odt'],
  ['application/vnd.oasis.opendocument.spreadsheet', 'ods'],
  ['application/vnd.oasis.opendocument.presentation', 'odp'],
  ['application/zip', 'zip'],
  ['application/gzip', 'gz'],
  ['application/x-7z-compressed', '7z'],
  ['application/x-rar-compressed', 'rar'],
  ['application/x-msdownload', 'exe'],
  ['application/json', 'json'],
  ['application/xml', 'xml'],
  ['text/html', 'html'],
  ['text/plain', 'txt'],
  ['text/csv', 'csv'],
  ['text/vcard', 'vcf'],
  ['text/calendar', 'ics'],
]);

function extensionOf({ type, filename }: MediaView): string {
  const known = extensions.get(type?.split(';')[0]?.trim().toLowerCase() ?? '');
  if (known !== undefined) return known;
  const [, own] = /\.([A-Za-z0-9]{1,10})$/.exec(filename ?? '') ?? [];
  return own?.toLowerCase() ?? 'bin';
}
