/**
 * Clicks, keys and fingers that select tiles. The first selection needs the mark of a tile, Shift, the space
 * bar or a long press; while something is selected, a click selects as well.
 */
import { useEffect, useRef } from 'preact/hooks';

import type { Selection } from '../selection.js';
import { moveFocus } from './arrow-keys.js';

type OnGrid<Kind extends Event> = Kind & { readonly currentTarget: HTMLElement };

const longPressMs = 500;
/** A click that comes later, in milliseconds after the finger has left, is another one. */
const clickDelayMs = 700;
/** A finger that moves further, in pixels, scrolls. */
const stillness = 10;

interface Actions {
  /** The ids of all loaded media items in the order of the list. */
  readonly order: () => readonly string[];
  /** Stars these media items, or removes their stars. */
  readonly star: (ids: readonly string[]) => void;
}

/** Handlers for the grid. */
export function useSelecting(selection: Selection, { order, star }: Actions) {
  const press = useLongPress((id) => {
    selection.toggle(id);
  });
  return {
    onClick: (event: OnGrid<MouseEvent>) => {
      const id = idAt(event.target);
      const isMark = event.target instanceof HTMLInputElement;
      if (id === undefined || (!isMark && opensTab(event))) return;
      if (press.ownsClick()) event.preventDefault();
      else if (isMark || event.shiftKey || selection.ids.value.size > 0) {
        // The browser would undo the change of a checkbox whose click is prevented.
        if (!isMark) event.preventDefault();
        select(id, event.shiftKey);
      }
    },
    onKeyDown: (event: OnGrid<KeyboardEvent>) => {
      const id = idAt(document.activeElement);
      const act = actionOf(event, id, { selection, order, star });
      if (act) {
        event.preventDefault();
        act();
        return;
      }
      if (event.key === 'Escape') selection.clear();
      moveFocus(event);
      const reached = idAt(document.activeElement);
      if (event.shiftKey && reached !== undefined && reached !== id) extend(id, reached);
    },
    onPointerDown: press.begin,
    onPointerMove: press.move,
    onPointerUp: press.lift,
    onPointerCancel: press.lift,
    onContextMenu: (event: MouseEvent) => {
      if (press.fire()) event.preventDefault();
    },
  };

  function select(id: string, isRange: boolean): void {
    if (isRange) selection.extendTo(id, order());
    else selection.toggle(id);
  }

  function extend(from: string | undefined, to: string): void {
    if (from !== undefined && !selection.ids.value.has(from)) selection.toggle(from);
    selection.extendTo(to, order());
  }
}

/** What a key does, apart from moving the focus. */
function actionOf(
  event: KeyboardEvent,
  id: string | undefined,
  { selection, order, star }: Actions & { readonly selection: Selection },
): (() => void) | undefined {
  if (event.key === 'a' && (event.ctrlKey || event.metaKey)) {
    return () => {
      selection.replace(order());
    };
  }
  if (id === undefined || isCommand(event)) return undefined;
  if (event.key === ' ') {
    return () => {
      selection.toggle(id);
    };
  }
  if (event.key.toLowerCase() !== 's') return undefined;
  const selected = [...selection.ids.value];
  return () => {
    star(selected.length > 0 ? selected : [id]);
  };
}

const isCommand = ({ ctrlKey, metaKey, altKey }: KeyboardEvent): boolean => ctrlKey || metaKey || altKey;

const opensTab = ({ ctrlKey, metaKey }: MouseEvent): boolean => ctrlKey || metaKey;

/** The id of the media item whose tile or mark this is. */
function idAt(target: EventTarget | null): string | undefined {
  const cell = target instanceof Element ? target.closest<HTMLElement>('.cell') : null;
  return cell?.dataset['id'];
}

interface Press {
  readonly id: string;
  readonly x: number;
  readonly y: number;
  readonly timer: number;
}

/** A finger that stays on a tile. The click that follows belongs to it, however long the finger stays. */
function useLongPress(onPress: (id: string) => void) {
  const press = useRef<Press | undefined>(undefined);
  /** When the finger of the last long press has left; infinite while it is there. */
  const liftedAt = useRef(-Infinity);
  const stop = (): void => {
    window.clearTimeout(press.current?.timer);
    press.current = undefined;
  };
  const ownsClick = (): boolean => performance.now() - liftedAt.current < clickDelayMs;
  /** The finger has stayed long enough; Android says so before the timer. False if no finger is down. */
  const fire = (): boolean => {
    const { current } = press;
    stop();
    if (!current) return ownsClick();
    liftedAt.current = Infinity;
    onPress(current.id);
    return true;
  };
  useEffect(() => stop, []);
  return {
    ownsClick,
    fire,
    begin: (event: PointerEvent) => {
      stop();
      if (event.isPrimary) liftedAt.current = -Infinity;
      const id = idAt(event.target);
      if (event.pointerType !== 'touch' || !event.isPrimary || id === undefined) return;
      press.current = { id, x: event.clientX, y: event.clientY, timer: window.setTimeout(fire, longPressMs) };
    },
    move: ({ clientX, clientY }: PointerEvent) => {
      const { current } = press;
      if (current && Math.hypot(clientX - current.x, clientY - current.y) > stillness) stop();
    },
    lift: () => {
      stop();
      if (liftedAt.current === Infinity) liftedAt.current = performance.now();
    },
  };
}
