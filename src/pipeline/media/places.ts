/** Something that occupies a place, with the shares that limit it. */
export interface Occupant {
  readonly shares: readonly Share[];
}

export interface Share {
  readonly name: string;
  /** The number of places that all occupants with this name may have together. */
  readonly max: number;
}

/** A limited number of places, counted for each share as well. */
export interface Places<T extends Occupant> {
  readonly hasRoomFor: (occupant: Occupant) => boolean;
  /** Adds the occupant without checking whether there is room. */
  readonly add: (occupant: T) => void;
  /** Does nothing if the occupant is not present. */
  readonly remove: (occupant: T) => void;
  readonly occupants: () => readonly T[];
  /** The number of occupants with this share. */
  readonly countOf: (name: string) => number;
}

export function createPlaces<T extends Occupant>(total: number): Places<T> {
  const occupants = new Set<T>();
  const counts = new Map<string, number>();
  const held = (name: string): number => counts.get(name) ?? 0;
  return {
    countOf: held,
    occupants: () => [...occupants],
    hasRoomFor: ({ shares }) => occupants.size < total && shares.every(({ name, max }) => held(name) < max),
    add: (occupant) => {
      occupants.add(occupant);
      for (const { name } of occupant.shares) counts.set(name, held(name) + 1);
    },
    remove: (occupant) => {
      if (!occupants.delete(occupant)) return;
      for (const { name } of occupant.shares)
        if (held(name) > 1) counts.set(name, held(name) - 1);
        else counts.delete(name);
    },
  };
}
