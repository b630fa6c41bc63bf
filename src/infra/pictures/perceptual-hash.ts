/**
 * A hash of what a picture looks like: copies that were scaled or compressed again have nearly the same, and
 * other pictures differ in about half of its bits (decision 183).
 */

export interface SmallPixels {
  readonly width: number;
  readonly height: number;
  /** Red, green, blue and opacity of each pixel. */
  readonly pixels: Uint8Array;
}

/** The rough waves of the picture, across and down. */
const waves = 8;
/** Below this size of the waves, what decides about a bit is noise. */
const leastContrast = 1.5;

/** 16 hexadecimal digits; null for a picture without contrast, such as one of a single colour. */
export function perceptualHash({ width, height, pixels }: SmallPixels): string | null {
  if (width < waves || height < waves) return null;
  const light = Float64Array.from({ length: width * height }, (_, pixel) => lightAt(pixels, pixel * 4));
  const rows = transformed(light, { length: width, lines: height });
  const sizes = transformed(rows, { length: height, lines: waves });
  // The first one is the brightness of the whole picture.
  const details = Array.from(sizes).slice(1);
  const typical = median(details.map(Math.abs));
  if (typical < leastContrast) return null;
  const middle = median(details);
  const bits = Array.from(sizes, (size, index) => (index > 0 && size > middle ? '1' : '0')).join('');
  return BigInt(`0b${bits}`).toString(16).padStart(16, '0');
}

/** Brightness on a white background (ITU-R BT.601). */
function lightAt(pixels: Uint8Array, at: number): number {
  const opacity = (pixels[at + 3] ?? 255) / 255;
  const light = 0.299 * (pixels[at] ?? 0) + 0.587 * (pixels[at + 1] ?? 0) + 0.114 * (pixels[at + 2] ?? 0);
  return light * opacity + 255 * (1 - opacity);
}

/**
 * The first waves of each line (DCT-II). The result has one line for each wave, so that the next call works
 * on the other direction.
 */
function transformed(
  values: Float64Array,
  { length, lines }: { readonly length: number; readonly lines: number },
): Float64Array {
  const result = new Float64Array(waves * lines);
  for (let wave = 0; wave < waves; wave++) {
    const weights = Float64Array.from(
      { length },
      (_, place) => (Math.cos(((2 * place + 1) * wave * Math.PI) / (2 * length)) * 2) / length,
    );
    for (let line = 0; line < lines; line++) {
      let sum = 0;
      for (let place = 0; place < length; place++)
        sum += (values[line * length + place] ?? 0) * (weights[place] ?? 0);
      result[wave * lines + line] = sum;
    }
  }
  return result;
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
