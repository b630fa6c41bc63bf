/** Where a picture lies on its stage and how large: numbers only, so that it can be reasoned about. */
export interface Zoom {
  /** Of the picture's own pixels to those of the screen. */
  readonly scale: number;
  /** Of the picture's middle from the stage's middle, in pixels of the screen. */
  readonly x: number;
  readonly y: number;
}
export interface Size {
  readonly width: number;
  readonly height: number;
}

const largest = 8;

/** All of it is seen; small pictures are not blown up. */
export function fit(picture: Size, stage: Size): Zoom {
  const scale = Math.min(1, stage.width / picture.width, stage.height / picture.height);
  return { scale: Number.isFinite(scale) && scale > 0 ? scale : 1, x: 0, y: 0 };
}

/** The point of the picture that is under `at` (from the stage's middle) stays there. */
export function zoomAt(zoom: Zoom, factor: number, at: { readonly x: number; readonly y: number }): Zoom {
  const scale = Math.min(Math.max(zoom.scale * factor, 0.02), largest);
  const ratio = scale / zoom.scale;
  return { scale, x: at.x - (at.x - zoom.x) * ratio, y: at.y - (at.y - zoom.y) * ratio };
}

/** Never smaller than when it fits, and never away from the stage. */
export function within(zoom: Zoom, picture: Size, stage: Size): Zoom {
  const smallest = fit(picture, stage).scale;
  const scale = Math.max(zoom.scale, smallest);
  const room = (length: number, around: number): number => Math.max(0, (length * scale - around) / 2);
  const roomX = room(picture.width, stage.width);
  const roomY = room(picture.height, stage.height);
  return { scale, x: clamp(zoom.x, roomX), y: clamp(zoom.y, roomY) };
}

const clamp = (value: number, limit: number): number => Math.min(Math.max(value, -limit), limit);
