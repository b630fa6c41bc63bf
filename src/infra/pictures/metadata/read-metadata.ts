/**
 * Reads what a camera or a program has written into a picture. Only a few numbers at known places are read,
 * and never more than a fixed number of bytes, whatever the file contains: see decision 182.
 */
import type { FileMetadata } from '../../../domain/file-metadata.js';
import { isHeic, type ByteRange } from '../../../domain/media.js';
import { readerOf, withFile, type FileReader } from '../../file-types/file-reader.js';
import { pngChunks } from '../png-chunks.js';
import { readExif } from './exif-tags.js';
import { exifItem } from './heif-items.js';

export interface PictureFile {
  readonly path: string;
  /** The first bytes of the file. */
  readonly head: Buffer;
  /** The type detected from the bytes. */
  readonly type: string;
}

/** Null if there is none or it is not understood. Never rejects: a picture does not need it. */
export type ReadMetadata = (file: PictureFile) => Promise<FileMetadata | null>;

/** Segments or chunks before the one with the metadata. */
const maxParts = 64;
/** Directories of a camera and the texts in them have some kilobytes. */
const maxBytes = 65_536;

export const readMetadata: ReadMetadata = async (file) => {
  try {
    return await metadataOf(file);
  } catch {
    return null;
  }
};

async function metadataOf({ path, head, type }: PictureFile): Promise<FileMetadata | null> {
  if (type === 'image/jpeg') return readIn(head, exifInJpeg(head));
  if (type === 'image/png') return readIn(head, exifInPng(head));
  if (type === 'image/tiff')
    return withFile(path, (file) => readExif(limited(file), { start: 0, end: file.bytes - 1 }));
  if (type === 'image/webp' && webpHasExif(head))
    return withFile(path, async (file) => readPart(file, await exifInWebp(file)));
  if (!isHeic(type) && type !== 'image/avif') return null;
  const item = exifItem(head);
  return item ? withFile(path, (file) => readPart(file, item, heifPrefixBytes)) : null;
}

async function readIn(head: Buffer, place: ByteRange | undefined): Promise<FileMetadata | null> {
  return place ? readExif(readerOf(head), place) : null;
}

/** Reads a part of the file, or its beginning, at once. `prefixOf` says where the data in it begin. */
async function readPart(
  file: FileReader,
  place: ByteRange | undefined,
  prefixOf: (part: Buffer) => number = jpegPrefixBytes,
): Promise<FileMetadata | null> {
  if (!place) return null;
  const part = await file.read(place.start, Math.min(place.end + 1 - place.start, maxBytes));
  return readIn(part, { start: prefixOf(part), end: part.length - 1 });
}

/** In HEIF the length of a prefix stands before it. */
function heifPrefixBytes(part: Buffer): number {
  return 4 + part.readUInt32BE(0);
}

/** A reader that reads no more than a fixed number of bytes in all. */
function limited(file: FileReader): FileReader {
  let left = maxBytes;
  return {
    bytes: file.bytes,
    read: (position, length) => {
      const allowed = Math.min(length, left);
      left -= Math.max(0, allowed);
      return file.read(position, allowed);
    },
  };
}

const startOfScan = 0xda;
const jpegPrefix = 'Exif\0\0';

function exifInJpeg(head: Buffer): ByteRange | undefined {
  for (let at = 2, left = maxParts; at + 4 <= head.length && left > 0; left--) {
    const marker = head.readUInt8(at + 1);
    if (head[at] !== 0xff || marker === startOfScan) return undefined;
    const end = at + 2 + head.readUInt16BE(at + 2);
    const start = at + 4 + jpegPrefix.length;
    if (marker === 0xe1 && head.toString('latin1', at + 4, start) === jpegPrefix)
      return { start, end: end - 1 };
    at = end;
  }
  return undefined;
}

/** Behind the pixels it would have to be searched for in the whole file. */
function exifInPng(head: Buffer): ByteRange | undefined {
  let left = maxParts;
  for (const { name, data } of pngChunks(head)) {
    if (name === 'IDAT' || left-- === 0) return undefined;
    const start = data.byteOffset - head.byteOffset;
    if (name === 'eXIf') return { start, end: start + data.length - 1 };
  }
  return undefined;
}

/** The header of extended files says what follows. */
function webpHasExif(head: Buffer): boolean {
  return head.toString('latin1', 12, 16) === 'VP8X' && (head.readUInt8(20) & 8) !== 0;
}

async function exifInWebp(file: FileReader): Promise<ByteRange | undefined> {
  for (let at = 12, left = maxParts; at + 8 <= file.bytes && left > 0; left--) {
    const head = await file.read(at, 8);
    if (head.length < 8) return undefined;
    const length = head.readUInt32LE(4);
    const start = at + 8;
    if (head.toString('latin1', 0, 4) === 'EXIF') return { start, end: start + length - 1 };
    at = start + length + (length % 2);
  }
  return undefined;
}

/** Some programs repeat the prefix of JPEG in WebP. */
function jpegPrefixBytes(part: Buffer): number {
  return part.toString('latin1', 0, jpegPrefix.length) === jpegPrefix ? jpegPrefix.length : 0;
}
