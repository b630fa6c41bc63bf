/** Finds the Exif item of a HEIF or AVIF file (ISO/IEC 14496-12, 8.11; ISO/IEC 23008-12, annex A). */
import type { ByteRange } from '../../../domain/media.js';

interface Box {
  readonly type: string;
  readonly content: Buffer;
}

/** More than phones write; the pieces of a picture of 48 megapixels are 200 items. */
const maxBoxes = 4_096;

/** The place of the item, from the first bytes of the file. Throws a RangeError for boxes that are cut. */
export function exifItem(head: Buffer): ByteRange | undefined {
  const meta = boxIn(head, 'meta')?.content.subarray(4);
  const items = meta && boxIn(meta, 'iinf')?.content;
  const places = meta && boxIn(meta, 'iloc')?.content;
  if (!items || !places) return undefined;
  const id = exifId(items);
  return id === undefined ? undefined : placeOf(places, id);
}

function boxIn(bytes: Buffer, type: string): Box | undefined {
  for (const box of boxesIn(bytes)) if (box.type === type) return box;
  return undefined;
}

function* boxesIn(bytes: Buffer): Generator<Box> {
  for (let at = 0, left = maxBoxes; at + 8 <= bytes.length && left > 0; left--) {
    const size = bytes.readUInt32BE(at);
    // Neither long sizes nor boxes up to the end of the file occur before the pictures.
    if (size < 8) return;
    yield { type: bytes.toString('latin1', at + 4, at + 8), content: bytes.subarray(at + 8, at + size) };
    at += size;
  }
}

/** The number of the item whose type is `Exif`. */
function exifId(items: Buffer): number | undefined {
  const isLong = items.readUInt8(0) > 0;
  for (const { type, content } of boxesIn(items.subarray(isLong ? 8 : 6))) {
    if (type !== 'infe') continue;
    const version = content.readUInt8(0);
    if (version < 2) continue;
    const idBytes = version === 2 ? 2 : 4;
    const typeAt = 4 + idBytes + 2;
    if (content.toString('latin1', typeAt, typeAt + 4) === 'Exif') return content.readUIntBE(4, idBytes);
  }
  return undefined;
}

/** The first part of an item, if it is in the file itself. */
function placeOf(places: Buffer, wanted: number): ByteRange | undefined {
  const version = places.readUInt8(0);
  const sizes = places.readUInt16BE(4);
  const offsetBytes = sizes >> 12;
  const lengthBytes = (sizes >> 8) & 15;
  const baseBytes = (sizes >> 4) & 15;
  const indexBytes = version === 0 ? 0 : sizes & 15;
  const idBytes = version < 2 ? 2 : 4;
  const number = (at: number, bytes: number): number => (bytes === 0 ? 0 : numberAt(places, at, bytes));
  const count = Math.min(number(6, idBytes), maxBoxes);
  for (let at = 6 + idBytes, item = 0; item < count; item++) {
    const id = number(at, idBytes);
    at += idBytes;
    const method = version === 0 ? 0 : places.readUInt16BE(at) & 15;
    at += version === 0 ? 2 : 4;
    const base = number(at, baseBytes);
    const extents = places.readUInt16BE(at + baseBytes);
    at += baseBytes + 2;
    if (id === wanted && extents > 0 && method === 0) {
      const start = base + number(at + indexBytes, offsetBytes);
      const length = number(at + indexBytes + offsetBytes, lengthBytes);
      return length > 0 ? { start, end: start + length - 1 } : undefined;
    }
    at += extents * (indexBytes + offsetBytes + lengthBytes);
  }
  return undefined;
}

function numberAt(bytes: Buffer, at: number, length: number): number {
  return length === 8 ? Number(bytes.readBigUInt64BE(at)) : bytes.readUIntBE(at, Math.min(length, 6));
}
