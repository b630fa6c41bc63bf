/** Rules of outbound messages: their states, and whether a provider accepts them. */
import type { FieldError } from './errors.js';
import { messageStatuses, type MediaKind } from './provider.js';
import { jitteredDelayMs } from './retry.js';
import { readableType } from './type-names.js';
import type { MediaLimits, MediaWay, SendLimits, SendRate } from './sending.js';

export const outboundStates = ['queued', 'sending', 'sent', 'failed', 'unknown', 'erased'] as const;
/**
 * `queued` → `sending` (the request has left) → `sent` (the provider has it), `failed` (it will never accept
 * it), `unknown` (it may have it: never sent again unless a user requests it) or `queued` again (it certainly
 * has not accepted it); any of them → `erased`.
 */
export type OutboundState = (typeof outboundStates)[number];

export const outboundStatuses = ['queued', ...messageStatuses, 'unknown'] as const;
/** The known progress of a message. */
export type OutboundStatus = (typeof outboundStatuses)[number];

/** Orders the statuses by progress. A failure counts only if nothing got further than `sent`. */
const progress: readonly OutboundStatus[] = ['queued', 'unknown', 'sent', 'failed', 'delivered', 'read'];

/** The furthest status, because statuses may arrive in any order. */
export function furthestOf<Told extends { readonly status: OutboundStatus }>(
  reported: readonly Told[],
): Told | undefined {
  return [...reported].sort((a, b) => progress.indexOf(b.status) - progress.indexOf(a.status))[0];
}

/** The texts of a message, without its media. */
export interface MessageTexts {
  readonly to: string;
  readonly kind: MediaKind;
  readonly caption: string | null;
  readonly filename: string | null;
}

/** All problems of the texts with the limits of the provider. */
export function textProblems(
  { to, kind, caption, filename }: MessageTexts,
  limits: SendLimits,
): FieldError[] {
  const { recipient } = limits;
  const problems: FieldError[] = [];
  if (!new RegExp(`^(?:${recipient.pattern})$`, 'u').test(to))
    problems.push({ field: 'to', message: `is not ${recipient.description}` });
  const media = limits.media[kind];
  if (!media) {
    const kinds = Object.keys(limits.media).join(', ');
    return [...problems, { field: 'kind', message: `${kind} is not accepted; accepted: ${kinds}` }];
  }
  return [...problems, ...captionProblems(caption, media), ...filenameProblems(filename, media)];
}

function captionProblems(caption: string | null, { maxCaption }: MediaLimits): FieldError[] {
  // Counts characters as people do, so that a surrogate pair is one character.
  const length = Array.from(caption ?? '').length;
  if (maxCaption === null || length <= maxCaption) return [];
  const message =
    maxCaption === 0
      ? 'is not accepted: this provider has no captions'
      : `has ${String(length)} characters; at most ${String(maxCaption)} are allowed`;
  return [{ field: 'caption', message }];
}

function filenameProblems(filename: string | null, { needsFilename }: MediaLimits): FieldError[] {
  return needsFilename && filename === null ? [{ field: 'filename', message: 'is required' }] : [];
}

/** The known facts about the media; null means unknown. */
export interface MediaFacts {
  readonly type: string | null;
  readonly bytes: number | null;
  /** The colours and edges in pixels of a picture, if they were examined. */
  readonly colours?:
    | {
        readonly space: string;
        readonly channels: number;
        readonly depth: string;
        readonly width: number;
        readonly height: number;
      }
    | undefined;
}

/** All problems of the media with the limits of the provider. */
export function mediaProblems({ type, bytes, colours }: MediaFacts, limits: MediaLimits): string[] {
  const problems: string[] = [];
  // A voice note has the type `audio/ogg; codecs=opus`, but limits list types without parameters.
  if (type !== null && !limits.types.includes(type.split(';')[0] ?? type)) {
    const { types } = limits;
    const accepted = types.map(readableType).join(', ');
    problems.push(`${readableType(type)} is not accepted; accepted: ${accepted}`);
  }
  if (bytes !== null && bytes > limits.maxBytes)
    problems.push(`has ${String(bytes)} bytes; at most ${String(limits.maxBytes)} are allowed`);
  if (limits.eightBitRgb && colours && !isEightBitRgb(colours))
    problems.push(
      `pictures must be RGB or RGBA with 8 bits per channel; this one is ${colours.space} with ${bitsOf(colours.depth)}`,
    );
  return colours ? [...problems, ...edgeProblems(colours, limits)] : problems;
}

function edgeProblems(
  { width, height }: { readonly width: number; readonly height: number },
  { maxEdges = Infinity, maxRatio = Infinity }: MediaLimits,
): string[] {
  const problems: string[] = [];
  const size = `has ${String(width)} x ${String(height)} pixels`;
  if (width + height > maxEdges)
    problems.push(`${size}; width and height together may have at most ${String(maxEdges)}`);
  if (Math.max(width, height) > maxRatio * Math.min(width, height))
    problems.push(`${size}; one edge may be at most ${String(maxRatio)} times as long as the other`);
  return problems;
}

/** Whether the pixels of a picture must be examined for these limits. */
export function examinesPixels({ eightBitRgb, maxEdges, maxRatio }: MediaLimits): boolean {
  return eightBitRgb === true || maxEdges !== undefined || maxRatio !== undefined;
}

function isEightBitRgb({
  space,
  channels,
  depth,
}: Pick<NonNullable<MediaFacts['colours']>, 'space' | 'channels' | 'depth'>): boolean {
  return depth === 'uchar' && space === 'srgb' && (channels === 3 || channels === 4);
}

/** The decoder names depths like C. */
function bitsOf(depth: string): string {
  return depth === 'uchar' ? '8 bits' : depth === 'ushort' ? '16 bits' : depth;
}

/** Chooses how the provider receives stored media; undefined if it supports none of the possible ways. */
export function chooseWay(ways: readonly MediaWay[], linksAreReachable: boolean): MediaWay | undefined {
  return ways.find((way) => way !== 'link' || linksAreReachable);
}

/**
 * Converts a rate to milliseconds: the share of one message, and how far a burst may run ahead. The result is
 * a little slower than allowed, with a burst that is one message shorter: the first requests open
 * connections, so later ones arrive faster and would otherwise be too early.
 */
export function paceOf({ messages, perMs, burst }: SendRate): { intervalMs: number; aheadMs: number } {
  const intervalMs = (perMs / messages) * 1.02;
  return { intervalMs, aheadMs: Math.max(0, burst - 2) * intervalMs };
}

const resendDelays = { firstDelayMs: 2_000, growth: 2, maxDelayMs: 600_000 };
const maxWaitMs = 86_400_000;

/**
 * The delay before a message that was not accepted is sent again, in milliseconds; undefined if it has waited
 * long enough.
 */
export function resendDelayMs(message: {
  readonly attempts: number;
  readonly waitingMs: number;
  readonly retryAfterMs: number | null;
  /** A random number from 0 to 1. */
  readonly chance: number;
}): number | undefined {
  if (message.waitingMs >= maxWaitMs) return undefined;
  return message.retryAfterMs ?? jitteredDelayMs(resendDelays, message.attempts, message.chance);
}
