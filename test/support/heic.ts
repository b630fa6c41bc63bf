/** HEIC files, whole and tampered with. What a box holds: ISO/IEC 14496-12 and 23008-12. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

export type HeicName = 'photo' | 'alpha' | 'corners' | 'p3' | 'plain';

export const heicPath = (name: HeicName): string =>
  join(import.meta.dirname, '../fixtures/pictures', `${name}.heic`);

export async function heic(name: HeicName): Promise<Buffer> {
  return readFile(heicPath(name));
}

/** The picture says that it has this size; its pixels stay what they are. */
export function claiming(file: Buffer, width: number, height: number): Buffer {
  const changed = Buffer.from(file);
  const extents = changed.indexOf('ispe');
  changed.writeUInt32BE(width, extents + 8);
  changed.writeUInt32BE(height, extents + 12);
  return changed;
}

/** The picture is to be shown turned, by so many quarters against the clock: one more property (`irot`) of the first item. */
export function turned(file: Buffer, quarters: number): Buffer {
  const rotation = Buffer.from([0, 0, 0, 9, ...Buffer.from('irot'), quarters]);
  const properties = boxAt(file, 'ipco');
  const links = boxAt(file, 'ipma');
  // Behind size, name and version: how many items there are, then of the first its id and how many properties it has.
  const linked = file.readUInt8(links + 18);
  const linksEnd = links + 19 + linked;
  const propertiesEnd = properties + file.readUInt32BE(properties);
  const essential = 0x80;
  const changed = Buffer.concat([
    file.subarray(0, propertiesEnd),
    rotation,
    file.subarray(propertiesEnd, linksEnd),
    Buffer.from([essential | (countBoxes(file, properties) + 1)]),
    file.subarray(linksEnd),
  ]);
  const moved = rotation.length;
  const grow = (at: number, by: number): void => {
    changed.writeUInt32BE(changed.readUInt32BE(at) + by, at);
  };
  changed.writeUInt8(linked + 1, links + moved + 18);
  grow(properties, moved);
  grow(links + moved, 1);
  for (const name of ['meta', 'iprp']) grow(boxAt(file, name), moved + 1);
  // Version 0: each item has its id, a reference, the place of its bytes, and how they are split (18 bytes in all).
  const places = boxAt(file, 'iloc');
  for (let item = 0; item < file.readUInt16BE(places + 14); item++)
    grow(places + 16 + item * 18 + 4, moved + 1);
  return changed;
}

function boxAt(file: Buffer, name: string): number {
  const at = file.indexOf(name) - 4;
  if (at < 0) throw new Error(`there is no box ${name}`);
  return at;
}

function countBoxes(file: Buffer, parent: number): number {
  const end = parent + file.readUInt32BE(parent);
  let count = 0;
  for (let at = parent + 8; at < end; at += file.readUInt32BE(at)) count += 1;
  return count;
}
