import { between, seededRandom, type Random } from './random.js';

interface Canvas {
  readonly seed: number;
  readonly width: number;
  readonly height: number;
}

/** Times of day: colours of the sky from the top to the horizon, and of far and near hills. */
const palettes = [
  { sky: ['#2f6fb7', '#86b9e4', '#e3eef5'], hills: [205, 130] },
  { sky: ['#2b3a67', '#c9706b', '#f7c784'], hills: [285, 215] },
  { sky: ['#4a8fb5', '#a9d0cf', '#f4ead0'], hills: [165, 95] },
  { sky: ['#5d6f86', '#9fb0bf', '#dfe5e8'], hills: [210, 160] },
  { sky: ['#1f3157', '#6b5b95', '#f0a48b'], hills: [250, 190] },
] as const;
const horizons = [0.45, 0.55, 0.66, 0.78, 0.9];

/** A landscape as SVG: sky, sun, clouds and ranges of hills that fade with distance. */
export function landscape({ seed, width, height }: Canvas): string {
  const random = seededRandom(seed);
  const { sky, hills } = palettes[(seed >>> 0) % palettes.length] ?? palettes[0];
  const [far, near] = hills;
  const body = [
    `<rect width="${String(width)}" height="${String(height)}" fill="url(#sky)"/>`,
    sun(random, { width, height }),
    ...Array.from({ length: 7 }, () => cloud(random, { width, height })),
    ...horizons.map((horizon, index) => {
      const hue = far + ((near - far) * index) / (horizons.length - 1) + between(random, [-8, 8]);
      return range(random, { width, height, horizon, fill: hsl(hue, 22 + index * 5, 62 - index * 11) });
    }),
  ];
  return svg({ width, height }, [
    skyGradient(sky),
    softDisc('sun', '#fff6d8'),
    softDisc('cloud', '#ffffff'),
    ...body,
  ]);
}

/** A figure with soft edges on a transparent background, like stickers and cut-outs. */
export function cutOut({ seed, width, height }: Canvas): string {
  const random = seededRandom(seed);
  const hue = Math.floor(random() * 360);
  const petals = Array.from({ length: 8 }, (_, index) => {
    const turn = `rotate(${String(index * 45)} ${String(width / 2)} ${String(height / 2)})`;
    const size = `rx="${String(width * 0.1)}" ry="${String(height * 0.2)}"`;
    return `<ellipse cx="${String(width / 2)}" cy="${String(height * 0.27)}" ${size} transform="${turn}" fill="${hsl(hue + index * 6, 75, 60)}" fill-opacity="0.85"/>`;
  });
  const heart = `<circle cx="${String(width / 2)}" cy="${String(height / 2)}" r="${String(Math.min(width, height) * 0.14)}" fill="${hsl(hue + 180, 80, 62)}"/>`;
  return svg({ width, height }, [
    softDisc('glow', hsl(hue, 90, 80)),
    disc('glow', halfOf({ width, height })),
    ...petals,
    heart,
  ]);
}

interface Size {
  readonly width: number;
  readonly height: number;
}

function svg({ width, height }: Size, parts: readonly string[]): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${String(width)}" height="${String(height)}">${parts.join('')}</svg>`;
}

function hsl(hue: number, saturation: number, lightness: number): string {
  return `hsl(${String(Math.round(hue) % 360)},${String(saturation)}%,${String(lightness)}%)`;
}

function skyGradient(colors: readonly string[]): string {
  const marks = colors.map(
    (color, index) => `<stop offset="${String(index * 0.25)}" stop-color="${color}"/>`,
  );
  return `<linearGradient id="sky" x2="0" y2="1">${marks.join('')}</linearGradient>`;
}

/** A radial gradient blurs an edge at a hundredth of the cost of a blur filter. */
function softDisc(id: string, color: string): string {
  const stop = (offset: number, opacity: number) =>
    `<stop offset="${String(offset)}" stop-color="${color}" stop-opacity="${String(opacity)}"/>`;
  return `<radialGradient id="${id}">${stop(0, 0.95)}${stop(0.35, 0.6)}${stop(1, 0)}</radialGradient>`;
}

interface Disc {
  readonly x: number;
  readonly y: number;
  readonly rx: number;
  readonly ry: number;
}

function disc(id: string, { x, y, rx, ry }: Disc): string {
  return `<ellipse cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" rx="${rx.toFixed(1)}" ry="${ry.toFixed(1)}" fill="url(#${id})"/>`;
}

function halfOf({ width, height }: Size): Disc {
  return { x: width / 2, y: height / 2, rx: width / 2, ry: height / 2 };
}

function sun(random: Random, { width, height }: Size): string {
  const radius = height * between(random, [0.12, 0.22]);
  const x = width * between(random, [0.2, 0.8]);
  return disc('sun', { x, y: height * between(random, [0.15, 0.35]), rx: radius, ry: radius });
}

function cloud(random: Random, { width, height }: Size): string {
  const rx = width * between(random, [0.08, 0.22]);
  const y = height * between(random, [0.05, 0.4]);
  return disc('cloud', { x: width * random(), y, rx, ry: rx * between(random, [0.15, 0.35]) });
}

/** One range of hills: a smooth ridge through random heights, filled down to the lower edge. */
function range(random: Random, hills: Size & { readonly horizon: number; readonly fill: string }): string {
  const { width, height, horizon, fill } = hills;
  const steps = 9;
  const reach = width / steps;
  const ridge = Array.from({ length: steps + 1 }, (_, index) => ({
    x: index * reach,
    y: height * (horizon + between(random, [-0.07, 0.05])),
  }));
  // Control points level with each point make the curve pass through it without a corner.
  const curves = ridge
    .slice(1)
    .map(({ x, y }) => `S${(x - reach / 2).toFixed(1)} ${y.toFixed(1)} ${x.toFixed(1)} ${y.toFixed(1)}`);
  return `<path d="M0 ${(ridge[0]?.y ?? 0).toFixed(1)} ${curves.join(' ')} V${String(height)} H0 Z" fill="${fill}"/>`;
}
