export interface HostilePicture {
  readonly what: string;
  readonly content: Buffer;
  /** The states that it may end in. */
  readonly wanted: readonly string[];
}

export const refused = ['rejected'];
export const shown = ['ready'];
/** What a decoder makes of it is its own affair, as long as it ends. */
export const either = ['ready', 'rejected'];
