/** Recognises colour profiles that are sRGB (ICC.1:2022): without them, a picture looks the same. */
const headBytes = 128;
const entryBytes = 12;
const maxTags = 64;

/** The primaries of sRGB, adapted to the white of profiles. */
const primaries = {
  rXYZ: [0.436, 0.2225, 0.0139],
  gXYZ: [0.3851, 0.7169, 0.0971],
  bXYZ: [0.1431, 0.0606, 0.7141],
} as const;
const maxPrimaryDifference = 0.004;
const curves = ['rTRC', 'gTRC', 'bTRC'] as const;
/** A share of the range of pixel values. */
const maxCurveDifference = 2.5 / 255;
const checkedValues = 64;
/** Tags that define colours in other ways, which decoders prefer. */
const otherDefinitions = ['A2B', 'B2A', 'D2B', 'B2D', 'cicp'];

/** False for a profile that is not understood as well. */
export function isSrgbProfile(profile: Buffer): boolean {
  try {
    return hasUsualHead(profile) && hasColoursOfSrgb(tagsOf(profile));
  } catch (error) {
    if (error instanceof RangeError) return false; // The profile ends too early.
    throw error;
  }
}

function hasUsualHead(profile: Buffer): boolean {
  const text = (at: number): string => profile.toString('latin1', at, at + 4);
  return text(12) === 'mntr' && text(16) === 'RGB ' && text(20) === 'XYZ ' && text(36) === 'acsp';
}

type Tags = ReadonlyMap<string, Buffer>;

function tagsOf(profile: Buffer): Tags {
  const count = profile.readUInt32BE(headBytes);
  if (count > maxTags) return new Map();
  return new Map(
    Array.from({ length: count }, (_, index) => {
      const at = headBytes + 4 + index * entryBytes;
      const start = profile.readUInt32BE(at + 4);
      return [
        profile.toString('latin1', at, at + 4),
        profile.subarray(start, start + profile.readUInt32BE(at + 8)),
      ];
    }),
  );
}

function hasColoursOfSrgb(tags: Tags): boolean {
  if ([...tags.keys()].some((name) => otherDefinitions.some((other) => name.startsWith(other)))) return false;
  const hasPrimaries = Object.entries(primaries).every(([name, wanted]) =>
    wanted.every((value, index) =>
      isNear(fixedAt(tags.get(name), 8 + 4 * index), value, maxPrimaryDifference),
    ),
  );
  return hasPrimaries && curves.every((name) => isCurveOfSrgb(tags.get(name)));
}

function isCurveOfSrgb(tag: Buffer | undefined): boolean {
  const curve = tag && curveOf(tag);
  if (!curve) return false;
  return Array.from({ length: checkedValues + 1 }, (_, index) => index / checkedValues).every((value) =>
    isNear(encoded(curve(value)), value, maxCurveDifference),
  );
}

/** The light for a pixel value, both from 0 to 1. */
type Curve = (value: number) => number;

function curveOf(tag: Buffer): Curve | undefined {
  switch (tag.toString('latin1', 0, 4)) {
    case 'curv':
      return sampledCurve(tag);
    case 'para':
      return parametricCurve(tag);
    default:
      return undefined;
  }
}

function sampledCurve(tag: Buffer): Curve | undefined {
  const count = tag.readUInt32BE(8);
  if (count === 1) return (value) => value ** (tag.readUInt16BE(12) / 256);
  if (count < 2 || tag.length < 12 + 2 * count) return undefined;
  return (value) => {
    const place = value * (count - 1);
    const index = Math.min(Math.floor(place), count - 2);
    const from = tag.readUInt16BE(12 + 2 * index);
    const to = tag.readUInt16BE(14 + 2 * index);
    return (from + (to - from) * (place - index)) / 65_535;
  };
}

/** The function of type 3, which is that of sRGB: a line at the beginning, then a power. */
function parametricCurve(tag: Buffer): Curve | undefined {
  if (tag.readUInt16BE(8) !== 3) return undefined;
  const [power = 0, a = 0, b = 0, c = 0, d = 0] = [12, 16, 20, 24, 28].map((at) => fixedAt(tag, at));
  return (value) => (value >= d ? (a * value + b) ** power : c * value);
}

/** The pixel value of sRGB for some light (IEC 61966-2-1). */
function encoded(light: number): number {
  return light <= 0.003_130_8 ? 12.92 * light : 1.055 * light ** (1 / 2.4) - 0.055;
}

/** NaN for a missing tag. */
function fixedAt(tag: Buffer | undefined, at: number): number {
  return tag ? tag.readInt32BE(at) / 65_536 : NaN;
}

function isNear(one: number, other: number, difference: number): boolean {
  return Math.abs(one - other) <= difference;
}
