import { fileTypeFromBuffer } from 'file-type';

import { unknownType } from '../../domain/media.js';
import { typeOfCfb } from './cfb.js';
import { readerOf, withFile, type FileReader } from './file-reader.js';
import { heifType } from './heif-brands.js';
import { isIco } from './ico.js';
import { mp4Tracks } from './mp4-tracks.js';
import { textType, wideText } from './text.js';
import { webmTracks } from './webm-tracks.js';
import { typeOfZip } from './zip.js';

/** Replaces names of file-type that are too vague or mean something else to most programs. */
const preferredNames: ReadonlyMap<string, string> = new Map([
  // Every animated PNG is a PNG (PNG, third edition, 4.9): programs that cannot play it show its first
  // picture.
  ['image/apng', 'image/png'],
]);

/** The MIME type of a file's bytes: from the first bytes, or from the rest if those are not sufficient. */
export async function typeOfFile({
  path,
  head,
}: {
  readonly path: string;
  readonly head: Buffer;
}): Promise<string> {
  const type = await sniffType(head);
  if (!isContainer(type)) return type;
  return (await withFile(path, (file) => typeInside(type, file)).catch(() => undefined)) ?? type;
}

/** Works on the first bytes only; undefined if they are not sufficient. */
export async function typeOfHead(head: Buffer): Promise<string | undefined> {
  const type = await sniffType(head);
  if (vagueTypes.has(type)) return undefined;
  if (!isContainer(type)) return type;
  return type === zip ? undefined : typeOfTracks(type, readerOf(head));
}

const zip = 'application/zip';
const compound = 'application/x-cfb';

/** The names of containers without pictures. */
const audioNames: ReadonlyMap<string, string> = new Map([
  ['video/mp4', 'audio/mp4'],
  ['application/mp4', 'audio/mp4'],
  ['video/x-m4v', 'audio/mp4'],
  ['video/quicktime', 'audio/quicktime'],
  ['video/3gpp', 'audio/3gpp'],
  ['video/3gpp2', 'audio/3gpp2'],
  ['video/webm', 'audio/webm'],
  ['video/matroska', 'audio/matroska'],
]);

/** Types that may hide a more specific one. */
const vagueTypes: ReadonlySet<string> = new Set([unknownType, 'text/plain', compound]);

function isContainer(type: string): boolean {
  return type === zip || type === compound || audioNames.has(type);
}

async function typeInside(type: string, file: FileReader): Promise<string | undefined> {
  if (type === compound) return typeOfCfb(file);
  return type === zip ? typeOfZip(file) : typeOfTracks(type, file);
}

async function typeOfTracks(type: string, file: FileReader): Promise<string | undefined> {
  const tracks = await (isMatroska(type) ? webmTracks(file) : mp4Tracks(file));
  if (tracks === undefined) return undefined;
  return tracks.has('soun') && !tracks.has('vide') ? (audioNames.get(type) ?? type) : type;
}

function isMatroska(type: string): boolean {
  return type === 'video/webm' || type === 'video/matroska';
}

/** The MIME type of the first bytes. Headers and names are never trusted. */
export async function sniffType(head: Buffer): Promise<string> {
  return heifType(head) ?? (await signedType(head)) ?? unsignedType(head);
}

/** The result of file-type, where it is reliable. */
async function signedType(head: Buffer): Promise<string | undefined> {
  // file-type mistakes the UTF-16 mark for sound.
  if (wideText(head) !== undefined) return undefined;
  // Only the given bytes are parsed, so a hostile file cannot make the parser read endlessly.
  const found = await fileTypeFromBuffer(head).catch(() => undefined);
  if (found && isGuessedOffice(found.mime, head)) return zip;
  return found && isReliable(found.mime, head) ? (preferredNames.get(found.mime) ?? found.mime) : undefined;
}

/**
 * A folder named `word` does not make a Word file, but file-type relies on it if it has not seen the list of
 * types.
 */
function isGuessedOffice(type: string, head: Buffer): boolean {
  return (
    type.startsWith('application/vnd.openxmlformats-officedocument.') && !head.includes('[Content_Types].xml')
  );
}

function unsignedType(head: Buffer): string {
  const text = textType(head);
  // The signatures of other formats may also be text.
  const others = text === undefined || text === 'text/plain' ? otherType(head) : undefined;
  return others ?? text ?? unknownType;
}

/**
 * file-type recognises icons by bytes that other formats share, and XML by its declaration, which hides the
 * actual content.
 */
function isReliable(type: string, head: Buffer): boolean {
  return type === 'image/x-icon' ? isIco(head) : type !== 'application/xml';
}

/** The number of bytes that may precede a PDF (ISO 32000-1, annex H.3), for example output of a server. */
const maxBytesBeforePdf = 1024;

/** Formats that file-type does not know, or would look for at the end of the file. */
function otherType(head: Buffer): string | undefined {
  const begins = head.toString('latin1', 0, 4);
  if (begins === 'II*\0' || begins === 'MM\0*') return 'image/tiff';
  const start = head.toString('latin1', 0, maxBytesBeforePdf);
  if (/^P[1-7]\s(?:\s|#[^\n]*\n)*(?:\d+\s+\d+\s|WIDTH )/.test(start)) return 'image/x-portable-anymap';
  if (/^%PDF-\d/m.test(start)) return 'application/pdf';
  return isTarga(head) ? 'image/x-tga' : undefined;
}

/** The codings of pictures without and with a palette. */
const targaCodings: ReadonlyMap<number, readonly number[]> = new Map([
  [0, [2, 3, 10, 11]],
  [1, [1, 9]],
]);

/**
 * Targa has no signature, so all fields of its head are checked: the palette, the coding, the size and the
 * depth.
 */
function isTarga(head: Buffer): boolean {
  if (head.length < 18) return false;
  const codings = targaCodings.get(head.readUInt8(1));
  const hasSize = head.readUInt16LE(12) > 0 && head.readUInt16LE(14) > 0;
  return (
    hasSize && codings?.includes(head.readUInt8(2)) === true && [8, 16, 24, 32].includes(head.readUInt8(16))
  );
}
