/** A finger that moves quickly over the stage: sideways to the next media item, down to close the viewer. */
import { useRef } from 'preact/hooks';

import { swipeOf, type Point, type Swipe } from './swipe.js';

interface Stroke {
  readonly pointerId: number;
  readonly from: Point;
}

/** Handlers for the stage. */
export function useSwipe(actions: Readonly<Record<Swipe, () => void>>) {
  const stroke = useRef<Stroke | undefined>(undefined);
  const forget = (): void => {
    stroke.current = undefined;
  };
  return {
    onPointerDown: (event: PointerEvent) => {
      if (event.pointerType !== 'touch') return;
      const { pointerId, clientX: x, clientY: y } = event;
      // A second finger pinches.
      const isOne = event.isPrimary && !hasOwnUse(event.target);
      stroke.current = isOne ? { pointerId, from: { x, y } } : undefined;
    },
    onPointerUp: (event: PointerEvent) => {
      const { current } = stroke;
      forget();
      if (current?.pointerId !== event.pointerId) return;
      const swipe = swipeOf(current.from, { x: event.clientX, y: event.clientY });
      if (swipe) actions[swipe]();
    },
    // The browser has begun to scroll.
    onPointerCancel: forget,
  };
}

/** A zoomed picture is moved by the finger, and players have controls that it moves. */
function hasOwnUse(target: EventTarget | null): boolean {
  return (
    target instanceof Element &&
    target.closest('.zoomed, button, a, input, audio, video, pre, .dialog:not(.viewer)') !== null
  );
}
