/** Builds files of the MP4 family, which includes HEIC. */

const deep = 100_000;

/** A box with a four-letter name. */
export function box(name: string, ...parts: readonly (Buffer | string)[]): Buffer {
  const content = Buffer.concat(
    parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part)),
  );
  const head = Buffer.alloc(8);
  head.writeUInt32BE(content.length + 8);
  head.write(name, 4, 'latin1');
  return Buffer.concat([head, content]);
}

/** Nested boxes with the same name. */
export function nested(name: string): Buffer {
  const heads = Buffer.alloc(deep * 8);
  for (let level = 0; level < deep; level++) {
    heads.writeUInt32BE((deep - level) * 8, level * 8);
    heads.write(name, level * 8 + 4, 'latin1');
  }
  return heads;
}
