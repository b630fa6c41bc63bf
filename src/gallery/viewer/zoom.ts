/** Position and scale of a picture on its stage, as pure functions. */
export interface Zoom {
  /** Pixels of the screen for each pixel of the picture. */
  readonly scale: number;
  /** Offset of the picture's centre from the centre of the stage, in pixels of the screen. */
  readonly x: number;
  readonly y: number;
}
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** Quarters of a turn, clockwise. */
export type Quarters = 0 | 1 | 2 | 3;

const maxScale = 8;

export function turned(quarters: Quarters): Quarters {
  return ((quarters + 1) % 4) as Quarters;
}

/** The size that a picture takes up after it was turned. */
export function turnedSize({ width, height }: Size, quarters: Quarters): Size {
  return quarters % 2 === 0 ? { width, height } : { width: height, height: width };
}

/** Shows the whole picture. Small pictures are not enlarged. */
export function fit(picture: Size, stage: Size): Zoom {
  const scale = Math.min(1, stage.width / picture.width, stage.height / picture.height);
  return { scale: Number.isFinite(scale) && scale > 0 ? scale : 1, x: 0, y: 0 };
}

/**
 * Zooms around the point `at`, an offset from the centre of the stage: that point of the picture stays in
 * place.
 */
export function zoomAt(zoom: Zoom, factor: number, at: { readonly x: number; readonly y: number }): Zoom {
  const scale = Math.min(Math.max(zoom.scale * factor, 0.02), maxScale);
  const ratio = scale / zoom.scale;
  return { scale, x: at.x - (at.x - zoom.x) * ratio, y: at.y - (at.y - zoom.y) * ratio };
}

/** Limits a zoom: the picture is at least as large as when it fits, and it never leaves the stage. */
export function within(zoom: Zoom, picture: Size, stage: Size): Zoom {
  const smallest = fit(picture, stage).scale;
  const scale = Math.max(zoom.scale, smallest);
  const room = (length: number, around: number): number => Math.max(0, (length * scale - around) / 2);
  const roomX = room(picture.width, stage.width);
  const roomY = room(picture.height, stage.height);
  return { scale, x: clamp(zoom.x, roomX), y: clamp(zoom.y, roomY) };
}

const clamp = (value: number, limit: number): number => Math.min(Math.max(value, -limit), limit);
