/** The media items that a user has selected in the grid. */
import { signal, type ReadonlySignal } from '@preact/signals';

export interface Selection {
  readonly ids: ReadonlySignal<ReadonlySet<string>>;
  readonly toggle: (id: string) => void;
  /** Selects everything from the last one that was toggled to this one, in the order of the list. */
  readonly extendTo: (id: string, order: readonly string[]) => void;
  readonly replace: (ids: readonly string[]) => void;
  readonly clear: () => void;
}

export function createSelection(): Selection {
  const ids = signal<ReadonlySet<string>>(new Set());
  let anchor: string | undefined;
  const toggle = (id: string): void => {
    const next = new Set(ids.value);
    if (!next.delete(id)) next.add(id);
    ids.value = next;
    anchor = id;
  };
  return {
    ids,
    toggle,
    extendTo: (id, order) => {
      const from = anchor === undefined ? -1 : order.indexOf(anchor);
      const to = order.indexOf(id);
      if (from < 0 || to < 0) toggle(id);
      else ids.value = new Set([...ids.value, ...order.slice(Math.min(from, to), Math.max(from, to) + 1)]);
    },
    replace: (all) => {
      ids.value = new Set(all);
    },
    clear: () => {
      ids.value = new Set();
      anchor = undefined;
    },
  };
}
