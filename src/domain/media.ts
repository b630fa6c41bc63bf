/** Words and rules about attachments: states, previews, which types go with which kind. */
import type { MediaKind } from './provider.js';
import { readableType } from './type-names.js';

export const mediaStates = ['pending', 'ready', 'rejected', 'failed', 'erased'] as const;
/**
 * `pending` (to be fetched, or waiting for the next attempt) → `ready` (bytes and previews can be read), `rejected` (never
 * will be) or `failed` (attempts used up, or gone at the provider); any of them → `erased`; `rejected` and `failed` →
 * `pending` when somebody asks for another try.
 */
export type MediaState = (typeof mediaStates)[number];

export const previewSizes = ['small', 'large'] as const;
export type PreviewSize = (typeof previewSizes)[number];

/** Longest edge in pixels. */
export const previewEdge = { small: 320, large: 1280 } as const satisfies Record<PreviewSize, number>;

export interface Preview {
  readonly size: PreviewSize;
  readonly type: string;
  readonly width: number;
  readonly height: number;
}

export const warningCodes = [
  'media.damaged',
  'media.no_decoder',
  'media.too_many_pixels',
  'media.not_previewed',
  'media.kind_differs',
  'media.hash_mismatch',
] as const;
export type WarningCode = (typeof warningCodes)[number];

/** What is odd about a file that is kept all the same. */
export interface MediaWarning {
  readonly code: WarningCode;
  readonly message: string;
}

/** Whether there may be previews that were not made yet. */
export function awaitsPreviews({ warnings }: { readonly warnings: readonly MediaWarning[] }): boolean {
  return warnings.some(({ code }) => code === 'media.not_previewed');
}

/** What is known of stored bytes. */
export interface BlobFacts {
  /** Hex. */
  readonly sha256: string;
  readonly type: string;
  readonly bytes: number;
  /** As displayed, after EXIF orientation. */
  readonly width: number | null;
  readonly height: number | null;
  /** Base64. */
  readonly thumbhash: string | null;
  readonly previews: readonly Preview[];
  /** What its previews lack, and why. Says nothing of what a sender has announced: others may announce the same bytes as something else. */
  readonly warnings: readonly MediaWarning[];
}

/**
 * Bytes whose files are there. Files are removed together with the row that knows of them, and stored anew under another one: as
 * long as the row says the same, they have not been removed in between.
 */
export interface HeldBlob extends BlobFacts {
  /** Of the row, a number. */
  readonly revision: string;
}

/** Raster images that libvips may see. SVG, PDF and the like never reach it. */
const decodableTypes = new Set([
  'image/jpeg',
  'image/png',
  'image/webp',
  'image/gif',
  'image/tiff',
  'image/avif',
]);
/** As Apple's phones write them; they have a decoder of their own. */
const heicTypes = new Set(['image/heic', 'image/heif', 'image/heic-sequence', 'image/heif-sequence']);
/** Containers that hold sound or moving pictures, whichever was announced. */
const audioVideoTypes = new Set(['application/ogg', 'application/vnd.ms-asf', 'application/mp4']);

export function isDecodable(type: string): boolean {
  return decodableTypes.has(type);
}

export function isHeic(type: string): boolean {
  return heicTypes.has(type);
}

/** Markup and data: where a picture was announced, such an answer is a login page or an error, and no file of a person's. */
const answerTypes = new Set(['text/html', 'application/json', 'application/xml']);

/** Whether bytes of this type are surely not the file that was announced. Documents may be anything. */
export function isNoMedia(type: string, kind: MediaKind): boolean {
  return kind !== 'document' && answerTypes.has(type);
}

/** Whether bytes of this type are what the message said they were. Documents may be anything. */
export function typeFitsKind(type: string, kind: MediaKind): boolean {
  switch (kind) {
    case 'document':
      return true;
    case 'image':
    case 'sticker':
      return type.startsWith('image/');
    case 'video':
    case 'audio':
      // Animated pictures come as video in some apps; sound and moving pictures share containers.
      return (
        /^(audio|video)\//.test(type) ||
        type === 'image/gif' ||
        audioVideoTypes.has(type) ||
        type === unknownType
      );
  }
}

/** What was said of a file before its bytes were here. */
export interface Announcement {
  readonly kind: MediaKind;
  /** Hex. */
  readonly declaredSha256: string | null;
}

/** Everything that is odd about a media whose bytes are kept, as its own announcement and its bytes say. */
export function warningsOf(
  { kind, declaredSha256 }: Announcement,
  { type, sha256, warnings }: Pick<BlobFacts, 'type' | 'sha256' | 'warnings'>,
): readonly MediaWarning[] {
  const differing: MediaWarning[] = [];
  if (!typeFitsKind(type, kind))
    differing.push({
      code: 'media.kind_differs',
      message: `announced as ${kind}, but the bytes are ${readableType(type)}`,
    });
  if (declaredSha256 !== null && declaredSha256 !== sha256)
    differing.push({
      code: 'media.hash_mismatch',
      message: 'the bytes are not those whose SHA-256 was announced',
    });
  return [...differing, ...warnings];
}

export const unknownType = 'application/octet-stream';

/** Types a browser may show in place: none of them can run script. Everything else is downloaded. */
const inlineTypes = new Set([
  'image/jpeg',
  'image/png',
  'image/webp',
  'image/gif',
  'image/avif',
  'video/mp4',
  'video/webm',
  'video/3gpp',
  'video/quicktime',
  'audio/mpeg',
  'audio/mp4',
  'audio/quicktime',
  'audio/x-m4a',
  'audio/aac',
  'audio/ogg',
  'audio/opus',
  'audio/webm',
  'audio/amr',
  'audio/3gpp',
  'audio/3gpp2',
  'audio/wav',
]);

export function isInline(type: string): boolean {
  return inlineTypes.has(type.split(';')[0] ?? type);
}
