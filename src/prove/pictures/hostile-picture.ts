export interface HostilePicture {
  readonly what: string;
  readonly content: Buffer;
  /** The allowed outcomes. */
  readonly allowed: readonly Fate[];
}

/** The state that is expected: with previews, without, or none of the states with bytes. */
export type Fate = 'shown' | 'kept' | 'rejected';

export const shown: readonly Fate[] = ['shown'];
export const kept: readonly Fate[] = ['kept'];
export const rejected: readonly Fate[] = ['rejected'];
/** Any result of the decoder is allowed as long as it ends. */
export const either: readonly Fate[] = ['shown', 'kept'];
