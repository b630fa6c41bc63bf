/**
 * Completes files whose end is missing or wrongly declared: without zeros in its place, decoders lose what
 * precedes the end, or everything.
 */

/** The limit for added bytes. */
const maxMissingBytes = 64_000_000;
/** Added pixels may need more bits than the missing ones did. */
const spareBytes = 4_096;

interface Cut {
  /** The start of the piece that the end of the file has split. */
  readonly at: number;
  /** The number of missing bytes. */
  readonly missing: number;
}

/** The bytes with zeros instead of their missing end; undefined if nothing is known to be missing. */
export function withMissingEnd(bytes: Buffer): Buffer | undefined {
  const filler = fillers.find(({ signature }) => bytes.toString('latin1', 0, signature.length) === signature);
  return filler?.fill(bytes);
}

const fillers: readonly {
  readonly signature: string;
  readonly fill: (bytes: Buffer) => Buffer | undefined;
}[] = [
  { signature: 'RIFF', fill: fillWebp },
  { signature: '\x89PNG', fill: fillPng },
  { signature: 'GIF8', fill: fillGif },
];

function fillWebp(bytes: Buffer): Buffer | undefined {
  const cut = cutPiece(bytes, 12, (at) => {
    const size = bytes.readUInt32LE(at + 4);
    return 8 + size + (size % 2);
  });
  if (!cut) return withRightSize(bytes);
  const filled = Buffer.concat([bytes, Buffer.alloc(cut.missing + spareBytes)]);
  filled.writeUInt32LE(filled.length - 8, 4);
  filled.writeUInt32LE(filled.length - cut.at - 8, cut.at + 4);
  return filled;
}

/** Decoders trust the size in the head, which some tools forget to update. */
function withRightSize(bytes: Buffer): Buffer | undefined {
  if (bytes.length < 12 || bytes.readUInt32LE(4) === bytes.length - 8) return undefined;
  const right = Buffer.from(bytes);
  right.writeUInt32LE(bytes.length - 8, 4);
  return right;
}

function fillPng(bytes: Buffer): Buffer | undefined {
  const cut = cutPiece(bytes, 8, (at) => 12 + bytes.readUInt32BE(at));
  return cut && Buffer.concat([bytes, Buffer.alloc(cut.missing)]);
}

/** Its pieces have 255 bytes at most, and zeros end the last one and the picture. */
function fillGif(bytes: Buffer): Buffer | undefined {
  const trailer = ';';
  if (bytes.toString('latin1', bytes.length - 1) === trailer) return undefined;
  return Buffer.concat([bytes, Buffer.alloc(258), Buffer.from(trailer)]);
}

/** Follows the pieces by their lengths. */
function cutPiece(bytes: Buffer, from: number, lengthAt: (at: number) => number): Cut | undefined {
  for (let at = from; at + 8 <= bytes.length;) {
    const end = at + lengthAt(at);
    const missing = end - bytes.length;
    if (missing > 0) return missing > maxMissingBytes ? undefined : { at, missing };
    at = end;
  }
  return undefined;
}
