/** Windows icons and cursors: several pictures in one file, each of them a PNG or a bitmap without the head of its file. */
import { cursorKind, directoryBytes, entryBytes } from '../file-types/ico.js';

/** Nobody needs as many. */
const mostEntries = 64;
const bitmapHeadBytes = 40;
const fileHeadBytes = 14;
/** `BI_ALPHABITFIELDS`, with the masks of blue, green, red and opacity as icons have them. */
const alphaFields = 6;
const masks = [0x00ff0000, 0x0000ff00, 0x000000ff, 0xff000000];

interface Entry {
  readonly side: number;
  readonly bits: number;
  readonly content: Buffer;
}

/** Its pictures as PNG files and bitmaps, the largest and most colourful one first; none that is not there. */
export function picturesIn(bytes: Buffer): Buffer[] {
  return entriesIn(bytes)
    .sort((one, other) => other.side - one.side || other.bits - one.bits)
    .map(({ content }) => asFile(content))
    .filter((picture) => picture !== undefined);
}

function entriesIn(bytes: Buffer): Entry[] {
  const count = Math.min(bytes.readUInt16LE(4), mostEntries);
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
      // A cursor has the place in it that points there.
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
  // Behind the picture, and counted with it, is another one that says which pixels are to be seen.
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
