/**
 * The records of a ZIP archive as bytes, after APPNOTE.TXT 6.3.10. Names are UTF-8 and say so, times are UTC,
 * and sizes that need more than 32 bits are written in the ZIP64 form.
 */

export interface ZipEntry {
  readonly name: Buffer;
  readonly modifiedAt: Date;
  /** Where its local header begins. */
  readonly offset: number;
  readonly isDeflated: boolean;
  /** The checksum and the sizes stand behind the bytes, because they are not known before. */
  readonly isStreamed: boolean;
  /** The sizes behind the bytes have 64 bits. */
  readonly isLarge: boolean;
  readonly checksum: number;
  /** The number of its bytes in the archive. */
  readonly storedBytes: number;
  readonly bytes: number;
}

/** Everything from here on needs 64 bits. */
export const zip64From = 0xffff_ffff;
const manyEntriesFrom = 0xffff;
const zip64Version = 45;
const plainVersion = 20;
/** Regular files of Unix that everybody may read, written by a program that knows ZIP64. */
const madeBy = (3 << 8) | zip64Version;
const fileMode = (0o100644 << 16) >>> 0;
const utf8Flag = 0x0800;
const streamedFlag = 0x0008;

/** The header in front of the bytes of an entry. */
export function localHeader(entry: ZipEntry): Buffer {
  const { isStreamed, isLarge, storedBytes, bytes } = entry;
  const extra = [timeField(entry), ...(isLarge ? [zip64Field([bytes, storedBytes])] : [])];
  const header = Buffer.alloc(30);
  header.writeUInt32LE(0x0403_4b50, 0);
  writeFacts(header.subarray(4, 14), entry);
  header.writeUInt32LE(isStreamed ? 0 : entry.checksum, 14);
  header.writeUInt32LE(isLarge ? zip64From : sizeBefore(entry, storedBytes), 18);
  header.writeUInt32LE(isLarge ? zip64From : sizeBefore(entry, bytes), 22);
  header.writeUInt16LE(entry.name.length, 26);
  header.writeUInt16LE(lengthOf(extra), 28);
  return Buffer.concat([header, entry.name, ...extra]);
}

function sizeBefore({ isStreamed }: ZipEntry, size: number): number {
  return isStreamed ? 0 : size;
}

/** The record behind the bytes of a streamed entry. */
export function dataDescriptor({ isLarge, checksum, storedBytes, bytes }: ZipEntry): Buffer {
  const record = Buffer.alloc(isLarge ? 24 : 16);
  record.writeUInt32LE(0x0807_4b50, 0);
  record.writeUInt32LE(checksum, 4);
  if (isLarge) {
    record.writeBigUInt64LE(BigInt(storedBytes), 8);
    record.writeBigUInt64LE(BigInt(bytes), 16);
  } else {
    record.writeUInt32LE(storedBytes, 8);
    record.writeUInt32LE(bytes, 12);
  }
  return record;
}

/** The record of an entry in the directory at the end of the archive. */
export function directoryRecord(entry: ZipEntry): Buffer {
  const { name, offset, checksum, storedBytes, bytes } = entry;
  const isLarge = [offset, storedBytes, bytes].some((value) => value >= zip64From);
  const extra = [timeField(entry), ...(isLarge ? [zip64Field([bytes, storedBytes, offset])] : [])];
  const record = Buffer.alloc(46);
  record.writeUInt32LE(0x0201_4b50, 0);
  record.writeUInt16LE(madeBy, 4);
  writeFacts(record.subarray(6, 16), { ...entry, isLarge: isLarge || entry.isLarge });
  record.writeUInt32LE(checksum, 16);
  record.writeUInt32LE(isLarge ? zip64From : storedBytes, 20);
  record.writeUInt32LE(isLarge ? zip64From : bytes, 24);
  record.writeUInt16LE(name.length, 28);
  record.writeUInt16LE(lengthOf(extra), 30);
  record.writeUInt32LE(fileMode, 38);
  record.writeUInt32LE(isLarge ? zip64From : offset, 42);
  return Buffer.concat([record, name, ...extra]);
}

export interface ZipDirectory {
  readonly entries: number;
  readonly offset: number;
  readonly bytes: number;
}

/** What ends the archive, behind the directory. */
export function endOfArchive(directory: ZipDirectory): Buffer {
  const { entries, offset, bytes } = directory;
  const isLarge = entries >= manyEntriesFrom || offset >= zip64From || bytes >= zip64From;
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x0605_4b50, 0);
  end.writeUInt16LE(Math.min(entries, manyEntriesFrom), 8);
  end.writeUInt16LE(Math.min(entries, manyEntriesFrom), 10);
  end.writeUInt32LE(Math.min(bytes, zip64From), 12);
  end.writeUInt32LE(Math.min(offset, zip64From), 16);
  return isLarge ? Buffer.concat([zip64End(directory), end]) : end;
}

function zip64End({ entries, offset, bytes }: ZipDirectory): Buffer {
  const end = Buffer.alloc(76);
  end.writeUInt32LE(0x0606_4b50, 0);
  end.writeBigUInt64LE(44n, 4);
  end.writeUInt16LE(madeBy, 12);
  end.writeUInt16LE(zip64Version, 14);
  end.writeBigUInt64LE(BigInt(entries), 24);
  end.writeBigUInt64LE(BigInt(entries), 32);
  end.writeBigUInt64LE(BigInt(bytes), 40);
  end.writeBigUInt64LE(BigInt(offset), 48);
  // The locator, by which readers find this record.
  end.writeUInt32LE(0x0706_4b50, 56);
  end.writeBigUInt64LE(BigInt(offset + bytes), 64);
  end.writeUInt32LE(1, 72);
  return end;
}

/** Version, flags, method and time, which both headers have in the same order. */
function writeFacts(at: Buffer, { isLarge, isStreamed, isDeflated, modifiedAt }: ZipEntry): void {
  at.writeUInt16LE(isLarge ? zip64Version : plainVersion, 0);
  at.writeUInt16LE(utf8Flag | (isStreamed ? streamedFlag : 0), 2);
  at.writeUInt16LE(isDeflated ? 8 : 0, 4);
  const { time, date } = dosTime(modifiedAt);
  at.writeUInt16LE(time, 6);
  at.writeUInt16LE(date, 8);
}

/** The old fields have no time zone and know the years 1980 to 2107. */
function dosTime(moment: Date): { readonly time: number; readonly date: number } {
  const year = Math.min(Math.max(moment.getUTCFullYear(), 1980), 2107);
  return {
    time: (moment.getUTCHours() << 11) | (moment.getUTCMinutes() << 5) | (moment.getUTCSeconds() >> 1),
    date: ((year - 1980) << 9) | ((moment.getUTCMonth() + 1) << 5) | moment.getUTCDate(),
  };
}

/** The extended timestamp, in UTC. */
function timeField({ modifiedAt }: ZipEntry): Buffer {
  const field = Buffer.alloc(9);
  field.writeUInt16LE(0x5455, 0);
  field.writeUInt16LE(5, 2);
  field.writeUInt8(1, 4);
  const seconds = Math.floor(modifiedAt.getTime() / 1000);
  field.writeInt32LE(Math.min(Math.max(seconds, -0x8000_0000), 0x7fff_ffff), 5);
  return field;
}

function zip64Field(values: readonly number[]): Buffer {
  const field = Buffer.alloc(4 + 8 * values.length);
  field.writeUInt16LE(0x0001, 0);
  field.writeUInt16LE(8 * values.length, 2);
  for (const [index, value] of values.entries()) field.writeBigUInt64LE(BigInt(value), 4 + 8 * index);
  return field;
}

function lengthOf(parts: readonly Buffer[]): number {
  return parts.reduce((sum, part) => sum + part.length, 0);
}
