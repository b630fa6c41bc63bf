/** Determines what a ZIP contains from the list at its end: Office files and others are ZIPs. */
import { inflateRawSync } from 'node:zlib';

import type { FileReader } from './file-reader.js';
import { wideText } from './text.js';

interface Entry {
  readonly name: string;
  readonly method: number;
  readonly compressedBytes: number;
  readonly headerAt: number;
}

/** The end of the list is at most a comment away from the end of the file. */
const maxEndBytes = 22 + 65_535;
const maxListBytes = 4 * 1024 * 1024;
/** The limit for the one small file that is read: a hostile one may decompress to any size. */
const maxContentBytes = 1024 * 1024;

/** The type according to the contents; undefined for an ordinary ZIP or one that cannot be read. */
export async function typeOfZip(file: FileReader): Promise<string | undefined> {
  const entries = await readEntries(file);
  const office = entries.find(({ name }) => name === '[Content_Types].xml');
  if (office) return officeType((await readContent(file, office)) ?? '');
  // OpenDocument and EPUB name their type in a separate file.
  const named = entries.find(({ name }) => name === 'mimetype');
  const type = named && (await readContent(file, named))?.trim();
  return type !== undefined && /^application\/(vnd\.oasis\.opendocument\.[\w.-]+|epub\+zip)$/.test(type)
    ? type
    : undefined;
}

/** Types of Office since 2007 with macros, and of Excel's binary format. */
const ownOfficeType =
  /^application\/vnd\.ms-(?:word|excel|powerpoint)\.[a-z.]{1,40}?macroenabled(?:template)?$/;

/** The type of the main part without the suffix that marks it. */
function officeType(contentTypes: string): string | undefined {
  const [, main = ''] = /ContentType\s*=\s*["']([^"']{1,200})\.main(?:\+xml)?["']/i.exec(contentTypes) ?? [];
  const name = main.toLowerCase();
  if (/^application\/vnd\.openxmlformats-officedocument\.[\w.-]+$/.test(name)) return name;
  return ownOfficeType.test(name) ? `${name.replace(/template$/, '')}.12` : undefined;
}

async function readEntries(file: FileReader): Promise<Entry[]> {
  const from = Math.max(0, file.bytes - maxEndBytes);
  const end = await file.read(from, maxEndBytes);
  const at = end.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'));
  if (at < 0 || end.length < at + 22) return [];
  const listBytes = end.readUInt32LE(at + 12);
  if (listBytes > maxListBytes) return [];
  // Data in front of the ZIP shifts all positions, so the list is found by its length.
  const listAt = from + at - listBytes;
  const shift = listAt - end.readUInt32LE(at + 16);
  return listAt < 0 ? [] : entriesOf(await file.read(listAt, listBytes), shift);
}

const entryBytes = 46;

function entriesOf(list: Buffer, shift: number): Entry[] {
  const entries: Entry[] = [];
  for (let at = 0; at + entryBytes <= list.length && list.readUInt32LE(at) === 0x02014b50;) {
    const nameBytes = list.readUInt16LE(at + 28);
    const otherBytes = list.readUInt16LE(at + 30) + list.readUInt16LE(at + 32);
    entries.push({
      name: list.toString('utf8', at + entryBytes, at + entryBytes + nameBytes),
      method: list.readUInt16LE(at + 10),
      compressedBytes: list.readUInt32LE(at + 20),
      headerAt: list.readUInt32LE(at + 42) + shift,
    });
    at += entryBytes + nameBytes + otherBytes;
  }
  return entries;
}

/** The text of a small file; undefined if it is large, damaged, or compressed in an unusual way. */
async function readContent(file: FileReader, entry: Entry): Promise<string | undefined> {
  const header = await file.read(entry.headerAt, 30);
  if (header.length < 30 || entry.compressedBytes > maxContentBytes) return undefined;
  const at = entry.headerAt + 30 + header.readUInt16LE(26) + header.readUInt16LE(28);
  const content = await file.read(at, entry.compressedBytes);
  if (entry.method === 0) return textOf(content);
  if (entry.method !== 8) return undefined;
  try {
    return textOf(inflateRawSync(content, { maxOutputLength: maxContentBytes }));
  } catch {
    return undefined;
  }
}

/** XML may also be in UTF-16. */
function textOf(content: Buffer): string {
  return wideText(content) ?? content.toString('utf8');
}
