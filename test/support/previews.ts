import type { ByteRange } from '../../src/domain/media.js';
import type { EncodedPreview, Previewed } from '../../src/infra/pictures/encode-previews.js';

/** The previews, of which none is a part of the picture itself. */
export function encodedPreviews({ previews }: Pick<Previewed, 'previews'>): readonly EncodedPreview[] {
  return previews.map((preview) => {
    if (!('data' in preview)) throw new Error(`the ${preview.size} preview is a part of the picture`);
    return preview;
  });
}

/** The bytes of a preview of this file. */
export function previewBytes(preview: Previewed['previews'][number], file: Buffer): Buffer {
  return 'data' in preview ? Buffer.from(preview.data) : joined(file, preview.ranges);
}

export function joined(file: Buffer, ranges: readonly ByteRange[]): Buffer {
  return Buffer.concat(ranges.map(({ start, end }) => file.subarray(start, end + 1)));
}
