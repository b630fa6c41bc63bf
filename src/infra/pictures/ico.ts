/** Windows icons and cursors: several pictures in one file, each a PNG or a bitmap without a file head. */
import { cursorKind, directoryBytes, entryBytes } from '../file-types/ico.js';

/** More than real icons have. */
const maxEntries = 64;
const bitmapHeadBytes = 40;
const fileHeadBytes = 14;
/** `BI_ALPHABITFIELDS`, with the masks of blue, green, red and opacity as in icons. */
const alphaFields = 6;
const masks = [0x00ff0000, 0x0000ff00, 0x000000ff, 0xff000000];

interface Entry {
  readonly side: number;
  readonly bits: number;
  readonly content: Buffer;
}

/** The pictures as PNG files and bitmaps, the largest and most colourful first; missing ones are skipped. */
export function picturesIn(bytes: Buffer): Buffer[] {
  return entriesIn(bytes)
    .sort((one, other) => other.side - one.side || other.bits - one.bits)
    .map(({ content }) => asFile(content))
    .filter((picture) => picture !== undefined);
}

function entriesIn(bytes: Buffer): Entry[] {
  const count = Math.min(bytes.readUInt16LE(4), maxEntries);
  const isCursor = bytes.readUInt32BE(0) === cursorKind;
  const entries: Entry[] = [];
  for (let index = 0; index < count; index++) {
    const at = directoryBytes + index * entryBytes;
    if (at + entryBytes > bytes.length) break;
    const start = bytes.readUInt32LE(at + 12);
    const content = bytes.subarray(start, start + bytes.readUInt32LE(at + 8));
    entries.push({
      // 256 does not fit into a byte.
      side: (bytes[at] ?? 0) || 256,
      // A cursor has its hotspot in this field.
      bits: isCursor ? 0 : bytes.readUInt16LE(at + 6),
      content,
    });
  }
  return entries;
}

function asFile(content: Buffer): Buffer | undefined {
  if (content[0] === 0x89) return content;
  if (content.length < bitmapHeadBytes || content.readUInt32LE(0) !== bitmapHeadBytes) return undefined;
  const head = Buffer.from(content.subarray(0, bitmapHeadBytes));
  // The height includes a mask after the picture, which marks the visible pixels.
  head.writeInt32LE(Math.trunc(head.readInt32LE(8) / 2), 8);
  const bits = head.readUInt16LE(14);
  const fields = Buffer.alloc(bits === 32 ? 4 * masks.length : 0);
  if (bits === 32) {
    head.writeUInt32LE(alphaFields, 16);
    for (const [index, mask] of masks.entries()) fields.writeUInt32LE(mask, 4 * index);
  }
  const paletteBytes = bits > 8 ? 0 : 4 * (head.readUInt32LE(32) || 2 ** bits);
  const fileHead = Buffer.alloc(fileHeadBytes);
  fileHead.write('BM', 'latin1');
  fileHead.writeUInt32LE(fileHeadBytes + bitmapHeadBytes + fields.length + paletteBytes, 10);
  return Buffer.concat([fileHead, head, fields, content.subarray(bitmapHeadBytes)]);
}
