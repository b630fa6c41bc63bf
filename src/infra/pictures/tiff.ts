/**
 * Raw pixels as an uncompressed TIFF: the only way to pass pixels together with their colour profile to
 * sharp.
 */

export interface RawPicture {
  readonly width: number;
  readonly height: number;
  /** 3: RGB; 4: RGB and opacity. 8 bits each. */
  readonly channels: 3 | 4;
  /** Whether the colours are already multiplied by the opacity. */
  readonly premultiplied: boolean;
  /** Row by row, without gaps. */
  readonly pixels: Uint8Array;
  /** An ICC profile; empty means sRGB. */
  readonly profile: Uint8Array;
}

/** Field types by their numbers in the specification (TIFF 6.0, section 2). */
const short = 3;
const long = 4;
const undefinedBytes = 7;
const headBytes = 8;
const fieldBytes = 12;

export function asTiff({
  width,
  height,
  channels,
  premultiplied,
  pixels,
  profile,
}: RawPicture): Uint8Array<ArrayBuffer> {
  const fieldsOf = (depthsAt: number, profileAt: number, pixelsAt: number): number[][] => [
    [256, long, 1, width],
    [257, long, 1, height],
    [258, short, channels, depthsAt], // BitsPerSample
    [259, short, 1, 1], // Compression: none
    [262, short, 1, 2], // PhotometricInterpretation: RGB
    [273, long, 1, pixelsAt], // StripOffsets,
    [277, short, 1, channels],
    [278, long, 1, height], // RowsPerStrip: all
    [279, long, 1, pixels.length],
    ...(channels === 4 ? [[338, short, 1, premultiplied ? 1 : 2]] : []), // ExtraSamples
    ...(profile.length > 0 ? [[34_675, undefinedBytes, profile.length, profileAt]] : []),
  ];
  const count = fieldsOf(0, 0, 0).length;
  const depthsAt = headBytes + 2 + count * fieldBytes + 4;
  const profileAt = depthsAt + 2 * channels;
  const pixelsAt = profileAt + profile.length;
  const tiff = new Uint8Array(pixelsAt + pixels.length);
  const view = new DataView(tiff.buffer);
  tiff.set([0x49, 0x49, 42, 0, headBytes]);
  view.setUint16(headBytes, count, true);
  for (const [index, [tag = 0, type = 0, values = 0, value = 0]] of fieldsOf(
    depthsAt,
    profileAt,
    pixelsAt,
  ).entries()) {
    const at = headBytes + 2 + index * fieldBytes;
    view.setUint16(at, tag, true);
    view.setUint16(at + 2, type, true);
    view.setUint32(at + 4, values, true);
    view.setUint32(at + 8, value, true); // Little endian, so a short in a long's place is the same.
  }
  for (let channel = 0; channel < channels; channel++) view.setUint16(depthsAt + 2 * channel, 8, true);
  tiff.set(profile, profileAt);
  tiff.set(pixels, pixelsAt);
  return tiff;
}
