/** Detects Windows icons and cursors by their beginning, a list of pictures. */

export const directoryBytes = 6;
export const entryBytes = 16;
/** The first four bytes. */
const iconKind = 0x00000100;
export const cursorKind = 0x00000200;

/** Whether the file lists pictures, because other formats begin with the same four bytes. */
export function isIco(head: Buffer): boolean {
  const kind = head.length < directoryBytes + entryBytes ? 0 : head.readUInt32BE(0);
  if (kind !== iconKind && kind !== cursorKind) return false;
  const count = head.readUInt16LE(4);
  const bytes = head.readUInt32LE(directoryBytes + 8);
  const start = head.readUInt32LE(directoryBytes + 12);
  return (
    count > 0 && head[directoryBytes + 3] === 0 && bytes > 0 && start >= directoryBytes + count * entryBytes
  );
}
