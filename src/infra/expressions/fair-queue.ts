/** A queue whose owners take turns, so that many items of one do not delay those of the others. */
export interface FairQueue<Item> {
  readonly add: (item: Item) => void;
  /** Puts items, in their order, before all others of their owners. */
  readonly putBack: (items: readonly Item[]) => void;
  /** Removes and returns the next item. */
  readonly next: () => Item | undefined;
  /** Removes and returns all items of an owner. */
  readonly removeAll: (owner: string) => Item[];
}

export function createFairQueue<Item extends { readonly owner: string }>(): FairQueue<Item> {
  /** The owner whose turn is next comes first. */
  const waiting = new Map<string, Item[]>();
  const itemsOf = (owner: string): Item[] => {
    const items = waiting.get(owner) ?? [];
    waiting.set(owner, items);
    return items;
  };
  return {
    add: (item) => {
      itemsOf(item.owner).push(item);
    },
    putBack: (items) => {
      for (const item of items.toReversed()) itemsOf(item.owner).unshift(item);
    },
    next: () => {
      for (const [owner, items] of waiting) {
        waiting.delete(owner);
        const item = items.shift();
        if (items.length > 0) waiting.set(owner, items);
        if (item) return item;
      }
      return undefined;
    },
    removeAll: (owner) => {
      const items = waiting.get(owner) ?? [];
      waiting.delete(owner);
      return items;
    },
  };
}
