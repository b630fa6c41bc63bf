/**
 * Pictures that already are what a large preview has to be: their own image data, without metadata, are
 * served as the preview, and nothing is encoded.
 */
import { previewEdge, type ByteRange } from '../../domain/media.js';
import { bytesIn } from '../files/ranges.js';
import { isSrgbProfile } from './jpeg/profile.js';
import { isExactScan, scratchBytes } from './jpeg/scan.js';
import { readJpeg, type Frame, type Jpeg } from './jpeg/segments.js';
import { maxPasses } from './memory.js';

export interface ReusablePicture {
  readonly frame: Frame;
  /** The parts of the file that are the preview. */
  readonly ranges: readonly ByteRange[];
  /**
   * Whether the coded pixels are exactly those of the picture. The decoder finds out for a progressive
   * picture, if it fails on warnings. `scratch` has `fileBufferBytes`.
   */
  readonly isExact: (scratch: Buffer) => Promise<boolean>;
}

/**
 * Photos from messengers have 0.15 to 0.3 bytes per pixel, previews that Inlet encodes up to 0.25. More bytes
 * would make a preview slow to load.
 */
const maxBytesPerPixel = 0.5;
/** Small pictures need some bytes for their tables. */
const spareBytes = 4_096;
/** Readers skip these bytes between the parts of a preview. */
const maxSkippedBytes = 262_144;

/** Files with more bytes are never reusable. */
const maxReusableBytes = previewEdge.large ** 2 * maxBytesPerPixel + spareBytes + maxSkippedBytes;
/** The size of a buffer for such files. */
export const fileBufferBytes = maxReusableBytes + scratchBytes;

/**
 * Undefined for a picture whose preview must be encoded. Only the complete decoding shows that it is
 * undamaged.
 */
export function findReusable(bytes: Buffer): ReusablePicture | undefined {
  const jpeg = bytes.length <= maxReusableBytes ? readJpeg(bytes) : undefined;
  if (!jpeg || !isSmallEnough(jpeg) || !hasUsualColours(jpeg)) return undefined;
  const { frame, baseline, kept } = jpeg;
  return {
    frame,
    ranges: kept,
    isExact: (scratch) =>
      baseline ? isExactScan(bytes, { frame, scan: baseline, scratch }) : Promise.resolve(true),
  };
}

function isSmallEnough({ frame: { width, height }, kept, passes }: Jpeg): boolean {
  const bytes = bytesIn(kept);
  const spannedBytes = (kept.at(-1)?.end ?? 0) + 1 - (kept[0]?.start ?? 0);
  return (
    Math.max(width, height) <= previewEdge.large &&
    bytes <= width * height * maxBytesPerPixel + spareBytes &&
    spannedBytes - bytes <= maxSkippedBytes &&
    passes <= maxPasses
  );
}

/** Whether the picture looks the same without its profile. */
function hasUsualColours({ frame, profile }: Jpeg): boolean {
  return profile === undefined || (frame.components.length === 3 && isSrgbProfile(profile));
}
