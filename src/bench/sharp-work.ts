/** The work of the baselines on a picture: a JPEG of 1 280 pixels, and from that a WebP of 320 pixels. */
import sharp, { type ResizeOptions } from 'sharp';

sharp.cache(false);
sharp.concurrency(1);

export async function makePreviews(picture: Buffer): Promise<void> {
  const large = await sharp(picture)
    .autoOrient()
    .toColourspace('srgb')
    .resize(fitting(1_280))
    .jpeg({ quality: 80 })
    .toBuffer();
  await sharp(large).resize(fitting(320)).webp({ quality: 75, effort: 2 }).toBuffer();
}

function fitting(edge: number): ResizeOptions {
  return { width: edge, height: edge, fit: 'inside', withoutEnlargement: true };
}
