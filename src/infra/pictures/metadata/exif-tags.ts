/**
 * Reads a few tags of Exif data (CIPA DC-008), which are a TIFF file. Three directories are read, each once
 * and without following links to others, and a fixed number of entries of each: the size of the data and the
 * numbers in it do not matter.
 */
import type { FileMetadata } from '../../../domain/file-metadata.js';
import type { ByteRange } from '../../../domain/media.js';
import type { FileReader } from '../../file-types/file-reader.js';

/** Cameras write up to a hundred entries. */
const maxEntries = 256;
const entryBytes = 12;
/** Longer texts are not names of cameras or programs. */
const maxTextBytes = 256;
const maxTextLength = 100;

const tags = {
  make: 0x010f,
  model: 0x0110,
  software: 0x0131,
  exifDirectory: 0x8769,
  positionDirectory: 0x8825,
  takenAt: 0x9003,
  digitizedAt: 0x9004,
  takenOffset: 0x9011,
  digitizedOffset: 0x9012,
} as const;
/** The tags of the directory of the position. */
const positionTags = { latitudeSide: 1, latitude: 2, longitudeSide: 3, longitude: 4 } as const;

const types = { text: 2, long: 4, rational: 5, utf8: 129 } as const;

/** Exif data in a file. Places in them count from `start`. */
interface Exif {
  readonly read: (position: number, length: number) => Promise<Buffer>;
  readonly short: (bytes: Buffer, at: number) => number;
  readonly long: (bytes: Buffer, at: number) => number;
}

interface Entry {
  readonly type: number;
  readonly count: number;
  /** The four bytes with the value, or with its place. */
  readonly value: Buffer;
}

type Directory = ReadonlyMap<number, Entry>;

/** Null if the data say nothing of interest. Throws a RangeError for data that are cut in the wrong places. */
export async function readExif(file: FileReader, place: ByteRange): Promise<FileMetadata | null> {
  const head = await file.read(place.start, 8);
  const order = head.toString('latin1', 0, 4);
  if (head.length < 8 || (order !== 'II*\0' && order !== 'MM\0*')) return null;
  const exif = exifAt(file, { place, isLittle: order === 'II*\0' });
  const main = await directoryAt(exif, exif.long(head, 4));
  const [details, position] = await Promise.all([
    directoryOf(exif, main.get(tags.exifDirectory)),
    directoryOf(exif, main.get(tags.positionDirectory)),
  ]);
  const metadata: FileMetadata = {
    takenAt: await takenAtOf(exif, details),
    camera: cameraName(await textOf(exif, main.get(tags.make)), await textOf(exif, main.get(tags.model))),
    ...(await placeOf(exif, position)),
    software: await textOf(exif, main.get(tags.software)),
  };
  return Object.values(metadata).every((value) => value === null) ? null : metadata;
}

function exifAt(
  file: FileReader,
  { place, isLittle }: { readonly place: ByteRange; readonly isLittle: boolean },
): Exif {
  return {
    read: (position, length) => {
      const start = place.start + position;
      return file.read(start, Math.min(length, place.end + 1 - start));
    },
    short: (bytes, at) => (isLittle ? bytes.readUInt16LE(at) : bytes.readUInt16BE(at)),
    long: (bytes, at) => (isLittle ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at)),
  };
}

async function directoryAt(exif: Exif, position: number): Promise<Directory> {
  const head = await exif.read(position, 2);
  if (head.length < 2) return new Map();
  const entries = Math.min(exif.short(head, 0), maxEntries);
  const bytes = await exif.read(position + 2, entries * entryBytes);
  const directory = new Map<number, Entry>();
  for (let at = 0; at + entryBytes <= bytes.length; at += entryBytes) {
    const tag = exif.short(bytes, at);
    const value = bytes.subarray(at + 8, at + entryBytes);
    if (!directory.has(tag))
      directory.set(tag, { type: exif.short(bytes, at + 2), count: exif.long(bytes, at + 4), value });
  }
  return directory;
}

async function directoryOf(exif: Exif, entry: Entry | undefined): Promise<Directory> {
  return entry?.type === types.long ? directoryAt(exif, exif.long(entry.value, 0)) : new Map();
}

/** The text of an entry without anything that cannot be displayed in one line. */
async function textOf(exif: Exif, entry: Entry | undefined): Promise<string | null> {
  if (!entry || (entry.type !== types.text && entry.type !== types.utf8)) return null;
  const length = Math.min(entry.count, maxTextBytes);
  const bytes =
    length <= 4 ? entry.value.subarray(0, length) : await exif.read(exif.long(entry.value, 0), length);
  const end = bytes.indexOf(0);
  const text = decoded(end < 0 ? bytes : bytes.subarray(0, end))
    .replaceAll(/[\s\p{Cc}\p{Cf}]+/gu, ' ')
    .trim()
    .slice(0, maxTextLength)
    .toWellFormed();
  return text === '' ? null : text;
}

/** Exif demands ASCII; phones write UTF-8, and old cameras Latin-1. */
function decoded(bytes: Buffer): string {
  const text = bytes.toString('utf8');
  return text.includes('\ufffd') ? bytes.toString('latin1') : text;
}

/** Many models begin with the name of their maker. */
function cameraName(make: string | null, model: string | null): string | null {
  if (make === null || model === null) return model ?? make;
  const [maker = make] = make.split(' ');
  return model.toLowerCase().startsWith(maker.toLowerCase()) ? model : `${make} ${model}`;
}

async function takenAtOf(exif: Exif, details: Directory): Promise<string | null> {
  const taken = localTime(await textOf(exif, details.get(tags.takenAt)));
  if (taken !== null) return taken + offset(await textOf(exif, details.get(tags.takenOffset)));
  const digitized = localTime(await textOf(exif, details.get(tags.digitizedAt)));
  if (digitized === null) return null;
  return digitized + offset(await textOf(exif, details.get(tags.digitizedOffset)));
}

/** `2026:11:21 10:00:00` as ISO 8601; null for a moment that does not exist. */
function localTime(text: string | null): string | null {
  const parts = /^(\d{4}):(\d\d):(\d\d) (\d\d:\d\d:\d\d)$/.exec(text ?? '');
  if (!parts) return null;
  const time = `${parts.slice(1, 4).join('-')}T${String(parts[4])}`;
  const moment = new Date(`${time}Z`);
  return !Number.isNaN(moment.getTime()) && moment.toISOString().startsWith(time) ? time : null;
}

function offset(text: string | null): string {
  return text !== null && /^[+-](?:0\d|1[0-4]):[0-5]\d$/.test(text) ? text : '';
}

type Position = Pick<FileMetadata, 'latitude' | 'longitude'>;
const nowhere: Position = { latitude: null, longitude: null };

async function placeOf(exif: Exif, position: Directory): Promise<Position> {
  const side = async (tag: number, positive: string, negative: string): Promise<number> => {
    const letter = await textOf(exif, position.get(tag));
    return letter === positive ? 1 : letter === negative ? -1 : NaN;
  };
  const latitude =
    (await side(positionTags.latitudeSide, 'N', 'S')) *
    (await degrees(exif, position.get(positionTags.latitude)));
  const longitude =
    (await side(positionTags.longitudeSide, 'E', 'W')) *
    (await degrees(exif, position.get(positionTags.longitude)));
  // Cameras that have not found their position write zeros.
  const isKnown =
    Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180 && (latitude !== 0 || longitude !== 0);
  return isKnown ? { latitude: rounded(latitude), longitude: rounded(longitude) } : nowhere;
}

/** Degrees, minutes and seconds; not a number if they are not understood. */
async function degrees(exif: Exif, entry: Entry | undefined): Promise<number> {
  if (entry?.type !== types.rational || entry.count !== 3) return NaN;
  const bytes = await exif.read(exif.long(entry.value, 0), 24);
  if (bytes.length < 24) return NaN;
  const part = (at: number): number => exif.long(bytes, at) / exif.long(bytes, at + 4);
  return part(0) + part(8) / 60 + part(16) / 3_600;
}

/** Six digits are a tenth of a metre. */
function rounded(angle: number): number {
  return Number(angle.toFixed(6));
}
