/** What a provider does with media: it gets the bytes, and checks whether it accepts them. */
import { createHash } from 'node:crypto';

import sharp from 'sharp';

import { sniffType } from '../../../infra/file-types/detect.js';

/** What a provider accepts for one kind of media. */
export interface MediaRule {
  /** MIME types; `image/*` means any picture. */
  readonly types: readonly string[];
  readonly maxBytes: number;
  /** The limit for pictures, if it is lower. */
  readonly maxPictureBytes?: number;
  /** Whether pictures must be RGB or RGBA with 8 bits per channel. */
  readonly eightBitRgb?: true;
  /** The largest sum of the edges of a picture, in pixels. */
  readonly maxEdges?: number;
  /** The largest ratio of the edges of a picture. */
  readonly maxRatio?: number;
}

export type MediaOffer =
  | { readonly link: string; readonly declaredType?: string }
  | { readonly bytes: Uint8Array; readonly declaredType?: string };

export interface MediaFacts {
  readonly type: string;
  readonly bytes: number;
  readonly sha256: string;
}

export interface MediaProblem {
  readonly reason: 'unreachable' | 'too_large' | 'wrong_type';
  readonly message: string;
}

export type Inspection = { readonly media: MediaFacts } | { readonly problem: MediaProblem };

export const mebibyte = 1024 * 1024;
const downloadMs = 20_000;

/** Gets the bytes, from the link if there is one, and checks them against the rule. Never rejects. */
export async function inspect(offer: MediaOffer, rule: MediaRule, signal: AbortSignal): Promise<Inspection> {
  try {
    const bytes = 'bytes' in offer ? offer.bytes : await download(offer.link, rule.maxBytes, signal);
    const type = baseType(await sniffType(Buffer.from(bytes.subarray(0, 8_192))));
    await check({ bytes, type, declaredType: offer.declaredType }, rule);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    return { media: { type, bytes: bytes.length, sha256 } };
  } catch (error) {
    if (error instanceof Refusal) return { problem: { reason: error.reason, message: error.message } };
    return { problem: { reason: 'unreachable', message: `The media cannot be had: ${String(error)}` } };
  }
}

class Refusal extends Error {
  readonly reason: MediaProblem['reason'];

  constructor(reason: MediaProblem['reason'], message: string) {
    super(message);
    this.reason = reason;
  }
}

async function download(link: string, maxBytes: number, signal: AbortSignal): Promise<Buffer> {
  const response = await fetch(link, { signal: AbortSignal.any([signal, AbortSignal.timeout(downloadMs)]) });
  if (!response.ok || response.body === null)
    throw new Refusal('unreachable', `The link answered ${String(response.status)}`);
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > maxBytes) throw tooLarge(maxBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

const tooLarge = (maxBytes: number): Refusal =>
  new Refusal('too_large', `The media has more than ${String(maxBytes)} bytes`);

interface Found {
  readonly bytes: Uint8Array;
  readonly type: string;
  readonly declaredType: string | undefined;
}

async function check({ bytes, type, declaredType }: Found, rule: MediaRule): Promise<void> {
  const limit = limitFor(type, rule);
  if (bytes.length > limit) throw tooLarge(limit);
  if (!rule.types.some((taken) => matches(type, taken)))
    throw new Refusal('wrong_type', `The media is ${type}, not ${rule.types.join(' or ')}`);
  if (declaredType !== undefined && baseType(declaredType) !== type)
    throw new Refusal('wrong_type', `The media is ${type}, not ${declaredType} as it is said to be`);
  if (!type.startsWith('image/') || type === 'image/svg+xml') return;
  const { depth, space, width, height } = await sharp(bytes)
    .metadata()
    .catch(() => {
      throw new Refusal('wrong_type', 'The picture cannot be read');
    });
  if (rule.eightBitRgb && (depth !== 'uchar' || space !== 'srgb'))
    throw new Refusal('wrong_type', `The picture is ${space} of ${depth}, not 8-bit RGB or RGBA`);
  checkEdges(Math.max(width, height), Math.min(width, height), rule);
}

function checkEdges(
  longer: number,
  shorter: number,
  { maxEdges = Infinity, maxRatio = Infinity }: MediaRule,
): void {
  if (longer + shorter > maxEdges || longer > maxRatio * shorter)
    throw new Refusal('wrong_type', `The picture has ${String(longer)} x ${String(shorter)} pixels`);
}

function limitFor(type: string, { maxBytes, maxPictureBytes = maxBytes }: MediaRule): number {
  return type.startsWith('image/') ? maxPictureBytes : maxBytes;
}

const matches = (type: string, taken: string): boolean =>
  taken.endsWith('/*') ? type.startsWith(taken.slice(0, -1)) : type === taken;

/** Without parameters: `audio/ogg; codecs=opus` is Ogg. */
const baseType = (type: string): string => type.split(';', 1)[0]?.trim().toLowerCase() ?? '';
