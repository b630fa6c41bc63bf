/** Office files before 2007: a file system in a file, whose directory reveals the program. */
import type { FileReader } from './file-reader.js';

const signature = Buffer.from([0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1]);
const headBytes = 512;
const entryBytes = 128;
/** Only the first directory entries are read: every program writes its main stream early. */
const maxEntries = 128;

const types: ReadonlyMap<string, string> = new Map([
  ['WordDocument', 'application/msword'],
  ['Workbook', 'application/vnd.ms-excel'],
  ['Book', 'application/vnd.ms-excel'],
  ['PowerPoint Document', 'application/vnd.ms-powerpoint'],
  ['__properties_version1.0', 'application/vnd.ms-outlook'],
]);

/** The type according to the directory; undefined if it is unknown or cannot be read. */
export async function typeOfCfb(file: Pick<FileReader, 'read'>): Promise<string | undefined> {
  const head = await file.read(0, headBytes);
  if (head.length < headBytes || !head.subarray(0, signature.length).equals(signature)) return undefined;
  const sectorBytes = 2 ** Math.min(head.readUInt16LE(30), 12);
  const directory = await file.read((head.readUInt32LE(48) + 1) * sectorBytes, maxEntries * entryBytes);
  for (let at = 0; at + entryBytes <= directory.length; at += entryBytes) {
    const type = types.get(nameOf(directory.subarray(at, at + entryBytes)));
    if (type !== undefined) return type;
  }
  return undefined;
}

/** UTF-16 with a terminating zero that is counted. */
function nameOf(entry: Buffer): string {
  const length = Math.min(entry.readUInt16LE(64), 64);
  return entry.toString('utf16le', 0, Math.max(0, length - 2));
}
