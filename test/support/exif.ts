/** Exif data as cameras write them, and as they do not (CIPA DC-008). */

/** An entry of a directory. A value of more than four bytes is stored behind the directories. */
export interface ExifEntry {
  readonly tag: number;
  readonly type: number;
  readonly count: number;
  readonly value: Buffer;
}

interface ExifContents {
  readonly main: readonly ExifEntry[];
  readonly details?: readonly ExifEntry[];
  readonly position?: readonly ExifEntry[];
  readonly isLittle?: boolean;
}

export function text(tag: number, value: string | Buffer): ExifEntry {
  const bytes = Buffer.concat([Buffer.from(value as string), Buffer.from([0])]);
  return { tag, type: 2, count: bytes.length, value: bytes };
}

/** A fraction of degrees, in little-endian order. */
export type Fraction = readonly [numerator: number, denominator: number];

export function position(place: { readonly latitude: Fraction; readonly longitude: Fraction }): ExifEntry[] {
  return [text(1, 'N'), degrees(2, place.latitude), text(3, 'E'), degrees(4, place.longitude)];
}

function degrees(tag: number, [numerator, denominator]: Fraction): ExifEntry {
  const value = Buffer.alloc(24);
  [numerator, denominator, 0, 1, 0, 1].forEach((number, index) => value.writeUInt32LE(number, index * 4));
  return { tag, type: 5, count: 3, value };
}

const entryBytes = 12;
const headBytes = 8;

/** Exif data: the main directory, those that it names, and the values. */
export function exif({ main, details, position: place, isLittle = true }: ExifContents): Buffer {
  const directories = [main, details, place].filter((entries) => entries !== undefined);
  const links = directories.length - 1;
  const sizes = directories.map(
    (entries, index) => 6 + (entries.length + (index === 0 ? links : 0)) * entryBytes,
  );
  const starts = sizes.map(
    (_, index) => headBytes + sizes.slice(0, index).reduce((sum, size) => sum + size, 0),
  );
  const valuesStart = headBytes + sizes.reduce((sum, size) => sum + size, 0);
  const short = (number: number): Buffer => ordered(number, 2, isLittle);
  const long = (number: number): Buffer => ordered(number, 4, isLittle);
  const linkTags = [details && 0x8769, place && 0x8825].filter((tag) => tag !== undefined);
  const linked = linkTags.map((tag, index) => ({
    tag,
    type: 4,
    count: 1,
    value: long(starts[index + 1] ?? 0),
  }));
  const values: Buffer[] = [];
  let next = valuesStart;
  const written = directories.flatMap((entries, index) => {
    const all = index === 0 ? [...entries, ...linked] : entries;
    const rows = all.flatMap(({ tag, type, count, value }) => {
      const head = [short(tag), short(type), long(count)];
      if (value.length <= 4) return [...head, Buffer.concat([value, Buffer.alloc(4 - value.length)])];
      values.push(value);
      next += value.length;
      return [...head, long(next - value.length)];
    });
    return [short(all.length), ...rows, long(0)];
  });
  const order = Buffer.from(isLittle ? 'II*\0' : 'MM\0*', 'latin1');
  return Buffer.concat([order, long(headBytes), ...written, ...values]);
}

function ordered(number: number, bytes: number, isLittle: boolean): Buffer {
  const buffer = Buffer.alloc(bytes);
  if (isLittle) buffer.writeUIntLE(number, 0, bytes);
  else buffer.writeUIntBE(number, 0, bytes);
  return buffer;
}

/** The beginning of a JPEG file with these Exif data. */
export function exifJpeg(tiff: Buffer): Buffer {
  const size = Buffer.alloc(2);
  size.writeUInt16BE(tiff.length + 8);
  return Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe1]), size, Buffer.from('Exif\0\0'), tiff]);
}
