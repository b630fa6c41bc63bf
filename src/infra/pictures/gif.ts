/**
 * Finds GIF files whose first picture leaves a part of the canvas free, which browsers show as transparent.
 */
import type { Sharp } from 'sharp';

/** A rectangle on the canvas, in pixels. */
interface Place {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

interface PartialFrame {
  readonly canvas: { readonly width: number; readonly height: number };
  readonly frame: Place;
}

const headBytes = 13;
const extension = 0x21;
const imageDescriptor = 0x2c;
/** The canvas is held with four bytes for each pixel. */
const maxCanvasPixels = 4_000_000;

/** Undefined for other files, and if the first picture fills the canvas or does not lie on it. */
export function partialFrame(bytes: Buffer): PartialFrame | undefined {
  if (bytes.length < headBytes || bytes.toString('latin1', 0, 4) !== 'GIF8') return undefined;
  const canvas = { width: bytes.readUInt16LE(6), height: bytes.readUInt16LE(8) };
  const at = firstDescriptor(bytes);
  if (at === undefined || canvas.width * canvas.height > maxCanvasPixels) return undefined;
  const frame = {
    left: bytes.readUInt16LE(at + 1),
    top: bytes.readUInt16LE(at + 3),
    width: bytes.readUInt16LE(at + 5),
    height: bytes.readUInt16LE(at + 7),
  };
  return isPart(frame, canvas) ? { canvas, frame } : undefined;
}

function isPart({ left, top, width, height }: Place, canvas: PartialFrame['canvas']): boolean {
  const isOnCanvas = left + width <= canvas.width && top + height <= canvas.height;
  const isWhole = width === canvas.width && height === canvas.height;
  return isOnCanvas && !isWhole && width > 0 && height > 0;
}

/** The place of the first picture's descriptor, behind the table of colours and some extensions. */
function firstDescriptor(bytes: Buffer): number | undefined {
  const flags = bytes.readUInt8(10);
  const tableBytes = (flags & 0x80) === 0 ? 0 : 3 << ((flags & 7) + 1);
  let at = headBytes + tableBytes;
  while (bytes[at] === extension) {
    at += 2;
    // Blocks with their lengths, up to an empty one.
    while ((bytes[at] ?? 0) > 0) at += 1 + (bytes[at] ?? 0);
    at += 1;
  }
  return bytes[at] === imageDescriptor && at + 10 <= bytes.length ? at : undefined;
}

/**
 * The pixels of the whole canvas, with transparency. libvips makes the rest black, and drops it for some
 * sizes of the canvas that old programs wrote wrongly.
 */
export function onCanvas(picture: Sharp, { canvas, frame }: PartialFrame): Promise<Buffer> {
  return picture
    .extract(frame)
    .toColourspace('srgb')
    .ensureAlpha()
    .extend({
      left: frame.left,
      top: frame.top,
      right: canvas.width - frame.left - frame.width,
      bottom: canvas.height - frame.top - frame.height,
      background: { r: 0, g: 0, b: 0, alpha: 0 },
    })
    .raw()
    .toBuffer();
}
