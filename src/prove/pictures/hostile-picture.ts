export interface HostilePicture {
  readonly what: string;
  readonly content: Buffer;
  /** What may become of it. */
  readonly wanted: readonly Fate[];
}

/** With previews, without, or in none of the states that have bytes. */
export type Fate = 'shown' | 'kept' | 'rejected';

export const shown: readonly Fate[] = ['shown'];
export const kept: readonly Fate[] = ['kept'];
export const rejected: readonly Fate[] = ['rejected'];
/** What a decoder makes of it is its own affair, as long as it ends. */
export const either: readonly Fate[] = ['shown', 'kept'];
