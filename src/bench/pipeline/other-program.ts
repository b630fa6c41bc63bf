/** Other programs that make previews of the same photos in the same run, for comparison. */
import type { PhotoKindName } from './photo-kinds.js';

export interface PhotoTask {
  readonly kind: PhotoKindName;
  readonly seed: number;
  readonly count: number;
}

export interface Thumbnails {
  readonly perSecond: number;
  /** Milliseconds of processor time for each picture. */
  readonly processorMs: number;
}

export interface OtherProgram {
  readonly name: string;
  readonly run: (task: PhotoTask) => Promise<Thumbnails>;
  readonly stop: () => Promise<void>;
}
