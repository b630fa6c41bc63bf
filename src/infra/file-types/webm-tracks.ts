/**
 * Determines whether a WebM or Matroska file contains pictures or only sound, from its list of tracks (RFC
 * 8794, RFC 9559).
 */
import type { FileReader } from './file-reader.js';

const ids = { segment: 0x18538067, tracks: 0x1654ae6b, track: 0xae, trackType: 0x83, cluster: 0x1f43b675 };

/** The names that MP4 uses. */
const kinds: ReadonlyMap<number, string> = new Map([
  [1, 'vide'],
  [2, 'soun'],
]);

/**
 * A hostile file can list endless elements; real ones have about ten before the tracks, and about ten in
 * each.
 */
const maxElements = 2_000;

interface Element {
  readonly id: number;
  /** The start and end of its content. */
  readonly start: number;
  readonly end: number;
}

/** The kinds of tracks; undefined if the list of tracks is out of reach or not understood. */
export async function webmTracks(file: FileReader): Promise<ReadonlySet<string> | undefined> {
  const budget = { elements: maxElements };
  const within = { id: 0, start: 0, end: file.bytes };
  const segment = await findElement(file, within, { id: ids.segment, budget });
  const tracks = segment && (await findElement(file, segment, { id: ids.tracks, budget }));
  if (tracks === undefined || tracks.end > file.bytes) return undefined;
  const found = new Set<string>();
  for await (const track of elementsIn(file, tracks, budget)) {
    const kind = track.id === ids.track ? await kindOf(file, track, budget) : undefined;
    if (kind !== undefined) found.add(kind);
  }
  return budget.elements > 0 && found.size > 0 ? found : undefined;
}

async function kindOf(file: FileReader, track: Element, budget: Budget): Promise<string | undefined> {
  const type = await findElement(file, track, { id: ids.trackType, budget });
  const [number] = type ? await file.read(type.start, 1) : [];
  return number === undefined ? undefined : kinds.get(number);
}

interface Budget {
  elements: number;
}

async function findElement(
  file: FileReader,
  parent: Element,
  { id, budget }: { readonly id: number; readonly budget: Budget },
): Promise<Element | undefined> {
  for await (const element of elementsIn(file, parent, budget)) {
    if (element.id === id) return element;
    // A cluster contains pictures and sound, and all descriptions precede it.
    if (element.id === ids.cluster) return undefined;
  }
  return undefined;
}

async function* elementsIn(
  file: FileReader,
  { start, end }: Element,
  budget: Budget,
): AsyncGenerator<Element> {
  for (let at = start; at < end && budget.elements > 0;) {
    budget.elements--;
    const element = elementAt(await file.read(at, 12), { at, end });
    if (element === undefined) return;
    yield element;
    at = element.end;
  }
}

function elementAt(
  header: Buffer,
  { at, end }: { readonly at: number; readonly end: number },
): Element | undefined {
  const idBytes = lengthOf(header[0]);
  const sizeBytes = lengthOf(header[idBytes]);
  if (idBytes === 0 || idBytes > 4 || sizeBytes === 0 || header.length < idBytes + sizeBytes)
    return undefined;
  const start = at + idBytes + sizeBytes;
  // The first bit that is set gives the length of the size and is not part of its value.
  const first = (header[idBytes] ?? 0) & (0xff >> sizeBytes);
  const others = header.subarray(idBytes + 1, idBytes + sizeBytes);
  const size = others.reduce((sum, byte) => sum * 256 + byte, first);
  // If all bits are set, the size is unknown, as in files of recorders that do not know the end yet.
  const isOpen = first === 0xff >> sizeBytes && others.every((byte) => byte === 0xff);
  return { id: header.readUIntBE(0, idBytes), start, end: isOpen ? end : start + size };
}

/** The length of a number that begins with this byte. */
function lengthOf(byte = 0): number {
  return byte === 0 ? 0 : Math.clz32(byte) - 23;
}
