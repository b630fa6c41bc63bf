/**
 * Determines whether an MP4 contains pictures or only sound, from its list of tracks; the first bytes reveal
 * neither.
 */
import type { FileReader } from './file-reader.js';

interface Box {
  readonly type: string;
  /** The start and end of its content. */
  readonly start: number;
  readonly end: number;
}

/** A hostile file can list endless boxes; real ones need a few for each track. */
const maxBoxes = 2_000;

/**
 * The kinds of tracks (`vide`, `soun` and others); undefined if the list of tracks is out of reach or not
 * understood.
 */
export async function mp4Tracks(file: FileReader): Promise<ReadonlySet<string> | undefined> {
  const budget = { boxes: maxBoxes };
  const movie = await findBox(file, { type: '', start: 0, end: file.bytes }, { name: 'moov', budget });
  if (movie === undefined || movie.end > file.bytes) return undefined;
  const kinds = new Set<string>();
  for await (const track of boxesIn(file, movie, budget)) {
    if (track.type !== 'trak') continue;
    const media = await findBox(file, track, { name: 'mdia', budget });
    const handler = media && (await findBox(file, media, { name: 'hdlr', budget }));
    // Version, flags and a reserved field precede the kind.
    if (handler) kinds.add((await file.read(handler.start + 8, 4)).toString('latin1'));
  }
  return budget.boxes > 0 && kinds.size > 0 ? kinds : undefined;
}

interface Budget {
  boxes: number;
}

async function findBox(
  file: FileReader,
  parent: Box,
  { name, budget }: { readonly name: string; readonly budget: Budget },
): Promise<Box | undefined> {
  for await (const box of boxesIn(file, parent, budget)) if (box.type === name) return box;
  return undefined;
}

async function* boxesIn(file: FileReader, { start, end }: Box, budget: Budget): AsyncGenerator<Box> {
  for (let at = start; at + 8 <= end && budget.boxes > 0;) {
    budget.boxes--;
    const header = await file.read(at, 16);
    if (header.length < 8) return;
    const box = boxAt(at, header, end);
    if (box === undefined) return;
    yield box;
    at = box.end;
  }
}

/** ISO 14496-12, 4.2: a size of 1 means that the real one follows, 0 that the box extends to the end. */
function boxAt(at: number, header: Buffer, end: number): Box | undefined {
  const type = header.toString('latin1', 4, 8);
  const short = header.readUInt32BE(0);
  if (short === 1 && header.length < 16) return undefined;
  const headerBytes = short === 1 ? 16 : 8;
  const size = short === 1 ? Number(header.readBigUInt64BE(8)) : short;
  if (size === 0) return { type, start: at + headerBytes, end };
  return size < headerBytes ? undefined : { type, start: at + headerBytes, end: at + size };
}
