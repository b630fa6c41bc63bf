/** A message on its way out: its states, and whether a provider takes it. Pure rules. */
import type { FieldError } from './errors.js';
import { messageStatuses, type MediaKind } from './provider.js';
import { readableType } from './type-names.js';
import type { MediaLimits, MediaWay, SendLimits, SendRate } from './sending.js';

export const outboundStates = ['queued', 'sending', 'sent', 'failed', 'unknown', 'erased'] as const;
/**
 * `queued` → `sending` (the request is out) → `sent` (the provider has it), `failed` (it will never take it), `unknown` (it may
 * have it or not: never sent again unless somebody asks for it) or `queued` again (it has surely not taken it); any of them → `erased`.
 */
export type OutboundState = (typeof outboundStates)[number];

export const outboundStatuses = ['queued', ...messageStatuses, 'unknown'] as const;
/** What is known of a message's way to the person. */
export type OutboundStatus = (typeof outboundStatuses)[number];

/** How far each status is. A failure counts only when nothing got further than `sent`. */
const progress: readonly OutboundStatus[] = ['queued', 'unknown', 'sent', 'failed', 'delivered', 'read'];

/** The furthest one: they may become known in any order. */
export function furthestOf<Told extends { readonly status: OutboundStatus }>(
  told: readonly Told[],
): Told | undefined {
  return [...told].sort((a, b) => progress.indexOf(b.status) - progress.indexOf(a.status))[0];
}

/** What is asked for, without the media's bytes. */
export interface OutboundWords {
  readonly to: string;
  readonly kind: MediaKind;
  readonly caption: string | null;
  readonly filename: string | null;
}

/** Everything about the words that the provider would not take. */
export function refusedWords(
  { to, kind, caption, filename }: OutboundWords,
  limits: SendLimits,
): FieldError[] {
  const { recipient } = limits;
  const problems: FieldError[] = [];
  if (!new RegExp(`^(?:${recipient.pattern})$`, 'u').test(to))
    problems.push({ field: 'to', message: `is not ${recipient.description}` });
  const media = limits.media[kind];
  if (!media) {
    const kinds = Object.keys(limits.media).join(', ');
    return [...problems, { field: 'kind', message: `${kind} is not taken; ${kinds} ${isOrAre(limits)}` }];
  }
  return [...problems, ...refusedCaption(caption, media), ...refusedFilename(filename, media)];
}

function isOrAre({ media }: SendLimits): string {
  return Object.keys(media).length === 1 ? 'is' : 'are';
}

function refusedCaption(caption: string | null, { maxCaption }: MediaLimits): FieldError[] {
  // Characters as people count them: not halves of those beyond the basic plane.
  const length = Array.from(caption ?? '').length;
  if (maxCaption === null || length <= maxCaption) return [];
  const message =
    maxCaption === 0
      ? 'is not taken: this provider has no captions'
      : `at most ${String(maxCaption)} characters, these are ${String(length)}`;
  return [{ field: 'caption', message }];
}

function refusedFilename(filename: string | null, { needsFilename }: MediaLimits): FieldError[] {
  return needsFilename && filename === null ? [{ field: 'filename', message: 'is needed' }] : [];
}

/** What is known of the media; null: nobody has told. */
export interface MediaFacts {
  readonly type: string | null;
  readonly bytes: number | null;
  /** Of pictures, where it was looked at. */
  readonly colours?:
    { readonly space: string; readonly channels: number; readonly depth: string } | undefined;
}

/** Everything about the media that the provider would not take, in the words of its limits. */
export function refusedMedia({ type, bytes, colours }: MediaFacts, limits: MediaLimits): string[] {
  const problems: string[] = [];
  // A voice note is `audio/ogg; codecs=opus` by its bytes: limits name types without parameters.
  if (type !== null && !limits.types.includes(type.split(';')[0] ?? type)) {
    const { types } = limits;
    const taken = types.map(readableType).join(', ');
    problems.push(`${readableType(type)} is not taken; ${taken} ${types.length === 1 ? 'is' : 'are'}`);
  }
  if (bytes !== null && bytes > limits.maxBytes)
    problems.push(`at most ${String(limits.maxBytes)} bytes, these are ${String(bytes)}`);
  if (limits.eightBitRgb && colours && !isEightBitRgb(colours))
    problems.push(
      `pictures need 8 bits a channel, RGB or RGBA; this one is ${colours.space} with ${bitsOf(colours.depth)}`,
    );
  return problems;
}

function isEightBitRgb({ space, channels, depth }: NonNullable<MediaFacts['colours']>): boolean {
  return depth === 'uchar' && space === 'srgb' && (channels === 3 || channels === 4);
}

/** The decoder names depths as C does. */
function bitsOf(depth: string): string {
  return depth === 'uchar' ? '8 bits' : depth === 'ushort' ? '16 bits' : depth;
}

/** How the provider is handed media that we hold, or undefined when none of its ways is open. */
export function wayOf(ways: readonly MediaWay[], linksReachUs: boolean): MediaWay | undefined {
  return ways.find((way) => way !== 'link' || linksReachUs);
}

/**
 * A rate as times (milliseconds): how much of it one message uses up, and how far ahead of it one may be. A little slower than
 * allowed, and with a burst that is one short: the first requests open connections, so that later ones are faster on their
 * way, and what left in time would come too early.
 */
export function paceOf({ messages, perMs, burst }: SendRate): { intervalMs: number; aheadMs: number } {
  const intervalMs = (perMs / messages) * 1.02;
  return { intervalMs, aheadMs: Math.max(0, burst - 2) * intervalMs };
}

const firstDelayMs = 2_000;
const longestDelayMs = 600_000;
const patienceMs = 86_400_000;

/** When a message that was not taken is tried again (milliseconds from now), or undefined when it has waited long enough. */
export function sendAgainAfter(refused: {
  readonly attempts: number;
  readonly waitingMs: number;
  readonly retryAfterMs: number | null;
  /** From 0 to 1. */
  readonly chance: number;
}): number | undefined {
  if (refused.waitingMs >= patienceMs) return undefined;
  const full = Math.min(firstDelayMs * 2 ** Math.min(refused.attempts - 1, 20), longestDelayMs);
  return refused.retryAfterMs ?? Math.round(full * (0.5 + refused.chance / 2));
}
