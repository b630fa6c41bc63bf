/** Tells swipes from other movements of a finger, as a pure function. */
export interface Point {
  readonly x: number;
  readonly y: number;
}
export type Swipe = 'left' | 'right' | 'down';

/** The shortest swipe, in pixels. */
const shortest = 48;
/** How much longer the way along the swipe must be than the way across it. */
const straightness = 1.5;

/** The direction in which the finger moved; undefined if it was no swipe. Up is left to scrolling. */
export function swipeOf(from: Point, to: Point): Swipe | undefined {
  const x = to.x - from.x;
  const y = to.y - from.y;
  if (Math.abs(x) >= shortest && Math.abs(x) > Math.abs(y) * straightness) return x < 0 ? 'left' : 'right';
  return y >= shortest && y > Math.abs(x) * straightness ? 'down' : undefined;
}
