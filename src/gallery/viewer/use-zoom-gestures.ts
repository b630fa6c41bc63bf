import { useEffect, useRef } from 'preact/hooks';

import { zoomAt, type Zoom } from './zoom.js';

interface Point {
  readonly x: number;
  readonly y: number;
}
type Change = (next: (zoom: Zoom) => Zoom) => void;

/** The wheel zooms, one finger or the mouse moves the picture, and two fingers pinch. */
export function useZoomGestures(stage: { readonly current: HTMLElement | null }, change: Change) {
  const pointers = useRef(new Map<number, Point>());
  const latest = useRef(change);
  latest.current = change;

  // Preact adds passive listeners, which cannot prevent the page from scrolling, so this one is added
  // directly.
  useEffect(() => {
    const element = stage.current;
    if (!element) return undefined;
    const turn = (event: WheelEvent): void => {
      event.preventDefault();
      const at = fromMiddle(element, { x: event.clientX, y: event.clientY });
      latest.current((zoom) => zoomAt(zoom, Math.exp(-event.deltaY / 400), at));
    };
    element.addEventListener('wheel', turn, { passive: false });
    return () => {
      element.removeEventListener('wheel', turn);
    };
  }, [stage]);

  const release = (event: PointerEvent): void => {
    pointers.current.delete(event.pointerId);
  };
  return {
    onPointerDown: (event: PointerEvent) => {
      if (event.target instanceof Element && event.target.closest('button')) return;
      stage.current?.setPointerCapture(event.pointerId);
      pointers.current.set(event.pointerId, { x: event.clientX, y: event.clientY });
    },
    onPointerMove: (event: PointerEvent) => {
      const before = pointers.current.get(event.pointerId);
      if (!before || !stage.current) return;
      const now = { x: event.clientX, y: event.clientY };
      const other = [...pointers.current].find(([id]) => id !== event.pointerId)?.[1];
      pointers.current.set(event.pointerId, now);
      if (!other) {
        latest.current((zoom) => ({ ...zoom, x: zoom.x + now.x - before.x, y: zoom.y + now.y - before.y }));
        return;
      }
      const middle = fromMiddle(stage.current, { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 });
      const factor = distance(now, other) / Math.max(distance(before, other), 1);
      latest.current((zoom) => zoomAt(zoom, factor, middle));
    },
    onPointerUp: release,
    onPointerCancel: release,
  };
}

function fromMiddle(element: HTMLElement, { x, y }: Point): Point {
  const box = element.getBoundingClientRect();
  return { x: x - box.left - box.width / 2, y: y - box.top - box.height / 2 };
}

const distance = (a: Point, b: Point): number => Math.hypot(a.x - b.x, a.y - b.y);
