/** Valid and manipulated HEIC files. The boxes are described in ISO/IEC 14496-12 and 23008-12. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

export type HeicName = 'photo' | 'alpha' | 'corners' | 'p3' | 'plain';

export const heicPath = (name: HeicName): string =>
  join(import.meta.dirname, '../fixtures/pictures', `${name}.heic`);

export async function heic(name: HeicName): Promise<Buffer> {
  return readFile(heicPath(name));
}

/** Changes the declared size of the picture; its pixels stay the same. */
export function claiming(file: Buffer, width: number, height: number): Buffer {
  const changed = Buffer.from(file);
  const extents = changed.indexOf('ispe');
  changed.writeUInt32BE(width, extents + 8);
  changed.writeUInt32BE(height, extents + 12);
  return changed;
}

/**
 * Rotates the picture by so many quarter turns, anticlockwise: one more property (`irot`) of the first item.
 */
export function turned(file: Buffer, quarters: number): Buffer {
  const rotation = Buffer.from([0, 0, 0, 9, ...Buffer.from('irot'), quarters]);
  const properties = boxAt(file, 'ipco');
  const links = boxAt(file, 'ipma');
  // After the size, name and version: the number of items, then the id of the first one and the number of its
  // properties.
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
  // In version 0, each item has an id, a reference, the position of its bytes, and their extents (18 bytes in
  // all).
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
