/** Chooses the preview for a tile. */
import type { Media } from '../../client/answers.js';

type Previews = Media['previews'];
type Preview = NonNullable<Previews['small']>;

/** A preview may be enlarged by this factor: nobody sees it, and the large one has ten times the bytes. */
const unseenEnlargement = 1.25;

/**
 * The small preview, or the large one if the small one has too few pixels for the tile, whose size is in
 * pixels of the screen. The picture covers the tile, and a panorama is cut off at its sides, so the height
 * counts as well.
 */
export function sharpEnough(
  { small, large }: Previews,
  tile: { readonly width: number; readonly height: number },
): Preview | undefined {
  if (!small || !large) return small ?? large;
  const enlargement = Math.max(tile.width / small.width, tile.height / small.height);
  return enlargement > unseenEnlargement && large.width > small.width ? large : small;
}
