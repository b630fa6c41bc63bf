/** Files whose end is missing, or that say so: decoders lose what stands shortly before the end, or everything, when zeros do not stand in for the rest. */

/** More than that is not made up. */
const mostMissingBytes = 64_000_000;
/** Pixels that are made up may need more bits than those that are missing did. */
const spareBytes = 4_096;

interface Cut {
  /** Where the piece begins that the end of the file has cut in two. */
  readonly at: number;
  /** How many bytes it lacks. */
  readonly missing: number;
}

/** The bytes with zeros in place of their missing end; undefined where nothing is known to be missing. */
export function filledUp(bytes: Buffer): Buffer | undefined {
  const filler = fillers.find(({ begins }) => bytes.toString('latin1', 0, begins.length) === begins);
  return filler?.fill(bytes);
}

const fillers: readonly {
  readonly begins: string;
  readonly fill: (bytes: Buffer) => Buffer | undefined;
}[] = [
  { begins: 'RIFF', fill: filledWebp },
  { begins: '\x89PNG', fill: filledPng },
  { begins: 'GIF8', fill: filledGif },
];

function filledWebp(bytes: Buffer): Buffer | undefined {
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

/** Decoders believe the size in the head, which some tools forget to bring up to date. */
function withRightSize(bytes: Buffer): Buffer | undefined {
  if (bytes.length < 12 || bytes.readUInt32LE(4) === bytes.length - 8) return undefined;
  const right = Buffer.from(bytes);
  right.writeUInt32LE(bytes.length - 8, 4);
  return right;
}

function filledPng(bytes: Buffer): Buffer | undefined {
  const cut = cutPiece(bytes, 8, (at) => 12 + bytes.readUInt32BE(at));
  return cut && Buffer.concat([bytes, Buffer.alloc(cut.missing)]);
}

/** Its pieces have 255 bytes at most, and zeros end the last one and the picture. */
function filledGif(bytes: Buffer): Buffer | undefined {
  const trailer = ';';
  if (bytes.toString('latin1', bytes.length - 1) === trailer) return undefined;
  return Buffer.concat([bytes, Buffer.alloc(258), Buffer.from(trailer)]);
}

/** Goes from piece to piece by their lengths. */
function cutPiece(bytes: Buffer, from: number, lengthAt: (at: number) => number): Cut | undefined {
  for (let at = from; at + 8 <= bytes.length;) {
    const end = at + lengthAt(at);
    const missing = end - bytes.length;
    if (missing > 0) return missing > mostMissingBytes ? undefined : { at, missing };
    at = end;
  }
  return undefined;
}
