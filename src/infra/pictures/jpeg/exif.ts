/** Reads the orientation from Exif data, which are a TIFF file. */
const orientationTag = 0x0112;
const shortType = 3;
const entryBytes = 12;

/**
 * Whether the data say that the picture is upright, or nothing about it. False for data that are not
 * understood as well.
 */
export function hasUprightOrientation(tiff: Buffer): boolean {
  const order = tiff.toString('latin1', 0, 4);
  const isLittle = order === 'II*\0';
  if (tiff.length < 8 || (!isLittle && order !== 'MM\0*')) return false;
  const short = (at: number): number => (isLittle ? tiff.readUInt16LE(at) : tiff.readUInt16BE(at));
  const long = (at: number): number => (isLittle ? tiff.readUInt32LE(at) : tiff.readUInt32BE(at));
  const start = long(4);
  if (start < 8 || start + 2 > tiff.length) return false;
  const count = short(start);
  if (start + 2 + count * entryBytes > tiff.length) return false;
  return Array.from({ length: count }, (_, index) => start + 2 + index * entryBytes).every(
    (at) =>
      short(at) !== orientationTag ||
      (short(at + 2) === shortType && long(at + 4) === 1 && short(at + 8) === 1),
  );
}
