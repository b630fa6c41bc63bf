/** Something that takes a place, and the shares that it has of all places, by name. */
export interface Guest {
  readonly shares: readonly Share[];
}

export interface Share {
  readonly name: string;
  /** Places that all guests of this name may have together. */
  readonly most: number;
}

/** A bounded number of places, which is counted for each share as well. */
export interface Places<G extends Guest> {
  readonly hasRoomFor: (guest: Guest) => boolean;
  /** Without looking whether there is room. */
  readonly add: (guest: G) => void;
  /** Does nothing when the guest is not here. */
  readonly remove: (guest: G) => void;
  readonly guests: () => readonly G[];
  /** Guests that have this share. */
  readonly held: (name: string) => number;
}

export function createPlaces<G extends Guest>(total: number): Places<G> {
  const guests = new Set<G>();
  const counts = new Map<string, number>();
  const held = (name: string): number => counts.get(name) ?? 0;
  return {
    held,
    guests: () => [...guests],
    hasRoomFor: ({ shares }) => guests.size < total && shares.every(({ name, most }) => held(name) < most),
    add: (guest) => {
      guests.add(guest);
      for (const { name } of guest.shares) counts.set(name, held(name) + 1);
    },
    remove: (guest) => {
      if (!guests.delete(guest)) return;
      for (const { name } of guest.shares)
        if (held(name) > 1) counts.set(name, held(name) - 1);
        else counts.delete(name);
    },
  };
}
