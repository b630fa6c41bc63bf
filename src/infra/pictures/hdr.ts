/**
 * Converts pictures with a high dynamic range, which look flat and pale if they are displayed as sRGB.
 * Brightness up to that of paper stays; higher brightness is compressed into the remaining range.
 */

/**
 * The transfer functions (ITU-T H.273): perceptual quantizer (SMPTE ST 2084), hybrid log-gamma (ARIB
 * STD-B67).
 */
export type HdrTransfer = 'pq' | 'hlg';

export interface HdrColours {
  readonly transfer: HdrTransfer;
  /** Whether the primary colours are those of BT.2020; others are treated as sRGB. */
  readonly isWide: boolean;
}

const transfers: ReadonlyMap<number, HdrTransfer> = new Map([
  [16, 'pq'],
  [18, 'hlg'],
]);
const widePrimaries = 9;
/** Candelas per square metre: paper in the picture (ITU-R BT.2408), and the screen for which HLG is made. */
const paperWhite = 203;
const hlgScreen = 1_000;
/** Above this share of a screen's brightness, light is compressed. */
const knee = 0.5;
const values = 65_536;

type Colour = readonly [red: number, green: number, blue: number];

/** Reads the head of a HEIF, AVIF or PNG file; undefined for ordinary pictures. */
export function hdrOf(head: Buffer): HdrColours | undefined {
  const box = head.indexOf('colrnclx', 0, 'latin1');
  if (box >= 0 && box + 12 <= head.length)
    return coloursOf(head.readUInt16BE(box + 8), head.readUInt16BE(box + 10));
  const chunk = head[0] === 0x89 ? head.indexOf('cICP', 0, 'latin1') : -1;
  return chunk >= 0 && chunk + 6 <= head.length
    ? coloursOf(head.readUInt8(chunk + 4), head.readUInt8(chunk + 5))
    : undefined;
}

function coloursOf(primaries: number, transferNumber: number): HdrColours | undefined {
  const transfer = transfers.get(transferNumber);
  return transfer && { transfer, isWide: primaries === widePrimaries };
}

/** Converts red, green and blue with 16 bits each to sRGB with 8. */
export function toneMapped(pixels: Uint16Array, { transfer, isWide }: HdrColours): Uint8Array {
  const light = Float32Array.from({ length: values }, (_, value) => lightOf[transfer](value / (values - 1)));
  const encoded = Uint8Array.from({ length: values }, (_, value) =>
    Math.round(255 * encode(value / (values - 1))),
  );
  const lightAt = (at: number): number => light[pixels[at] ?? 0] ?? 0;
  const mapped = new Uint8Array(pixels.length);
  for (let at = 0; at + 2 < pixels.length; at += 3) {
    const wide: Colour = [lightAt(at), lightAt(at + 1), lightAt(at + 2)];
    const colour = isWide ? narrowed(wide) : wide;
    const brightest = Math.max(...colour);
    const scale = brightest > knee ? squeezed(brightest) / brightest : 1;
    for (const [channel, value] of colour.entries()) {
      const share = Math.min(Math.max(value * scale, 0), 1);
      mapped[at + channel] = encoded[Math.round(share * (values - 1))] ?? 0;
    }
  }
  return mapped;
}

/** The light of a value from 0 to 1; 1 is paper. */
const lightOf: Readonly<Record<HdrTransfer, (value: number) => number>> = {
  pq: (value) => {
    const power = value ** (32 / 2523);
    const base = Math.max(power - 3424 / 4096, 0) / (2413 / 128 - (2392 / 128) * power);
    return (10_000 * base ** (8192 / 1305)) / paperWhite;
  },
  hlg: (value) => {
    const scene =
      value <= 0.5 ? (value * value) / 3 : (Math.exp((value - 0.55991073) / 0.17883277) + 0.28466892) / 12;
    return (hlgScreen * scene ** 1.2) / paperWhite;
  },
};

/** Converts from BT.2020 to the primaries of sRGB (ITU-R BT.2087); colours outside are clipped. */
function narrowed([red, green, blue]: Colour): Colour {
  return [
    1.6605 * red - 0.5876 * green - 0.0728 * blue,
    -0.1246 * red + 1.1329 * green - 0.0083 * blue,
    -0.0182 * red - 0.1006 * green + 1.1187 * blue,
  ];
}

function squeezed(light: number): number {
  return knee + (1 - knee) * (1 - Math.exp(-(light - knee) / (1 - knee)));
}

/** The transfer function of sRGB. */
function encode(light: number): number {
  return light <= 0.0031308 ? light * 12.92 : 1.055 * light ** (1 / 2.4) - 0.055;
}
